//! Remarks on single columns: constant, mostly missing, identifier, personal data, outliers.
//!
//! A remark never contains a value of the data: a certificate is public.

use assize_tables::{ColumnData, ColumnProfile, Profile, Table};

use crate::audit::QUARTILES;
use crate::document::ColumnNote;

/// Share of missing cells from which a column says little.
const MISSING_SHARE_MAX: f64 = 0.5;
/// Share of distinct values from which a column names its rows.
const IDENTIFIER_SHARE_MIN: f64 = 0.95;
/// A column of fewer rows can be all distinct by chance.
const IDENTIFIER_ROWS_MIN: u64 = 50;
/// Smallest number of nine digits.
const LONG_NUMBER_MIN: f64 = 1e8;
/// Share of values that must show a pattern of personal data.
const PATTERN_SHARE_MIN: f64 = 0.5;
/// Distinct texts looked at for patterns.
const PATTERN_VALUES_MAX: usize = 1_000;
/// Interquartile ranges beyond the quartiles at which a value is far out (Tukey 1977).
const FENCE: f64 = 3.0;
/// Share of values far out that is worth a remark.
const OUTLIER_SHARE_MIN: f64 = 0.01;

/// Parts of column names that announce data of a person, and what they announce.
const PERSONAL_NAMES: [(&str, &str); 24] = [
    ("email", "an e-mail address"),
    ("mail", "an e-mail address"),
    ("phone", "a telephone number"),
    ("mobile", "a telephone number"),
    ("ssn", "a social security number"),
    ("passport", "a passport number"),
    ("firstname", "a name"),
    ("lastname", "a name"),
    ("surname", "a name"),
    ("fullname", "a name"),
    ("forename", "a name"),
    ("name", "a name"),
    ("address", "an address"),
    ("street", "an address"),
    ("zip", "a postal code"),
    ("zipcode", "a postal code"),
    ("postcode", "a postal code"),
    ("iban", "a bank account"),
    ("dob", "a date of birth"),
    ("birthdate", "a date of birth"),
    ("birthday", "a date of birth"),
    ("nino", "a national insurance number"),
    ("aadhaar", "a national identity number"),
    ("ip", "a network address"),
];
/// Words of column names that announce an identifier.
const IDENTIFIER_NAMES: [&str; 8] = ["id", "uuid", "guid", "index", "key", "rowid", "idx", "no"];

/// Kinds of remark, as the document spells them.
pub(crate) const CONSTANT: &str = "constant";
pub(crate) const IDENTIFIER: &str = "identifier";
pub(crate) const MOSTLY_MISSING: &str = "mostly_missing";
pub(crate) const OUTLIERS: &str = "outliers";
pub(crate) const PERSONAL_DATA: &str = "personal_data";

/// All remarks, in column order. Counts are over all rows of the file; patterns and outliers are looked for in `table`.
pub(crate) fn notes(profile: &Profile, table: &Table) -> Vec<ColumnNote> {
    let mut notes = Vec::new();
    for own in &profile.columns {
        let Some(column) = table.column(&own.name) else { continue };
        let mut note = |kind: &str, text: String| {
            notes.push(ColumnNote { column: own.name.clone(), kind: kind.to_owned(), note: text });
        };
        let (distinct, present) = (own.distinct.count(), profile.rows - own.missing);
        if present == 0 {
            note(MOSTLY_MISSING, format!("empty in all {} rows", profile.rows));
            continue;
        }
        if own.missing as f64 > MISSING_SHARE_MAX * profile.rows as f64 {
            note(MOSTLY_MISSING, format!("missing in {} of {} rows", own.missing, profile.rows));
        }
        if distinct == 1 && own.missing == 0 {
            note(CONSTANT, "holds one value only".to_owned());
            continue;
        }
        if is_identifier(own, profile.rows) {
            note(IDENTIFIER, format!("{distinct} distinct values in {present} rows"));
        }
        if let Some(what) = personal(own, profile.rows, &column.data) {
            note(PERSONAL_DATA, what);
        }
        if let Some(share) = far_out(own, &column.data) {
            let text = format!("{:.1} % of the values lie beyond {FENCE} interquartile ranges", share * 100.0);
            note(OUTLIERS, text);
        }
    }
    notes
}

