//! A throwaway PostgreSQL cluster for one test run: its own folder, a free port on the loopback, stopped and removed at
//! the end. PostgreSQL refuses to run as root, so as root it runs as the user `postgres`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// A running cluster; dropping it stops it.
pub(crate) struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes and starts a cluster. Durability is off: it lives as long as the tests.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let programs = programs()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("assize-test-postgres-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let cluster = Self { folder, programs, port };
        let data = cluster.folder.join("data");
        succeed(
            cluster
                .program("initdb")
                .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--pgdata"])
                .arg(&data)
                .stdout(Stdio::null()),
        )?;
        cluster.resume()?;
        Ok(cluster)
    }

    /// Starts it on what it has stored.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        let port = self.port;
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200"
        );
        succeed(
            self.program("pg_ctl")
                .args(["--wait", "--silent", "--options", &options, "--log"])
                .arg(self.folder.join("log"))
                .arg("--pgdata")
                .arg(self.folder.join("data"))
                .arg("start")
                .stdout(Stdio::null()),
        )
    }

    /// Stops it at once, whatever runs on it. What was committed comes back with [`Cluster::resume`].
    pub(crate) fn stop(&self) -> anyhow::Result<()> {
        succeed(
            self.program("pg_ctl")
                .args(["--silent", "--mode=immediate", "--pgdata"])
                .arg(self.folder.join("data"))
                .arg("stop")
                .stdout(Stdio::null()),
        )
    }

    /// Where tests find it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("the test cluster in {} was not stopped: {error}", self.folder.display());
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} was not removed: {error}", self.folder.display());
        }
    }
}

/// The folder of the newest installed PostgreSQL's programs.
pub(crate) fn programs() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed")?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            path.join("bin/initdb").exists().then(|| (version, path.join("bin")))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, path)| path).context("PostgreSQL's server programs are not installed")
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
