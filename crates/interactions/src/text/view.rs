//! A text as a reader sees it, with a map back to the bytes it came from.
//!
//! Folded: compatibility forms and composed accents (NFKC, a letter with its marks at a time), dashes and spaces to their
//! ASCII kin, letters of other scripts inside Latin words, JSON string escapes when the text is JSON. Removed: zero-width
//! characters, bidirectional controls, variation selectors, tag characters. What was removed or folded to deceive is
//! reported as [`Hidden`].
//!
//! Invariants: a text without any of this is borrowed, not copied; every span of the view maps to a span of the original
//! on character boundaries; time and memory are linear (a letter keeps at most [`MARKS_MAX`] marks, further ones are
//! dropped from the view).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::confusables;

/// Marks on one letter that are looked at; the longest in any orthography is 4 (UAX #15 speaks of 30 in its stream-safe
/// format).
const MARKS_MAX: usize = 30;

/// A text ready to be scanned.
#[derive(Debug)]
pub(crate) struct View<'t> {
    pub(crate) text: Cow<'t, str>,
    segments: Vec<Segment>,
    pub(crate) hidden: Vec<Hidden>,
    /// What tag characters spell, with the span they stood at (original bytes).
    pub(crate) tagged: Vec<(String, usize, usize)>,
}

/// What was hidden where (bytes of the original).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) kind: HiddenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Ways of hiding text from a reader or a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum HiddenKind {
    /// Zero-width characters between letters or digits.
    ZeroWidth,
    /// Override or isolate controls that reorder what is shown.
    Bidi,
    /// Unicode tag characters, which no font shows.
    Tags,
    /// Letters of another script inside a Latin word.
    Homoglyph,
}

impl HiddenKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            HiddenKind::ZeroWidth => "zero_width",
            HiddenKind::Bidi => "bidi",
            HiddenKind::Tags => "tags",
            HiddenKind::Homoglyph => "homoglyph",
        }
    }
}

/// A stretch of the view that begins at `view` and stands for original bytes from `from`. A copied stretch maps byte by
/// byte; a replaced one maps as a whole to `from..to`.
#[derive(Debug, Clone, Copy)]
struct Segment {
    view: usize,
    from: usize,
    to: usize,
    copied: bool,
}

impl<'t> View<'t> {
    /// The view of `text`; `json` says that it is a JSON document, whose string escapes are resolved.
    pub(crate) fn of(text: &'t str, json: bool) -> Self {
        if text.is_ascii() && !(json && text.contains('\\')) {
            return View { text: Cow::Borrowed(text), segments: Vec::new(), hidden: Vec::new(), tagged: Vec::new() };
        }
        let mut builder = Builder::new(text, json);
        builder.run();
        builder.finish()
    }

    /// The original bytes that `start..end` of the view stands for.
    pub(crate) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        if self.segments.is_empty() {
            return (start, end);
        }
        let from = self.segment(start);
        let first = if from.copied { from.from + (start - from.view) } else { from.from };
        let to = self.segment(end.max(start + 1) - 1);
        let last = if to.copied { to.from + (end - to.view) } else { to.to };
        (first, last.max(first))
    }

    fn segment(&self, at: usize) -> Segment {
        let after = self.segments.partition_point(|segment| segment.view <= at);
        self.segments[after.saturating_sub(1)]
    }
}

struct Builder<'t> {
    source: &'t str,
    json: bool,
    in_string: bool,
    out: String,
    segments: Vec<Segment>,
    hidden: Vec<Hidden>,
    tagged: Vec<(String, usize, usize)>,
    /// Whether the word under way mixes Latin letters with look-alikes, and where it ends.
    mixed: bool,
    word_end: usize,
    changed: bool,
}

impl<'t> Builder<'t> {
    fn new(source: &'t str, json: bool) -> Self {
        Builder {
            source,
            json,
            in_string: false,
            out: String::with_capacity(source.len()),
            segments: Vec::new(),
            hidden: Vec::new(),
            tagged: Vec::new(),
            mixed: false,
            word_end: 0,
            changed: false,
        }
    }

