//! Starts the binary on a home of its own and a free port, and talks to it with `curl`, as the documented examples do.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

/// What `curl` got.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().expect("an error has a detail").to_owned()
    }
}

impl Server {
    /// `assize serve` on this home, with more arguments.
    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Self {
        Self::start_as(assize(), home, arguments)
    }

    /// The same for a process whose writes fail beyond [`Server::limit_files`]: to a program, a disk that is full looks
    /// the same, but for the signal that comes before the error and would end the process.
    pub(crate) fn start_on_a_small_disk(home: &Path) -> Self {
        let mut shell = Command::new("bash");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(assize().get_program());
        shell.env_remove("ASSIZE_HOME").env_remove("ASSIZE_CONFIG");
        Self::start_as(shell, home, &[])
    }

    /// From now on no file of the process may grow beyond so many bytes; `None` for any number.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let process = format!("--pid={}", self.child.id());
        let limited = Command::new("prlimit").arg(process).arg(format!("--fsize={bytes}:")).status();
        assert!(limited.expect("prlimit is part of util-linux").success());
    }

    fn start_as(mut command: Command, home: &Path, arguments: &[&str]) -> Self {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--home"])
            .arg(home)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let url = loop {
            let line = lines.next().expect("the server says where it listens").expect("its output is text");
            if let Some(address) = line.split("http://").nth(1) {
                break format!("http://{}", address.trim().trim_end_matches('/'));
            }
        };
        // Whatever else it prints is read, so that it never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// Stops it without a chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server ends");
    }

    /// `curl` on a path of this server.
    pub(crate) fn curl(&self, path: &str, arguments: &[&str]) -> Answer {
        curl(&format!("{}{path}", self.url), arguments)
    }

    /// The reference's form for a file, with fields changed or added.
    pub(crate) fn audit(&self, path: &str, dataset: &Path, fields: &[(&str, &str)]) -> Answer {
        let mut form = vec![("dataset_file".to_owned(), format!("@{}", dataset.display()))];
        let defaults = [
            ("model_name", "IncomeClassifier v1.0"),
            ("organization", "Research Institute"),
            ("domain", "employment"),
            ("target_column", "income"),
            ("protected_attributes", "race,sex,age"),
        ];
        for (name, value) in defaults {
            if !fields.iter().any(|(field, _)| *field == name) {
                form.push((name.to_owned(), value.to_owned()));
            }
        }
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let form: Vec<String> = form.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let arguments: Vec<&str> = form.iter().flat_map(|part| ["-F", part]).collect();
        self.curl(path, &arguments)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary under test, with nothing of this machine's configuration.
pub(crate) fn assize() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.env_remove("ASSIZE_HOME").env_remove("ASSIZE_CONFIG");
    command
}

/// Runs the binary to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    assize().current_dir(folder).args(arguments).output().expect("the binary runs")
}

/// Both streams of a run, for messages.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn curl(url: &str, arguments: &[&str]) -> Answer {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "120"])
        .args(arguments)
        .arg(url)
        .output()
        .expect("curl is installed: cargo xtask test installs it");
    assert!(output.status.success(), "curl {url}: {}", String::from_utf8_lossy(&output.stderr));
    parse(&output.stdout)
}

/// Status, headers and body of the last response; informational ones (`100 Continue`) come before it.
fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a response has headers");
    let headers = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let body = &bytes[end + 4..];
    let status: u16 = headers.split_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    if status < 200 {
        return parse(body);
    }
    Answer { status, headers, body: body.to_vec() }
}

/// An empty folder, removed at the end.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The sample data of the repository.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../data/samples")
        .join(name)
        .canonicalize()
        .expect("sample data")
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// Waits until `done` says so; a bound on the wait, not a measure of speed.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("waited a minute for {what}");
}

impl Server {
    /// CPU seconds that the process has used.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the server runs");
        // Fields after the name, which may hold blanks; user and system time are the 14th and 15th of all.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a stat line").split_whitespace().collect();
        let ticks: f64 =
            fields[11].parse::<f64>().expect("user time") + fields[12].parse::<f64>().expect("system time");
        ticks / 100.0
    }
}
