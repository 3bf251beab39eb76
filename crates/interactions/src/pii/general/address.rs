//! Postal addresses by their build, in the order of many countries: a street with its house number, around it what belongs
//! to it (flat, floor, box), after it postcode and city. The tagger reads addresses by their words; this finds those whose
//! words it never saw, because a number, a capitalised name, a postcode and a city follow each other in few other texts.
//!
//! Two places set it off: a postcode ([`with_postcode`]) and a word for a street ([`of_street`]). All reading is bounded:
//! [`WORDS_MAX`] words of [`WORD_BYTES_MAX`] bytes in [`PIECES_MAX`] pieces.

use crate::words::unspaced;

/// Where a street's name stands to the word for a street.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Street {
    /// `rue Imbert 30`: the name follows.
    Before,
    /// `Via Tarantino, 65`: the same, but the word is common in small letters.
    BeforeCapital,
    /// `12 Lori Street`: the name stands before.
    After,
    /// `Bellahøjvej 91`: the word is the name's end.
    Glued,
    /// `浅草橋7丁目21番7号`.
    Block,
}

/// Words for streets; those that are only ever part of a longer word begin with `*`.
pub(crate) const STREETS: &[(Street, &[&str])] = &[
    (
        Street::Before,
        &[
            "rue",
            "avenue",
            "boulevard",
            "bd",
            "chemin",
            "allée",
            "impasse",
            "quai",
            "ulica",
            "ul",
            "aleja",
            "al",
            "plac",
            "pl",
            "osiedle",
            "os",
            "calle",
            "avda",
            "avenida",
            "rua",
            "travessa",
            "viale",
            "vicolo",
        ],
    ),
    (
        Street::BeforeCapital,
        &[
            "via", "piazza", "corso", "largo", "place", "route", "av", "paseo", "plaza", "camino", "carrera",
            "calzada", "ronda", "praça", "alameda", "estrada", "rodovia", "strada", "c",
        ],
    ),
    (
        Street::After,
        &[
            "street",
            "st",
            "road",
            "rd",
            "avenue",
            "ave",
            "lane",
            "ln",
            "drive",
            "dr",
            "court",
            "ct",
            "boulevard",
            "blvd",
            "crescent",
            "terrace",
            "square",
            "highway",
            "parkway",
            "close",
            "way",
            "place",
            "gardens",
            "mews",
            "grove",
            "circle",
            "trail",
            "nagar",
            "marg",
            "colony",
            "chowk",
        ],
    ),
    (
        Street::Glued,
        &[
            "*straße", "*strasse", "*str", "*gasse", "*platz", "*allee", "*weg", "*ring", "*damm", "*ufer", "*laan",
            "*straat", "*plein", "*gracht", "*kade", "*dreef", "*singel", "*vägen", "*gatan", "*gränd", "*stigen",
            "*vej", "*gade", "*stræde", "*veien", "*vegen", "*gata", "*katu", "*tie", "*kuja", "*polku",
        ],
    ),
    (Street::Block, &["丁目"]),
];

/// Words that name a part of a house.
const UNITS: &[&str] = &[
    "apt",
    "apartment",
    "suite",
    "unit",
    "flat",
    "floor",
    "room",
    "box",
    "studio",
    "piso",
    "interior",
    "depto",
    "edif",
    "appartamento",
    "piano",
    "interno",
    "blk",
    "lot",
    "bte",
    "étage",
];
/// Small words inside names of streets and cities.
const PARTICLES: &[&str] = &[
    "de", "da", "do", "dos", "das", "del", "della", "di", "du", "des", "la", "le", "les", "el", "los", "las", "y", "e",
    "van", "von", "der", "den", "den", "ten", "ter", "am", "an", "im", "bei", "ob", "sur", "of", "the", "upon",
];

const WORDS_MAX: usize = 6;
const WORD_BYTES_MAX: usize = 40;
/// Pieces between commas or line ends that are looked at before a postcode.
const PIECES_MAX: usize = 4;

