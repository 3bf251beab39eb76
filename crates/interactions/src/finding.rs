//! What is reported about a stretch of text.

use crate::interaction::Side;
use crate::pii::Kind;

/// What speaks for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Proof {
    /// A learned model.
    Model,
    /// A word near it.
    Context,
    /// A form of its own.
    Format,
    /// Check digits.
    Checksum,
}

impl Proof {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Proof::Model => "model",
            Proof::Context => "context",
            Proof::Format => "format",
            Proof::Checksum => "checksum",
        }
    }
}

/// A place in a text, in both measures the interface promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First UTF-8 byte.
    pub byte_start: usize,
    /// First byte after it.
    pub byte_end: usize,
    /// First Unicode code point.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
}

/// Personal data or a credential in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its type.
    pub kind: Kind,
    /// Input or output.
    pub side: Side,
    /// Where.
    pub span: Span,
    /// 0 to 1.
    pub confidence: f32,
    /// Severity, 0 to 10, of this finding.
    pub severity: u8,
    /// What speaks for it.
    pub proof: Proof,
    /// The context word that spoke for it.
    pub word: Option<String>,
    /// A form that shows what it is and hides whose.
    pub masked: String,
    /// Other types whose check also holds.
    pub alternatives: Vec<&'static str>,
    /// RFC 6901 pointer of the JSON value it stands in.
    pub pointer: Option<String>,
    /// The same value stands in the input too.
    pub echoed: bool,
    /// How it was encoded, when it was found in a decoded run.
    pub encoding: Option<&'static str>,
}

/// Spans of bytes, in both measures; one walk over the text however many they are.
pub(crate) fn spans(text: &str, bytes: &[(usize, usize)]) -> Vec<Span> {
    let mut ends: Vec<usize> = bytes.iter().flat_map(|&(start, end)| [start, end]).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut points = Vec::with_capacity(ends.len());
    let (mut at, mut count) = (0, 0);
    for &end in &ends {
        count += text.as_bytes()[at..end].iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        at = end;
        points.push(count);
    }
    let point = |byte: usize| points[ends.partition_point(|&end| end < byte)];
    bytes
        .iter()
        .map(|&(start, end)| Span { byte_start: start, byte_end: end, start: point(start), end: point(end) })
        .collect()
}

/// What may be shown of a value: the last four digits of a card (PCI DSS 3.4.1) and of an Aadhaar, country and last four of
/// an IBAN, nothing of anything else.
pub(crate) fn mask(kind: &str, value: &str) -> String {
    let compact: String = value.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let last = |count: usize| compact.get(compact.len().saturating_sub(count)..).unwrap_or_default().to_owned();
    match kind {
        "CREDIT_CARD" => format!("**** **** **** {}", last(4)),
        "IN_AADHAAR" => format!("XXXX XXXX {}", last(4)),
        "IBAN" => format!("{}** **** {}", compact.get(..2).unwrap_or_default(), last(4)),
        _ => "*".repeat(value.chars().count().clamp(1, 8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_measures_agree_on_every_script() {
        let text = "é😀e\u{301} 森 שלום x";
        let bytes: Vec<(usize, usize)> = text.char_indices().map(|(start, c)| (start, start + c.len_utf8())).collect();
        for (nth, span) in spans(text, &bytes).iter().enumerate() {
            assert_eq!((span.start, span.end), (nth, nth + 1));
        }
        assert!(spans("", &[]).is_empty());
    }

    #[test]
    fn masks_show_only_what_may_be_shown() {
        assert_eq!(mask("CREDIT_CARD", "4111-1111-1111-1234"), "**** **** **** 1234");
        assert_eq!(mask("IBAN", "DE89 3704 0044 0532 0130 00"), "DE** **** 3000");
        assert_eq!(mask("EMAIL", "ana@b.org"), "********");
    }
}
