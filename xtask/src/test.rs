//! Everything that must hold before a change is merged, in the order that fails fastest.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::{packages, postgres::Cluster, python, s3::S3};

/// Runs every check and every test; the first failure ends it.
pub(crate) fn run() -> anyhow::Result<()> {
    packages::install_missing()?;
    let programs = python::environment()?;
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    step("clippy", cargo().args(["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    let cluster = Cluster::start().context("a throwaway PostgreSQL cluster cannot be started")?;
    let s3 = S3::start(&programs).context("a throwaway S3 server cannot be started")?;
    step("build", cargo().args(["build", "--locked", "--workspace", "--all-targets"]))?;
    let mut tests = if has_nextest() {
        let mut command = cargo();
        command.args(["nextest", "run", "--locked", "--workspace", "--all-targets", "--no-fail-fast"]);
        command
    } else {
        let mut command = cargo();
        command.args(["test", "--locked", "--workspace", "--all-targets", "--no-fail-fast"]);
        command
    };
    tests.env("ASSIZE_TEST_POSTGRES_URL", cluster.url()).env("ASSIZE_TEST_S3_URL", s3.url());
    tests.env("ASSIZE_TEST_PYTHON", &programs);
    let outcome = step("tests", &mut tests);
    drop((cluster, s3));
    outcome?;
    step("documentation tests", cargo().args(["test", "--locked", "--workspace", "--doc"]))?;
    println!("xtask: everything passed");
    Ok(())
}

/// Writes the OpenAPI file that a test compares with what the server serves.
pub(crate) fn write_openapi() -> anyhow::Result<()> {
    let output = cargo()
        .args(["run", "--quiet", "--package", "assize-cli", "--", "openapi"])
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("assize openapi failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let path = root().join("docs/openapi/openapi.json");
    std::fs::write(&path, output.stdout).with_context(|| format!("{} cannot be written", path.display()))
}

/// The folder of the workspace, asked at run time: a build folder may be shared by clones.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this command");
    Path::new(&package).parent().expect("xtask lies in the workspace").to_path_buf()
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").expect("cargo runs this command"));
    command.current_dir(root());
    command
}

fn has_nextest() -> bool {
    cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

fn step(name: &str, command: &mut Command) -> anyhow::Result<()> {
    println!("xtask: {name}");
    let status = command.status().with_context(|| format!("{name}: {command:?} cannot be started"))?;
    if !status.success() {
        bail!("{name} failed: {command:?} ended with {status}");
    }
    Ok(())
}
