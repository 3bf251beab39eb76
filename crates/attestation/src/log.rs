//! The Merkle log: hashing, appending, proofs and their verification as RFC 6962 and RFC 9162 section 2.1 define them.
//!
//! The tree is stored as *nodes*: the hash of every complete subtree, addressed by height and position ([`NodeId`]).
//! Level 0 holds the leaf hashes; node `(level, index)` covers the leaves `index * 2^level` up to the next node.
//! A node never changes once written, so a store keeps them in one insert-only table, and every function here is a few
//! dozen look-ups whatever the size. Each operation tells first which nodes it will read (`nodes_needed_for_*`), so
//! that an asynchronous store fetches them in one query and hands over a look-up.
//!
//! [`check::LogCheck`] re-computes a whole log from its entries and names the first place where it was altered.

pub mod check;
mod proof;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use proof::{verify_consistency, verify_inclusion};

use crate::Error;

/// Largest log. Far above what can be stored; keeps index arithmetic clear of overflow and sizes exact in JSON.
pub const SIZE_MAX: u64 = 1 << 53;

/// A SHA-256 hash in the tree. JSON and `Display`: base64, as checkpoints spell it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// From the 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From a slice, as a store returns it.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it has not 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Hash, Error> {
        let bytes = bytes.try_into();
        bytes.map(Hash).map_err(|_| Error::malformed("the hash", "expected 32 bytes"))
    }

    /// Standard padded base64.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is not the base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Hash, Error> {
        Hash::from_slice(&crate::envelope::decode("the hash", text)?)
    }

    /// Standard padded base64.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Lowercase hex.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.to_hex())
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_base64()
    }
}

impl TryFrom<String> for Hash {
    type Error = Error;

    fn try_from(text: String) -> Result<Hash, Error> {
        Hash::from_base64(&text)
    }
}

/// Address of a complete subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Height over the leaves; the subtree has `2^level` leaves.
    pub level: u8,
    /// Position from the left among the subtrees of that height.
    pub index: u64,
}

/// What [`append`] changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The nodes to store, the leaf first. Never rewrites an old one.
    pub nodes: Vec<(NodeId, Hash)>,
    /// Index of the new leaf.
    pub leaf_index: u64,
    /// Size of the log with it.
    pub size: u64,
    /// Root at that size.
    pub root: Hash,
}

/// Hash of an entry: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// Hash of an inner node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Root of the log without entries: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// Adds a leaf to a log of `size` entries. Reads [`nodes_needed_for_append`].
///
/// # Errors
/// [`Error::MissingNode`] when `read` lacks one, [`Error::OutsideLog`] past [`SIZE_MAX`].
pub fn append(leaf: Hash, size: u64, read: impl Fn(NodeId) -> Option<Hash>) -> Result<Append, Error> {
    if size >= SIZE_MAX {
        return Err(Error::OutsideLog { what: "the new leaf", value: size, size: SIZE_MAX });
    }
    let mut node = NodeId { level: 0, index: size };
    let mut hash = leaf;
    let mut nodes = vec![(node, hash)];
    while node.index % 2 == 1 {
        hash = node_hash(&look_up(&read, NodeId { level: node.level, index: node.index - 1 })?, &hash);
        node = NodeId { level: node.level + 1, index: node.index / 2 };
        nodes.push((node, hash));
    }
    let fresh = |wanted: NodeId| nodes.iter().find(|(id, _)| *id == wanted).map(|(_, hash)| *hash);
    let root = root(size + 1, |wanted| fresh(wanted).or_else(|| read(wanted)))?;
    Ok(Append { leaf_index: size, size: size + 1, root, nodes })
}

/// Root of the first `size` entries. Reads [`nodes_needed_for_root`].
///
/// # Errors
/// [`Error::MissingNode`] when `read` lacks one, [`Error::OutsideLog`] past [`SIZE_MAX`].
pub fn root(size: u64, read: impl Fn(NodeId) -> Option<Hash>) -> Result<Hash, Error> {
    check_size(size)?;
    if size == 0 { Ok(empty_root()) } else { hash_of(Range { start: 0, end: size }, &read) }
}

/// Proof that the leaf at `index` is in the log of `size` entries, lowest sibling first (RFC 9162 section 2.1.3.1).
/// Reads [`nodes_needed_for_inclusion`].
///
/// # Errors
/// [`Error::OutsideLog`] when `index >= size`, [`Error::MissingNode`].
pub fn inclusion_proof(index: u64, size: u64, read: impl Fn(NodeId) -> Option<Hash>) -> Result<Vec<Hash>, Error> {
    inclusion_ranges(index, size)?.into_iter().map(|range| hash_of(range, &read)).collect()
}

