//! An installation of several processes: two servers and two workers, each with a home of its own, on one PostgreSQL,
//! one S3 bucket and one signing key. Any of them can be killed and started again.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::harness::{Answer, assize, curl, folder};

/// Bound on one request of a test; a server that needs longer hangs.
const ANSWER_WITHIN_S: &str = "60";

/// The S3 server of `cargo xtask test`, without TLS; without one there is nothing to test here.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their object store is")]
pub(crate) fn s3_url() -> Option<String> {
    std::env::var("ASSIZE_TEST_S3_URL").ok().filter(|url| !url.is_empty())
}

/// `PUT`s something to the S3 server: a bucket, or an object in one.
#[expect(clippy::disallowed_methods, reason = "speaks to the test's own server on the loopback")]
pub(crate) fn s3_put(server: &str, path: &str, body: &[u8]) {
    let mut connection = TcpStream::connect(server.trim_start_matches("http://")).expect("the S3 server answers");
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: s3\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// What a process of the installation does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Worker,
}

/// One process, alive or not.
pub(crate) struct Process {
    name: &'static str,
    pub(crate) role: Role,
    child: Option<Child>,
    /// Where it answers, while it does.
    pub(crate) url: String,
}

/// The database, the bucket and the four processes.
pub(crate) struct Installation {
    pub(crate) cluster: Cluster,
    pub(crate) processes: Vec<Process>,
    folder: TempDir,
}

impl Installation {
    /// Starts everything; `None` without an S3 server.
    pub(crate) fn start(more: &str) -> Option<Self> {
        let s3 = s3_url()?;
        let bucket = format!("assize-cli-{}-{}", std::process::id(), s3_port_of_nobody());
        s3_put(&s3, &format!("/{bucket}"), b"");
        let cluster = Cluster::start().expect("PostgreSQL starts: cargo xtask test installs it");
        let folder = folder();
        let key = folder.path().join("keys/signing.pem");
        let config = format!(
            "[server]\npublic_url = \"https://assize.test\"\n\n[storage]\ndatabase_url = \"{}\"\n\
             objects_url = \"s3://{bucket}/objects\"\n\n[storage.s3]\nendpoint = \"{s3}\"\nregion = \"us-east-1\"\n\
             access_key_id = \"test\"\nsecret_access_key = \"hunter2-s3-secret\"\nallow_http = true\n\n\
             [signing]\nkey_file = \"{}\"\n\n[vault]\nmaster_key_file = \"{}\"\n\n[worker]\nlease_s = 5\nconcurrency = 1\nthreads = 1\n{more}",
            cluster.url().replace("postgres@", "postgres:hunter2-database@"),
            key.display(),
            key.with_file_name("master.key").display()
        );
        std::fs::write(folder.path().join("assize.toml"), config).unwrap();
        let process = |name, role| Process { name, role, child: None, url: String::new() };
        let processes = vec![
            process("server-a", Role::Server),
            process("server-b", Role::Server),
            process("worker-a", Role::Worker),
            process("worker-b", Role::Worker),
        ];
        let mut installation = Self { cluster, processes, folder };
        for index in 0..installation.processes.len() {
            installation.spawn(index);
        }
        Some(installation)
    }

    /// Kills a process without a chance to tidy up.
    pub(crate) fn kill(&mut self, index: usize) {
        let mut child = self.processes[index].child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Starts a process, and waits until it says that it works.
    pub(crate) fn spawn(&mut self, index: usize) {
        let (config, log) = (self.config(), self.log(index));
        let process = &mut self.processes[index];
        let mut command = assize();
        match process.role {
            Role::Server => command.args(["serve", "--no-worker", "--listen", "127.0.0.1:0"]),
            Role::Worker => command.args(["worker", "--listen", "127.0.0.1:0"]),
        };
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        command.arg("--config").arg(config).arg("--home").arg(self.folder.path().join(process.name));
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("{} ended at its start", process.name)).unwrap();
            if let Some(address) = line.split("http://").nth(1) {
                process.url = format!("http://{}", address.trim());
                break;
            }
        }
        // Whatever else it prints is read, so that it never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        process.child = Some(child);
    }

    /// `curl` on a path of a server.
    pub(crate) fn ask(&self, server: usize, path: &str, arguments: &[&str]) -> Answer {
        let mut all = vec!["--max-time", ANSWER_WITHIN_S];
        all.extend(arguments);
        curl(&format!("{}{path}", self.processes[server].url), &all)
    }

    /// Sends data of 300 people, different for every `seed`, to be audited.
    pub(crate) fn submit(&self, server: usize, seed: u32) -> Answer {
        let data = self.folder.path().join(format!("people-{seed}.csv"));
        std::fs::write(&data, people(seed, 300)).unwrap();
        self.submit_file(server, &data, &["prediction_column=decision"])
    }

    /// Sends a data file with the columns of [`people`] to be audited, with `more` fields. Without a prediction column a
    /// model is trained, which takes its time.
    pub(crate) fn submit_file(&self, server: usize, data: &Path, more: &[&str]) -> Answer {
        let mut form = vec![format!("dataset_file=@{}", data.display())];
        for field in [
            "model_name=Model",
            "organization=Org",
            "domain=employment",
            "target_column=income",
            "protected_attributes=sex",
        ]
        .iter()
        .chain(more)
        {
            form.push((*field).to_owned());
        }
        let arguments: Vec<&str> = form.iter().flat_map(|part| ["-F", part]).collect();
        self.ask(server, "/audit/full?async=true", &arguments)
    }

    /// The state of a job as a server tells it.
    pub(crate) fn job(&self, server: usize, id: &str) -> Value {
        self.ask(server, &format!("/audit/jobs/{id}"), &[]).json()
    }

    /// Rows of a question to the database, a field each.
    pub(crate) fn rows(&self, question: &str) -> Vec<String> {
        let output = std::process::Command::new("psql")
            .args(["--quiet", "--no-psqlrc", "--tuples-only", "--no-align", &self.cluster.url(), "--command", question])
            .output()
            .expect("psql is installed: cargo xtask test installs it");
        assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("assize.toml")
    }

    /// What a process has logged over all its lives.
    pub(crate) fn log(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("{}.log", self.processes[index].name))
    }

    /// A folder for what a test writes.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The home of a process.
    pub(crate) fn home(&self, index: usize) -> PathBuf {
        self.folder.path().join(self.processes[index].name)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for process in &mut self.processes {
            if let Some(mut child) = process.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        if std::thread::panicking() {
            for index in 0..self.processes.len() {
                let log = std::fs::read_to_string(self.log(index)).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(20).collect();
                eprintln!(
                    "--- {}\n{}",
                    self.processes[index].name,
                    last.into_iter().rev().collect::<Vec<_>>().join("\n")
                );
            }
        }
    }
}

/// A number that two installations of one process do not share: a port that was free.
fn s3_port_of_nobody() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// People with an outcome and a decision that favours men a little.
pub(crate) fn people(seed: u32, count: usize) -> String {
    let mut csv = String::from("age,sex,hours,decision,income\n");
    let mut random = Random(u64::from(seed));
    for _ in 0..count {
        let sex = ["Male", "Female"][random.below(2)];
        let (age, hours) = (18 + random.below(50), 20 + random.below(40));
        let merit = hours + if sex == "Male" { 12 } else { 0 };
        let income = if merit + random.below(30) > 55 { ">50K" } else { "<=50K" };
        let decision = if merit + random.below(20) > 50 { ">50K" } else { "<=50K" };
        writeln!(csv, "{age},{sex},{hours},{decision},{income}").unwrap();
    }
    csv
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same sequence for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}
