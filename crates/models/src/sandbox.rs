//! Model files are opened in a process of their own, behind walls; here are both sides of the pipe.
//!
//! Flow: [`Sandbox`] starts the program again as a child (`assize sandbox`), whose [`serve_child`] puts up its walls
//! ([`confine`]) before it reads the first byte of a file. Parent and child then exchange length-prefixed messages
//! ([`wire`], [`message`]): a file to open or to scan, rows to answer
//! or to explain. What comes back is a [`SandboxedModel`], a
//! [`Predictor`](crate::Predictor) like any other, so that audits see no difference.
//!
//! Invariants: a file reaches the child as bytes in a pipe, never as a path; the child can open no file, reach no
//! network and start no program where the kernel has the means, and is limited in memory and processor time
//! everywhere; the parent believes nothing it is told: sizes are bounded before anything is reserved, shapes, classes
//! and probabilities are checked; a child that does not answer in time is killed, and one that dies is an
//! [`Error::Stopped`](crate::Error::Stopped) that says what of, never a dead parent.
//!
//! This is the one module of the crate that does I/O, and it does nothing else.

mod child;
mod confine;
mod message;
mod model;
mod process;
mod wire;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use assize_tables::Cancel;

pub use child::serve_child;
pub use model::SandboxedModel;

use crate::predictor::Error;
use crate::scan::Scan;
use message::Confinement;
pub(crate) use message::plain;
use process::{Connection, Payload};
use wire::Writer;

/// Version of the protocol; both sides are the same program, so another one is a broken installation.
const PROTOCOL_VERSION: u16 = 3;

/// Memory that any file may cost to open: a hostile one stays under 300 MB, the program itself included.
const MEMORY_BYTES_BASE: u64 = 160 << 20;
/// Memory for each byte of a file: unpacking, its copy while a buffer grows, and what is kept of it.
const MEMORY_PER_FILE_BYTE: u64 = 16;
/// Size up to which a file has only that much; beyond it a file is large because a model is.
const SMALL_FILE_BYTES: u64 = 8 << 20;
/// Memory for each byte beyond: a compressed forest unpacks to some ten times its size.
const MEMORY_PER_LARGE_FILE_BYTE: u64 = 40;
/// Most memory for opening, whatever the size.
const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Memory that answering may cost beyond opening, and again for each thread.
const MEMORY_BYTES_TO_ANSWER: u64 = 256 << 20;
const MEMORY_BYTES_A_THREAD: u64 = 192 << 20;

/// Seconds of processor time for opening any file; honest small ones need some milliseconds.
const OPEN_CPU_S: u64 = 1;
/// Bytes of a file that earn another second.
const OPEN_BYTES_A_CPU_S: u64 = 8 << 20;
/// Times as long as that may pass on the clock: a file has no way to wait, but the machine may be busy.
const OPEN_WALL_FACTOR: u64 = 30;
/// Seconds of processor time for all answers together, for each thread.
const ANSWER_CPU_S_A_THREAD: u64 = 600;
/// Longest wait for the answers to one batch of rows.
const ANSWER_WAIT: Duration = Duration::from_secs(300);
/// Longest wait for a child to put up its walls.
const START_WAIT: Duration = Duration::from_secs(60);

/// Bytes of a scan's report.
const SCAN_BYTES_MAX: usize = 16 << 20;
/// Bytes of what a model says of itself: names of inputs and classes.
const OPENED_BYTES_MAX: usize = 64 << 20;

/// How children are started.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The program, which calls [`serve_child`] when started with `arguments`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Threads that answer, 1 to 64; no answer depends on it.
    pub threads: usize,
}

impl Sandbox {
    /// The running program with the argument `sandbox`.
    ///
    /// # Errors
    /// When the system does not say where the program lies.
    pub fn of_this_program(threads: usize) -> std::io::Result<Self> {
        // The link stays right when the file was replaced by a newer version while this process runs.
        let link = PathBuf::from("/proc/self/exe");
        let program = if link.exists() { link } else { std::env::current_exe()? };
        Ok(Self { program, arguments: vec!["sandbox".to_owned()], threads })
    }

