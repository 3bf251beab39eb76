//! `VIRI-0001234Xabcde`: the number of a submission in its organization, and five random letters, as the document shows.

use std::fmt;

use super::super::error::AppError;
use super::super::random::Random;

/// Random letters of an id.
const LETTERS: usize = 5;

/// The id of a submission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubmissionId {
    /// Its number in its organization, from 1.
    pub number: u64,
    /// Five lower-case letters.
    pub letters: String,
}

impl SubmissionId {
    /// Reads an id; `None` if it is not one. Only the form that it prints is taken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, letters) = text.strip_prefix("VIRI-")?.split_once('X')?;
        let good = letters.len() == LETTERS
            && letters.bytes().all(|byte| byte.is_ascii_lowercase())
            && number.bytes().all(|byte| byte.is_ascii_digit());
        let id = Self { number: number.parse().ok()?, letters: letters.to_owned() };
        (good && id.number > 0 && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VIRI-{:07}X{}", self.number, self.letters)
    }
}

/// Random letters.
pub(super) fn letters(random: &dyn Random) -> Result<String, AppError> {
    let mut letters = String::with_capacity(LETTERS);
    while letters.len() < LETTERS {
        let mut bytes = [0; 16];
        random.fill(&mut bytes).map_err(AppError::internal)?;
        // 234 is the largest multiple of 26 in a byte.
        let drawn = bytes.iter().filter(|byte| **byte < 234).map(|byte| char::from(b'a' + byte % 26));
        letters.extend(drawn.take(LETTERS - letters.len()));
    }
    Ok(letters)
}

#[cfg(test)]
mod tests {
    use super::super::super::random::SystemRandom;
    use super::*;

    #[test]
    fn ids_parse_as_they_print_and_nothing_else() {
        for good in ["VIRI-0001234Xabcde", "VIRI-12345678Xzzzzz"] {
            assert_eq!(SubmissionId::parse(good).unwrap().to_string(), good);
        }
        let bad = [
            "VIRI-1234Xabcde",
            "VIRI-0001234XABCDE",
            "VIRI-0001234Xabcd",
            "VIRI-0000000Xabcde",
            "VIRI-+001234Xabcde",
            "",
        ];
        for bad in bad {
            assert_eq!(SubmissionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn letters_are_drawn_anew() {
        let (one, two) = (letters(&SystemRandom).unwrap(), letters(&SystemRandom).unwrap());
        assert!(one != two && one.len() == 5 && one.bytes().all(|byte| byte.is_ascii_lowercase()));
    }
}
