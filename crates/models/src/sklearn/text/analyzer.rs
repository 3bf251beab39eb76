//! Cutting a text into terms, as `CountVectorizer.build_analyzer` does.

use std::collections::HashSet;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::stop_words;
use crate::predictor::Error;
use crate::sklearn::source::Source;

/// The pattern with which the vectorizers come: words of two or more letters, digits or underscores.
const DEFAULT_PATTERN: &str = r"(?u)\b\w\w+\b";

/// Terms that one text may have: texts are short, and n-grams multiply.
const TERMS_MAX: usize = 20_000_000;

/// Longest n-gram.
const NGRAM_MAX: usize = 64;

/// Bytes of a pattern, and of its compiled form.
const PATTERN_BYTES_MAX: usize = 512;
const PATTERN_SIZE_MAX: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accents {
    Kept,
    Ascii,
    Unicode,
}

enum Units {
    /// `None` for the default pattern.
    Words {
        pattern: Option<Regex>,
        stop: HashSet<String>,
    },
    Characters,
    /// Characters within words, which are padded by a space.
    CharactersOfWords,
}

/// What a text is cut into.
pub(super) struct Analyzer {
    lowercase: bool,
    accents: Accents,
    units: Units,
    least: usize,
    most: usize,
}

impl Analyzer {
    pub(super) fn read(source: &Source<'_>) -> Result<Self, Error> {
        for parameter in ["preprocessor", "tokenizer"] {
            if source.has(parameter) {
                return Err(source.refuse(format!("a {parameter} of one's own is not evaluated")));
            }
        }
        source.only("input", &["content"])?;
        let accents = match source.has("strip_accents") {
            false => Accents::Kept,
            true if source.only("strip_accents", &["ascii", "unicode"])? == "ascii" => Accents::Ascii,
            true => Accents::Unicode,
        };
        let units = match source.only("analyzer", &["word", "char", "char_wb"])? {
            "word" => Units::Words { pattern: pattern(source)?, stop: stop_words(source)? },
            "char" => Units::Characters,
            _ => Units::CharactersOfWords,
        };
        let ends: Option<Vec<usize>> =
            source.list("ngram_range")?.iter().map(|end| usize::try_from(end.integer()?).ok()).collect();
        let (least, most) = match ends.as_deref() {
            Some([least, most]) if *least >= 1 && least <= most && *most <= NGRAM_MAX => (*least, *most),
            _ => return Err(source.refuse("its ngram_range is not evaluated")),
        };
        Ok(Self { lowercase: source.boolean("lowercase")?, accents, units, least, most })
    }

    /// Calls for each term of the text.
    pub(super) fn each(&self, text: &str, mut term: impl FnMut(&str)) -> Result<(), Error> {
        let text = self.prepared(text);
        let mut left = TERMS_MAX;
        let mut counted = |text: &str| {
            term(text);
            left = left.saturating_sub(1);
            if left == 0 { Err(too_many()) } else { Ok(()) }
        };
        match &self.units {
            Units::Words { pattern, stop } => {
                let mut words = match pattern {
                    None => default_words(&text),
                    Some(pattern) => pattern_words(pattern, &text)?,
                };
                words.retain(|word| !stop.contains(*word));
                self.joined(&words, &mut counted)
            }
            Units::Characters => self.grams(&collapsed(&text), &mut counted),
            Units::CharactersOfWords => {
                for word in collapsed(&text).split(is_space).filter(|word| !word.is_empty()) {
                    self.word_grams(&format!(" {word} "), &mut counted)?;
                }
                Ok(())
            }
        }
    }

    fn prepared(&self, text: &str) -> String {
        let text = if self.lowercase { text.to_lowercase() } else { text.to_owned() };
        match self.accents {
            Accents::Kept => text,
            Accents::Ascii => text.nfkd().filter(char::is_ascii).collect(),
            Accents::Unicode if text.is_ascii() => text,
            Accents::Unicode => text.nfkd().filter(|unit| canonical_combining_class(*unit) == 0).collect(),
        }
    }

