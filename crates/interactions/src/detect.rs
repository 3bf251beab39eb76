//! One text, looked through: view, words, personal data, secrets, what encoded runs hide; spans of the original.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;

use crate::finding::{Finding, Proof, mask, spans};
use crate::interaction::{Side, Text};
use crate::names::{self, Surnames};
use crate::pii::{self, Candidate, Found, Kind, KindId, REGISTRY, Request};
use crate::redact;
use crate::rules::Rules;
use crate::secrets;
use crate::tagger::{Entity, EntityKind, Memo, Tagger};
use crate::text::decode::{self, Encoding};
use crate::text::{View, json};
use crate::tokens::{Token, tokenize};
use crate::words::{self, Hits};

/// A text read once: everything else asks this.
pub(crate) struct Read<'t> {
    pub(crate) original: &'t str,
    pub(crate) view: View<'t>,
    pub(crate) hits: Hits,
    pub(crate) json: bool,
    /// Readable text of encoded runs and of tag characters, with the original bytes each stood at.
    pub(crate) layers: Vec<Layer>,
    tokens: OnceCell<Vec<Token>>,
}

/// A text inside the text.
pub(crate) struct Layer {
    pub(crate) text: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) encoding: &'static str,
    pub(crate) hits: Hits,
}

/// What the texts of one interaction have in common.
#[derive(Default)]
pub(crate) struct Known {
    /// What the tagger remembers: a safe version repeats most of its text.
    memo: RefCell<Memo>,
    /// Surnames of people named in full so far.
    surnames: RefCell<Surnames>,
}

/// What is known about a side when it is looked through.
pub(crate) struct About<'a> {
    pub(crate) side: Side,
    pub(crate) country: Option<&'a str>,
    pub(crate) health: bool,
    pub(crate) rules: &'a Rules,
    pub(crate) tagger: Option<&'a Tagger>,
    pub(crate) known: &'a Known,
}

impl Read<'_> {
    /// The view's tokens, for the learned models; cut once.
    pub(crate) fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokenize(&self.view.text))
    }
}

pub(crate) fn read(text: &Text) -> Read<'_> {
    read_str(&text.value)
}

pub(crate) fn read_str(original: &str) -> Read<'_> {
    let json = original.trim_start().starts_with(['{', '[', '"']) && json::leaves(original).is_some();
    let view = View::of(original, json);
    let hits = words::find(&view.text);
    let mut layers: Vec<Layer> = decode::runs(&view.text)
        .into_iter()
        .map(|run| {
            let (start, end) = view.original(run.start, run.end);
            let encoding = if run.encoding == Encoding::Base64 { "base64" } else { "hex" };
            Layer { hits: words::find(&run.text), text: run.text, start, end, encoding }
        })
        .collect();
    for (text, start, end) in &view.tagged {
        layers.push(Layer { text: text.clone(), start: *start, end: *end, encoding: "tags", hits: words::find(text) });
    }
    Read { original, view, hits, json, layers, tokens: OnceCell::new() }
}

/// Personal data and credentials of a text, in order: credentials apart.
pub(crate) fn detect(read: &Read<'_>, about: &About<'_>) -> (Vec<Finding>, Vec<Finding>) {
    let view = &read.view;
    let masks = redact::placeholders(&view.text);
    let masked = |start: usize, end: usize| {
        let at = masks.partition_point(|mask| mask.1 <= start);
        masks.get(at).is_some_and(|mask| mask.0 < end)
    };
    let mut raws: Vec<Raw> = Vec::new();
    let secrets = secrets::find(&view.text, &read.hits);
    for secret in secrets.iter().filter(|secret| !masked(secret.start, secret.end)) {
        if about.rules.reports(secret.kind.name, secret.confidence) {
            raws.push(Raw::of(secret.kind, view.original(secret.start, secret.end), secret.confidence, secret.proof));
        }
    }
    let named = about
        .tagger
        .map(|tagger| {
            let entities = tagger.tag_again(&view.text, read.tokens(), &mut about.known.memo.borrow_mut());
            let (mut named, person) = (named(entities, &view.text), person());
            names::complete(&mut named, person, &view.text, read.tokens(), &mut about.known.surnames.borrow_mut());
            named
        })
        .unwrap_or_default();
    let threshold = |kind| about.rules.threshold(kind);
    let request = Request { text: &view.text, country: about.country, health: about.health, threshold: &threshold };
    for found in pii::find(&request, &read.hits, named) {
        let at = secrets.partition_point(|secret| secret.end <= found.start);
        let in_secret = secrets.get(at).is_some_and(|secret| secret.start < found.end);
        if !masked(found.start, found.end) && !in_secret {
            raws.push(Raw::found(&found, view, &view.text));
        }
    }
    for layer in &read.layers {
        hidden(layer, about, &request, &mut raws);
    }
    finish(read, about, raws)
}

/// What a layer holds is reported at the run that hides it.
fn hidden(layer: &Layer, about: &About<'_>, outer: &Request<'_>, raws: &mut Vec<Raw>) {
    let request = Request { text: &layer.text, ..*outer };
    let at = (layer.start, layer.end);
    if raws.iter().any(|raw| raw.start < at.1 && raw.end > at.0) {
        return;
    }
    let secret = secrets::find(&layer.text, &layer.hits)
        .into_iter()
        .find(|secret| about.rules.reports(secret.kind.name, secret.confidence));
    let entity =
        pii::find(&request, &layer.hits, Vec::new()).into_iter().max_by_key(|found| REGISTRY.kind(found.kind).severity);
    if let Some(secret) = secret {
        raws.push(Raw { encoding: Some(layer.encoding), ..Raw::of(secret.kind, at, secret.confidence, secret.proof) });
    } else if let Some(found) = entity {
        raws.push(Raw {
            encoding: Some(layer.encoding),
            ..Raw::of(REGISTRY.kind(found.kind), at, found.confidence, found.proof)
        });
    }
}

