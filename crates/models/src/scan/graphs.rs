//! Formats that hold graphs, layers or tensors: ONNX, Keras, TensorFlow, GGUF, and boosters in their own formats.

use std::ops::ControlFlow;

use serde_json::Value;

use super::pickles::is_dangerous;
use super::{Report, Severity};
use crate::open::foreign;

/// Messages within messages of an ONNX file.
const ONNX_DEPTH_MAX: usize = 16;
/// Fields of an ONNX file that are looked at.
const ONNX_FIELDS_MAX: usize = 20_000_000;
/// Depth of a JSON configuration that is walked; the parser itself stops at 128.
const JSON_DEPTH_MAX: usize = 128;
/// Bytes of a JSON configuration.
const JSON_BYTES_MAX: usize = 64 << 20;

/// Operations of TensorFlow that reach files or run code.
const TENSORFLOW_DANGEROUS: &[&[u8]] = &[b"PyFunc", b"EagerPyFunc", b"ReadFile", b"WriteFile", b"MergeV2Checkpoints"];

/// Examines a file of one of these formats; `None` for anything else.
pub(super) fn examine(bytes: &[u8], name: &str, report: &mut Report) -> Option<&'static str> {
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        hdf5(bytes, report);
        return Some("HDF5");
    }
    if bytes.starts_with(b"GGUF") {
        gguf(bytes, report);
        return Some("GGUF");
    }
    if name.ends_with(".pb") || name.ends_with(".pbtxt") {
        tensorflow(bytes, report);
        return Some("TensorFlow");
    }
    if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"MZ") || bytes.starts_with(b"\xcf\xfa\xed\xfe") {
        report.add(Severity::High, "executable", 0, "an executable program, which no model needs");
        return Some("executable");
    }
    match foreign(bytes)? {
        "ONNX" => {
            let mut walk = Onnx { report, fields: 0, domains: Vec::new() };
            if walk.message(bytes, 0, Message::Model, 0).is_none() {
                walk.report.add(Severity::Medium, "malformed", 0, "the ONNX file cannot be read to its end");
            }
            Some("ONNX")
        }
        "JSON" => {
            json(bytes, name, report);
            Some("JSON")
        }
        // Numbers and split rules, in formats without code.
        booster @ ("CatBoost" | "LightGBM" | "XGBoost") => Some(booster),
        _ => None,
    }
}

/// What a protobuf message is, as far as the walk needs it (onnx.proto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Function,
    External,
}

struct Onnx<'r> {
    report: &'r mut Report,
    fields: usize,
    /// Domains of operators that were reported.
    domains: Vec<String>,
}

