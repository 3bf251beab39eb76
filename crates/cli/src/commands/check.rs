//! `assize check`: the interaction audit on a text, a file, a pipe, or lines of JSON. Nothing is stored, nothing leaves
//! the machine, no server is needed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write};
use std::path::Path;

use anyhow::Context as _;
use assize_interactions::document::AuditDocument;
use assize_interactions::safety::Classifiers;
use assize_interactions::tagger::Tagger;
use assize_interactions::{Country, Engine, Interaction, Rules, Status, Text};
use assize_server::app::{BatchLine, NamedLine, RestoreKey, SystemRandom};
use serde_json::{Value, json};

use crate::arguments::{CheckOptions, FailOn, Shared};
use crate::outcome::{BadInput, Outcome};
use crate::settings;

/// Longest text, bytes: it is held in memory.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// Lines worked at once.
const LINES_AT_ONCE: usize = 512;
/// Bytes worked at once, beyond the line that reaches it.
const BYTES_AT_ONCE: usize = 4 << 20;

/// Audits what the options name.
pub(crate) fn run(shared: &Shared, options: &CheckOptions) -> anyhow::Result<Outcome> {
    if Country::parse(&options.country).unknown {
        let text = format!("--country: '{}' is not known; a name, an ISO code or global", options.country);
        return Err(BadInput(text).into());
    }
    let rules = settings::load(shared, Vec::new())?.config.interactions.rules();
    let engine = Engine::new(Some(Tagger::embedded()), Some(Classifiers::embedded()));
    let check = Check { engine, rules: &rules, options };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = match (&options.jsonl, &options.file, &options.text) {
        (Some(path), _, _) => check.stream(opened(path)?, &named(path), Lines::Json, &mut out),
        (None, file, None) if options.lines => {
            let path = file.as_deref().unwrap_or(Path::new("-"));
            check.stream(opened(path)?, &named(path), Lines::Text, &mut out)
        }
        (None, Some(path), _) => check.one(&read(opened(path)?, &named(path))?, &mut out),
        (None, None, Some(text)) => check.one(text, &mut out),
        (None, None, None) if io::stdin().is_terminal() => {
            Err(BadInput("say what to check: a TEXT, --file, --jsonl, or a pipe".to_owned()).into())
        }
        (None, None, None) => check.one(&read(Box::new(io::stdin()), "standard input")?, &mut out),
    };
    let flushed = out.flush();
    let outcome = outcome?;
    flushed.context("standard output")?;
    Ok(outcome)
}

fn opened(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|error| BadInput(format!("{}: {error}", path.display())))?;
    Ok(Box::new(file))
}

fn restore_key(path: &Path) -> anyhow::Result<RestoreKey> {
    let text = read(opened(path)?, &named(path))?;
    let wrong = |_| BadInput(format!("{}: must hold 32 bytes in base64", path.display()));
    Ok(RestoreKey::parse(&text).map_err(wrong)?)
}

fn named(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

fn read(source: Box<dyn Read>, name: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    source.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| BadInput(format!("{name}: {error}")))?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        return Err(BadInput(format!("{name}: is longer than {TEXT_BYTES_MAX} bytes; use --lines or --jsonl")).into());
    }
    String::from_utf8(bytes).map_err(|error| BadInput(format!("{name}: is not UTF-8: {error}")).into())
}

/// What the lines of a stream hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    Json,
    Text,
}

struct Check<'a> {
    engine: Engine<'a>,
    rules: &'a Rules,
    options: &'a CheckOptions,
}

/// What became of a line.
struct Answered {
    text: String,
    bad: bool,
    status: Option<Status>,
}

