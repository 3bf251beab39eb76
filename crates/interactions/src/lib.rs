//! One AI interaction in, findings out: personal data, secrets, safety, regulations, redaction, risk. Pure: no clock,
//! no files, no network; the same interaction and rules give the same audit.

pub mod safety;
pub mod tagger;
pub mod tokens;
pub mod training;
pub mod weights;
