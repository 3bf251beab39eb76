//! Dates in figures and words, and dates of birth by the words near them. A bare date says little and is reported only in
//! clinical or health-care text, where it is one of the eighteen HIPAA identifiers.

use crate::pii::check::day_of_month;
use crate::pii::recognizer::{Category, Kind};
use crate::words::{Hits, Tag};

pub(crate) const DATE: Kind = Kind::new("DATE", Category::Quasi, 0).of_hipaa();
pub(crate) const BIRTH: Kind = Kind::new("DATE_OF_BIRTH", Category::Quasi, 4).of_hipaa();

pub(crate) const BIRTH_WORDS: &[&str] = &[
    "born",
    "born on",
    "dob",
    "d.o.b*",
    "date of birth",
    "birth date",
    "birthdate",
    "birthday",
    "birth",
    "b-day",
    "geb.",
    "geb",
    "geboren",
    "geboren am",
    "geburtsdatum",
    "geburtstag",
    "né le",
    "née le",
    "né(e) le",
    "nés le",
    "date de naissance",
    "naissance",
    "nacido",
    "nacida",
    "nacido el",
    "nacida el",
    "fecha de nacimiento",
    "nacimiento",
    "nací*",
    "f. nac*",
    "fec. nac*",
    "nato il",
    "nata il",
    "nato",
    "nata",
    "data di nascita",
    "nascita",
    "geboortedatum",
    "geboren op",
    "geb.datum",
    "ur.",
    "urodzony",
    "urodzona",
    "urodzon*",
    "data urodzenia",
    "nascido",
    "nascida",
    "nascido em",
    "nascida em",
    "data de nascimento",
    "nascimento",
    "född",
    "födda",
    "födelsedatum",
    "född den",
    "født",
    "fødselsdato",
    "fødselsdag",
    "syntynyt",
    "syntymäaika",
    "syntymäpäivä",
    "doğum tarihi",
    "doğumlu",
    "生年月日",
    "誕生日",
    "生まれ",
    "出生日期",
    "出生",
    "生日",
    "생년월일",
    "생일",
    "출생",
    "datum narození",
    "narozen*",
    "született*",
    "születési*",
    "data nașterii",
    "născut*",
    "рождения",
    "родился",
    "родилась",
];

pub(crate) const MONTHS: &[(u8, &[&str])] = &[
    (
        1,
        &[
            "january",
            "jan",
            "januar",
            "jänner",
            "janvier",
            "enero",
            "gennaio",
            "januari",
            "stycznia",
            "styczeń",
            "janeiro",
            "tammikuuta",
            "ocak",
        ],
    ),
    (
        2,
        &[
            "february",
            "feb",
            "februar",
            "février",
            "febrero",
            "febbraio",
            "februari",
            "lutego",
            "luty",
            "fevereiro",
            "helmikuuta",
            "şubat",
        ],
    ),
    (3, &["march", "mar", "märz", "mars", "marzo", "maart", "marca", "marzec", "março", "maaliskuuta", "mart"]),
    (4, &["april", "apr", "avril", "abril", "aprile", "kwietnia", "kwiecień", "huhtikuuta", "nisan"]),
    (5, &["may", "mai", "mayo", "maggio", "mei", "maja", "maio", "maj", "toukokuuta", "mayıs"]),
    (6, &["june", "jun", "juni", "juin", "junio", "giugno", "czerwca", "czerwiec", "junho", "kesäkuuta", "haziran"]),
    (7, &["july", "jul", "juli", "juillet", "julio", "luglio", "lipca", "lipiec", "julho", "heinäkuuta", "temmuz"]),
    (8, &["august", "aug", "août", "agosto", "augustus", "augusti", "sierpnia", "sierpień", "elokuuta", "ağustos"]),
    (
        9,
        &[
            "september",
            "sep",
            "sept",
            "septembre",
            "septiembre",
            "settembre",
            "września",
            "wrzesień",
            "setembro",
            "syyskuuta",
            "eylül",
        ],
    ),
    (
        10,
        &[
            "october",
            "oct",
            "oktober",
            "octobre",
            "octubre",
            "ottobre",
            "października",
            "październik",
            "outubro",
            "lokakuuta",
            "ekim",
        ],
    ),
    (11, &["november", "nov", "novembre", "noviembre", "listopada", "listopad", "novembro", "marraskuuta", "kasım"]),
    (
        12,
        &[
            "december",
            "dec",
            "dezember",
            "décembre",
            "diciembre",
            "dicembre",
            "grudnia",
            "grudzień",
            "dezembro",
            "joulukuuta",
            "aralık",
        ],
    ),
];

/// A date with a day, or a month and a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The date in figures that begins at `at`, where a run of digits begins.
pub(crate) fn numeric(text: &[u8], at: usize) -> Option<Date> {
    let run =
        |at: usize| text.get(at..).map_or(0, |rest| rest.iter().take(5).take_while(|b| b.is_ascii_digit()).count());
    let value =
        |start: usize, len: usize| text[start..start + len].iter().fold(0u32, |sum, b| sum * 10 + u32::from(b - b'0'));
    let a = run(at);
    if !matches!(a, 1 | 2 | 4) {
        return None;
    }
    // 1990年1月5日, 1990년 1월 5일
    if a == 4
        && let Some(end) = spelled_east(text, at + 4)
    {
        return Some(Date { start: at, end });
    }
    let sep = *text.get(at + a)?;
    if !matches!(sep, b'/' | b'-' | b'.') {
        return None;
    }
    // `5. 1. 1990` has a space after the stop.
    let gap = |at: usize| usize::from(sep == b'.' && text.get(at) == Some(&b' '));
    let second = at + a + 1 + gap(at + a + 1);
    let b = run(second);
    if !(1..=2).contains(&b) || text.get(second + b) != Some(&sep) {
        return None;
    }
    let third = second + b + 1 + gap(second + b + 1);
    let c = run(third);
    let end = third + c;
    let year = |value: u32, len: usize| if len == 4 { (1850..=2100).contains(&value) } else { len == 2 };
    let (x, y, z) = (value(at, a), value(second, b), value(third, c));
    let valid = match (a, c) {
        (4, 1 | 2) => year(x, 4) && day_of_month(z, y),
        (1 | 2, 2 | 4) => year(z, c) && (day_of_month(x, y) || day_of_month(y, x)),
        _ => false,
    };
    let glued = matches!(text.get(end), Some(b'/' | b'-' | b'.' | b':'))
        && text.get(end + 1).is_some_and(u8::is_ascii_digit)
        || text.get(end).is_some_and(u8::is_ascii_alphanumeric) && text.get(end) != Some(&b'T');
    (valid && !glued).then_some(Date { start: at, end })
}

