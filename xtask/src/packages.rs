//! Debian packages that the tests drive: a browser, a database, the clients of the documented examples. What is there
//! already is left alone; what is missing is installed as root, or with sudo.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// (package, a file or command that proves it is there).
const NEEDED: &[(&str, &str)] = &[
    ("chromium", "/usr/bin/chromium"),
    ("chromium-driver", "/usr/bin/chromedriver"),
    ("postgresql", "/usr/lib/postgresql"),
    ("poppler-utils", "/usr/bin/pdftotext"),
    ("util-linux", "/usr/bin/prlimit"),
    ("curl", "/usr/bin/curl"),
    ("nodejs", "/usr/bin/node"),
    ("python3-venv", "/usr/share/doc/python3-venv"),
    ("python3-requests", "/usr/lib/python3/dist-packages/requests"),
];

/// Installs the packages that are missing.
pub(crate) fn install_missing() -> anyhow::Result<()> {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(_, proof)| !present(Path::new(proof))).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("xtask: installing {}", missing.join(" "));
    apt_get(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    apt_get(&arguments)?;
    for (package, proof) in NEEDED {
        if !present(Path::new(proof)) {
            bail!("package {package} was installed, but {proof} is not there");
        }
    }
    Ok(())
}

/// A server package may leave its folder behind without programs: there must be something inside.
fn present(proof: &Path) -> bool {
    if proof == Path::new("/usr/lib/postgresql") { crate::postgres::programs().is_ok() } else { proof.exists() }
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = if crate::postgres::is_root() {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", "apt-get"]);
        command
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    let status = command.status().context("apt-get cannot be started: install the packages by hand")?;
    if !status.success() {
        bail!("apt-get {} failed; as a user without sudo, install the packages by hand", arguments.join(" "));
    }
    Ok(())
}
