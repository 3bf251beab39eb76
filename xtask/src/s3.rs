//! A throwaway S3 server for one test run: moto, in memory, on a free port of the loopback, stopped at the end.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

/// A running server; dropping it stops it.
pub(crate) struct S3 {
    child: Child,
    port: u16,
}

impl S3 {
    /// Starts a server with the programs of the tests' Python environment, and waits until it answers.
    #[expect(clippy::disallowed_methods, reason = "speaks to the test's own server on the loopback")]
    pub(crate) fn start(programs: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(programs.join("moto_server"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("moto_server cannot be started")?;
        let mut server = Self { child, port };
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("moto_server ended with {status}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("moto_server did not answer within 30 seconds");
    }

    /// Where tests find it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let stopped = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = stopped {
            eprintln!("xtask: the S3 server was not stopped: {error}");
        }
    }
}