/// `年1月5日` or `년 1월 5일` from `at`.
fn spelled_east(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    let signs = [["年", "년"], ["月", "월"], ["日", "일"]];
    for (nth, [one, other]) in signs.iter().enumerate() {
        let rest = text.get(at..)?;
        if !(rest.starts_with(one.as_bytes()) || rest.starts_with(other.as_bytes())) {
            return None;
        }
        at += 3;
        if nth == 2 {
            return Some(at);
        }
        at += usize::from(text.get(at) == Some(&b' '));
        let digits = text.get(at..)?.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=2).contains(&digits) {
            return None;
        }
        at += digits;
    }
    None
}

/// Dates around the names of months.
pub(crate) fn in_words(text: &str, hits: &Hits) -> Vec<Date> {
    let bytes = text.as_bytes();
    let mut dates: Vec<Date> = Vec::new();
    let months = hits.tagged(|tag| if let Tag::Month(month) = tag { Some(month) } else { None });
    for (hit, _) in months {
        let before = day_before(bytes, hit.start);
        let (after, year) = rest_after(bytes, hit.end, before.is_some());
        let start = before.unwrap_or(hit.start);
        // A month alone, or a month and a day without a year ("May 5"), is no date of a person.
        if year && (before.is_some() || after > hit.end) && dates.last().is_none_or(|last| last.end <= start) {
            dates.push(Date { start, end: after });
        }
    }
    dates
}

/// Where the day before a month's name begins: `5 `, `5. `, `5th of `, `5 de `.
fn day_before(text: &[u8], month: usize) -> Option<usize> {
    let mut at = month;
    let window = &text[month.saturating_sub(12)..month];
    for link in [b" of ".as_slice(), b" de ", b".", b" ", b"-", b"/"] {
        let trimmed = if link == b"." { window.strip_suffix(b" ").unwrap_or(window) } else { window };
        if trimmed.ends_with(link) {
            at = month - (window.len() - trimmed.len()) - link.len();
            break;
        }
    }
    for ordinal in [b"st".as_slice(), b"nd", b"rd", b"th", b"er"] {
        if text[..at].ends_with(ordinal) {
            at -= 2;
        }
    }
    if text[..at].ends_with(".".as_bytes()) {
        at -= 1;
    }
    let digits = text[..at].iter().rev().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    ((1..=2).contains(&digits) && at < month).then(|| at - digits)
}

/// The end of what follows a month's name, and whether a year was in it: ` 1990`, ` 5, 1990`, ` de 1990`.
fn rest_after(text: &[u8], month: usize, day_known: bool) -> (usize, bool) {
    let digits =
        |at: usize| text.get(at..).map_or(0, |rest| rest.iter().take(5).take_while(|b| b.is_ascii_digit()).count());
    let mut at = month + usize::from(text.get(month) == Some(&b'.'));
    let skip = |at: usize| {
        for link in [b" de ".as_slice(), b" del ", b", ", b" ", b"-", b"/"] {
            if text.get(at..).is_some_and(|rest| rest.starts_with(link)) {
                return at + link.len();
            }
        }
        at
    };
    at = skip(at);
    let first = digits(at);
    if first == 4 && at > month {
        return (at + 4, true);
    }
    if !day_known && (1..=2).contains(&first) && at > month {
        let mut end = at + first;
        if [b"st".as_slice(), b"nd", b"rd", b"th"].iter().any(|ordinal| text[end..].starts_with(ordinal)) {
            end += 2;
        }
        let next = skip(end);
        if next > end && digits(next) == 4 {
            return (next + 4, true);
        }
    }
    (month, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_words_of_many_countries() {
        for text in [
            "12/04/1944",
            "1959-08-19",
            "26.08.1957",
            "5. 1. 1990",
            "1/7/81",
            "1990年1月5日",
            "1990년 1월 5일",
            "12/31/1999",
        ] {
            assert_eq!(numeric(text.as_bytes(), 0).map(|date| date.end), Some(text.len()), "{text}");
        }
        for text in ["1.2.3", "13/13/1999", "2020-13-01", "192.168.1.1", "99/99/9999", "8.27.54.1"] {
            assert_eq!(numeric(text.as_bytes(), 0), None, "{text}");
        }
        for text in [
            "5 January 2010",
            "July 20, 1996",
            "5. März 1990",
            "5 de enero de 1990",
            "1er juin 1980",
            "noviembre de 2012",
            "3rd of May 1971",
        ] {
            let dates = in_words(text, &crate::words::find(text));
            assert_eq!(dates, [Date { start: 0, end: text.len() }], "{text}");
        }
        assert!(in_words("you may 5 times", &crate::words::find("you may 5 times")).is_empty());
    }
}
