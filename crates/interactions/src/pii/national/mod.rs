//! National, tax, social and health numbers, one file a country or a region of small ones.
//!
//! Each file is data first: the forms, the words, the examples; then the check functions they name. To add a number:
//! one [`Recognizer`] in its country's file, with examples that hold and near misses that must not, and the source of
//! its rule in the file's head.

mod americas;
mod asia_pacific;
mod benelux_alps;
mod de;
mod east_asia;
mod east_europe;
mod es;
mod fr;
mod gb;
mod it;
mod nl;
mod nordic;
mod pl;
mod pt;
mod rest;
mod us;

use super::recognizer::Recognizer;

/// What every file here starts with.
mod prelude {
    pub(super) use super::super::check::{
        base36, day_of_month, ddmm, digit, digits, icao, luhn, mod_11_2, mod_11_10, number, repeated, verhoeff,
        weighted, yymmdd,
    };
    pub(super) use super::super::recognizer::{Category, Kind, Recognizer, Strength};
}

/// All of them, in the order of the files.
pub(super) const FAMILIES: &[&[Recognizer]] = &[
    us::RECOGNIZERS,
    gb::RECOGNIZERS,
    de::RECOGNIZERS,
    fr::RECOGNIZERS,
    es::RECOGNIZERS,
    it::RECOGNIZERS,
    nl::RECOGNIZERS,
    pl::RECOGNIZERS,
    pt::RECOGNIZERS,
    nordic::RECOGNIZERS,
    benelux_alps::RECOGNIZERS,
    east_europe::RECOGNIZERS,
    americas::RECOGNIZERS,
    asia_pacific::RECOGNIZERS,
    east_asia::RECOGNIZERS,
    rest::RECOGNIZERS,
];