    /// Opens a model file in a child of its own; `name` serves messages only.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the file is refused, [`Error::Stopped`] when the child had to be ended,
    /// [`Error::Unavailable`] when no child could be started, [`Error::Cancelled`].
    pub fn open(&self, file: File, name: &str, cancel: &Cancel) -> Result<SandboxedModel, Error> {
        let (connection, payload) = self.start(file, name, cancel)?;
        let wait = open_wait(payload.length);
        let mut request = Writer::request(wire::OPEN);
        request.u64(payload.length);
        request.text(name);
        let answer = connection.ask(request, Some(payload), OPENED_BYTES_MAX, wait, cancel)?;
        SandboxedModel::new(connection, &answer)
    }

    /// Scans a file in a child of its own. A file that ends the child is a finding, not an error.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no child could be started, [`Error::Cancelled`].
    pub fn scan(&self, file: File, name: &str, cancel: &Cancel) -> Result<Scan, Error> {
        let (connection, payload) = self.start(file, name, cancel)?;
        let wait = open_wait(payload.length);
        let mut request = Writer::request(wire::SCAN);
        request.u64(payload.length);
        request.text(name);
        match connection.ask(request, Some(payload), SCAN_BYTES_MAX, wait, cancel) {
            Ok(answer) => message::scanned(&answer.body).map_err(|malformed| connection.distrust(malformed)),
            Err(Error::Stopped(why)) => Ok(Scan::stopped(&why)),
            Err(other) => Err(other),
        }
    }

    fn start(&self, file: File, name: &str, cancel: &Cancel) -> Result<(Connection, Payload), Error> {
        let metadata = file.metadata().map_err(|error| Error::Unreadable(format!("{name} cannot be read: {error}")))?;
        if !metadata.is_file() {
            return Err(Error::Unreadable(format!("{name} is not a file")));
        }
        let length = metadata.len();
        let confinement = self.confinement(length);
        let connection = Connection::start(self, confinement, name, START_WAIT, cancel)?;
        Ok((connection, Payload { file, length }))
    }

    fn confinement(&self, file_bytes: u64) -> Confinement {
        let threads = self.threads.clamp(1, 64) as u64;
        let small = file_bytes.min(SMALL_FILE_BYTES);
        let open = MEMORY_BYTES_BASE
            .saturating_add(small * MEMORY_PER_FILE_BYTE)
            .saturating_add((file_bytes - small).saturating_mul(MEMORY_PER_LARGE_FILE_BYTE))
            .min(MEMORY_BYTES_MAX);
        Confinement {
            threads: threads as u32,
            open_memory_bytes: open,
            memory_bytes: open + MEMORY_BYTES_TO_ANSWER + threads * MEMORY_BYTES_A_THREAD,
            open_cpu_s: open_cpu_s(file_bytes),
            cpu_s: open_cpu_s(file_bytes) + threads * ANSWER_CPU_S_A_THREAD,
        }
    }
}

/// Reads bytes as every message of the protocol, in both directions: what fuzzing calls.
#[doc(hidden)]
pub fn read_any(body: &[u8]) {
    message::read_any(body);
}

fn open_cpu_s(file_bytes: u64) -> u64 {
    OPEN_CPU_S + file_bytes / OPEN_BYTES_A_CPU_S
}

fn open_wait(file_bytes: u64) -> Duration {
    Duration::from_secs(open_cpu_s(file_bytes) * OPEN_WALL_FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_costs_less_than_300_megabytes_and_a_large_one_has_an_end() {
        let sandbox = Sandbox { program: PathBuf::new(), arguments: Vec::new(), threads: 2 };
        assert!(sandbox.confinement(SMALL_FILE_BYTES).open_memory_bytes < 300_000_000 + (4 << 20));
        assert_eq!(sandbox.confinement(0).open_memory_bytes, MEMORY_BYTES_BASE);
        assert_eq!(sandbox.confinement(u64::MAX).open_memory_bytes, MEMORY_BYTES_MAX);
        assert_eq!(sandbox.confinement(0).open_cpu_s, 1);
        assert_eq!(sandbox.confinement(OPEN_BYTES_A_CPU_S).open_cpu_s, 2);
    }
}
