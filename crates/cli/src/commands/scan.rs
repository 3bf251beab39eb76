//! `assize scan`: is this file safe to load? Each file is looked at in a child process of its own.

use std::io::{self, Write};

use assize_models::scan::sarif::sarif;
use assize_models::{Scan, Severity};
use assize_tables::Cancel;
use serde_json::{Value, json};

use super::model_file;
use crate::arguments::{ScanOptions, Threshold};
use crate::outcome::Outcome;

/// Scans and prints; a finding as grave as `--fail-on` says ends with exit code 3.
pub(crate) fn run(options: &ScanOptions) -> anyhow::Result<Outcome> {
    let sandbox = model_file::sandbox(Some(1))?;
    let cancel = Cancel::new();
    let mut scans = Vec::new();
    for path in &options.files {
        let file = model_file::open(path)?;
        let scan = sandbox.scan(file, &model_file::name(path), &cancel).map_err(model_file::blame)?;
        scans.push((path.to_string_lossy().into_owned(), scan));
    }
    let mut out = io::stdout().lock();
    if options.sarif {
        writeln!(out, "{:#}", sarif(&scans, env!("CARGO_PKG_VERSION")))?;
    } else if options.json {
        writeln!(out, "{:#}", document(&scans))?;
    } else {
        scans.iter().try_for_each(|(file, scan)| lines(&mut out, file, scan))?;
    }
    let least = match options.fail_on {
        Threshold::Low => Severity::Low,
        Threshold::Medium => Severity::Medium,
        Threshold::High => Severity::High,
        Threshold::Critical => Severity::Critical,
    };
    let failed = scans.iter().any(|(_, scan)| scan.worst() >= Some(least));
    Ok(if failed { Outcome::DoesNotPass } else { Outcome::Done })
}

fn document(scans: &[(String, Scan)]) -> Value {
    let file = |(file, scan): &(String, Scan)| json!({ "file": file, "format": scan.format, "worst": scan.worst(), "findings": scan.findings });
    json!({ "files": scans.iter().map(file).collect::<Vec<_>>() })
}

fn lines(out: &mut impl Write, file: &str, scan: &Scan) -> io::Result<()> {
    let verdict = match scan.worst() {
        None => "nothing found".to_owned(),
        Some(worst) => format!("{} findings, worst {}", scan.findings.len(), word(worst)),
    };
    writeln!(out, "{file}: {}; {verdict}", scan.format)?;
    for finding in &scan.findings {
        let member = if finding.member.is_empty() { String::new() } else { format!("{}, ", finding.member) };
        let (severity, rule) = (word(finding.severity), &finding.rule);
        writeln!(out, "  {severity:<8}  {}  ({rule}, {member}byte {})", finding.message, finding.offset)?;
    }
    Ok(())
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
