//! What a recogniser is: data first (kind, written forms, words that stand near it, examples), one check function.
//!
//! A form is a string in a small language: `9` is a digit, `A` a letter, `X` a letter or digit, `_` one separator
//! (space, hyphen or full stop), any other character itself. The scanner tries the forms whose first group of letters
//! and digits is as long as the one it stands on; the check sees the compact form (upper case, no separators).
//!
//! Confidence follows the taxonomy: check digits first, context second, format last. A form that only this number is
//! written in (`756.1234.5678.97`) speaks for itself; a bare run of digits that one in ten runs would pass does not,
//! and waits for a word near it or for the user's country.

/// What an entity says about a person; decides severity, law and remediation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Names one person by itself.
    Direct,
    /// Narrows down who it is.
    Quasi,
    /// Special category (GDPR articles 9 and 10, and their like elsewhere).
    Special,
    /// Payment card data (PCI DSS).
    Card,
    /// A credential.
    Credential,
    /// National, tax, social or health number of a person.
    National,
    /// Number of a company: public in most countries.
    Company,
}

/// A type of entity: its name in results, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Name in results, such as `US_SSN`.
    pub name: &'static str,
    /// What it says about a person.
    pub category: Category,
    /// Base severity, 0 to 10.
    pub severity: u8,
    /// ISO 3166-1 alpha-2 code of the issuing country, if one issues it.
    pub country: Option<&'static str>,
    /// One of the eighteen identifiers of 45 CFR 164.514(b)(2).
    pub hipaa: bool,
}

impl Kind {
    pub(crate) const fn new(name: &'static str, category: Category, severity: u8) -> Self {
        Kind {
            name,
            category,
            severity,
            country: None,
            hipaa: matches!(category, Category::Direct | Category::National),
        }
    }

    pub(crate) const fn national(name: &'static str, country: &'static str, severity: u8) -> Self {
        Kind { name, category: Category::National, severity, country: Some(country), hipaa: true }
    }

    pub(crate) const fn company(name: &'static str, country: &'static str) -> Self {
        Kind { name, category: Category::Company, severity: 1, country: Some(country), hipaa: false }
    }

    pub(crate) const fn not_hipaa(mut self) -> Self {
        self.hipaa = false;
        self
    }

    pub(crate) const fn of_hipaa(mut self) -> Self {
        self.hipaa = true;
        self
    }
}

/// How much a passed check proves: how often a random value of the same form passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// There is no check: only a word near it makes it a finding.
    Context,
    /// No check digit, but a form of its own.
    Format,
    /// About one random value in ten passes.
    Weak,
    /// Between one in fifty and one in three hundred.
    Medium,
    /// Rarer still.
    Strong,
}

impl Strength {
    /// Confidence without any context, in a form of its own.
    pub(crate) fn distinct(self) -> f32 {
        match self {
            Strength::Context => 0.30,
            Strength::Weak => 0.45,
            Strength::Format => 0.85,
            Strength::Medium | Strength::Strong => 0.95,
        }
    }

    /// Confidence without any context, as a bare run.
    pub(crate) fn bare(self) -> f32 {
        match self {
            Strength::Context | Strength::Format | Strength::Weak => 0.30,
            Strength::Medium => 0.45,
            Strength::Strong => 0.95,
        }
    }

    /// Confidence with a context word.
    pub(crate) fn with_context(self) -> f32 {
        match self {
            Strength::Context => 0.80,
            Strength::Format => 0.95,
            Strength::Weak => 0.97,
            Strength::Medium | Strength::Strong => 0.99,
        }
    }
}

/// One recogniser of a written form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recognizer {
    pub(crate) kind: Kind,
    /// Forms that hardly anything else is written in.
    pub(crate) distinct: &'static [&'static str],
    /// Forms that other numbers share.
    pub(crate) bare: &'static [&'static str],
    pub(crate) strength: Strength,
    /// Whether the compact form can be this number.
    pub(crate) check: fn(&[u8]) -> bool,
    /// Context words, lower case; a trailing `*` lets the word go on, a leading one lets it begin earlier.
    pub(crate) words: &'static [&'static str],
    /// Values that hold: half of the case table, and the examples of the documentation.
    pub(crate) examples: &'static [&'static str],
    /// Near misses: the other half.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the case table of the tests"))]
    pub(crate) refused: &'static [&'static str],
}

/// A written form, with what stands after its first group for dispatch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) pattern: &'static [u8],
    pub(crate) distinct: bool,
    /// The two signs of the pattern after its first group, zero where it has ended.
    next: [u8; 2],
}

impl Form {
    pub(crate) fn new(pattern: &'static str, distinct: bool) -> Form {
        let mut form = Form { pattern: pattern.as_bytes(), distinct, next: [0; 2] };
        let first = form.first_group();
        form.next = [first, first + 1].map(|at| form.pattern.get(at).copied().unwrap_or(0));
        form
    }

    /// Length of the first group of letters and digits.
    pub(crate) fn first_group(self) -> usize {
        self.pattern.iter().take_while(|byte| matches!(byte, b'9' | b'A' | b'X')).count()
    }

    /// Whether the two bytes after a first group of its length can be this form's: nearly no number in prose goes on.
    #[inline]
    pub(crate) fn goes_on(self, next: [u8; 2]) -> bool {
        self.next.into_iter().zip(next).all(|(want, byte)| want == 0 || fits(want, byte))
    }

    /// The end of the form in `text` when it stands at `start`, and the compact value; `None` when it does not.
    pub(crate) fn matches(self, text: &[u8], start: usize, compact: &mut Compact) -> Option<usize> {
        compact.len = 0;
        let mut at = start;
        for &want in self.pattern {
            let byte = *text.get(at)?;
            if !fits(want, byte) {
                return None;
            }
            if byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'<' {
                compact.push(byte.to_ascii_uppercase())?;
            }
            at += 1;
        }
        Some(at)
    }
}

/// Whether a byte is what a sign of a pattern stands for.
#[inline]
fn fits(want: u8, byte: u8) -> bool {
    match want {
        b'9' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_alphabetic(),
        b'X' => byte.is_ascii_alphanumeric(),
        b'_' => matches!(byte, b' ' | b'-' | b'.'),
        other => byte == other,
    }
}

/// Longest compact value of any form.
pub(crate) const COMPACT_BYTES_MAX: usize = 48;

/// A compact value on the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compact {
    bytes: [u8; COMPACT_BYTES_MAX],
    len: usize,
}

impl Compact {
    pub(crate) const EMPTY: Compact = Compact { bytes: [0; COMPACT_BYTES_MAX], len: 0 };

    pub(crate) fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.len)? = byte;
        self.len += 1;
        Some(())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_matches_its_own_spelling_only() {
        let form = Form::new("999-99-9999", true);
        let mut compact = Compact::EMPTY;
        assert_eq!(form.first_group(), 3);
        assert_eq!(form.matches(b"x 049-26-2965.", 2, &mut compact), Some(13));
        assert_eq!(compact.as_bytes(), b"049262965");
        assert_eq!(form.matches(b"049 26 2965", 0, &mut compact), None);
        assert_eq!(form.matches(b"049-26-29", 0, &mut compact), None);
        let form = Form::new("AA_99_99_99_A", true);
        assert_eq!(form.matches(b"gs 84.85-49 c", 0, &mut compact), Some(13));
        assert_eq!(compact.as_bytes(), b"GS848549C");
    }
}
