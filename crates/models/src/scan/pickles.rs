//! Pickles: every class and function they name, and what the strict reader refuses.

use super::names::{DANGEROUS_MODULES, DANGEROUS_NAMES, SUPPORTING_NAMES, TENSOR_NAMES};
use super::opcodes;
use super::{Report, Severity};
use crate::pickle::{self, Fault, FaultKind, Limits, Trace};
use crate::sklearn;

/// Streams in one file that are looked at.
const STREAMS_MAX: usize = 64;

/// Looks at one stream after the other: a loader reads only the first, an attacker may hide in the next.
pub(super) fn examine(bytes: &[u8], limits: &Limits, report: &mut Report) -> &'static str {
    let mut start = 0;
    for stream in 0..STREAMS_MAX {
        let rest = &bytes[start..];
        let mut trace = Trace::default();
        let read = pickle::read_first(rest, limits, &mut trace).map(|(_, end)| end);
        let fault = match read {
            Ok(end) => {
                judge_all(&trace, start, report);
                if start + end == bytes.len() {
                    return "pickle";
                }
                let left = bytes.len() - start - end;
                let message = format!("{left} bytes follow the end of a pickle; a loader ignores them");
                report.add(Severity::Medium, "pickle-trailing-data", start + end, message);
                start += end;
                continue;
            }
            Err(fault) => fault,
        };
        // What the strict reader does not follow is walked without understanding: names behind the fault count too.
        let walked = opcodes::walk(rest);
        if stream > 0 && trace.globals.is_empty() && walked.names.is_empty() {
            return "pickle";
        }
        judge_all(&trace, start, report);
        for ((module, name), offset) in walked.names.iter().filter(|(pair, _)| !trace.globals.contains_key(*pair)) {
            judge(module, name, start + offset, report);
        }
        if let Some(offset) = walked.hidden {
            let message = "a class or function is named by values that are computed while loading";
            report.add(Severity::High, "pickle-hidden-name", start + offset, message);
        }
        let tensors = walked.names.keys().any(|(module, _)| module == "torch" || module.starts_with("torch."));
        if !(tensors && fault.kind == FaultKind::Forbidden && walked.ended) {
            refused(&fault, start, report);
        }
        let is_pickle = walked.ended || !trace.globals.is_empty() || bytes.first() == Some(&0x80);
        return if is_pickle { "pickle" } else { "unknown" };
    }
    "pickle"
}

pub(super) fn refused(fault: &Fault, start: usize, report: &mut Report) {
    let (severity, rule) = match fault.kind {
        FaultKind::Forbidden => (Severity::High, "pickle-outside-reference"),
        FaultKind::Limit => (Severity::High, "limit-exceeded"),
        FaultKind::Malformed => (Severity::Medium, "malformed"),
    };
    report.add(severity, rule, start + fault.offset, fault.what.clone());
}

fn judge_all(trace: &Trace, start: usize, report: &mut Report) {
    for ((module, name), offset) in &trace.globals {
        judge(module, name, start + offset, report);
    }
}

/// Whether a module, or one that holds it, is on the list of those that no model needs.
pub(super) fn is_dangerous(module: &str) -> bool {
    let within =
        |dangerous: &str| module.strip_prefix(dangerous).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    DANGEROUS_MODULES.iter().any(|dangerous| within(dangerous))
}

/// Says what a name means; nothing for one that honest models need.
fn judge(module: &str, name: &str, offset: usize, report: &mut Report) {
    let exactly = |names: &[(&str, &str)]| names.contains(&(module, name));
    let storage = module == "torch" && name.ends_with("Storage");
    let (severity, rule, why) = if is_dangerous(module) || exactly(DANGEROUS_NAMES) {
        let why = "can run commands or code, or reach files or the network, on loading";
        (Severity::Critical, "pickle-dangerous-call", why)
    } else if name.contains('.') {
        (Severity::High, "pickle-attribute-path", "reaches through attributes, which hides what is called")
    } else if exactly(SUPPORTING_NAMES) || exactly(TENSOR_NAMES) || storage || sklearn::is_known(module, name) {
        return;
    } else if ["sklearn", "numpy", "scipy", "pandas", "joblib", "torch", "xgboost", "lightgbm", "catboost"]
        .iter()
        .any(|library| module.split('.').next() == Some(library))
    {
        let why = "belongs to a known library but is not on the list of what models need";
        (Severity::Medium, "pickle-unlisted-name", why)
    } else {
        let why = "is code that the file does not contain; loading imports and may call it";
        (Severity::High, "pickle-unknown-module", why)
    };
    let name = format!("{module}.{name}");
    let message = format!("{name} {why}");
    report.push(severity, rule, offset, Some(name), message);
}
