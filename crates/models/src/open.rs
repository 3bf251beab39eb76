//! One door for every model file: what it is, is decided by its bytes, never by its name.

use crate::pickle::{self, Limits, Trace};
use crate::predictor::{Error, Predictor};
use crate::sklearn;

/// Opens a model file without executing anything in it.
///
/// `name` serves messages only. The file is at most `limits.file_bytes_max` bytes; memory is bounded by a constant
/// times its unpacked size.
///
/// # Errors
/// [`Error::Unreadable`] with the reason: not a model, damaged, beyond a limit, or of a class whose answers are not
/// known to be exactly the library's (the message names the class).
pub fn open(bytes: &[u8], name: &str, limits: &Limits) -> Result<Box<dyn Predictor>, Error> {
    read(bytes, limits).map_err(|error| match error {
        Error::Unreadable(why) => Error::Unreadable(format!("{name} cannot be opened: {why}")),
        other => other,
    })
}

fn read(bytes: &[u8], limits: &Limits) -> Result<Box<dyn Predictor>, Error> {
    if let Some(library) = sklearn::Library::of(bytes) {
        return own_file(library, bytes, limits);
    }
    if let Some(format) = foreign(bytes) {
        return Err(Error::Unreadable(format!("{format} files cannot be read by this version")));
    }
    let unreadable = |fault: pickle::Fault| Error::Unreadable(fault.to_string());
    let unpacked = pickle::unpack(bytes, limits).map_err(unreadable)?;
    let pickle = pickle::read(&unpacked, limits, &mut Trace::default()).map_err(unreadable)?;
    sklearn::read(&pickle, limits)
}

/// A file that a booster wrote itself; it is not compressed.
fn own_file(library: sklearn::Library, bytes: &[u8], limits: &Limits) -> Result<Box<dyn Predictor>, Error> {
    if bytes.len() > limits.file_bytes_max {
        let what = format!("the file has {} bytes, more than the limit of {}", bytes.len(), limits.file_bytes_max);
        return Err(Error::Unreadable(what));
    }
    sklearn::read_booster(library, bytes, limits)
}

/// Formats of models that are recognised but not read.
pub(crate) fn foreign(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some("Keras (HDF5)");
    }
    if bytes.starts_with(b"PK\x03\x04") {
        let holds = |name: &[u8]| bytes.windows(name.len()).take(4096).any(|window| window == name);
        return Some(match () {
            () if holds(b"config.json") || holds(b"metadata.json") => "Keras",
            () if holds(b"data.pkl") => "PyTorch",
            () if holds(b"schema.json") => "skops",
            () => "zip",
        });
    }
    if bytes.starts_with(b"CBM1") {
        return Some("CatBoost");
    }
    if bytes.starts_with(b"tree\nversion=") {
        return Some("LightGBM");
    }
    if bytes.starts_with(b"{L\0\0\0") || bytes.starts_with(b"binf") {
        return Some("XGBoost");
    }
    if bytes.first() == Some(&b'{') && bytes.get(1).is_some_and(|next| b"\"\n\r \t".contains(next)) {
        return Some("JSON");
    }
    // A serialised ModelProto starts with its field 1, ir_version, a small number (onnx.proto).
    match bytes {
        [0x08, 1..=20, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] => Some("ONNX"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named() {
        let check = |bytes: &[u8], word: &str| {
            let error = open(bytes, "m", &Limits::default()).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        };
        check(b"\x89HDF\r\n\x1a\n....", "Keras");
        check(b"\x08\x07\x12\x08skl2onnx", "ONNX");
        check(b"PK\x03\x04............data.pkl", "PyTorch");
        check(b"", "at byte 0");
        check(b"hello", "at byte");
    }
}
