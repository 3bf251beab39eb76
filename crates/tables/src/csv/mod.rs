//! Reading CSV: what dialect a file has ([`dialect`]), cutting it into blocks of whole records ([`blocks`]), splitting
//! blocks into the raw cells of the wanted columns ([`split`]).
//!
//! Grammar, after RFC 4180 and leniently where it is silent: fields end at the delimiter, records at a line feed (or,
//! in files without any, at a carriage return). A quotation mark opens a quoted field only at the field's start, blanks
//! before it ignored; elsewhere it is a character like others. Inside, two stand for one, and delimiters and line ends
//! have no meaning. What follows the closing mark belongs to the field. Lines of blanks only are skipped.

mod blocks;
mod dialect;
mod split;

pub(crate) use blocks::{CsvBlocks, read_full};
pub(crate) use dialect::{Dialect, open};
