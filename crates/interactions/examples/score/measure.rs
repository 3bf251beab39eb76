//! Overlap counts.

use std::collections::BTreeMap;

use assize_interactions::{Engine, Interaction, Rules, Text};

/// A marked span: bytes and type.
pub(crate) type Marked<'m> = (usize, usize, &'m str);

/// One name for what the sets call differently.
fn canonical(kind: &str) -> &str {
    match kind {
        "SEX" => "GENDER",
        "ORG" => "ORGANIZATION",
        "FAX" | "PHONE_NUMBER" => "PHONE",
        "DATE_OF_BIRTH" | "DATE_TIME" => "DATE",
        "EMAIL_ADDRESS" => "EMAIL",
        "IBAN_CODE" => "IBAN",
        "GPE" | "POSTCODE" => "LOCATION",
        "STREET_ADDRESS" | "ZIP_CODE" => "ADDRESS",
        "OCCUPATION" | "TITLE" => "EMPLOYMENT",
        other => other,
    }
}

/// Hits and misses by type.
#[derive(Default)]
pub(crate) struct Counts {
    hit: BTreeMap<String, usize>,
    missed: BTreeMap<String, usize>,
    right: BTreeMap<String, usize>,
    wrong: BTreeMap<String, usize>,
    pub(crate) clean: usize,
    quiet: usize,
}

/// Scores one text; `of` picks the types that count.
pub(crate) fn score(engine: &Engine<'_>, text: &str, marked: &[Marked<'_>], of: &dyn Fn(&str) -> bool) -> Counts {
    let interaction = Interaction { input: Text::plain(text), ..Interaction::default() };
    let found = engine.audit(&interaction, &Rules::default()).pii;
    let mut counts = Counts::default();
    for &(start, end, kind) in marked.iter().filter(|span| of(span.2)) {
        let hit = found.iter().any(|finding| {
            canonical(finding.kind.name) == canonical(kind)
                && finding.span.byte_start < end
                && finding.span.byte_end > start
        });
        *if hit { &mut counts.hit } else { &mut counts.missed }.entry(canonical(kind).to_owned()).or_default() += 1;
    }
    for finding in found.iter().filter(|finding| of(finding.kind.name)) {
        let right = marked.iter().any(|&(start, end, kind)| {
            canonical(finding.kind.name) == canonical(kind)
                && finding.span.byte_start < end
                && finding.span.byte_end > start
        });
        let list = if right { &mut counts.right } else { &mut counts.wrong };
        *list.entry(canonical(finding.kind.name).to_owned()).or_default() += 1;
    }
    if marked.is_empty() {
        counts.clean = 1;
        counts.quiet = usize::from(found.is_empty());
    }
    counts
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        let lists = [
            (&mut self.hit, &other.hit),
            (&mut self.missed, &other.missed),
            (&mut self.right, &other.right),
            (&mut self.wrong, &other.wrong),
        ];
        for (own, others) in lists {
            for (kind, count) in others {
                *own.entry(kind.clone()).or_default() += count;
            }
        }
        self.clean += other.clean;
        self.quiet += other.quiet;
    }

    pub(crate) fn marked(&self) -> usize {
        self.hit.values().chain(self.missed.values()).sum()
    }

    fn precision(&self) -> f64 {
        let right: usize = self.right.values().sum();
        let wrong: usize = self.wrong.values().sum();
        right as f64 / (right + wrong).max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.hit.values().sum::<usize>() as f64 / self.marked().max(1) as f64
    }

    pub(crate) fn f2(&self) -> f64 {
        weigh_recall(self.precision(), self.recall())
    }

    /// F2 of one type.
    pub(crate) fn f2_of(&self, kind: &str) -> f64 {
        let of = |list: &BTreeMap<String, usize>| list.get(kind).copied().unwrap_or(0) as f64;
        let precision = of(&self.right) / (of(&self.right) + of(&self.wrong)).max(1.0);
        let recall = of(&self.hit) / (of(&self.hit) + of(&self.missed)).max(1.0);
        weigh_recall(precision, recall)
    }

    pub(crate) fn quiet_rate(&self) -> f64 {
        self.quiet as f64 / self.clean.max(1) as f64
    }

    pub(crate) fn recalls(&self) -> Vec<(String, f64)> {
        let kinds: std::collections::BTreeSet<&String> = self.hit.keys().chain(self.missed.keys()).collect();
        kinds
            .into_iter()
            .map(|kind| {
                let hit = self.hit.get(kind).copied().unwrap_or(0);
                let missed = self.missed.get(kind).copied().unwrap_or(0);
                (kind.clone(), hit as f64 / (hit + missed) as f64)
            })
            .collect()
    }

    pub(crate) fn print(&self, bar: &str) {
        println!(
            "  micro overlap precision {:.3} recall {:.3} F2 {:.3} over {} spans (bar {bar})",
            self.precision(),
            self.recall(),
            self.f2(),
            self.marked()
        );
    }
}

/// F2: recall counts four times.
fn weigh_recall(precision: f64, recall: f64) -> f64 {
    5.0 * precision * recall / (4.0 * precision + recall).max(1e-9)
}
