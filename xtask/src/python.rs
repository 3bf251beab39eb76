//! Python tools that the tests drive, in a virtual environment beside the build: a server that answers as S3, and
//! schemathesis. The versions are pinned in `python-tests.txt`; when they change, the environment is made anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::test::root;

/// What is installed, one `name==version` a line.
const REQUIREMENTS: &str = include_str!("../python-tests.txt");

/// The folder of the programs of an environment that holds everything in `python-tests.txt`.
pub(crate) fn environment() -> anyhow::Result<PathBuf> {
    let folder = target().join("test-python");
    let (programs, stamp) = (folder.join("bin"), folder.join("python-tests.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(programs);
    }
    println!("xtask: installing Python tools into {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    succeed(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&folder))?;
    let requirements = root().join("xtask/python-tests.txt");
    let install = ["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--requirement"];
    // The versions were tried together and are all there is: nothing is left to resolve.
    succeed(Command::new(programs.join("pip")).args(install).arg(&requirements).arg("--no-deps"))?;
    std::fs::write(&stamp, REQUIREMENTS)?;
    Ok(programs)
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(Path::new(&folder)))
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