/// Whether a column is no input for a model: it is empty, constant or names its rows.
pub(crate) fn is_unusable(own: &ColumnProfile, rows: u64) -> bool {
    let constant = own.distinct.count() == 1 && own.missing == 0;
    own.missing == rows || constant || is_identifier(own, rows)
}

fn words(name: &str) -> Vec<String> {
    name.to_lowercase().split(|character: char| !character.is_alphanumeric()).map(str::to_owned).collect()
}

fn is_identifier(own: &ColumnProfile, rows: u64) -> bool {
    let present = rows - own.missing;
    let distinct = own.distinct.count();
    if present < IDENTIFIER_ROWS_MIN || (distinct as f64) < IDENTIFIER_SHARE_MIN * present as f64 {
        return false;
    }
    // A measurement can be all distinct too; whole numbers that are, under such a name or in sequence, are no measurement.
    own.numeric.as_ref().is_none_or(|numeric| {
        let named = words(&own.name).iter().any(|word| IDENTIFIER_NAMES.contains(&word.as_str()));
        let sequence = own.looks_like_id && numeric.max - numeric.min < present as f64;
        numeric.integer && (named || sequence)
    })
}

/// What of a person a column seems to hold. A name alone speaks only for varied values, so that `phone` = 0/1 (has one
/// or not) is no telephone number.
fn personal(own: &ColumnProfile, rows: u64, data: &ColumnData) -> Option<String> {
    if let ColumnData::Categorical { levels, .. } = data
        && let Some(what) = pattern(levels)
    {
        return Some(format!("most values look like {what}"));
    }
    let (distinct, present) = (own.distinct.count(), rows - own.missing);
    let varied = distinct > 20 && distinct as f64 > 0.1 * present as f64;
    let joined = words(&own.name).concat();
    let announced = PERSONAL_NAMES
        .iter()
        .find(|(word, _)| words(&own.name).iter().any(|part| part == word) || joined == *word)
        .map(|(_, what)| *what);
    if let Some(what) = announced.filter(|_| varied) {
        return Some(format!("the name announces {what}, and {distinct} different values occur"));
    }
    let numeric = own.numeric.as_ref()?;
    let long = numeric.integer && numeric.quantiles[QUARTILES[0]] >= LONG_NUMBER_MIN;
    (long && own.looks_like_id).then(|| "whole numbers of nine and more digits, nearly all different".to_owned())
}

/// Whether a text looks like a kind of personal data.
type Test = fn(&str) -> bool;

/// The kind of personal data that most of the texts look like.
fn pattern(levels: &[String]) -> Option<&'static str> {
    let kinds: [(&'static str, Test); 3] = [
        ("e-mail addresses", looks_like_email),
        ("social security numbers", |text| digit_groups(text, &[3, 2, 4])),
        ("telephone numbers", looks_like_phone),
    ];
    let looked: Vec<&String> = levels.iter().take(PATTERN_VALUES_MAX).collect();
    let needed = PATTERN_SHARE_MIN * looked.len() as f64;
    kinds.into_iter().find_map(|(what, test)| {
        let hits = looked.iter().filter(|text| test(text)).count() as f64;
        (hits > needed && hits >= 1.0).then_some(what)
    })
}

fn looks_like_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.contains('@') && host.contains('.') && !text.contains(char::is_whitespace)
    })
}

fn digit_groups(text: &str, lengths: &[usize]) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn looks_like_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let signs = text.bytes().all(|byte| byte.is_ascii_digit() || b" +-()./".contains(&byte));
    let marked = text.starts_with('+') || text.contains([' ', '-', '(', '/']);
    signs && marked && (9..=15).contains(&digits) && digit_groups_are_no_date(text)
}