impl Check<'_> {
    fn exchange(&self, text: &str) -> Interaction {
        let input = Text { value: text.to_owned(), country: self.options.country.clone(), ..Text::default() };
        Interaction { input, use_case: self.options.use_case.clone(), ..Interaction::default() }
    }

    fn one(&self, text: &str, out: &mut impl Write) -> anyhow::Result<Outcome> {
        if let (Some(blob), Some(key)) = (&self.options.restore, &self.options.restore_key) {
            let blob = read(opened(blob)?, &named(blob))?;
            let whole = restore_key(key)?.restore(text, &blob).map_err(|error| BadInput(error.to_string()))?;
            write!(out, "{whole}")?;
            return Ok(Outcome::Done);
        }
        if self.options.redact && !self.options.json {
            let redacted = self.engine.redact(text, self.rules);
            if let (Some(path), Some(key)) = (&self.options.restore_to, &self.options.restore_key) {
                let blob = restore_key(key)?.seal(&redacted.restore, &SystemRandom)?;
                std::fs::write(path, blob + "\n").with_context(|| path.display().to_string())?;
            }
            write!(out, "{}", redacted.text)?;
            if !redacted.text.ends_with('\n') && io::stdout().is_terminal() {
                writeln!(out)?;
            }
            return Ok(Outcome::Done);
        }
        let exchange = self.exchange(text);
        let audit = self.engine.audit(&exchange, self.rules);
        let document = self.document(&audit, &exchange);
        if self.options.json {
            writeln!(out, "{:#}", serde_json::to_value(&document)?)?;
        } else {
            summary(&document, out)?;
        }
        Ok(self.outcome(Some(audit.status)))
    }

    fn document(&self, audit: &assize_interactions::Audit, exchange: &Interaction) -> AuditDocument {
        let mut document = AuditDocument::new(audit, exchange, self.rules, self.options.scores.is_some());
        if let Some(asked) = self.options.scores.as_deref().filter(|asked| *asked != "all") {
            let asked: Vec<&str> = asked.split(',').map(str::trim).collect();
            document.safety_issues.retain(|issue| {
                !issue.unreported || asked.contains(&issue.label.as_str()) || asked.contains(&issue.category.as_str())
            });
        }
        document
    }

    fn outcome(&self, status: Option<Status>) -> Outcome {
        let fails = match (self.options.fail_on, status) {
            (Some(FailOn::Review), Some(Status::ReviewNeeded | Status::NonCompliant))
            | (Some(FailOn::NonCompliant), Some(Status::NonCompliant)) => true,
            (Some(_) | None, _) => false,
        };
        if fails { Outcome::DoesNotPass } else { Outcome::Done }
    }

    /// A result a line, in the order of the lines, worked by all cores.
    fn stream(&self, source: Box<dyn Read>, name: &str, lines: Lines, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut source = BufReader::new(source);
        let (mut number, mut bad, mut outcome) = (0_u64, 0_u64, Outcome::Done);
        loop {
            let block = block(&mut source, name, number)?;
            if block.is_empty() {
                break;
            }
            let share = block.len().div_ceil(threads);
            let answers: Vec<Vec<Answered>> = std::thread::scope(|scope| {
                let work = |(nth, part): (usize, &'_ [Vec<u8>])| {
                    let first = number + 1 + (nth * share) as u64;
                    let part = part.to_vec();
                    scope.spawn(move || {
                        (first..).zip(part).map(|(number, line)| self.line(name, number, &line, lines)).collect()
                    })
                };
                let workers: Vec<_> = block.chunks(share).enumerate().map(work).collect();
                workers.into_iter().map(|worker| worker.join().expect("the engine does not panic")).collect()
            });
            number += block.len() as u64;
            for answered in answers.into_iter().flatten() {
                out.write_all(answered.text.as_bytes())?;
                bad += u64::from(answered.bad);
                if self.outcome(answered.status) == Outcome::DoesNotPass {
                    outcome = Outcome::DoesNotPass;
                }
            }
            out.flush()?;
        }
        if bad > 0 {
            return Err(
                BadInput(format!("{name}: {bad} of {number} lines could not be read; their answers say why")).into()
            );
        }
        Ok(outcome)
    }

    fn line(&self, name: &str, number: u64, line: &[u8], lines: Lines) -> Answered {
        let quiet = |text: String| Answered { text, bad: false, status: None };
        if lines == Lines::Text {
            let text = String::from_utf8_lossy(line);
            let ended = text.trim_end_matches(['\n', '\r']);
            if self.options.redact && !self.options.json {
                let end = &text[ended.len()..];
                return quiet(format!("{}{end}", self.engine.redact(ended, self.rules).text));
            }
            return self.answered(None, &self.exchange(ended));
        }
        if line.trim_ascii().is_empty() {
            return quiet(String::new());
        }
        match NamedLine::parse(line) {
            Ok(NamedLine { id, line }) => self.answered(id, &self.exchange_of(line)),
            Err((id, error)) => {
                let told = format!("{name}, line {number}: {error}");
                Answered { text: format!("{}\n", json!({ "id": id, "error": told })), bad: true, status: None }
            }
        }
    }

    fn exchange_of(&self, line: BatchLine) -> Interaction {
        match line {
            BatchLine::Interaction(submission) => submission.interaction(),
            BatchLine::Text { text, country } => {
                let mut exchange = self.exchange(&text);
                if !country.is_empty() {
                    exchange.input.country = country;
                }
                exchange
            }
        }
    }

    fn answered(&self, id: Option<Value>, exchange: &Interaction) -> Answered {
        let audit = self.engine.audit(exchange, self.rules);
        let document = self.document(&audit, exchange);
        let mut body = if self.options.redact {
            json!({ "safe_input": document.safe_input, "safe_output": document.safe_output })
        } else {
            serde_json::to_value(&document).expect("texts and numbers serialise to JSON")
        };
        if let (Some(id), Some(members)) = (id, body.as_object_mut()) {
            members.insert("id".to_owned(), id);
        }
        Answered { text: format!("{body}\n"), bad: false, status: Some(audit.status) }
    }
}

