//! Class labels as the library stores them.

use crate::pickle::{Array, Kind, View};

/// One class.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Label {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
}

impl std::fmt::Display for Label {
    /// As Python prints it; a whole float as the integer it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The classes of an array, in its order.
pub(super) fn labels(array: &Array<'_>) -> Option<Vec<Label>> {
    if array.shape.len() != 1 {
        return None;
    }
    match array.dtype.kind {
        Kind::Bool => Some(array.integers()?.into_iter().map(|value| Label::Bool(value != 0)).collect()),
        Kind::Int | Kind::Uint => Some(array.integers()?.into_iter().map(Label::Int).collect()),
        Kind::Float => Some(array.numbers()?.values.into_iter().map(Label::Float).collect()),
        Kind::Text | Kind::Bytes => Some(array.texts()?.into_iter().map(Label::Text).collect()),
        Kind::Object => array.objects()?.iter().map(label).collect(),
        Kind::Record(_) => None,
    }
}

/// A label that stands alone.
pub(super) fn label(view: &View<'_>) -> Option<Label> {
    if let Some(value) = view.boolean() {
        return Some(Label::Bool(value));
    }
    if let Some(value) = view.integer() {
        return Some(Label::Int(value));
    }
    if let Some(value) = view.number() {
        return Some(Label::Float(value));
    }
    view.owned_text().map(Label::Text)
}
