//! Texts of customers as HTML: escaped, with what was found marked and named, with what cannot be seen made visible, a
//! bounded part at a time.
//!
//! Places are code points of the original, ends exclusive, and may overlap: the text is cut where any of them begins or
//! ends, and each piece is marked as the gravest that covers it. The name of a finding stands where it begins.
//!
//! Characters that change how others are read (bidirectional controls) or that nobody sees (zero width, tags, control
//! codes) are written as their code: none of them reaches the page.

use std::fmt::Write as _;

/// Characters of one part: what is shown of a text at once.
pub(super) const PART_CHARS: usize = 6_000;
/// Places that are marked in one part, the gravest first.
const PLACES_MAX: usize = 200;
/// Names that are written where several places begin at once.
const NAMES_MAX: usize = 3;

/// What a mark means, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A placeholder of a safe version.
    Placeholder,
    /// A hazard.
    Hazard,
    /// A statement of a special category.
    Special,
    /// Personal data.
    Personal,
    /// A credential.
    Secret,
}

impl Mark {
    /// The class of the style sheet.
    fn class(self) -> &'static str {
        match self {
            Self::Placeholder => "safe",
            Self::Hazard => "hazard",
            Self::Special => "special",
            Self::Personal => "personal",
            Self::Secret => "secret",
        }
    }
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// First code point.
    pub(super) start: usize,
    /// Code point after the last one.
    pub(super) end: usize,
    pub(super) mark: Mark,
    /// What was found, as the interface names it; empty for none.
    pub(super) name: String,
    /// The reason, for a pointer that rests on it.
    pub(super) why: String,
}

/// A part of a text, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TextPart {
    pub(super) html: String,
    /// Characters of the whole text.
    pub(super) chars: usize,
    /// First and last character of the part, from 1; none of an empty one.
    pub(super) shown: Option<(usize, usize)>,
}

/// How many parts a text has.
pub(super) fn parts(text: &str) -> usize {
    text.chars().count().div_ceil(PART_CHARS).max(1)
}

/// A part of a text, from 0, with its places marked. Places beyond the text are left out.
pub(super) fn marked(text: &str, places: &[Place], part: usize) -> TextPart {
    let from = part.saturating_mul(PART_CHARS);
    let chars: Vec<char> = text.chars().skip(from).take(PART_CHARS).collect();
    let total = text.chars().count();
    let to = from + chars.len();
    let mut inside: Vec<&Place> =
        places.iter().filter(|place| place.start < place.end && place.start < to && place.end > from).collect();
    if inside.len() > PLACES_MAX {
        inside.sort_by_key(|place| std::cmp::Reverse(place.mark));
        inside.truncate(PLACES_MAX);
    }
    let mut cuts: Vec<usize> =
        inside.iter().flat_map(|place| [place.start.max(from), place.end.min(to)]).chain([from, to]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut begins = inside;
    begins.sort_by_key(|place| place.start.max(from));
    let (mut next, mut open): (usize, Vec<&Place>) = (0, Vec::new());
    let mut html = String::with_capacity(chars.len() * 2);
    for pair in cuts.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        open.retain(|place| place.end > start);
        let first_new = next;
        while next < begins.len() && begins[next].start.max(from) <= start {
            open.push(begins[next]);
            next += 1;
        }
        let piece = &chars[start - from..end - from];
        // A name stands where its place begins, and again where a part of the text does.
        piece_html(&mut html, piece, &open, &begins[first_new..next]);
    }
    TextPart { html, chars: total, shown: (to > from).then_some((from + 1, to)) }
}

/// A part of a safe version, with its placeholders marked.
pub(super) fn safe(text: &str, part: usize) -> TextPart {
    marked(text, &placeholders(text), part)
}