/// The address whose postcode begins at `start`, bytes.
pub(crate) fn with_postcode(text: &str, start: usize) -> Option<(usize, usize)> {
    let code = postcode(text, start)?;
    let (end, mut named) = city_after(text, code.end);
    // A year after a day and a name is a date.
    if end == code.end && is_year(&text[start..code.end]) {
        return None;
    }
    let mut at = start;
    if let Some(state) = word_before(text, at, " ,").filter(|word| is_state(&text[word.0..word.1])) {
        (at, named) = (state.0, true);
    }
    let mut first = None;
    for piece in 0..PIECES_MAX {
        let end = match before_separator(text, at) {
            Some(end) => end,
            None if piece == 0 && code.own => text[..at].trim_end_matches(' ').len(),
            None if piece == 0 => {
                // `Alwar 863716`, `Dehri-778220`
                at = names_before(text, text[..at].trim_end_matches([' ', '-']).len())?;
                named = true;
                before_separator(text, at)?
            }
            None => break,
        };
        if let Some(street) = street_before(text, end) {
            first = Some(street);
            at = street;
        } else if first.is_none() {
            at = names_before(text, end)?;
            named = true;
        } else {
            break;
        }
    }
    first.filter(|_| named).map(|first| (first, end))
}

/// The address around a word for a street at `start..end`.
pub(crate) fn of_street(text: &str, start: usize, end: usize, place: Street) -> Option<(usize, usize)> {
    let capital = text[start..end].starts_with(char::is_uppercase);
    let dot = usize::from(text[end..].starts_with('.'));
    let (first, last) = match place {
        Street::After => {
            let first = street_before(text, end).filter(|_| capital)?;
            // Of "12 March at the Court" only the first words are a number and a name.
            (first, end)
        }
        Street::Glued => {
            let whole = word_before(text, end, "")?;
            let number = number_after(text, end + dot)?;
            (whole.0, text[whole.0..].starts_with(char::is_uppercase).then_some(number)?)
        }
        Street::Before | Street::BeforeCapital if capital || place == Street::Before => {
            let names = names_after(text, end + dot)?;
            match (number_after(text, names), leading_number(text, start)) {
                (Some(number), leading) => (leading.unwrap_or(start), number),
                (None, Some(leading)) => (leading, names),
                (None, None) => return None,
            }
        }
        Street::Block => return block(text, start, end),
        Street::Before | Street::BeforeCapital => return None,
    };
    Some((leading_number(text, first).unwrap_or(first), unit_after(text, last)))
}

/// Chinese and Korean addresses by the number at `start..end` that closes them.
pub(crate) fn of_number(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    const REACH_CHARS: usize = 48;
    let before = text[..start].trim_end_matches(' ');
    let last = before.chars().next_back().filter(|&c| unspaced(c) || c.is_ascii_alphanumeric())?;
    let hangul = |c: char| ('\u{ac00}'..='\u{d7a3}').contains(&c);
    if hangul(last) && matches!(last, '로' | '길' | '가' | '리') {
        let (mut first, mut wide) = (None, false);
        let window = &before[before.ceil_char_boundary(before.len().saturating_sub(3 * REACH_CHARS))..];
        let mut at = before.len();
        for word in window.rsplit(' ') {
            let part = word.ends_with(['시', '도', '군', '구', '읍', '면', '동', '로', '길', '가', '리']);
            if !part || !word.chars().all(|c| hangul(c) || c.is_ascii_digit()) {
                break;
            }
            wide |= word.ends_with(['시', '도', '군', '구']);
            first = Some(at - word.len());
            at -= word.len() + usize::from(at > word.len());
        }
        return first.filter(|_| wide).map(|first| (first, end));
    }
    if end - start != 6 {
        return None;
    }
    let (mut street, mut area) = (false, None);
    for (at, c) in before.char_indices().rev().take(REACH_CHARS) {
        match c {
            '路' | '街' | '巷' | '道' | '村' | '镇' => street = true,
            '省' | '市' | '区' | '县' => area = Some(at),
            _ if !unspaced(c) && !c.is_ascii_alphanumeric() => break,
            _ => {}
        }
    }
    let (name, _) = before[..area.filter(|_| street)?].char_indices().rev().take(2).last()?;
    Some((name, end))
}