    fn run(&mut self) {
        let bytes = self.source.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte < 0x80 {
                at = self.ascii(at);
            } else {
                at = self.character(at);
            }
        }
    }

    /// ASCII up to the next character that needs a look: copied, but for JSON escapes, and but for a last letter that
    /// carries marks.
    fn ascii(&mut self, at: usize) -> usize {
        let bytes = self.source.as_bytes();
        let mut end = at;
        while end < bytes.len() && bytes[end] < 0x80 {
            if self.json {
                match bytes[end] {
                    b'"' => self.in_string = !self.in_string,
                    b'\\' if self.in_string => {
                        self.copy(at, end);
                        return self.escape(end);
                    }
                    _ => {}
                }
            }
            end += 1;
        }
        if end < bytes.len() && end > at && bytes[end - 1].is_ascii_alphabetic() && self.marks_at(end) > 0 {
            self.copy(at, end - 1);
            return self.cluster(end - 1);
        }
        self.copy(at, end);
        end
    }

    fn character(&mut self, at: usize) -> usize {
        let c = self.char_at(at);
        let end = at + c.len_utf8();
        if let Some(kind) = removed(c) {
            return self.remove(at, end, kind);
        }
        if let Some(ascii) = confusables::punctuation(c) {
            self.replace(at, end, ascii);
            return end;
        }
        if confusables::other_script(c) {
            self.look_at_word(at);
            if self.mixed
                && let Some(latin) = confusables::latin(c)
            {
                self.replace(at, end, latin);
                self.hide(HiddenKind::Homoglyph, at, end);
                return end;
            }
        }
        self.cluster(at)
    }

    /// One character and its marks, composed.
    fn cluster(&mut self, at: usize) -> usize {
        let c = self.char_at(at);
        let single = at + c.len_utf8();
        let marks = self.marks_at(single);
        if marks == 0 {
            if unchanged(c) {
                self.copy(at, single);
            } else {
                let folded: String = std::iter::once(c).nfkc().collect();
                self.replace_str(at, single, &folded);
            }
            return single;
        }
        let mut end = single;
        let mut kept = String::new();
        kept.push(c);
        for (count, mark) in self.source[single..].chars().take_while(|&c| is_mark(c)).enumerate() {
            end += mark.len_utf8();
            if count < MARKS_MAX {
                kept.push(mark);
            }
        }
        let folded: String = kept.nfkc().collect();
        if folded == self.source[at..end] {
            self.copy(at, end);
        } else {
            self.replace_str(at, end, &folded);
        }
        end
    }

    /// Bytes of marks from `at`, 0 when there is none (only whether it is 0 matters).
    fn marks_at(&self, at: usize) -> usize {
        self.source[at..].chars().next().filter(|&c| is_mark(c)).map_or(0, char::len_utf8)
    }

    fn char_at(&self, at: usize) -> char {
        self.source[at..].chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// Decides once a word whether it mixes scripts; a word is looked through once however long it is.
    fn look_at_word(&mut self, at: usize) {
        if at < self.word_end {
            return;
        }
        let before = self.source[..at].bytes().next_back().is_some_and(|byte| byte.is_ascii_alphabetic());
        let mut latin = before;
        let mut end = at;
        for c in self.source[at..].chars() {
            if c.is_ascii_alphabetic() {
                latin = true;
            } else if !confusables::other_script(c) && removed(c).is_none() {
                break;
            }
            end += c.len_utf8();
        }
        self.mixed = latin;
        self.word_end = end.max(at + 1);
    }

    fn remove(&mut self, at: usize, end: usize, kind: Option<HiddenKind>) -> usize {
        self.changed = true;
        match kind {
            Some(HiddenKind::Tags) => return self.tags(at),
            // A joiner inside an emoji or an Indic or Persian word is orthography; inside ASCII it hides something.
            Some(HiddenKind::ZeroWidth) => {
                let before = self.source[..at].bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric());
                let after = self.source[end..].bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
                if before && after {
                    self.hide(HiddenKind::ZeroWidth, at, end);
                }
            }
            Some(kind) => self.hide(kind, at, end),
            None => {}
        }
        end
    }

    /// A run of tag characters: spelled out apart, unless it belongs to a flag (after U+1F3F4).
    fn tags(&mut self, at: usize) -> usize {
        let mut end = at;
        let mut spelled = String::new();
        for c in self.source[at..].chars() {
            let code = c as u32;
            if !(0xe0000..=0xe007f).contains(&code) {
                break;
            }
            end += c.len_utf8();
            if let Some(ascii) = char::from_u32(code - 0xe0000).filter(|c| matches!(c, ' '..='~')) {
                spelled.push(ascii);
            }
        }
        if !self.source[..at].ends_with('\u{1f3f4}') {
            self.hide(HiddenKind::Tags, at, end);
            self.tagged.push((spelled, at, end));
        }
        end
    }

    /// A JSON escape inside a string; the backslash is at `at`.
    fn escape(&mut self, at: usize) -> usize {
        let bytes = self.source.as_bytes();
        let simple = |c| (Some(c), at + 2);
        let (c, end) = match bytes.get(at + 1) {
            Some(b'n') => simple('\n'),
            Some(b't') => simple('\t'),
            Some(b'r') => simple('\r'),
            Some(b'b' | b'f') => simple(' '),
            Some(&quote @ (b'"' | b'\\' | b'/')) => simple(char::from(quote)),
            Some(b'u') => match super::json::unicode_escape(bytes, at) {
                Some((c, end)) => (Some(c), end),
                None => (None, at + 1),
            },
            _ => (None, at + 1),
        };
        match c {
            // A hidden character spelled as an escape is as hidden as the character.
            Some(c) => match removed(c) {
                Some(kind) => {
                    self.changed = true;
                    if let Some(kind) = kind {
                        self.hide(kind, at, end);
                    }
                }
                None if unchanged(c) => self.replace(at, end, confusables::punctuation(c).unwrap_or(c)),
                None => {
                    let folded: String = std::iter::once(c).nfkc().collect();
                    self.replace_str(at, end, &folded);
                }
            },
            None => self.copy(at, end),
        }
        end
    }

    fn hide(&mut self, kind: HiddenKind, start: usize, end: usize) {
        match self.hidden.last_mut() {
            // Neighbours of one kind are one finding.
            Some(last) if last.kind == kind && start.saturating_sub(last.end) <= 8 => last.end = end,
            _ => self.hidden.push(Hidden { kind, start, end }),
        }
    }

    fn copy(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        let follows =
            self.segments.last().is_some_and(|last| last.copied && last.from + (self.out.len() - last.view) == start);
        if !follows {
            self.segments.push(Segment { view: self.out.len(), from: start, to: end, copied: true });
        }
        self.out.push_str(&self.source[start..end]);
    }

    fn replace(&mut self, start: usize, end: usize, c: char) {
        self.changed = true;
        self.segments.push(Segment { view: self.out.len(), from: start, to: end, copied: false });
        self.out.push(c);
    }

    fn replace_str(&mut self, start: usize, end: usize, text: &str) {
        self.changed = true;
        if !text.is_empty() {
            self.segments.push(Segment { view: self.out.len(), from: start, to: end, copied: false });
            self.out.push_str(text);
        }
    }

    fn finish(self) -> View<'t> {
        if !self.changed {
            let text = Cow::Borrowed(self.source);
            return View { text, segments: Vec::new(), hidden: self.hidden, tagged: self.tagged };
        }
        let mut segments = self.segments;
        if segments.is_empty() {
            segments.push(Segment { view: 0, from: 0, to: self.source.len(), copied: false });
        }
        View { text: Cow::Owned(self.out), segments, hidden: self.hidden, tagged: self.tagged }
    }
}