fn piece_html(html: &mut String, piece: &[char], open: &[&Place], begun: &[&Place]) {
    let Some(gravest) = open.iter().max_by_key(|place| place.mark) else {
        write_chars(html, piece);
        return;
    };
    let whys: Vec<&str> =
        open.iter().map(|place| place.why.as_str()).filter(|why| !why.is_empty()).take(NAMES_MAX).collect();
    html.push_str("<mark class=\"");
    html.push_str(gravest.mark.class());
    if !whys.is_empty() {
        html.push_str("\" title=\"");
        escape(html, &whys.join("; "));
    }
    html.push_str("\">");
    let mut names: Vec<&str> = begun.iter().map(|place| place.name.as_str()).filter(|name| !name.is_empty()).collect();
    names.dedup();
    if !names.is_empty() {
        let more = names.len().saturating_sub(NAMES_MAX);
        names.truncate(NAMES_MAX);
        html.push_str("<b dir=\"ltr\">");
        escape(html, &names.join(" · "));
        if more > 0 {
            write!(html, " +{more}").expect("writing to a string cannot fail");
        }
        html.push_str("</b> ");
    }
    write_chars(html, piece);
    html.push_str("</mark>");
}

/// Characters escaped; runs of those that cannot be seen as their code.
fn write_chars(html: &mut String, chars: &[char]) {
    let mut at = 0;
    while at < chars.len() {
        let char = chars[at];
        let before = at.checked_sub(1).map(|before| chars[before]);
        let Some(hidden) = hidden(char, before, chars.get(at + 1).copied()) else {
            escape_char(html, char);
            at += 1;
            continue;
        };
        let run = match hidden {
            Hidden::Tag => chars[at..].iter().take_while(|char| is_tag(**char)).count(),
            Hidden::Code(_) => chars[at..].iter().take_while(|other| **other == char).count(),
        };
        write_hidden(html, hidden, &chars[at..at + run]);
        at += run;
    }
}

/// Why a character is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    /// One of the tag characters, which spell ASCII that no font shows.
    Tag,
    /// Anything else, by its name.
    Code(&'static str),
}

fn is_tag(char: char) -> bool {
    ('\u{e0000}'..='\u{e007f}').contains(&char)
}

/// What a character is when it cannot be seen where it stands.
fn hidden(char: char, before: Option<char>, after: Option<char>) -> Option<Hidden> {
    let name = match char {
        '\t' | '\n' => return None,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "control character",
        '\u{ad}' => "soft hyphen",
        '\u{34f}' => "combining grapheme joiner",
        '\u{61c}' => "Arabic letter mark",
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => "Hangul filler",
        '\u{17b4}' | '\u{17b5}' | '\u{180e}' => "invisible character",
        '\u{200b}' => "zero width space",
        // Emoji and Indic scripts are written with these.
        '\u{200c}' | '\u{200d}' if joins(before) && joins(after) => return None,
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{200e}' => "left-to-right mark",
        '\u{200f}' => "right-to-left mark",
        '\u{2028}' => "line separator",
        '\u{2029}' => "paragraph separator",
        '\u{202a}' => "left-to-right embedding",
        '\u{202b}' => "right-to-left embedding",
        '\u{202c}' => "end of directional formatting",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{2060}' => "word joiner",
        '\u{2061}'..='\u{2064}' => "invisible operator",
        '\u{2066}' => "left-to-right isolate",
        '\u{2067}' => "right-to-left isolate",
        '\u{2068}' => "first strong isolate",
        '\u{2069}' => "end of isolate",
        '\u{206a}'..='\u{206f}' => "deprecated format character",
        '\u{fe00}'..='\u{fe0f}' if before.is_some_and(|before| before >= '\u{a9}' && !is_selector(before)) => {
            return None;
        }
        char if is_selector(char) => "variation selector",
        '\u{feff}' => "zero width no-break space",
        '\u{fff9}'..='\u{fffb}' => "interlinear annotation",
        char if is_tag(char) => return Some(Hidden::Tag),
        _ => return None,
    };
    Some(Hidden::Code(name))
}