/// `青森県清瀬市百村25丁目24番19号 竜泉クレスト097` around its 丁目.
fn block(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    const REACH_CHARS: usize = 24;
    let kana = |c: char| matches!(c, '\u{3041}'..='\u{3096}') && c != 'の';
    let mut first = None;
    for (at, c) in text[..start].char_indices().rev().take(REACH_CHARS) {
        if matches!(c, '都' | '道' | '府' | '県' | '市' | '区') {
            first = Some(at);
        } else if !unspaced(c) && !c.is_ascii_digit() || kana(c) {
            break;
        }
    }
    let (name, _) =
        text[..first?].char_indices().rev().take(3).take_while(|(_, c)| unspaced(*c) && !kana(*c)).last()?;
    let rest = &text[end..];
    let last = rest.find(|c: char| !c.is_ascii_digit() && !"番地号丁目-ー".contains(c)).unwrap_or(rest.len());
    Some((name, end + last))
}

struct Postcode {
    end: usize,
    /// Nothing else is written like it.
    own: bool,
}

/// A postcode at `start`: four to six digits, or a form of its own.
fn postcode(text: &str, start: usize) -> Option<Postcode> {
    const OWN: &[&str] = &[
        "99-999",
        "9999-999",
        "99999-999",
        "99999-9999",
        "9999AA",
        "9999 AA",
        "A9 9AA",
        "A99 9AA",
        "AA9 9AA",
        "AA99 9AA",
        "A9A 9AA",
        "AA9A 9AA",
        "A9A 9A9",
        "A9A9A9",
        "A99 XXXX",
        "A99XXXX",
    ];
    let bytes = &text.as_bytes()[start..];
    let own = OWN.iter().filter(|form| stands(form.as_bytes(), bytes)).map(|form| form.len()).max();
    let digits = bytes.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    match own {
        Some(length) => Some(Postcode { end: start + length, own: true }),
        None if matches!(digits, 4..=6 | 8) && !bytes.get(digits).is_some_and(u8::is_ascii_alphanumeric) => {
            Some(Postcode { end: start + digits, own: false })
        }
        None => None,
    }
}

fn stands(form: &[u8], bytes: &[u8]) -> bool {
    let fits = |(want, byte): (&u8, &u8)| match want {
        b'9' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_uppercase(),
        b'X' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        other => byte == other,
    };
    bytes.len() >= form.len()
        && form.iter().zip(bytes).all(fits)
        && !bytes.get(form.len()).is_some_and(u8::is_ascii_alphanumeric)
}

/// The end of the city that follows a postcode, and whether one does.
fn city_after(text: &str, end: usize) -> (usize, bool) {
    let rest = text[end..].trim_start_matches([' ', ',', '\n', '\r']);
    let gap = text.len() - end - rest.len();
    let Some(last) = names_after(text, end + gap).filter(|_| (1..=3).contains(&gap)) else { return (end, false) };
    // `Pisa (PI)`, `Moreira / MG`
    let tail = &text[last..];
    let province = [" (", " / "].iter().find_map(|open| {
        let inside = tail.strip_prefix(open)?;
        let letters = inside.bytes().take(3).take_while(u8::is_ascii_uppercase).count();
        let closed = usize::from(inside[letters..].starts_with(')'));
        (letters == 2).then_some(open.len() + letters + closed)
    });
    (last + province.unwrap_or(0), true)
}

/// The end of the piece before, when `at` begins a piece: only a comma or a line end and what marks lines stand between.
fn before_separator(text: &str, at: usize) -> Option<usize> {
    const MARKS_MAX: usize = 12;
    let marks = text[..at].bytes().rev().take(MARKS_MAX).take_while(|byte| b" ,\n\r\t>?|*#".contains(byte)).count();
    text[at - marks..at].contains([',', '\n']).then_some(at - marks)
}

/// Where the street begins whose name or number ends at `end`.
fn street_before(text: &str, end: usize) -> Option<usize> {
    let last = word_before(text, end, "")?;
    if !is_number(&text[last.0..last.1]) {
        // `12, avenue de Bourdon`, `3 Katie Well`
        let first = names_before(text, end)?;
        return leading_number(text, first);
    }
    if is_year(&text[last.0..last.1]) {
        return None;
    }
    let mut at = last.0;
    if let Some(more) = word_before(text, at, " ").filter(|more| is_number(&text[more.0..more.1])) {
        at = more.0;
    }
    let names = text[..at].trim_end_matches(' ');
    let names = names.strip_suffix(',').unwrap_or(names).trim_end_matches(' ');
    let first = names_before(text, names.len())?;
    Some(leading_number(text, first).unwrap_or(first))
}