/// `2024-01-31 10` has ten digits and is no telephone number.
fn digit_groups_are_no_date(text: &str) -> bool {
    !text.split([' ', '-', '/', '.']).any(|part| part.len() == 4 && (part.starts_with("19") || part.starts_with("20")))
        || text.starts_with('+')
}

/// Share of values far outside the quartiles, when worth a remark; `None` too when the middle half is one value.
fn far_out(own: &ColumnProfile, data: &ColumnData) -> Option<f64> {
    let (Some(numeric), ColumnData::Numeric(values)) = (&own.numeric, data) else { return None };
    let [low, _, high] = QUARTILES.map(|quartile| numeric.quantiles[quartile]);
    let range = high - low;
    if range <= 0.0 {
        return None;
    }
    let present = values.iter().filter(|value| !value.is_nan()).count();
    let out = values.iter().filter(|value| **value < low - FENCE * range || **value > high + FENCE * range).count();
    let share = out as f64 / present as f64;
    (share >= OUTLIER_SHARE_MIN).then_some(share)
}

#[cfg(test)]
mod tests {
    use assize_tables::{Cancel, Dataset, ReadOptions};

    use super::*;

    fn notes_of(name: &str, make: impl Fn(usize) -> String) -> Vec<ColumnNote> {
        let mut text = format!("{name},other\n");
        for row in 0..100 {
            text.push_str(&format!("{},{}\n", make(row), row % 2));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let dataset = Dataset::open(file.path(), &ReadOptions { threads: 1, ..ReadOptions::default() }).unwrap();
        let cancel = Cancel::new();
        let profile = dataset.profile(&cancel).unwrap();
        let table = dataset.load(None, &profile, None, &cancel).unwrap();
        notes(&profile, &table)
    }

    fn kinds(name: &str, make: impl Fn(usize) -> String) -> Vec<String> {
        notes_of(name, make).into_iter().map(|note| note.kind).collect()
    }

    #[test]
    fn columns_are_remarked_on_by_what_they_hold() {
        let none: [&str; 0] = [];
        assert_eq!(kinds("contact", |row| format!("p{row}@example.org")), [IDENTIFIER, PERSONAL_DATA]);
        assert_eq!(kinds("x", |row| format!("123-45-{row:04}")), [IDENTIFIER, PERSONAL_DATA]);
        assert_eq!(kinds("x", |row| format!("+49 151 23456{row:02}")), [IDENTIFIER, PERSONAL_DATA]);
        assert_eq!(kinds("first_name", |row| format!("name{}", row % 40)), [PERSONAL_DATA]);
        assert_eq!(kinds("telephone", |row| ["A191", "A192"][row % 2].to_owned()), none);
        assert_eq!(kinds("date", |row| format!("2024-01-{:02} 10:00", row % 28 + 1)), none);
        assert_eq!(kinds("row", |row| (row + 7).to_string()), [IDENTIFIER]);
        assert_eq!(
            kinds("applicant_id", |row| (row * 10_000_000 + 1_000_000_000).to_string()),
            [IDENTIFIER, PERSONAL_DATA]
        );
        assert_eq!(kinds("income", |row| (row as f64 * 131.7).to_string()), none);
        assert_eq!(kinds("zero", |_| "0".to_owned()), [CONSTANT]);
        assert_eq!(kinds("gap", |row| if row < 60 { String::new() } else { (row % 3).to_string() }), [MOSTLY_MISSING]);
        assert_eq!(kinds("gone", |_| String::new()), [MOSTLY_MISSING]);
        assert_eq!(kinds("wild", |row| if row < 3 { 1_000_000 } else { row % 10 }.to_string()), [OUTLIERS]);
    }

    #[test]
    fn remarks_never_repeat_a_value() {
        let notes = notes_of("contact", |row| format!("person{row}@example.org"));
        assert!(notes.iter().all(|note| !note.note.contains('@') && !note.note.contains("person1")));
    }
}