fn is_selector(char: char) -> bool {
    matches!(char, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a joiner beside this character may be part of writing it: letters of Indic and other joining scripts, emoji
/// and their selectors; nothing that is hidden itself.
fn joins(beside: Option<char>) -> bool {
    beside.is_some_and(|char| match char {
        '\u{600}'..='\u{1fff}' => {
            !matches!(char, '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}')
        }
        '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}' => true,
        _ => false,
    })
}

fn write_hidden(html: &mut String, hidden: Hidden, run: &[char]) {
    const SPELLED_MAX: usize = 60;
    html.push_str("<span class=\"unseen\" dir=\"ltr\" title=\"");
    let repeated = run.len();
    match hidden {
        Hidden::Code(name) => {
            let code = u32::from(run[0]);
            write!(html, "{name}\">U+{code:04X}").expect("writing to a string cannot fail");
            if repeated > 1 {
                write!(html, " ×{repeated}").expect("writing to a string cannot fail");
            }
        }
        Hidden::Tag => {
            write!(html, "{repeated} tag characters\">tags").expect("writing to a string cannot fail");
            let ascii = run.iter().filter_map(|char| u8::try_from(u32::from(*char) - 0xe0000).ok());
            let spelled: String =
                ascii.filter(|byte| (0x20..0x7f).contains(byte)).take(SPELLED_MAX).map(char::from).collect();
            if !spelled.is_empty() {
                html.push_str(" “");
                escape(html, &spelled);
                html.push('”');
            }
        }
    }
    html.push_str("</span>");
}

fn escape(html: &mut String, text: &str) {
    text.chars().for_each(|char| escape_char(html, char));
}

fn escape_char(html: &mut String, char: char) {
    match char {
        '&' => html.push_str("&amp;"),
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '"' => html.push_str("&quot;"),
        '\'' => html.push_str("&#39;"),
        other => html.push(other),
    }
}

/// Placeholders such as `[EMAIL_1]` and `[REMOVED: …]`, as the engine writes them.
fn placeholders(text: &str) -> Vec<Place> {
    const LENGTH_MAX: usize = 80;
    let mut places = Vec::new();
    let mut start = None;
    for (at, char) in text.chars().enumerate() {
        match (char, start) {
            ('[', _) => start = Some((at, false)),
            (']', Some((from, true))) => {
                let place = Place {
                    start: from,
                    end: at + 1,
                    mark: Mark::Placeholder,
                    name: String::new(),
                    why: String::new(),
                };
                places.push(place);
                start = None;
            }
            ('_' | ':', Some((from, _))) if at - from < LENGTH_MAX => start = Some((from, true)),
            ('A'..='Z' | '0'..='9' | ' ', Some((from, _))) if at - from < LENGTH_MAX => {}
            // After `[REMOVED:` a reason in small letters follows.
            ('a'..='z', Some((from, true))) if at - from < LENGTH_MAX => {}
            _ => start = None,
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(start: usize, end: usize, mark: Mark, name: &str) -> Place {
        Place { start, end, mark, name: name.to_owned(), why: String::new() }
    }

    fn html(text: &str, places: &[Place]) -> String {
        marked(text, places, 0).html
    }

    #[test]
    fn places_are_marked_and_named_where_they_begin() {
        assert_eq!(
            html("to a@b.de now", &[place(3, 9, Mark::Personal, "EMAIL")]),
            "to <mark class=\"personal\"><b dir=\"ltr\">EMAIL</b> a@b.de</mark> now"
        );
        assert_eq!(html("", &[place(0, 4, Mark::Personal, "EMAIL")]), "");
        assert_eq!(html("ab", &[place(7, 9, Mark::Personal, "EMAIL"), place(1, 1, Mark::Secret, "X")]), "ab");
    }

    #[test]
    fn overlapping_places_are_cut_and_the_gravest_is_shown() {
        let places =
            [place(0, 6, Mark::Hazard, "A7"), place(2, 4, Mark::Secret, "KEY"), place(3, 6, Mark::Personal, "ID")];
        assert_eq!(
            html("abcdef", &places),
            "<mark class=\"hazard\"><b dir=\"ltr\">A7</b> ab</mark><mark class=\"secret\"><b dir=\"ltr\">KEY</b> c</mark>\
             <mark class=\"secret\"><b dir=\"ltr\">ID</b> d</mark><mark class=\"personal\">ef</mark>"
        );
    }

    #[test]
    fn places_count_code_points() {
        let text = "é👩‍👩‍👧 株 x";
        let at = text.chars().position(|char| char == '株').unwrap();
        assert!(html(text, &[place(at, at + 1, Mark::Personal, "ORG")]).contains("<b dir=\"ltr\">ORG</b> 株</mark> x"));
        assert!(!html(text, &[]).contains("unseen"), "joiners of emoji are part of them");
    }

    #[test]
    fn markup_is_text() {
        let place = Place { why: "\"><script>".to_owned(), ..place(0, 5, Mark::Hazard, "<i>") };
        let html = html("<b>&'", &[place]);
        assert!(!html.contains("<script") && !html.contains("<i>") && html.contains("&lt;b&gt;&amp;&#39;"), "{html}");
    }

    #[test]
    fn what_cannot_be_seen_is_written_as_its_code() {
        let shown = |text: &str| html(text, &[]);
        assert_eq!(
            shown("a\u{202e}b"),
            "a<span class=\"unseen\" dir=\"ltr\" title=\"right-to-left override\">U+202E</span>b"
        );
        assert!(shown("a\u{200b}\u{200b}b").contains(">U+200B ×2<"));
        assert!(shown("a\u{200d}b").contains("U+200D"), "a joiner between Latin letters hides something");
        assert!(shown("\0").contains("U+0000") && shown("a\tb\nc") == "a\tb\nc");
        let tags: String = "hi <b>".chars().map(|char| char::from_u32(0xe0000 + u32::from(char)).unwrap()).collect();
        assert!(shown(&tags).contains("6 tag characters\">tags “hi &lt;b&gt;”"), "{}", shown(&tags));
        assert!(!shown("❤\u{fe0f} क\u{94d}\u{200d}ष می\u{200c}خواهم").contains("unseen"));
        assert!(shown("a\u{e0101}").contains("U+E0101"));
        for char in
            (0..=0x10_ffff).filter_map(char::from_u32).filter(|char| "\u{2066}\u{2069}\u{202a}\u{feff}".contains(*char))
        {
            assert!(!shown(&format!("x{char}y")).contains(char), "{char:?}");
        }
    }

    #[test]
    fn long_texts_come_in_parts_and_marks_go_on() {
        let text = "x".repeat(PART_CHARS + 10);
        let places = [place(PART_CHARS - 5, PART_CHARS + 5, Mark::Personal, "EMAIL")];
        let (first, second) = (marked(&text, &places, 0), marked(&text, &places, 1));
        assert_eq!((first.shown, first.chars, parts(&text)), (Some((1, PART_CHARS)), PART_CHARS + 10, 2));
        assert_eq!(second.shown, Some((PART_CHARS + 1, PART_CHARS + 10)));
        assert!(first.html.ends_with("<b dir=\"ltr\">EMAIL</b> xxxxx</mark>"));
        assert_eq!(second.html, "<mark class=\"personal\"><b dir=\"ltr\">EMAIL</b> xxxxx</mark>xxxxx");
        assert_eq!(marked(&text, &places, 9).html, "");
        assert_eq!(marked("", &[], 0).shown, None);
    }

    #[test]
    fn many_overlapping_places_stay_small() {
        let text = "y".repeat(PART_CHARS);
        let places: Vec<Place> = (0..3_000)
            .map(|at| Place { why: "w".repeat(20), ..place(at, PART_CHARS - at, Mark::Personal, "T") })
            .collect();
        assert!(marked(&text, &places, 0).html.len() < 80_000);
    }

    #[test]
    fn placeholders_are_found_and_nothing_else() {
        let found = |text: &str| {
            placeholders(text)
                .iter()
                .map(|place| text.chars().skip(place.start).take(place.end - place.start).collect())
                .collect::<Vec<String>>()
        };
        assert_eq!(found("Hi [PERSON_1], [EMAIL_12]!"), ["[PERSON_1]", "[EMAIL_12]"]);
        assert_eq!(
            found("[REMOVED: instruction in untrusted content]"),
            ["[REMOVED: instruction in untrusted content]"]
        );
        for plain in ["[1]", "[note]", "a[i]", "[NOTE]", "[[", "[A_", &format!("[{}_1]", "A".repeat(90))] {
            assert!(found(plain).is_empty(), "{plain}");
        }
    }
}