impl Onnx<'_> {
    /// Walks one message; `None` when it is damaged or beyond the limits.
    fn message(&mut self, bytes: &[u8], base: usize, kind: Message, depth: usize) -> Option<()> {
        if depth > ONNX_DEPTH_MAX {
            return None;
        }
        let (mut key, mut value) = (None, None);
        let walked = fields(bytes, |field, at, content| {
            self.fields += 1;
            if self.fields > ONNX_FIELDS_MAX {
                return ControlFlow::Break(());
            }
            let text = || String::from_utf8_lossy(content).into_owned();
            let inner = match (kind, field) {
                (Message::Model, 7) => Message::Graph,
                (Message::Model, 25) => Message::Function,
                (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
                (Message::Graph, 5) | (Message::Attribute, 5 | 10) => Message::Tensor,
                (Message::Node, 5) => Message::Attribute,
                (Message::Attribute, 6 | 11) => Message::Graph,
                (Message::Tensor, 13) => Message::External,
                (Message::Node, 7) => {
                    self.domain(&text(), base + at);
                    return ControlFlow::Continue(());
                }
                (Message::External, 1) => {
                    key = Some(text());
                    return ControlFlow::Continue(());
                }
                (Message::External, 2) => {
                    value = Some((text(), base + at));
                    return ControlFlow::Continue(());
                }
                _ => return ControlFlow::Continue(()),
            };
            match self.message(content, base + at, inner, depth + 1) {
                Some(()) => ControlFlow::Continue(()),
                None => ControlFlow::Break(()),
            }
        });
        if key.as_deref() == Some("location")
            && let Some((location, at)) = value
        {
            self.location(&location, at);
        }
        walked
    }

    /// Tensors may lie in another file, at a path that the model names.
    fn location(&mut self, location: &str, at: usize) {
        let leaves = location.starts_with(['/', '\\'])
            || location.as_bytes().get(1) == Some(&b':')
            || location.split(['/', '\\']).any(|part| part == "..");
        let (severity, rule, what) = if leaves {
            (Severity::Critical, "onnx-external-data-escapes", "outside its own folder: loading reads any file there")
        } else {
            (Severity::Medium, "onnx-external-data", "beside it, which was not scanned with it")
        };
        self.report.add(severity, rule, at, format!("tensors are read from {location:?}, {what}"));
    }

    fn domain(&mut self, domain: &str, at: usize) {
        let known = ["", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training"];
        let ours = known.contains(&domain) || domain.starts_with("com.microsoft");
        if !ours && self.domains.len() < 100 && !self.domains.iter().any(|known| known == domain) {
            self.domains.push(domain.to_owned());
            let message = format!("operators of the domain {domain:?} come from a library that has to be loaded");
            self.report.add(Severity::High, "onnx-custom-operator", at, message);
        }
    }
}

/// Calls `take` with number, place and content of each length-delimited field; `None` when the bytes are no message.
fn fields(bytes: &[u8], mut take: impl FnMut(u64, usize, &[u8]) -> ControlFlow<()>) -> Option<()> {
    let mut at = 0;
    while at < bytes.len() {
        let tag = varint(bytes, &mut at)?;
        match tag & 7 {
            0 => drop(varint(bytes, &mut at)?),
            1 => at = at.checked_add(8).filter(|at| *at <= bytes.len())?,
            5 => at = at.checked_add(4).filter(|at| *at <= bytes.len())?,
            2 => {
                let length = usize::try_from(varint(bytes, &mut at)?).ok()?;
                let content = bytes.get(at..at.checked_add(length)?)?;
                if take(tag >> 3, at, content).is_break() {
                    return None;
                }
                at += length;
            }
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A configuration of Keras or of a booster; scikit-learn's skops schema names classes too.
fn json(bytes: &[u8], name: &str, report: &mut Report) {
    if bytes.len() > JSON_BYTES_MAX {
        return report.add(Severity::Medium, "not-examined", 0, "a JSON file too large to be looked at");
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => layers(&value, 0, report),
        Err(error) => report.add(Severity::Medium, "malformed", 0, format!("{name:?} is no JSON: {error}")),
    }
}

/// Layers of a Keras configuration: Lambda layers hold code, and a module may be any (CVE-2024-3660, CVE-2025-1550).
fn layers(value: &Value, depth: usize, report: &mut Report) {
    if depth > JSON_DEPTH_MAX {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| layers(item, depth + 1, report)),
        Value::Object(members) => {
            let text = |key: &str| members.get(key).and_then(Value::as_str);
            if let Some(class) = text("class_name") {
                if class == "Lambda" || class == "TFOpLambda" || class == "__lambda__" {
                    let message = format!("a {class} layer holds code, which runs when the model is loaded or asked");
                    report.push(Severity::Critical, "keras-lambda", 0, Some(class.to_owned()), message);
                }
                if let Some(module) = text("module") {
                    let known = ["keras", "builtins", "tensorflow", "tf_keras", "keras_nlp", "keras_cv", "keras_hub"];
                    let top = module.split('.').next().unwrap_or_default();
                    let name = Some(format!("{module}.{class}"));
                    if is_dangerous(module) {
                        let message = format!("{module}.{class} is imported and called when the model is loaded");
                        report.push(Severity::Critical, "keras-dangerous-module", 0, name, message);
                    } else if !known.contains(&top) {
                        let message = format!("{module}.{class} is code that the file does not contain");
                        report.push(Severity::High, "keras-unknown-module", 0, name, message);
                    }
                }
            }
            if let (Some(class), Some(module)) = (text("__class__"), text("__module__"))
                && is_dangerous(module)
            {
                let message = format!("{module}.{class} is named, which no model needs");
                report.push(Severity::Critical, "skops-dangerous-class", 0, Some(format!("{module}.{class}")), message);
            }
            members.values().for_each(|member| layers(member, depth + 1, report));
        }
        _ => {}
    }
}

/// Keras writes its configuration as JSON into an attribute, whole and uncompressed.
fn hdf5(bytes: &[u8], report: &mut Report) {
    let mut at = 0;
    let mut found = 0;
    while let Some(place) = find(&bytes[at..], b"\"class_name\"") {
        at += place;
        let rest = &bytes[at + 12..bytes.len().min(at + 64)];
        let class: String = String::from_utf8_lossy(rest).split('"').nth(1).unwrap_or_default().to_owned();
        if ["Lambda", "TFOpLambda", "__lambda__"].contains(&class.as_str()) && found < 100 {
            found += 1;
            let message = format!("a {class} layer holds code, which runs when the model is loaded or asked");
            report.push(Severity::Critical, "keras-lambda", at, Some(class), message);
        }
        at += 12;
    }
}

/// The chat template of a language model is a program of its own (CVE-2024-34359).
fn gguf(bytes: &[u8], report: &mut Report) {
    if let Some(at) = find(bytes, b"tokenizer.chat_template") {
        let template = &bytes[at..bytes.len().min(at + (256 << 10))];
        let reaches = [b"__class__".as_slice(), b"__globals__", b"__builtins__", b"__import__", b"__subclasses__"];
        if let Some(word) = reaches.iter().find(|word| find(template, word).is_some()) {
            let word = String::from_utf8_lossy(word);
            let message = format!("the chat template reaches for {word}, which runs code in careless loaders");
            report.add(Severity::Critical, "gguf-template-escape", at, message);
        }
    }
}

fn tensorflow(bytes: &[u8], report: &mut Report) {
    for operation in TENSORFLOW_DANGEROUS {
        if let Some(at) = find(bytes, operation) {
            let name = String::from_utf8_lossy(operation).into_owned();
            let message = format!("the graph names the operation {name}, which reaches files or runs code");
            report.push(Severity::High, "tensorflow-dangerous-operation", at, Some(name), message);
        }
    }
}

/// First place of some bytes.
pub(super) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let (first, rest) = needle.split_first()?;
    let mut at = 0;
    loop {
        let place = at + bytes.get(at..)?.iter().position(|byte| byte == first)?;
        if bytes[place + 1..].starts_with(rest) {
            return Some(place);
        }
        at = place + 1;
    }
}
