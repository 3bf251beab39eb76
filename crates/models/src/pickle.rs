//! Pickle and joblib files, read as data: nothing in them is imported, called or executed.
//!
//! Flow: [`container`] recognises and unpacks a compressed stream under a size and ratio limit; [`machine`] walks the
//! opcodes of protocols 0 to 5 and leaves a flat arena of inert [`Node`]s (an object is the name of its class, its
//! arguments and its state); [`view`] gives typed access to them, and [`array`] turns the several spellings of numpy
//! arrays into numbers.
//!
//! Invariants: a node is stored once however often it is referred to, so that the memory is bounded by a constant
//! times the bytes of the file; every declared length is held against the bytes that are left before anything is
//! reserved; extension registries, persistent ids, out-of-band buffers and unknown opcodes are refused.
//!
//! Source of the opcode semantics: `Lib/pickletools.py` and `Lib/pickle.py` of CPython 3.13; of the array wrapper:
//! `joblib/numpy_pickle.py` (joblib 1.5).

mod array;
mod container;
mod dtype;
mod machine;
mod node;
mod view;

pub(crate) use array::{Array, Numbers};
pub(crate) use container::unpack;
pub(crate) use dtype::{Dtype, Field, Kind};
pub(crate) use machine::{Trace, read, read_first};
pub(crate) use node::{Global, Id, Node, Pickle};
pub(crate) use view::View;

/// What a file may cost before it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file as stored.
    pub file_bytes_max: usize,
    /// Bytes after unpacking a compressed file.
    pub unpacked_bytes_max: usize,
    /// Unpacked bytes for each stored byte; counts only beyond [`Limits::unpacked_bytes_free`].
    pub unpacked_ratio_max: usize,
    /// Unpacked bytes that are allowed whatever the ratio.
    pub unpacked_bytes_free: usize,
    /// Objects (numbers, texts, lists, ...) in the file.
    pub nodes_max: usize,
    /// References between objects: members of lists, values of dictionaries, depth of the stack.
    pub references_max: usize,
    /// Estimators and transformers within each other.
    pub nesting_max: usize,
    /// Estimators and transformers in one file, repeated ones counted each time.
    pub estimators_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 1 << 30,
            unpacked_bytes_max: 1 << 30,
            unpacked_ratio_max: 40,
            unpacked_bytes_free: 32 << 20,
            nodes_max: 2_000_000,
            references_max: 16_000_000,
            nesting_max: 24,
            estimators_max: 50_000,
        }
    }
}

/// Why the bytes were refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (at byte {offset}, counted after unpacking)")]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) kind: FaultKind,
    pub(crate) what: String,
}

/// What sort of refusal a [`Fault`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The bytes are not a well-formed file.
    Malformed,
    /// A limit was reached.
    Limit,
    /// The file asks for something that is never read: an extension code, a persistent id, an outside buffer.
    Forbidden,
}

impl Fault {
    pub(crate) fn new(offset: usize, kind: FaultKind, what: impl Into<String>) -> Self {
        Self { offset, kind, what: what.into() }
    }
}