/// A finding before its spans are counted.
struct Raw {
    kind: Kind,
    start: usize,
    end: usize,
    confidence: f32,
    proof: pii::Proof,
    word: Option<String>,
    alternatives: Vec<&'static str>,
    encoding: Option<&'static str>,
}

impl Raw {
    fn of(kind: Kind, at: (usize, usize), confidence: f32, proof: pii::Proof) -> Self {
        Raw { kind, start: at.0, end: at.1, confidence, proof, word: None, alternatives: Vec::new(), encoding: None }
    }

    fn found(found: &Found, view: &View<'_>, text: &str) -> Self {
        Raw {
            word: found.word.map(|(start, end)| text[start..end].to_owned()),
            alternatives: found.alternatives.iter().map(|&kind| REGISTRY.kind(kind).name).collect(),
            ..Raw::of(REGISTRY.kind(found.kind), view.original(found.start, found.end), found.confidence, found.proof)
        }
    }
}

fn person() -> KindId {
    REGISTRY.id("PERSON").expect("the name is a constant of the registry")
}

fn named(entities: Vec<Entity>, text: &str) -> Vec<Candidate> {
    let id = |name: &str| REGISTRY.id(name).expect("the name is a constant of the registry");
    let (person, location, organization, address) = (person(), id("LOCATION"), id("ORGANIZATION"), id("ADDRESS"));
    entities
        .into_iter()
        // An abbreviation alone names no one that a person could be found by.
        .filter(|named| named.kind != EntityKind::Organization || !abbreviation(&text[named.start..named.end]))
        .map(|named| Candidate {
            kind: match named.kind {
                EntityKind::Person => person,
                EntityKind::Location => location,
                EntityKind::Organization => organization,
                EntityKind::Address => address,
            },
            start: named.start,
            end: named.end,
            confidence: named.confidence,
            // Below every check and every context word: a name gives way to a number.
            rank: named.confidence * 0.5 + 0.3,
            proof: pii::Proof::Model,
            word: None,
        })
        .collect()
}

/// Texts longer than this are not searched for values that were no finding there.
const ECHO_SEARCH_BYTES_MAX: usize = 64 << 10;

/// Marks findings of the output whose value the input holds too.
pub(crate) fn mark_echoes(input: &Read<'_>, output: &Read<'_>, of_input: &[Finding], of_output: &mut [Finding]) {
    if of_output.is_empty() {
        return;
    }
    let folded = |value: &str| -> String {
        let mut folded = String::with_capacity(value.len());
        for c in value.chars().filter(|c| c.is_alphanumeric()) {
            if c.is_ascii() { folded.push(c.to_ascii_lowercase()) } else { folded.extend(c.to_lowercase()) }
        }
        folded
    };
    let value =
        |read: &Read<'_>, finding: &Finding| folded(&read.original[finding.span.byte_start..finding.span.byte_end]);
    let known: BTreeSet<String> = of_input.iter().map(|finding| value(input, finding)).collect();
    let plain = if input.original.len() <= ECHO_SEARCH_BYTES_MAX { folded(&input.view.text) } else { String::new() };
    for finding in of_output {
        let value = value(output, finding);
        finding.echoed = known.contains(&value) || !value.is_empty() && plain.contains(&value);
    }
}

/// Up to five capital letters.
fn abbreviation(value: &str) -> bool {
    value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn finish(read: &Read<'_>, about: &About<'_>, mut raws: Vec<Raw>) -> (Vec<Finding>, Vec<Finding>) {
    raws.retain(|raw| raw.start < raw.end && !about.rules.allows(&read.original[raw.start..raw.end]));
    raws.sort_by_key(|raw| (raw.start, raw.end));
    let bytes: Vec<(usize, usize)> = raws.iter().map(|raw| (raw.start, raw.end)).collect();
    let spans = spans(read.original, &bytes);
    let mut pointers = if read.json {
        let positions: Vec<usize> = bytes.iter().map(|&(start, _)| start).collect();
        json::pointers(read.original, &positions)
    } else {
        vec![None; bytes.len()]
    };
    let mut pii = Vec::new();
    let mut secret = Vec::new();
    for ((raw, span), pointer) in raws.into_iter().zip(spans).zip(pointers.iter_mut()) {
        let list = if raw.kind.category == pii::Category::Credential { &mut secret } else { &mut pii };
        list.push(Finding {
            kind: raw.kind,
            side: about.side,
            span,
            confidence: raw.confidence,
            severity: raw.kind.severity,
            proof: match raw.proof {
                pii::Proof::Model => Proof::Model,
                pii::Proof::Context => Proof::Context,
                pii::Proof::Format => Proof::Format,
                pii::Proof::Checksum => Proof::Checksum,
            },
            word: raw.word,
            masked: mask(raw.kind.name, &read.original[raw.start..raw.end]),
            alternatives: raw.alternatives,
            pointer: pointer.take(),
            echoed: false,
            encoding: raw.encoding,
        });
    }
    (pii, secret)
}