/// Proof that the log of `to` entries continues the log of `from` entries (RFC 9162 section 2.1.4.1); empty when
/// `from` is 0 or equal to `to`. Reads [`nodes_needed_for_consistency`].
///
/// # Errors
/// [`Error::OutsideLog`] when `from > to`, [`Error::MissingNode`].
pub fn consistency_proof(from: u64, to: u64, read: impl Fn(NodeId) -> Option<Hash>) -> Result<Vec<Hash>, Error> {
    consistency_ranges(from, to)?.into_iter().map(|range| hash_of(range, &read)).collect()
}

/// The nodes that [`append`] reads.
pub fn nodes_needed_for_append(size: u64) -> Vec<NodeId> {
    nodes_needed_for_root(size)
}

/// The nodes that [`root`] reads: the largest complete subtrees, left to right.
pub fn nodes_needed_for_root(size: u64) -> Vec<NodeId> {
    Range { start: 0, end: size }.nodes()
}

/// The nodes that [`inclusion_proof`] reads.
///
/// # Errors
/// [`Error::OutsideLog`] when `index >= size`.
pub fn nodes_needed_for_inclusion(index: u64, size: u64) -> Result<Vec<NodeId>, Error> {
    Ok(inclusion_ranges(index, size)?.into_iter().flat_map(Range::nodes).collect())
}

/// The nodes that [`consistency_proof`] reads.
///
/// # Errors
/// [`Error::OutsideLog`] when `from > to`.
pub fn nodes_needed_for_consistency(from: u64, to: u64) -> Result<Vec<NodeId>, Error> {
    Ok(consistency_ranges(from, to)?.into_iter().flat_map(Range::nodes).collect())
}

/// Leaves `start..end` that form a subtree of the RFC's recursion: `start` is a multiple of the smallest power of two
/// that is at least the length, so the range falls into complete subtrees of falling height.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    fn nodes(self) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let level = (self.end - start).ilog2();
            nodes.push(NodeId { level: level as u8, index: start >> level });
            start += 1 << level;
        }
        nodes
    }

    /// Where the RFC splits it: after the largest power of two smaller than the length (which is at least 2).
    fn split(self) -> (Range, Range) {
        let middle = self.start + (1 << (self.end - self.start - 1).ilog2());
        (Range { start: self.start, end: middle }, Range { start: middle, end: self.end })
    }

    fn is_leaf(self) -> bool {
        self.end - self.start == 1
    }
}

/// The siblings on the way from a leaf to the root, lowest first.
fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Range>, Error> {
    check_size(size)?;
    if index >= size {
        return Err(Error::OutsideLog { what: "the leaf index", value: index, size });
    }
    let mut range = Range { start: 0, end: size };
    let mut siblings = Vec::new();
    while !range.is_leaf() {
        let (left, right) = range.split();
        let (inside, sibling) = if index < left.end { (left, right) } else { (right, left) };
        siblings.push(sibling);
        range = inside;
    }
    siblings.reverse();
    Ok(siblings)
}

/// The subtrees of a consistency proof, in the order of the RFC's SUBPROOF.
fn consistency_ranges(from: u64, to: u64) -> Result<Vec<Range>, Error> {
    check_size(to)?;
    if from > to {
        return Err(Error::OutsideLog { what: "the older size", value: from, size: to });
    }
    if from == 0 || from == to {
        return Ok(Vec::new());
    }
    let mut range = Range { start: 0, end: to };
    let mut others = Vec::new();
    while range.end != from {
        let (left, right) = range.split();
        let (inside, other) = if from <= left.end { (left, right) } else { (right, left) };
        others.push(other);
        range = inside;
    }
    // The verifier knows the old root; the range that ends at it is sent only when it is not that root itself.
    if range.start != 0 {
        others.push(range);
    }
    others.reverse();
    Ok(others)
}

fn hash_of(range: Range, read: &impl Fn(NodeId) -> Option<Hash>) -> Result<Hash, Error> {
    let hashes = range.nodes().into_iter().map(|node| look_up(read, node)).collect::<Result<Vec<Hash>, Error>>()?;
    Ok(join_peaks(&hashes))
}

/// Root over complete subtrees of falling height.
fn join_peaks(peaks: &[Hash]) -> Hash {
    peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
}

fn look_up(read: &impl Fn(NodeId) -> Option<Hash>, node: NodeId) -> Result<Hash, Error> {
    read(node).ok_or(Error::MissingNode { level: node.level, index: node.index })
}

fn check_size(size: u64) -> Result<(), Error> {
    if size > SIZE_MAX { Err(Error::OutsideLog { what: "the size", value: size, size: SIZE_MAX }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
