//! Ages (`72-year-old`, `edad: 72 años`), and in clinical text the words for sex and kinship that HIPAA-like schemes hide.

use crate::pii::recognizer::{Category, Kind};
use crate::words::{AgeWord, HumanWord, Tag};

pub(crate) const AGE: Kind = Kind::new("AGE", Category::Quasi, 1).of_hipaa();
pub(crate) const GENDER: Kind = Kind::new("GENDER", Category::Quasi, 1);
pub(crate) const FAMILY: Kind = Kind::new("FAMILY", Category::Quasi, 1);

/// The oldest age on record is 122.
const AGE_MAX: u32 = 122;

pub(crate) const AGE_WORDS: &[(AgeWord, &[&str])] = &[
    (
        AgeWord::Sure,
        &[
            "years old",
            "year old",
            "year-old",
            "years-old",
            "yr old",
            "y/o",
            "yo",
            "years of age",
            "jahre alt",
            "-jährig*",
            "jährig*",
            "ans d'âge",
            "años de edad",
            "meses de edad",
            "días de vida",
            "meses de vida",
            "anni di età",
            "jaar oud",
            "lat życia",
            "år gammal",
            "år gammel",
            "anos de idade",
            "月龄",
            "周岁",
            "세",
        ],
    ),
    (
        AgeWord::Unit,
        &[
            "años", "año", "meses", "ans", "anni", "jaar", "lat", "lata", "anos", "jahre", "jahren", "år", "years",
            "岁", "歳", "才",
        ],
    ),
    (
        AgeWord::Lead,
        &[
            "aged",
            "age",
            "age:",
            "edad",
            "edad:",
            "alter",
            "alter:",
            "âge",
            "âge:",
            "âgé de",
            "âgée de",
            "età",
            "leeftijd",
            "wiek",
            "idade",
            "ålder",
            "turned",
            "just turned",
            "im alter von",
            "年龄",
            "年齢",
            "나이",
        ],
    ),
];

pub(crate) const HUMAN_WORDS: &[(HumanWord, &[&str])] = &[
    (
        HumanWord::GenderLabel,
        &[
            "sexo",
            "sexo:",
            "sex:",
            "gender",
            "gender:",
            "geschlecht",
            "geschlecht:",
            "sexe",
            "sexe:",
            "sesso",
            "geslacht",
            "płeć",
            "kön",
            "性别",
            "性別",
            "성별",
        ],
    ),
    (
        HumanWord::Gender,
        &[
            "varón",
            "varon",
            "mujer",
            "hombre",
            "niño",
            "niña",
            "paciente varón",
            "lactante varón",
            "male",
            "female",
            "woman",
            "man",
            "boy",
            "girl",
            "frau",
            "mann",
            "homme",
            "femme",
            "uomo",
            "donna",
            "masculino",
            "femenino",
            "masculina",
            "femenina",
        ],
    ),
    (
        HumanWord::Family,
        &[
            "madre",
            "padre",
            "padres",
            "hermano",
            "hermana",
            "hermanos",
            "hermanas",
            "hijo",
            "hija",
            "hijos",
            "hijas",
            "abuelo",
            "abuela",
            "abuelos",
            "tío",
            "tía",
            "tíos",
            "primo",
            "prima",
            "primos",
            "sobrino",
            "sobrina",
            "esposo",
            "esposa",
            "marido",
            "cónyuge",
            "mother",
            "father",
            "brother",
            "sister",
            "grandmother",
            "grandfather",
            "aunt",
            "uncle",
            "cousin",
            "niece",
            "nephew",
        ],
    ),
];

pub(crate) fn words(all: &mut Vec<(&'static str, Tag)>) {
    for (word, list) in AGE_WORDS {
        all.extend(list.iter().map(|&entry| (entry, Tag::Age(*word))));
    }
    for (word, list) in HUMAN_WORDS {
        all.extend(list.iter().map(|&entry| (entry, Tag::Human(*word))));
    }
}

/// The number that ends right before a unit at `unit`: digits, one space or hyphen.
pub(crate) fn number_before(text: &[u8], unit: usize) -> Option<usize> {
    let mut at = unit;
    if at > 0 && matches!(text[at - 1], b' ' | b'-') {
        at -= 1;
    }
    let digits = text[..at].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let start = at - digits;
    let glued = start > 0
        && matches!(text[start - 1], b'.' | b',' | b'/' | b'-' | b':')
        && start > 1
        && text[start - 2].is_ascii_digit();
    (plausible(&text[start..at]) && !glued && !(start > 0 && text[start - 1].is_ascii_alphanumeric())).then_some(start)
}

/// The number that begins right after a word that ends at `word`.
pub(crate) fn number_after(text: &[u8], word: usize) -> Option<(usize, usize)> {
    let skipped = text[word..].iter().take(6).take_while(|byte| matches!(byte, b' ' | b':' | b'=' | b'"')).count();
    let start = word + skipped;
    let digits = text[start..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + digits;
    let next = text.get(end).copied().unwrap_or(b' ');
    let glued = next.is_ascii_alphanumeric()
        || matches!(next, b'/' | b'-' | b':' | b'%')
        || next == b'.' && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    (skipped > 0 && plausible(&text[start..end]) && !glued).then_some((start, end))
}

fn plausible(digits: &[u8]) -> bool {
    !digits.is_empty()
        && digits.len() <= 3
        && digits.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')) <= AGE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_stand_beside_their_words() {
        assert_eq!(number_before(b"un var\xc3\xb3n de 72 a\xc3\xb1os", 16), Some(13));
        assert_eq!(number_before(b"a 36-year-old", 5), Some(2));
        assert_eq!(number_before(b"in 1999 years", 8), None);
        assert_eq!(number_before(b"3.5 years", 4), None);
        assert_eq!(number_after(b"aged 72, retired", 4), Some((5, 7)));
        assert_eq!(number_after(b"age 200", 3), None);
        assert_eq!(number_after(b"age 20%", 3), None);
    }
}
