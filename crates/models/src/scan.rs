//! Is this model file safe to load with the library that wrote it? Looks at the bytes, loads nothing.
//!
//! Every class and function a pickle names is judged by its exact module and name: what an attacker calls, what is
//! needed by known estimators, and the rest. Anything the reader refuses is a finding too.

mod names;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::open::foreign;
use crate::pickle::{self, FaultKind, Limits, Trace};
use crate::sandbox::plain;
use crate::sklearn;
use names::{DANGEROUS_MODULES, DANGEROUS_NAMES, SUPPORTING_NAMES};

/// Findings that are listed; a file with more is no less dangerous.
const FINDINGS_MAX: usize = 1_000;

/// Streams in one file that are looked at.
const STREAMS_MAX: usize = 64;

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
        let (severity, rule) = (Severity::High, Cow::Borrowed("scan-stopped"));
        let finding = Finding { severity, rule, offset: 0, name: None, message: plain(why) };
        Self { format: "unknown".to_owned(), findings: vec![finding] }
    }

    /// Without control characters in what comes from the file.
    pub(crate) fn plain(mut self) -> Self {
        self.format = plain(&self.format);
        for finding in &mut self.findings {
            finding.message = plain(&finding.message);
            finding.name = finding.name.as_deref().map(plain);
        }
        self
    }
}

/// Scans the bytes of a model file. Never fails: a file that cannot be read is a finding.
#[must_use]
pub fn scan(bytes: &[u8], limits: &Limits) -> Scan {
    if let Some(format) = foreign(bytes) {
        let message = format!("{format} files are recognised but not examined by this version");
        let finding =
            Finding { severity: Severity::Medium, rule: "not-examined".into(), offset: 0, name: None, message };
        return Scan { format: format.to_owned(), findings: vec![finding] };
    }
    let mut findings = Vec::new();
    match pickle::unpack(bytes, limits) {
        Ok(unpacked) => scan_streams(&unpacked, limits, &mut findings),
        Err(fault) => findings.push(refusal(&fault, 0)),
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.offset.cmp(&b.offset)).then(a.name.cmp(&b.name)));
    findings.truncate(FINDINGS_MAX);
    Scan { format: "pickle".to_owned(), findings }
}

/// Looks at one stream after the other: a loader reads only the first, an attacker may hide in the next.
fn scan_streams(bytes: &[u8], limits: &Limits, findings: &mut Vec<Finding>) {
    let mut start = 0;
    for stream in 0..STREAMS_MAX {
        let mut trace = Trace::default();
        let end = pickle::read_first(&bytes[start..], limits, &mut trace).map(|(_, end)| start + end);
        for ((module, name), offset) in &trace.globals {
            findings.extend(judge(module, name, start + offset));
        }
        match end {
            Ok(end) if end == bytes.len() => return,
            Ok(end) => {
                let message = format!("{} bytes follow the end of a pickle; a loader ignores them", bytes.len() - end);
                let rule = "pickle-trailing-data".into();
                findings.push(Finding { severity: Severity::Medium, rule, offset: end, name: None, message });
                start = end;
            }
            // What follows a stream need not be another one.
            Err(_) if stream > 0 && trace.globals.is_empty() => return,
            Err(fault) => {
                findings.push(refusal(&fault, start));
                return;
            }
        }
    }
}

fn refusal(fault: &pickle::Fault, start: usize) -> Finding {
    let (severity, rule) = match fault.kind {
        FaultKind::Forbidden => (Severity::High, "pickle-outside-reference"),
        FaultKind::Limit => (Severity::High, "limit-exceeded"),
        FaultKind::Malformed => (Severity::Medium, "malformed"),
    };
    Finding { severity, rule: rule.into(), offset: start + fault.offset, name: None, message: fault.what.clone() }
}

/// What a name means; `None` for one that honest models need.
fn judge(module: &str, name: &str, offset: usize) -> Option<Finding> {
    let exactly = |names: &[(&str, &str)]| names.contains(&(module, name));
    let dangerous_module = DANGEROUS_MODULES
        .iter()
        .any(|dangerous| module.strip_prefix(dangerous).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')));
    let (severity, rule, why) = if dangerous_module || exactly(DANGEROUS_NAMES) {
        (
            Severity::Critical,
            "pickle-dangerous-call",
            "can run commands or code, or reach files or the network, on loading",
        )
    } else if name.contains('.') {
        (Severity::High, "pickle-attribute-path", "reaches through attributes, which hides what is called")
    } else if exactly(SUPPORTING_NAMES) || sklearn::is_known(module, name) {
        return None;
    } else if ["sklearn", "numpy", "scipy", "pandas", "joblib"]
        .iter()
        .any(|library| module.split('.').next() == Some(library))
    {
        (
            Severity::Medium,
            "pickle-unlisted-name",
            "belongs to a known library but is not on the list of what models need",
        )
    } else {
        (
            Severity::High,
            "pickle-unknown-module",
            "is code that the file does not contain; loading imports and may call it",
        )
    };
    let name = format!("{module}.{name}");
    let message = format!("{name} {why}");
    Some(Finding { severity, rule: rule.into(), offset, name: Some(name), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(bytes: &[u8]) -> (Option<Severity>, &'static str) {
        let scan = scan(bytes, &Limits::default());
        let rule = scan.findings.into_iter().next().map_or("".into(), |finding| finding.rule);
        (scan.worst(), rule)
    }

    #[test]
    fn calls_of_the_system_are_critical() {
        assert_eq!(worst(b"cos\nsystem\n(Vls\ntR."), (Some(Severity::Critical), "pickle-dangerous-call"));
        assert_eq!(worst(b"c__builtin__\neval\n(V1\ntR."), (Some(Severity::Critical), "pickle-dangerous-call"));
        assert_eq!(
            worst(b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
            (Some(Severity::Critical), "pickle-dangerous-call")
        );
        assert_eq!(worst(b"cnumpy\ntesting.os.system\n."), (Some(Severity::High), "pickle-attribute-path"));
    }

    #[test]
    fn what_hides_behind_the_end_is_found() {
        let scan = scan(b"\x80\x04N.cposix\nsystem\n(Vls\ntR.", &Limits::default());
        let rules: Vec<&str> = scan.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, ["pickle-dangerous-call", "pickle-trailing-data"]);
        assert_eq!(worst(b"N.garbage"), (Some(Severity::Medium), "pickle-trailing-data"));
    }

    #[test]
    fn a_call_before_the_damage_is_still_found() {
        assert_eq!(worst(b"csubprocess\nPopen\n(").0, Some(Severity::Critical));
        assert_eq!(worst(b"\x82\x01.").1, "pickle-outside-reference");
        assert_eq!(worst(b"\x80\x04\x88Q.").1, "pickle-outside-reference");
    }

    #[test]
    fn plain_data_is_clean_and_unknown_code_is_not() {
        assert_eq!(worst(b"\x80\x04}."), (None, ""));
        assert_eq!(worst(b"cacme.models\nScorer\n."), (Some(Severity::High), "pickle-unknown-module"));
        assert_eq!(worst(b"csklearn.x\nY\n."), (Some(Severity::Medium), "pickle-unlisted-name"));
    }
}
