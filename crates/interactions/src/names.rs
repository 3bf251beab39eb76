//! Names that a tagger leaves: who is addressed with a title ("Ms Schneider"), and a surname whose full name stands
//! elsewhere in the interaction ("Schneider then left").
//!
//! A tagger reads a few words around each word; these two rules read the rest. Linear in the text: one pass over its
//! tokens, with two look-ups each. Both look at words as they are spelled: a name has a capital and small letters.

use std::collections::BTreeSet;

use crate::pii::{Candidate, KindId, Proof};
use crate::tokens::{Token, TokenKind};

/// Titles that nobody but a person has. Left out: those that are words or abbreviations of something else too ("Dr" of a
/// street, "Miss", "Don", "Sir", "Pan"), and those before which an article stands.
const TITLES: &[&str] = &[
    "Dhr",
    "Frau",
    "Fräulein",
    "Frøken",
    "Herr",
    "Herrn",
    "Madame",
    "Mademoiselle",
    "Meneer",
    "Mevrouw",
    "Mlle",
    "Mme",
    "Monsieur",
    "Mr",
    "Mrs",
    "Ms",
    "Mx",
    "Pani",
    "Senhor",
    "Senhora",
    "Señor",
    "Señora",
    "Señorita",
    "Signor",
    "Signora",
    "Sra",
    "Srta",
];

/// Offices that stand after a title in place of a name.
const OFFICES: &[&str] = &[
    "Ambassador",
    "Anwalt",
    "Bürgermeister",
    "Chair",
    "Chairman",
    "Commissioner",
    "Direktor",
    "Doctor",
    "Doktor",
    "Governor",
    "Judge",
    "Justice",
    "Kanzler",
    "Lehrer",
    "Mayor",
    "Minister",
    "Nachbar",
    "Präsident",
    "President",
    "Prime",
    "Professor",
    "Secretary",
    "Speaker",
    "Vorsitzender",
];

/// Surnames that begin sentences as other words.
const WORDS_TOO: &[&str] = &[
    "Art", "Baker", "Bank", "Banks", "Best", "Bill", "Black", "Brown", "Bush", "Case", "Chase", "Church", "Cook",
    "Cross", "Dean", "Day", "Field", "Fields", "Ford", "Frank", "Free", "Fuchs", "Good", "Grant", "Gray", "Green",
    "Gross", "Hall", "Hill", "Holmes", "Hope", "House", "Hunter", "King", "Klein", "Knight", "Koch", "Lake", "Lang",
    "Little", "Long", "Love", "Major", "Mark", "Marsh", "May", "Miller", "Moore", "Neumann", "Noble", "Page", "Parks",
    "Park", "Pierce", "Post", "Power", "Price", "Read", "Reed", "Rich", "Rivers", "Rose", "Sharp", "Short", "Small",
    "Stern", "Stone", "Street", "Strong", "Summer", "Summers", "Weber", "Weiss", "West", "White", "Will", "Wise",
    "Wolf", "Wood", "Woods", "Young",
];

/// Words of a name after a title.
const WORDS_MAX: usize = 3;
/// From which confidence on a full name speaks for its surname alone.
const FULL_NAME_MIN: f32 = 0.8;
const TITLED: f32 = 0.85;
const REPEATED: f32 = 0.8;
/// Letters of the shortest surname that is looked for by itself.
const SURNAME_CHARS_MIN: usize = 4;

/// Surnames of the full names found so far, in an interaction.
#[derive(Debug, Default)]
pub(crate) struct Surnames(BTreeSet<String>);

/// Adds what the tagger left. `found` is in order and does not overlap; so is the result.
pub(crate) fn complete(
    found: &mut Vec<Candidate>,
    person: KindId,
    text: &str,
    tokens: &[Token],
    surnames: &mut Surnames,
) {
    for name in found.iter().filter(|name| name.kind == person && name.confidence >= FULL_NAME_MIN) {
        surnames.0.extend(surname(&text[name.start..name.end]).map(str::to_owned));
    }
    let mut more = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let word = token.text(text);
        let candidate = if TITLES.binary_search(&word).is_ok() {
            titled(text, tokens, at).map(|(start, end)| named(person, (start, end), TITLED, (token.start, token.end)))
        } else if surnames.0.contains(word) && !(opens_sentence(text, token) && WORDS_TOO.contains(&word)) {
            Some(named(person, (token.start, token.end), REPEATED, (token.start, token.end)))
        } else {
            None
        };
        more.extend(candidate);
    }
    more.retain(|new| {
        let next = found.partition_point(|old| old.end <= new.start);
        found.get(next).is_none_or(|old| new.end <= old.start)
    });
    found.append(&mut more);
    found.sort_by_key(|name| (name.start, name.end));
    // A name after a title may hold a surname that was found by itself.
    found.dedup_by(|later, earlier| later.start < earlier.end);
}

