//! The child as its parent has it: started, asked, waited for with patience, and buried with a cause of death.
//!
//! One thread a child does the reading and writing, so that neither a child that does not read nor one that does not
//! write can hold the parent: the parent waits on a channel, looks at the cancel flag and at the time, and kills.

use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use assize_tables::{Cancel, Cancelled};

use super::Sandbox;
use super::message::{self, Confinement, Walls};
use super::wire::{self, Frame, Malformed, Writer};
use crate::predictor::Error;

/// How often the cancel flag and the time are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long a child whose pipe has closed may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);
/// Bytes of its last words that are looked at.
const LAST_WORDS_BYTES_MAX: u64 = 16 << 10;

/// A file on its way to the child.
pub(super) struct Payload {
    pub(super) file: File,
    pub(super) length: u64,
}

/// One question: the message, the file behind it, and how long the answer may be.
struct Question {
    message: Vec<u8>,
    payload: Option<Payload>,
    answer_bytes_max: usize,
}

/// A running child.
pub(super) struct Connection {
    questions: Sender<Question>,
    line: Mutex<Line>,
    name: String,
    confinement: Confinement,
}

struct Line {
    answers: Receiver<io::Result<Option<Frame>>>,
    child: Child,
    stderr: Option<ChildStderr>,
    /// Why there will be no more answers.
    ended: Option<String>,
    /// Whether the file was read.
    opened: bool,
}

impl Connection {
    /// Starts a child and waits until its walls are up.
    pub(super) fn start(
        sandbox: &Sandbox,
        confinement: Confinement,
        name: &str,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let (questions, asked) = channel();
        let (answered, answers) = channel();
        let (started, child) = channel();
        let mut command = Command::new(&sandbox.program);
        command.args(&sandbox.arguments).env_clear();
        // The allocator would reserve a gigabyte of addresses at once, and the limit on them would mean nothing.
        command.env("MIMALLOC_ARENA_RESERVE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The thread outlives the child: on Linux a child ends with the thread that started it.
        let talk = move || match command.spawn() {
            Ok(mut child) => {
                let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
                if started.send(Ok(child)).is_ok()
                    && let (Some(stdin), Some(stdout)) = (stdin, stdout)
                {
                    talk(stdin, stdout, &asked, &answered);
                }
            }
            // Whoever waited for it is gone when this fails.
            Err(error) => drop(started.send(Err(error))),
        };
        let unavailable =
            |error: io::Error| Error::Unavailable(format!("no process for reading models can be started: {error}"));
        thread::Builder::new().name("sandbox".to_owned()).spawn(talk).map_err(unavailable)?;
        let mut child = child.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(unavailable)?;
        let stderr = child.stderr.take();
        let line = Mutex::new(Line { answers, child, stderr, ended: None, opened: false });
        let connection = Self { questions, line, name: name.to_owned(), confinement };
        let answer = connection.ask(confinement.write(), None, 64, patience, cancel);
        let answer = answer.map_err(|error| match error {
            Error::Stopped(why) => Error::Unavailable(format!("the process for reading models did not start: {why}")),
            other => other,
        })?;
        if answer.kind != wire::CONFINED {
            return Err(connection.distrust(Malformed("the first answer has to say which walls are up")));
        }
        Walls::read(&answer.body).map_err(|malformed| connection.distrust(malformed))?;
        Ok(connection)
    }

    /// Asks, and waits for the answer; a refusal is an error.
    pub(super) fn ask(
        &self,
        request: Writer,
        payload: Option<Payload>,
        answer_bytes_max: usize,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<Frame, Error> {
        let mut line = self.line();
        if let Some(ended) = &line.ended {
            return Err(Error::Stopped(ended.clone()));
        }
        let opening = payload.is_some();
        let question = Question { message: request.finish(), payload, answer_bytes_max };
        // A thread that is gone has left an answer that says why.
        let _ = self.questions.send(question);
        let mut waited = Duration::ZERO;
        let answer = loop {
            match line.answers.recv_timeout(LOOK) {
                Ok(answer) => break answer,
                Err(RecvTimeoutError::Disconnected) => break Ok(None),
                Err(RecvTimeoutError::Timeout) => waited += LOOK,
            }
            if cancel.is_cancelled() {
                line.kill("it was cancelled".to_owned());
                return Err(Error::Cancelled(Cancelled));
            }
            if waited >= patience {
                let what = if opening { "opening it" } else { "an answer" };
                return Err(self.stopped(&mut line, &format!("{what} took longer than {} s", patience.as_secs())));
            }
        };
        match answer {
            Ok(Some(frame)) if frame.kind == wire::REFUSED => {
                drop(line);
                Err(message::read_refusal(&frame.body).unwrap_or_else(|malformed| self.distrust(malformed)))
            }
            Ok(Some(frame)) => {
                line.opened |= opening;
                Ok(frame)
            }
            Ok(None) => {
                let why = line.cause_of_death(&self.confinement);
                Err(self.stopped(&mut line, &why))
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.stopped(&mut line, &format!("its process does not keep to the protocol: {error}")))
            }
            Err(_) => {
                let why = line.cause_of_death(&self.confinement);
                Err(self.stopped(&mut line, &why))
            }
        }
    }

    /// Ends a child that said something impossible.
    pub(super) fn distrust(&self, malformed: Malformed) -> Error {
        self.stopped(&mut self.line(), &format!("its process does not keep to the protocol: {malformed}"))
    }

    fn stopped(&self, line: &mut Line, why: &str) -> Error {
        let doing = if line.opened { "was stopped while it answered" } else { "cannot be opened" };
        let sentence = format!("{} {doing}: {why}", self.name);
        line.kill(sentence.clone());
        Error::Stopped(sentence)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.line().kill(String::new());
    }
}

impl Line {
    fn kill(&mut self, why: String) {
        // One that is gone cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.ended.get_or_insert(why);
    }

