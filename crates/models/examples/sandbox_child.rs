//! The child that tests of the sandbox start: it does what `assize sandbox` does.

fn main() -> std::io::Result<()> {
    assize_models::sandbox::serve_child()
}