fn named(person: KindId, (start, end): (usize, usize), confidence: f32, word: (usize, usize)) -> Candidate {
    Candidate {
        kind: person,
        start,
        end,
        confidence,
        rank: confidence * 0.5 + 0.3,
        proof: Proof::Context,
        word: Some(word),
    }
}

/// The name behind the title at a token.
fn titled(text: &str, tokens: &[Token], at: usize) -> Option<(usize, usize)> {
    let mut rest = tokens[at + 1..].iter().peekable();
    // The full stop of an abbreviation.
    rest.next_if(|token| token.glued && token.text(text) == ".");
    let first = rest.next().filter(|token| is_name(text, token) && !token.opens_line)?;
    if OFFICES.contains(&first.text(text)) {
        return None;
    }
    let mut end = first.end;
    for _ in 1..WORDS_MAX {
        let Some(next) = rest.next() else { break };
        let between = &text[end..next.start];
        let hyphen = next.text(text) == "-" && between.is_empty();
        let next = if hyphen { rest.next() } else { Some(next) };
        let Some(next) = next.filter(|next| is_name(text, next) && (hyphen || between == " ")) else { break };
        end = next.end;
    }
    Some((first.start, end))
}

/// A word with a capital and small letters behind it.
fn is_name(text: &str, token: &Token) -> bool {
    let mut chars = token.text(text).chars();
    token.kind == TokenKind::Word
        && chars.next().is_some_and(char::is_uppercase)
        && chars.clone().next().is_some()
        && chars.any(char::is_lowercase)
}

/// The last word of a full name.
fn surname(name: &str) -> Option<&str> {
    let (given, last) = name.trim_end_matches(['.', ',', ':', ';']).rsplit_once(' ')?;
    let mut chars = last.chars();
    let capital = chars.next().is_some_and(char::is_uppercase);
    let whole = chars.all(|letter| letter.is_lowercase() || letter.is_uppercase());
    // "Ada L." and "ADA LOVELACE" have none that could be told from a word.
    (capital && whole && last.chars().any(char::is_lowercase) && last.chars().count() >= SURNAME_CHARS_MIN)
        .then_some(last)
        .filter(|_| given.chars().any(char::is_alphabetic))
}

/// Whether a token begins a line or follows the end of a sentence.
fn opens_sentence(text: &str, token: &Token) -> bool {
    token.opens_line || text[..token.start].trim_end().ends_with(['.', '!', '?', ':', '“', '"', '\u{201d}', '»'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::REGISTRY;
    use crate::tokens::tokenize;

    fn found(text: &str, tagged: &[&str]) -> Vec<String> {
        let person = REGISTRY.id("PERSON").unwrap();
        let mut names: Vec<Candidate> = tagged
            .iter()
            .map(|name| {
                let start = text.find(name).unwrap();
                named(person, (start, start + name.len()), 0.9, (start, start))
            })
            .collect();
        complete(&mut names, person, text, &tokenize(text), &mut Surnames::default());
        names.iter().map(|name| text[name.start..name.end].to_owned()).collect()
    }

    #[test]
    fn tables_are_sorted() {
        assert!(TITLES.is_sorted());
    }

    #[test]
    fn titles_name_people() {
        for (text, names) in [
            ("Dear Ms Schneider, hello", &["Schneider"][..]),
            ("Mrs. Green bought it", &["Green"]),
            ("Frau Anna-Lena Meier kommt", &["Anna-Lena Meier"]),
            ("Señora García y Mme Dupont", &["García", "Dupont"]),
            ("Mr President, MR T and Mr. 5", &[]),
            ("Mr\nSmith", &[]),
            ("the Msc Thesis, Mr smith", &[]),
        ] {
            assert_eq!(found(text, &[]), names, "{text}");
        }
    }

    #[test]
    fn a_surname_is_a_person_where_its_full_name_is() {
        let text = "Maria Schneider wrote. Schneider left; Schneiders did not, schneider neither.";
        assert_eq!(found(text, &["Maria Schneider"]), ["Maria Schneider", "Schneider"]);
        let text = "Ada Young came. Young people came, and Young too.";
        assert_eq!(found(text, &["Ada Young"]), ["Ada Young", "Young"]);
        assert_eq!(found("Ada L. left. L is here. ADA LOVELACE", &["Ada L."]), ["Ada L."]);
        assert_eq!(found("Maria Schneider, Mr Schneider", &["Maria Schneider"]), ["Maria Schneider", "Schneider"]);
    }
}