/// The next lines, each with its end.
fn block(source: &mut impl BufRead, name: &str, before: u64) -> anyhow::Result<Vec<Vec<u8>>> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while lines.len() < LINES_AT_ONCE && bytes < BYTES_AT_ONCE {
        let mut line = Vec::new();
        let read = source.by_ref().take(TEXT_BYTES_MAX + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|error| BadInput(format!("{name}: {error}")))?;
        if read == 0 {
            break;
        }
        if read as u64 > TEXT_BYTES_MAX {
            let number = before + 1 + lines.len() as u64;
            return Err(BadInput(format!("{name}, line {number}: is longer than {TEXT_BYTES_MAX} bytes")).into());
        }
        bytes += read;
        lines.push(line);
        // What a pipe has not sent yet must not keep what it has sent from being answered.
        if source.fill_buf().is_ok_and(|rest| !rest.contains(&b'\n')) && bytes > 0 && lines.len() > 1 {
            break;
        }
    }
    Ok(lines)
}

/// For people at a terminal.
fn summary(document: &AuditDocument, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}  risk {:.1} of 10", document.compliance_status, document.risk_score)?;
    for (title, findings) in
        [("personal data", &document.pii), ("secret", &document.secrets), ("special", &document.special_categories)]
    {
        for finding in findings {
            let (kind, masked, start) = (&finding.kind, &finding.masked, finding.start);
            writeln!(out, "  {title:<14} {kind:<22} {masked}  (at {start}, confidence {:.2})", finding.confidence)?;
        }
    }
    for issue in document.safety_issues.iter().filter(|issue| !issue.unreported) {
        writeln!(out, "  {:<14} {:<22} {} {:.2}", "safety", issue.label, issue.category, issue.score)?;
    }
    for violation in &document.regulation_violations {
        let (regulation, article, title) = (&violation.regulation, &violation.article, &violation.title);
        writeln!(out, "  {:<14} {regulation} {article}: {title}", "may engage")?;
    }
    for step in &document.remediation_steps {
        writeln!(out, "  {:<14} {step}", "to do")?;
    }
    writeln!(out, "safe version:\n{}", document.safe_input)
}