    /// Why a child whose pipe has closed is gone.
    fn cause_of_death(&mut self, confinement: &Confinement) -> String {
        let mut waited = Duration::ZERO;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if waited < LAST_BREATH => {
                    thread::sleep(LOOK);
                    waited += LOOK;
                }
                _ => return "its process stopped answering".to_owned(),
            }
        };
        let mut words = Vec::new();
        if let Some(stderr) = self.stderr.take() {
            // What cannot be read was not said.
            let _ = stderr.take(LAST_WORDS_BYTES_MAX).read_to_end(&mut words);
        }
        let (memory_bytes, cpu_s) = match self.opened {
            false => (confinement.open_memory_bytes, confinement.open_cpu_s),
            true => (confinement.memory_bytes, confinement.cpu_s),
        };
        cause(status, &String::from_utf8_lossy(&words), memory_bytes, cpu_s)
    }
}

/// A cause of death in words, from the exit status and the last words.
fn cause(status: ExitStatus, words: &str, memory_bytes: u64, cpu_s: u64) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    let memory =
        || format!("it needs more than the {} MiB of memory that a file of its size may take", memory_bytes >> 20);
    // Signals by their numbers on Linux (signal(7)); those of interest are the same on every architecture.
    match status.signal() {
        Some(6) if words.contains("memory allocation of") || words.contains("out of memory") => memory(),
        Some(6) if words.contains("overflowed its stack") => "it is nested too deeply".to_owned(),
        Some(9) => "its process was killed, by the limit on its time or for want of memory".to_owned(),
        Some(11) => "it is nested too deeply, or its process crashed".to_owned(),
        Some(24) => format!("it needs more than the {cpu_s} s of processor time that a file of its size may take"),
        Some(31) => "its process tried what it must not".to_owned(),
        Some(signal) => format!("its process ended by signal {signal}"),
        None => format!("its process ended by itself with status {}", status.code().unwrap_or(-1)),
    }
}

/// Writes questions and reads answers until either side is gone.
fn talk(
    mut stdin: impl io::Write,
    mut stdout: impl Read,
    questions: &Receiver<Question>,
    answers: &Sender<io::Result<Option<Frame>>>,
) {
    while let Ok(question) = questions.recv() {
        let answer = answer_to(question, &mut stdin, &mut stdout);
        let ended = !matches!(answer, Ok(Some(_)));
        if answers.send(answer).is_err() || ended {
            return;
        }
    }
}

fn answer_to(question: Question, stdin: &mut impl io::Write, stdout: &mut impl Read) -> io::Result<Option<Frame>> {
    let Question { message, payload, answer_bytes_max } = question;
    stdin.write_all(&message)?;
    if let Some(Payload { file, length }) = payload {
        let sent = io::copy(&mut file.take(length), stdin)?;
        if sent != length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
    }
    stdin.flush()?;
    Frame::read(stdout, answer_bytes_max)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn every_cause_of_death_is_named() {
        let of = |raw: i32, words: &str| cause(ExitStatus::from_raw(raw), words, 160 << 20, 3);
        assert!(of(6, "memory allocation of 9 bytes failed").contains("160 MiB"));
        assert!(of(6, "thread 'main' has overflowed its stack").contains("nested"));
        assert!(of(24, "").contains("3 s of processor time"));
        assert!(of(31, "").contains("must not"));
        assert!(of(9, "").contains("killed"));
        assert!(of(5, "").contains("signal 5"));
        assert!(of(1 << 8, "").contains("status 1"));
    }
}
