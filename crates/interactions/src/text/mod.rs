//! How a text is looked at: what a person would read (hidden characters gone, look-alikes folded, JSON escapes
//! resolved), with every byte mapped back to the original; and what encoded runs inside it spell.

mod confusables;
pub(crate) mod decode;
pub(crate) mod json;
mod view;

pub(crate) use view::View;
