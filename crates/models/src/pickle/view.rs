//! Typed access to the nodes of a file: reads, never builds.

use std::borrow::Cow;

use super::dtype::Dtype;
use super::{Global, Id, Node, Pickle};

/// A node together with its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'p> {
    file: &'p Pickle<'p>,
    id: Id,
}

impl<'p> View<'p> {
    pub(super) fn new(file: &'p Pickle<'_>, id: Id) -> Self {
        Self { file, id }
    }

    pub(crate) fn node(&self) -> &'p Node<'p> {
        self.file.node(self.id)
    }

    pub(super) fn at(&self, id: Id) -> Self {
        Self { file: self.file, id }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self.node(), Node::None)
    }

    pub(crate) fn global(&self) -> Option<&'p Global<'p>> {
        match self.node() {
            Node::Global(global) => Some(global),
            _ => None,
        }
    }

    /// What a call node would have called, and with what.
    pub(crate) fn call(&self) -> Option<(&'p Global<'p>, Vec<View<'p>>)> {
        match self.node() {
            Node::Object(object) => Some((self.at(object.callable).global()?, self.at(object.arguments).items()?)),
            _ => None,
        }
    }

    /// The class of an object, through the ways in which pickle constructs one.
    pub(crate) fn class(&self) -> Option<&'p Global<'p>> {
        let (callable, arguments) = self.call()?;
        if callable.is("copyreg", "_reconstructor") {
            let base = arguments.get(1)?.global()?;
            return if base.is("builtins", "object") { arguments.first()?.global() } else { None };
        }
        if callable.is("copyreg", "__newobj__") {
            return arguments.first()?.global();
        }
        Some(callable)
    }

    pub(crate) fn state(&self) -> Option<View<'p>> {
        match self.node() {
            Node::Object(object) => object.state.map(|state| self.at(state)),
            _ => None,
        }
    }

    /// An attribute of an object whose state is a dictionary.
    pub(crate) fn attribute(&self, name: &str) -> Option<View<'p>> {
        self.state()?.get(name)
    }

    /// The value of a text key; the last one wins, as in Python.
    pub(crate) fn get(&self, key: &str) -> Option<View<'p>> {
        let pairs = match self.node() {
            Node::Dict(pairs) => pairs,
            Node::Object(object) => &object.pairs,
            _ => return None,
        };
        pairs.iter().rev().find(|(name, _)| self.at(*name).text() == Some(key)).map(|(_, value)| self.at(*value))
    }

    /// Keys and values of a dictionary or of an object that is filled like one.
    pub(crate) fn pairs(&self) -> Option<Vec<(View<'p>, View<'p>)>> {
        let pairs = match self.node() {
            Node::Dict(pairs) => pairs,
            Node::Object(object) => &object.pairs,
            _ => return None,
        };
        Some(pairs.iter().map(|(key, value)| (self.at(*key), self.at(*value))).collect())
    }

    /// Members of a list or tuple.
    pub(crate) fn items(&self) -> Option<Vec<View<'p>>> {
        match self.node() {
            Node::List(items) | Node::Tuple(items) => Some(items.iter().map(|item| self.at(*item)).collect()),
            _ => None,
        }
    }

    /// Members of a set, also a frozen one.
    pub(crate) fn members(&self) -> Option<Vec<View<'p>>> {
        if let Node::Set(items) = self.node() {
            return Some(items.iter().map(|item| self.at(*item)).collect());
        }
        let (callable, arguments) = self.call()?;
        let is_set =
            ["set", "frozenset"].iter().any(|name| callable.is("builtins", name) || callable.is("__builtin__", name));
        if is_set { arguments.first()?.items() } else { None }
    }

    /// A text, also one of numpy's.
    pub(crate) fn text(&self) -> Option<&'p str> {
        match self.node() {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, also a numpy scalar of texts.
    pub(crate) fn owned_text(&self) -> Option<String> {
        match self.text() {
            Some(text) => Some(text.to_owned()),
            None => {
                let (dtype, bytes) = self.scalar()?;
                dtype.text(&bytes)
            }
        }
    }

    /// Bytes, also spelled `_codecs.encode(text, "latin1")` as in protocols 0 to 2.
    pub(crate) fn bytes(&self) -> Option<Cow<'p, [u8]>> {
        if let Node::Bytes(bytes) = self.node() {
            return Some(Cow::Borrowed(bytes));
        }
        let (callable, arguments) = self.call()?;
        if callable.is("_codecs", "encode") && arguments.get(1)?.text()? == "latin1" {
            let text = arguments.first()?.text()?;
            let bytes: Option<Vec<u8>> = text.chars().map(|unit| u8::try_from(unit).ok()).collect();
            return bytes.map(Cow::Owned);
        }
        // b"" is bytes() in protocols 0 to 2; bytearray is called on bytes or on a text with its encoding.
        match (callable.module.as_ref(), callable.name.as_ref(), arguments.as_slice()) {
            ("builtins", "bytes" | "bytearray", []) => Some(Cow::Borrowed(&[])),
            ("builtins", "bytearray", [bytes]) => match bytes.node() {
                Node::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The parts of a numpy scalar.
    pub(crate) fn scalar(&self) -> Option<(Dtype, Cow<'p, [u8]>)> {
        let (callable, arguments) = self.call()?;
        let known = callable.is("numpy.core.multiarray", "scalar") || callable.is("numpy._core.multiarray", "scalar");
        if !known {
            return None;
        }
        let dtype = Dtype::from_view(*arguments.first()?)?;
        let bytes = arguments.get(1)?.bytes()?;
        (bytes.len() == dtype.size).then_some((dtype, bytes))
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.node() {
            Node::Bool(value) => Some(*value),
            _ => {
                let (dtype, bytes) = self.scalar()?;
                (dtype.kind == super::Kind::Bool).then(|| bytes[0] != 0)
            }
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self.node() {
            Node::Int(value) => Some(*value),
            Node::Bool(value) => Some(i64::from(*value)),
            _ => {
                let (dtype, bytes) = self.scalar()?;
                dtype.integer(&bytes)
            }
        }
    }

    /// A number as a double; booleans are 0 and 1.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.node() {
            Node::Float(value) => Some(*value),
            Node::Int(value) => Some(*value as f64),
            Node::Bool(value) => Some(f64::from(u8::from(*value))),
            _ => {
                let (dtype, bytes) = self.scalar()?;
                dtype.number(&bytes)
            }
        }
    }

    /// A shape: a tuple of numbers, or a single one.
    pub(super) fn extents(&self) -> Option<Vec<usize>> {
        let extent = |view: &View<'_>| usize::try_from(view.integer()?).ok();
        match self.items() {
            Some(items) if items.len() <= 32 => items.iter().map(extent).collect(),
            Some(_) => None,
            None => Some(vec![extent(self)?]),
        }
    }
}