/// Where a run of capitalised words, with small words between them, begins that ends at `end`.
fn names_before(text: &str, end: usize) -> Option<usize> {
    let mut first = None;
    let mut at = end;
    for count in 0..WORDS_MAX {
        let Some((start, stop)) = word_before(text, at, if count == 0 { "" } else { " " }) else { break };
        let word = &text[start..stop];
        if is_unit(word) {
            return Some(start);
        }
        if is_name(word) || is_street(word) && first.is_some() {
            first = Some(start);
        } else if !PARTICLES.contains(&word) || first.is_none() {
            break;
        }
        at = start;
    }
    first
}

/// The end of the run of capitalised words that begins at or after a space from `start`.
fn names_after(text: &str, start: usize) -> Option<usize> {
    let mut last = None;
    let mut at = start;
    for _ in 0..WORDS_MAX {
        let Some((begin, end)) = word_after(text, at) else { break };
        let word = &text[begin..end];
        if is_name(word) {
            last = Some(end);
        } else if !PARTICLES.contains(&word) {
            break;
        }
        at = end;
    }
    last
}

/// The number, with a comma or line end, right before `start`.
fn leading_number(text: &str, start: usize) -> Option<usize> {
    let number = word_before(text, start, " ,\n")?;
    is_number(&text[number.0..number.1]).then_some(number.0)
}

/// The end of the number after a space or a comma.
fn number_after(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start_matches(' ');
    let at = text.len() - rest.len();
    let (begin, end) = word_after(text, at).filter(|_| at > start)?;
    is_number(&text[begin..end]).then_some(end)
}

/// The end of the flat, floor or box that follows, or `end`.
fn unit_after(text: &str, end: usize) -> usize {
    let rest = text[end..].trim_start_matches([' ', ',']);
    let at = text.len() - rest.len();
    let unit = word_after(text, at).filter(|word| is_unit(&text[word.0..word.1]));
    unit.and_then(|(_, stop)| number_after(text, stop)).unwrap_or(end)
}

/// The word that ends at `end`, after the signs that may stand between.
fn word_before(text: &str, end: usize, signs: &str) -> Option<(usize, usize)> {
    let stop = text[..end].trim_end_matches(|c| signs.contains(c)).len();
    if end - stop > 4 {
        return None;
    }
    let mut start = stop;
    for (at, c) in text[..stop].char_indices().rev() {
        if !in_word(c) {
            break;
        }
        if stop - at > WORD_BYTES_MAX {
            return None;
        }
        start = at;
    }
    (start < stop).then_some((start, stop))
}

fn word_after(text: &str, start: usize) -> Option<(usize, usize)> {
    let begin = start + usize::from(text[start..].starts_with(' '));
    let length = text[begin..].char_indices().find(|&(at, c)| at > WORD_BYTES_MAX || !in_word(c));
    let end = length.map_or(text.len(), |(at, _)| begin + at);
    // The full stop of a sentence is no part of its last word.
    let end = if text[begin..end].len() > 4 { begin + text[begin..end].trim_end_matches('.').len() } else { end };
    (end > begin && end - begin <= WORD_BYTES_MAX).then_some((begin, end))
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() && !unspaced(c) || matches!(c, '-' | '\'' | '’' | '.' | '/')
}

