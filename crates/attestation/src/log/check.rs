//! Re-computing a stored log from its entries: finds a removed, changed, moved or added entry, a rewritten node, and
//! signed heads that the entries do not lead to.

use super::{Hash, NodeId, join_peaks, leaf_hash, node_hash};
use crate::{Checkpoint, Error};

/// A log being read from its first entry on. Holds one hash for each level, so the length of the log does not matter.
///
/// ```
/// use assize_attestation::{Checkpoint, log::{self, check::LogCheck}};
/// let mut check = LogCheck::default();
/// check.push(0, b"entry", Some(log::leaf_hash(b"entry")))?;
/// let head = Checkpoint { origin: "example.org/log".into(), size: 1, root: log::leaf_hash(b"entry"), extensions: vec![] };
/// check.agrees_with(&head)?;
/// # Ok::<(), assize_attestation::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct LogCheck {
    /// Complete subtrees of falling height, with their addresses.
    peaks: Vec<(NodeId, Hash)>,
    size: u64,
}

impl LogCheck {
    /// Takes the next entry and the leaf hash stored for it; gives the tree nodes that it completes, the leaf first, so
    /// that the caller can hold them against the stored ones (or use [`LogCheck::push_with_nodes`]).
    ///
    /// # Errors
    /// [`Error::LogDisagrees`] when `index` is not the next one (an entry was removed or put in) or the stored hash is
    /// not the hash of `entry` (it was changed).
    pub fn push(&mut self, index: u64, entry: &[u8], stored: Option<Hash>) -> Result<Vec<(NodeId, Hash)>, Error> {
        let leaf = leaf_hash(entry);
        if stored.is_some_and(|stored| stored != leaf) {
            return Err(Error::LogDisagrees(format!(
                "log entry {index} was changed: its bytes do not have its leaf hash"
            )));
        }
        self.push_leaf_hash(index, leaf)
    }

    /// As [`LogCheck::push`] for a caller that has only the leaf hashes.
    ///
    /// # Errors
    /// [`Error::LogDisagrees`] when `index` is not the next one.
    pub fn push_leaf_hash(&mut self, index: u64, leaf: Hash) -> Result<Vec<(NodeId, Hash)>, Error> {
        if index != self.size {
            return Err(Error::LogDisagrees(format!(
                "log entry {} is missing: found entry {index} in its place",
                self.size
            )));
        }
        let mut node = NodeId { level: 0, index };
        let mut hash = leaf;
        let mut completed = vec![(node, hash)];
        while let Some((left, left_hash)) = self.peaks.pop_if(|(peak, _)| peak.level == node.level) {
            hash = node_hash(&left_hash, &hash);
            node = NodeId { level: node.level + 1, index: left.index / 2 };
            completed.push((node, hash));
        }
        self.peaks.push((node, hash));
        self.size += 1;
        Ok(completed)
    }

    /// As [`LogCheck::push`], and holds the completed nodes against the stored ones.
    ///
    /// # Errors
    /// [`Error::LogDisagrees`] also when a node is missing or differs.
    pub fn push_with_nodes(
        &mut self,
        index: u64,
        entry: &[u8],
        stored: impl Fn(NodeId) -> Option<Hash>,
    ) -> Result<(), Error> {
        let leaf = NodeId { level: 0, index };
        for (node, hash) in self.push(index, entry, stored(leaf))? {
            if stored(node) != Some(hash) {
                return Err(Error::LogDisagrees(format!(
                    "the stored tree node at level {}, index {} is not the hash of the entries under it (it ends at entry {index})",
                    node.level, node.index
                )));
            }
        }
        Ok(())
    }

    /// Entries taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root over the entries so far.
    pub fn root(&self) -> Hash {
        let hashes: Vec<Hash> = self.peaks.iter().map(|(_, hash)| *hash).collect();
        join_peaks(&hashes)
    }

    /// Holds a signed head against the entries so far; to be asked when [`LogCheck::size`] is the head's size, or at
    /// the end. (Its signature is checked apart, with [`crate::SignedCheckpoint::verify`].)
    ///
    /// # Errors
    /// [`Error::LogDisagrees`] when entries are missing at the end or the root differs.
    pub fn agrees_with(&self, head: &Checkpoint) -> Result<(), Error> {
        if head.size > self.size {
            return Err(Error::LogDisagrees(format!(
                "log entry {} is missing: a signed checkpoint commits to {} entries, {} are here",
                self.size, head.size, self.size
            )));
        }
        if head.size < self.size {
            return Err(Error::OutsideLog { what: "the size of the checkpoint", value: head.size, size: self.size });
        }
        if head.root != self.root() {
            return Err(Error::LogDisagrees(format!(
                "the first {} log entries do not lead to the signed root: one of them was changed, removed or put in",
                head.size
            )));
        }
        Ok(())
    }
}

/// Re-computes a log from its leaf hashes and holds it against one signed head.
///
/// # Errors
/// [`Error::LogDisagrees`], naming the first entry or size that disagrees.
pub fn verify_log(leaves: impl IntoIterator<Item = (u64, Hash)>, head: &Checkpoint) -> Result<(), Error> {
    let mut check = LogCheck::default();
    for (index, leaf) in leaves {
        check.push_leaf_hash(index, leaf)?;
        if check.size() == head.size {
            check.agrees_with(head)?;
        }
    }
    if check.size() <= head.size { check.agrees_with(head) } else { Ok(()) }
}
