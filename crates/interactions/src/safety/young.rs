//! Words for young people: ages, school, and the family around a child.

use crate::tokens::{Token, TokenKind};

/// Share of a text's words that speak of somebody young; a short text counts as if it had [`WORDS_MORE`] words more.
pub(super) fn share(text: &str, tokens: &[Token]) -> f32 {
    let (mut words, mut young) = (0u32, 0u32);
    for (at, token) in tokens.iter().enumerate() {
        let hit = match token.kind {
            TokenKind::Symbol => continue,
            TokenKind::Word => is_young(token.text(text)),
            TokenKind::Number => is_age(text, tokens, at),
            TokenKind::Mixed | TokenKind::Ideograph => false,
        };
        words += 1;
        young += u32::from(hit);
    }
    young as f32 / (words + WORDS_MORE) as f32
}

/// Words that a text counts as if it had more.
const WORDS_MORE: u32 = 20;

fn is_young(word: &str) -> bool {
    let lower = word.to_lowercase();
    WORDS.binary_search(&lower.as_str()).is_ok() || STEMS.iter().any(|stem| lower.starts_with(stem))
}

/// A number up to seventeen before "years old" and the like, or after "aged".
fn is_age(text: &str, tokens: &[Token], at: usize) -> bool {
    let near = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.text(text));
    let years = |word: &str| YEARS.iter().any(|known| word.eq_ignore_ascii_case(known));
    let next = match near(Some(at + 1)) {
        "-" => near(Some(at + 2)),
        word => word,
    };
    let aged = AGED.iter().any(|known| near(at.checked_sub(1)).eq_ignore_ascii_case(known))
        || (near(at.checked_sub(1)) == "of" && near(at.checked_sub(2)).eq_ignore_ascii_case("age"));
    tokens[at].text(text).parse().is_ok_and(|age: u32| (1..18).contains(&age)) && (years(next) || aged)
}

const YEARS: &[&str] = &["year", "years", "yr", "yrs", "yo"];
const AGED: &[&str] = &["age", "aged"];

const STEMS: &[&str] = &["child", "school", "teen", "underage", "young"];

/// Sorted.
const WORDS: &[&str] = &[
    "aunt",
    "baby",
    "boy",
    "boys",
    "brother",
    "brothers",
    "dad",
    "daddy",
    "daughter",
    "daughters",
    "family",
    "father",
    "fathers",
    "girl",
    "girls",
    "grandfather",
    "grandpa",
    "incest",
    "kid",
    "kids",
    "little",
    "loli",
    "lolita",
    "minor",
    "minors",
    "mom",
    "mommy",
    "mother",
    "mothers",
    "nephew",
    "niece",
    "sister",
    "sisters",
    "son",
    "sons",
    "stepdaughter",
    "stepson",
    "uncle",
    "virgin",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tokenize;

    #[test]
    fn ages_school_and_family_are_counted() {
        for (text, count) in [
            ("She is fifteen", 0.0),
            ("a 15-year-old girl", 2.0),
            ("aged 12", 1.0),
            ("at the age of 14", 1.0),
            ("45 years of service", 0.0),
            ("Schoolgirls and their Uncle", 2.0),
            ("", 0.0),
        ] {
            let tokens = tokenize(text);
            let words = tokens.iter().filter(|token| token.kind != TokenKind::Symbol).count() as f32;
            assert_eq!(share(text, &tokens), count / (words + 20.0), "{text}");
        }
        assert!(WORDS.is_sorted());
    }
}
