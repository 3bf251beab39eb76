//! Is this model file safe to load with the library that wrote it? Looks at the bytes, loads nothing.
//!
//! What a file is, is decided by its bytes, except for sources, which are known by their names. Every class and
//! function a pickle names is judged by its exact module and name ([`pickles`]); archives are opened under limits and
//! each member is scanned in turn ([`archives`]); graphs, layers and headers of other formats are searched for what
//! runs code or reads other files on loading ([`graphs`], [`texts`]). Anything the reader refuses is a finding too.
//!
//! Invariants: nothing is executed; depth, members, unpacked bytes and findings are bounded for a whole file, and what
//! lies beyond a bound is said to be unexamined, never passed over.

pub(crate) mod archives;
mod graphs;
mod names;
mod opcodes;
mod pickles;
pub mod sarif;
mod texts;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::pickle::{self, Limits};
use crate::sandbox::plain;

/// Findings that are listed; a file with more is no less dangerous.
const FINDINGS_MAX: usize = 1_000;
/// Archives within archives.
const DEPTH_MAX: usize = 4;
/// Bytes that all members of a file may unpack to, over all depths.
const MEMBER_BYTES_MAX: usize = 256 << 20;
/// Bytes of one member, which is held in memory while it is scanned.
const ONE_MEMBER_BYTES_MAX: usize = 32 << 20;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Unusual.
    Low,
    /// Cannot be judged: nothing known to be harmful.
    Medium,
    /// Loading may run code that is not the library's.
    High,
    /// Loading runs commands, code or opens files.
    Critical,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Stable name of the rule, such as `pickle-dangerous-call`.
    pub rule: Cow<'static, str>,
    /// Path within the archive, `!` between archives; empty for the file itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub member: String,
    /// Byte where it stands, counted after unpacking.
    pub offset: usize,
    /// Module and name for findings about a class or function.
    pub name: Option<String>,
    /// What it is and why it matters, for people.
    pub message: String,
}

/// What a scan of one file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Format by content, such as `pickle` or `ONNX`.
    pub format: String,
    /// Worst first, then by place.
    pub findings: Vec<Finding>,
}

impl Scan {
    /// The worst severity; `None` when nothing was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// A file that could not be looked at to its end because it ended or overran the process that did.
    pub(crate) fn stopped(why: &str) -> Self {
        let mut report = Report::default();
        report.add(Severity::High, "scan-stopped", 0, plain(why));
        Self { format: "unknown".to_owned(), findings: report.findings }
    }

    /// Without control characters in what comes from the file.
    pub(crate) fn plain(mut self) -> Self {
        self.format = plain(&self.format);
        for finding in &mut self.findings {
            finding.message = plain(&finding.message);
            finding.member = plain(&finding.member);
            finding.name = finding.name.as_deref().map(plain);
        }
        self
    }
}

/// Scans the bytes of a file. Never fails: a file that cannot be read is a finding.
#[must_use]
pub fn scan(bytes: &[u8], limits: &Limits) -> Scan {
    scan_named(bytes, "", limits)
}

/// As [`scan`] of a file with a name: that tells sources apart, which have no signature, and nothing else.
#[must_use]
pub fn scan_named(bytes: &[u8], name: &str, limits: &Limits) -> Scan {
    let mut report = Report { bytes_left: MEMBER_BYTES_MAX, ..Report::default() };
    let format = examine(bytes, name, limits, &mut report);
    let mut findings = report.findings;
    findings.sort_by(|a, b| {
        let place = |finding: &Finding| (finding.member.clone(), finding.offset, finding.name.clone());
        b.severity.cmp(&a.severity).then_with(|| place(a).cmp(&place(b)))
    });
    findings.truncate(FINDINGS_MAX);
    Scan { format: format.to_owned(), findings }
}

/// Findings so far, where we are, and what may still be unpacked.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
    path: Vec<String>,
    bytes_left: usize,
}

impl Report {
    fn add(&mut self, severity: Severity, rule: &'static str, offset: usize, message: impl Into<String>) {
        self.push(severity, rule, offset, None, message.into());
    }

    fn push(&mut self, severity: Severity, rule: &'static str, offset: usize, name: Option<String>, message: String) {
        // Sorted and cut at the end; twice the number bounds the memory until then and keeps the worst of an honest file.
        if self.findings.len() < 2 * FINDINGS_MAX || severity == Severity::Critical {
            let member = self.path.join("!");
            self.findings.push(Finding { severity, rule: rule.into(), member, offset, name, message });
            self.findings.truncate(4 * FINDINGS_MAX);
        }
    }
}

/// Recognises a file or member, examines it, and says what it is.
fn examine(bytes: &[u8], name: &str, limits: &Limits, report: &mut Report) -> &'static str {
    if let Some(format) = archives::examine(bytes, limits, report) {
        return format;
    }
    if let Some(format) = graphs::examine(bytes, name, report) {
        return format;
    }
    if let Some(format) = texts::examine(bytes, name, report) {
        return format;
    }
    match pickle::unpack(bytes, limits) {
        Ok(unpacked) => {
            let packed = unpacked.len() != bytes.len() || unpacked.as_ptr() != bytes.as_ptr();
            if packed && let Some(format) = archives::examine(&unpacked, limits, report) {
                return format;
            }
            pickles::examine(&unpacked, limits, report)
        }
        Err(fault) => {
            pickles::refused(&fault, 0, report);
            "unknown"
        }
    }
}

#[cfg(test)]
mod tests;
