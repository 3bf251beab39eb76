//! The inert objects a file consists of, in one flat arena.

use std::borrow::Cow;

/// Position of a node in its arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(pub(super) u32);

/// The name of a class or function: never looked up, only compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Global<'a> {
    pub(crate) module: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
}

impl Global<'_> {
    pub(crate) fn is(&self, module: &str, name: &str) -> bool {
        self.module == module && self.name == name
    }
}

impl std::fmt::Display for Global<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

/// One value of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: legitimate in the state of random generators, used nowhere.
    Huge,
    Float(f64),
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Box<Global<'a>>),
    Object(Box<Object>),
    /// Array bytes that joblib wrote between two opcodes.
    Inline(Box<Inline<'a>>),
}

/// What a call or a construction would have made: callable, arguments and what was set on it afterwards.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// A [`Node::Global`].
    pub(crate) callable: Id,
    /// A [`Node::Tuple`].
    pub(crate) arguments: Id,
    /// Whether the class was constructed (`cls.__new__`) rather than called.
    pub(crate) constructed: bool,
    pub(crate) state: Option<Id>,
    pub(crate) items: Vec<Id>,
    pub(crate) pairs: Vec<(Id, Id)>,
}

/// The array behind a joblib wrapper.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inline<'a> {
    pub(crate) dtype: super::Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) fortran: bool,
    pub(crate) bytes: &'a [u8],
}

/// A whole file: its nodes and the one that is the result.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Id,
    /// Bytes of the unpacked file, the measure of what may be decoded from it.
    pub(crate) bytes: usize,
}

impl<'a> Pickle<'a> {
    pub(crate) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn root(&self) -> super::View<'_> {
        super::View::new(self, self.root)
    }
}