fn is_name(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// A house number: up to five digits, a letter, a range: `12B`, `5/2`, `22-91`, `S/N`.
fn is_number(word: &str) -> bool {
    const NUMBER_BYTES_MAX: usize = 9;
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    matches!(word, "S/N" | "s/n")
        || word.len() <= NUMBER_BYTES_MAX
            && word.starts_with(|c: char| c.is_ascii_digit())
            && (1..=7).contains(&digits)
            && letters <= 1
            && !word.contains('.')
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && (word.starts_with("19") || word.starts_with("20"))
}

/// Two to four capital letters: a state, or a military post office.
fn is_state(word: &str) -> bool {
    (2..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_unit(word: &str) -> bool {
    let plain = word.trim_end_matches('.');
    UNITS.iter().any(|unit| plain.eq_ignore_ascii_case(unit))
}

fn is_street(word: &str) -> bool {
    let plain = word.trim_end_matches('.');
    let mut before = STREETS.iter().filter(|(street, _)| *street == Street::Before).flat_map(|(_, words)| *words);
    before.any(|street| *street == plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every address that a postcode of the text sets off.
    fn by_code(text: &str) -> Option<&str> {
        let starts = text.char_indices().filter(|&(at, c)| {
            c.is_ascii_alphanumeric() && !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric())
        });
        starts.filter_map(|(at, _)| with_postcode(text, at)).map(|(start, end)| &text[start..end]).next()
    }

    #[test]
    fn streets_with_postcode_and_city_are_found_in_the_order_of_many_countries() {
        for address in [
            "3 Rosie Well, East Harbury, W4 0HJ",
            "Elm Lodge 12, 8812 Brandvik",
            "Gartenstieg 45, 60431 Bad Vilbel",
            "12, avenue de Lourmel\n75015 Paris",
            "Rotonda Verde, 394, 56121, Pisa (PI)",
            "Rua Mirante, 21\n6433-547 Santana",
            "ul. Polna 3/51\n90-138 Łowicz",
            "Tulpenhof 85, 9359FU, Venhuizen",
            "893 Weaver Throughway\nBrownfield, YT X3H 3N9",
            "Calzada Norte 833, Nueva Rosita, TLAX 19368",
            "58, Bakshi Marg, Dehri-778220",
            "H.No. 3, Biswas Street\nAlwar 863716",
            "28 Considine Street C58 D7HD Newtown",
        ] {
            let text = format!("it goes to {address}.");
            let found = by_code(&text).unwrap_or_default();
            assert!(!found.is_empty() && address.ends_with(found) || address == found, "{address}: {found:?}");
        }
    }

    #[test]
    fn dates_amounts_and_numbers_of_other_things_are_no_addresses() {
        for text in [
            "It was in May, 2024",
            "Revenue rose to 12, 4500 more than before",
            "Order 4711, 12345 pieces",
            "see Chapter 7, 2019",
            "flight 12345 to Rome",
            "call 555, 12345",
        ] {
            assert_eq!(by_code(text), None, "{text}");
        }
    }

    #[test]
    fn words_for_streets_need_a_name_and_a_number() {
        let found = |text: &str, word: &str, street| {
            let start = text.find(word).unwrap();
            of_street(text, start, start + word.len(), street).map(|(start, end)| text[start..end].to_owned())
        };
        assert_eq!(found("at 26 rue des Lilas.", "rue", Street::Before).as_deref(), Some("26 rue des Lilas"));
        assert_eq!(found("Via Roma, 65 there", "Via", Street::BeforeCapital).as_deref(), Some("Via Roma, 65"));
        assert_eq!(
            found("at 12 Old Mill Road, Apt. 4 now", "Road", Street::After).as_deref(),
            Some("12 Old Mill Road, Apt. 4")
        );
        assert_eq!(found("in Hauptstr. 9b bei", "str", Street::Glued).as_deref(), Some("Hauptstr. 9b"));
        assert_eq!(found("via Rome 430", "via", Street::BeforeCapital), None);
        assert_eq!(found("a dusty road to", "road", Street::After), None);
        assert_eq!(found("er ging weg 3 Tage", "weg", Street::Glued), None);
    }

    #[test]
    fn addresses_without_spaces_are_found() {
        let text = "配送先は青森県清瀬市百村25丁目24番19号です";
        let start = text.find("丁目").unwrap();
        let (first, end) = of_street(text, start, start + "丁目".len(), Street::Block).unwrap();
        assert_eq!(&text[first..end], "青森県清瀬市百村25丁目24番19号");
        let text = "请寄到湖南省勇县海港南京街w座 955634";
        let (first, end) = of_number(text, text.len() - 6, text.len()).unwrap();
        assert_eq!(&text[first..end], "湖南省勇县海港南京街w座 955634");
        let text = "배송지: 경기도 고성군 오금거리로 49";
        let (first, end) = of_number(text, text.len() - 2, text.len()).unwrap();
        assert_eq!(&text[first..end], "경기도 고성군 오금거리로 49");
    }
}