/// Whether the reader's view drops the character, and what hiding that would be.
fn removed(c: char) -> Option<Option<HiddenKind>> {
    match c {
        '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{ad}'
        | '\u{180e}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}' => Some(Some(HiddenKind::ZeroWidth)),
        // Marks of direction are ordinary in right-to-left text; overrides and isolates reorder what is shown.
        '\u{200e}' | '\u{200f}' | '\u{61c}' => Some(None),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(Some(HiddenKind::Bidi)),
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Some(None),
        '\u{e0000}'..='\u{e007f}' => Some(Some(HiddenKind::Tags)),
        _ => None,
    }
}

fn is_mark(c: char) -> bool {
    // Below U+0300 nothing combines.
    c >= '\u{300}' && canonical_combining_class(c) != 0
}

/// The character is its own NFKC form.
fn unchanged(c: char) -> bool {
    // Latin-1 letters, Greek, Cyrillic, Hebrew, Arabic letters, kana, Han and Hangul syllables are; the table says the rest.
    match c {
        '\u{c0}'..='\u{131}' | '\u{400}'..='\u{481}' | '\u{3041}'..='\u{3096}' | '\u{4e00}'..='\u{9fff}' => true,
        '\u{ac00}'..='\u{d7a3}' => true,
        _ => unicode_normalization::is_nfkc(std::iter::once(c).collect::<String>().as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        View::of(text, false).text.into_owned()
    }

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["plain ASCII", "naïve façade, 森 太郎", "Привет", "", "שלום"] {
            assert!(matches!(View::of(text, false).text, Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn hidden_and_folded_characters_read_as_a_person_reads_them() {
        assert_eq!(seen("4111\u{200b}1111"), "41111111");
        assert_eq!(seen("４１１１"), "4111");
        assert_eq!(seen("p\u{430}ssword"), "password");
        assert_eq!(seen("пароль"), "пароль");
        assert_eq!(seen("Jose\u{301}"), "José");
        assert_eq!(seen("049–26—2965"), "049-26-2965");
        assert_eq!(seen("ignore\u{e0069}\u{e0067} x"), "ignore x");
        assert_eq!(View::of("ok\u{e0069}\u{e0067}", false).tagged[0].0, "ig");
        assert!(View::of("🏴\u{e0067}\u{e0062}\u{e007f}", false).tagged.is_empty());
        assert_eq!(View::of("a\u{202e}b", false).hidden[0].kind, HiddenKind::Bidi);
    }

    #[test]
    fn spans_of_the_view_map_to_whole_characters_of_the_original() {
        let text = "é ４１１１ \u{200b}x\u{430}b Jose\u{301}!";
        let view = View::of(text, false);
        for (start, c) in view.text.char_indices() {
            let (from, to) = view.original(start, start + c.len_utf8());
            assert!(text.is_char_boundary(from) && text.is_char_boundary(to) && from < to, "{c}");
        }
        let start = view.text.find("4111").unwrap();
        let (from, to) = view.original(start, start + 4);
        assert_eq!(&text[from..to], "４１１１");
        let start = view.text.find("José").unwrap();
        let (from, to) = view.original(start, start + "José".len());
        assert_eq!(&text[from..to], "Jose\u{301}");
    }

    #[test]
    fn json_escapes_are_resolved_and_mapped() {
        let text = r#"{"a": "x\u0040b.org \ud83d\ude00 \"q\" \n", "b": "\\"}"#;
        let view = View::of(text, true);
        assert!(view.text.contains("x@b.org 😀 \"q\" \n"));
        let start = view.text.find("x@b.org").unwrap();
        let (from, to) = view.original(start, start + 7);
        assert_eq!(&text[from..to], r"x\u0040b.org");
    }

    #[test]
    fn a_million_marks_take_linear_time_and_a_short_view() {
        let text = format!("e{}", "\u{301}".repeat(1_000_000));
        assert!(View::of(&text, false).text.len() < 200);
        let text = "\u{301}".repeat(100_000);
        let view = View::of(&text, false);
        let (from, to) = view.original(0, view.text.len());
        assert_eq!((from, to), (0, text.len()));
    }
}
