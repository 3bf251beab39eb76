//! Scans as SARIF 2.1.0 (OASIS standard), which code hosts and editors read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Finding, Scan, Severity};

/// The log of one run over files with their scans.
#[must_use]
pub fn sarif(scans: &[(String, Scan)], version: &str) -> Value {
    let findings = || scans.iter().flat_map(|(file, scan)| scan.findings.iter().map(move |finding| (file, finding)));
    let rules: Vec<&str> =
        findings().map(|(_, finding)| finding.rule.as_ref()).collect::<BTreeSet<_>>().into_iter().collect();
    let results: Vec<Value> = findings().map(|(file, finding)| result(file, finding, &rules)).collect();
    let described: Vec<Value> = rules.iter().map(|rule| json!({ "id": rule, "name": pascal(rule) })).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "assize scan", "version": version, "rules": described } },
            "artifacts": scans.iter().map(|(file, _)| json!({ "location": { "uri": uri(file) } })).collect::<Vec<_>>(),
            "results": results,
            "columnKind": "utf16CodeUnits",
        }],
    })
}

fn result(file: &str, finding: &Finding, rules: &[&str]) -> Value {
    let level = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    };
    let mut location = json!({ "physicalLocation": { "artifactLocation": { "uri": uri(file) } } });
    if !finding.member.is_empty() {
        let member = finding.member.rsplit('!').next().unwrap_or_default();
        location["logicalLocations"] = json!([{ "name": member, "fullyQualifiedName": finding.member }]);
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.iter().position(|rule| *rule == finding.rule),
        "level": level,
        "message": { "text": finding.message },
        "locations": [location],
        "properties": { "severity": finding.severity, "offset_unpacked": finding.offset, "name": finding.name },
    })
}

/// A path as a relative or absolute reference (RFC 3986): everything but unreserved characters and slashes is escaped.
fn uri(path: &str) -> String {
    let absolute = if path.starts_with('/') { "file://" } else { "" };
    let escaped = path.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    format!("{absolute}{}", escaped.collect::<String>())
}

fn pascal(rule: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    rule.split('-').filter(|word| !word.is_empty()).map(capital).collect()
}