    /// Words in a row, joined by a space.
    fn joined(&self, words: &[&str], term: &mut impl FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
        for length in self.least..=self.most.min(words.len()) {
            for words in words.windows(length) {
                if length == 1 { term(words[0])? } else { term(&words.join(" "))? }
            }
        }
        Ok(())
    }

    /// Characters in a row.
    fn grams(&self, text: &str, term: &mut impl FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
        let starts = starts(text);
        let count = starts.len() - 1;
        for length in self.least..=self.most.min(count) {
            for at in 0..=count - length {
                term(&text[starts[at]..starts[at + length]])?;
            }
        }
        Ok(())
    }

    /// The same in one padded word; one that is shorter than the length counts once.
    fn word_grams(&self, word: &str, term: &mut impl FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
        let starts = starts(word);
        let count = starts.len() - 1;
        for length in self.least..=self.most {
            if length >= count {
                term(word)?;
                break;
            }
            for at in 0..=count - length {
                term(&word[starts[at]..starts[at + length]])?;
            }
        }
        Ok(())
    }
}

fn too_many() -> Error {
    Error::Input { expected: format!("texts of at most {TERMS_MAX} terms"), found: "a longer one".to_owned() }
}

/// Where characters begin, and the end.
fn starts(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
}

/// What Python takes for white space (`str.isspace`).
fn is_space(unit: char) -> bool {
    unit.is_whitespace() || ('\x1c'..='\x1f').contains(&unit)
}

/// Two or more spaces become one; a single one stays what it is.
fn collapsed(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut units = text.chars().peekable();
    while let Some(unit) = units.next() {
        if !is_space(unit) || !units.peek().is_some_and(|next| is_space(*next)) {
            collapsed.push(unit);
            continue;
        }
        while units.next_if(|next| is_space(*next)).is_some() {}
        collapsed.push(' ');
    }
    collapsed
}

/// `\w` of Python: `str.isalnum` or an underscore. Marks that Unicode counts as alphabetic are not among them.
fn is_word(unit: char) -> bool {
    if unit.is_ascii() {
        return unit.is_ascii_alphanumeric() || unit == '_';
    }
    unit.is_alphanumeric() && !is_mark_or_symbol(unit)
}

/// Alphabetic to Unicode, but neither a letter nor a number: vowel signs of Indic scripts, circled letters.
fn is_mark_or_symbol(unit: char) -> bool {
    static LETTERS: std::sync::LazyLock<Regex> =
        std::sync::LazyLock::new(|| Regex::new(r"^[\p{L}\p{N}]$").expect("the pattern is sound"));
    let mut buffer = [0; 4];
    !LETTERS.is_match(unit.encode_utf8(&mut buffer))
}

/// Runs of two or more word characters.
fn default_words(text: &str) -> Vec<&str> {
    text.split(|unit| !is_word(unit)).filter(|word| word.chars().nth(1).is_some()).collect()
}

/// What a pattern finds; its group, when it has one.
fn pattern_words<'t>(pattern: &Regex, text: &'t str) -> Result<Vec<&'t str>, Error> {
    // Where Unicode and Python differ about words and spaces, the answer would be a guess.
    let differs = |unit: char| {
        ('\x1c'..='\x1f').contains(&unit)
            || (!unit.is_ascii() && (unit.is_alphanumeric() || is_unicode_word(unit)) != is_word(unit))
    };
    if let Some(unit) = text.chars().find(|unit| differs(*unit)) {
        return Err(Error::Input {
            expected: "texts of letters, digits and marks on which patterns agree".to_owned(),
            found: format!("the character {unit:?}"),
        });
    }
    let group = usize::from(pattern.captures_len() == 2);
    Ok(pattern.captures_iter(text).map(|found| found.get(group).map_or("", |found| found.as_str())).collect())
}

/// `\w` of the Unicode standard.
fn is_unicode_word(unit: char) -> bool {
    static WORD: std::sync::LazyLock<Regex> =
        std::sync::LazyLock::new(|| Regex::new(r"^\w$").expect("the pattern is sound"));
    let mut buffer = [0; 4];
    WORD.is_match(unit.encode_utf8(&mut buffer))
}

/// A pattern of one's own, when it means the same in both languages.
fn pattern(source: &Source<'_>) -> Result<Option<Regex>, Error> {
    let text = source.text("token_pattern")?;
    if text == DEFAULT_PATTERN {
        return Ok(None);
    }
    let refused = || source.refuse(format!("token_pattern={text:?} is not evaluated"));
    let plain = text.strip_prefix("(?u)").unwrap_or(text);
    // Anchors, flags and named groups differ; of characters only those of ASCII are sure.
    let odd =
        plain.contains("(?") || plain.contains(['$', '^', '&', '~']) && !only_negated_sets(plain) || !plain.is_ascii();
    let nested = plain.contains("[[")
        || plain.contains("--")
        || plain.contains(r"\p")
        || plain.contains(r"\x")
        || plain.contains(r"\u");
    let escapes = plain.split('\\').skip(1).all(|after| {
        after.starts_with(['w', 'W', 'b', 'd', 'D', 's', 'S', '.', '-', '+', '*', '\'', '/', '_', '@', '#'])
    });
    if text.len() > PATTERN_BYTES_MAX || odd || nested || !escapes {
        return Err(refused());
    }
    let compiled = regex::RegexBuilder::new(plain).size_limit(PATTERN_SIZE_MAX).build().map_err(|_| refused())?;
    if compiled.captures_len() > 2 || compiled.is_match("") {
        return Err(refused());
    }
    Ok(Some(compiled))
}

/// Whether a caret stands only at the beginning of a set of characters, and nothing else is odd.
fn only_negated_sets(pattern: &str) -> bool {
    !pattern.contains(['$', '&', '~']) && pattern.match_indices('^').all(|(at, _)| pattern[..at].ends_with('['))
}

fn stop_words(source: &Source<'_>) -> Result<HashSet<String>, Error> {
    if !source.has("stop_words") {
        return Ok(HashSet::new());
    }
    let view = source.attribute("stop_words")?;
    if let Some(name) = view.text() {
        return match name {
            "english" => Ok(stop_words::ENGLISH.iter().map(ToString::to_string).collect()),
            other => Err(source.refuse(format!("stop_words={other:?} is not evaluated"))),
        };
    }
    let words = view.items().or_else(|| view.members());
    let words: Option<HashSet<String>> = words.and_then(|words| words.iter().map(|word| word.owned_text()).collect());
    words.ok_or_else(|| source.refuse("its stop_words are not texts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn analyzer(units: Units, least: usize, most: usize) -> Analyzer {
        Analyzer { lowercase: true, accents: Accents::Kept, units, least, most }
    }

    fn terms(analyzer: &Analyzer, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        analyzer.each(text, |term| terms.push(term.to_owned())).unwrap();
        terms
    }

    #[test]
    fn words_have_two_characters_or_more() {
        let words = analyzer(Units::Words { pattern: None, stop: HashSet::from(["the".to_owned()]) }, 1, 2);
        assert_eq!(terms(&words, "The a École_1 naïve"), ["école_1", "naïve", "école_1 naïve"]);
        assert_eq!(default_words("कि अ१ Ⓐx ab"), ["अ१", "ab"]);
    }

    #[test]
    fn characters_cross_words_or_stay_inside() {
        assert_eq!(terms(&analyzer(Units::Characters, 2, 2), "a  b"), ["a ", " b"]);
        assert_eq!(terms(&analyzer(Units::CharactersOfWords, 3, 4), "a bc"), [" a ", " bc", "bc ", " bc "]);
    }

    #[test]
    fn accents_go_as_in_python() {
        let strip = |accents, text| Analyzer { accents, ..analyzer(Units::Characters, 1, 1) }.prepared(text);
        assert_eq!(strip(Accents::Unicode, "École ﬁ ß"), "ecole fi ß");
        assert_eq!(strip(Accents::Ascii, "École ﬁ ß"), "ecole fi ");
    }
}
