//! What a verifier does with a proof: the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, step by step.

use super::{Hash, empty_root, node_hash};
use crate::Error;

/// Checks that `leaf` is at `index` in the log of `size` entries with this `root`.
///
/// # Errors
/// [`Error::Proof`] when it does not lead there, has a hash too many or too few, or the index is outside.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), Error> {
    const FAILED: Error = Error::Proof("inclusion");
    if index >= size {
        return Err(FAILED);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return Err(FAILED);
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node % 2 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 && hash == root { Ok(()) } else { Err(FAILED) }
}

/// Checks that the log of `to` entries with `to_root` continues the log of `from` entries with `from_root`.
///
/// # Errors
/// [`Error::Proof`] when it does not, or when the proof is not exactly what the sizes call for.
pub fn verify_consistency(from: u64, from_root: Hash, to: u64, to_root: Hash, proof: &[Hash]) -> Result<(), Error> {
    const FAILED: Error = Error::Proof("consistency");
    let expect = |holds: bool| if holds { Ok(()) } else { Err(FAILED) };
    if from > to || (from == 0 && from_root != empty_root()) || (to == 0 && to_root != empty_root()) {
        return Err(FAILED);
    }
    if from == to {
        return expect(proof.is_empty() && from_root == to_root);
    }
    if from == 0 {
        return expect(proof.is_empty());
    }
    let (mut node, mut last) = (from - 1, to - 1);
    while node % 2 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    // A power of two: the old root is itself the first subtree and is not sent.
    let (start, rest) = match proof.split_first() {
        _ if from.is_power_of_two() => (from_root, proof),
        Some((first, rest)) => (*first, rest),
        None => return Err(FAILED),
    };
    let (mut old, mut new) = (start, start);
    for sibling in rest {
        if last == 0 {
            return Err(FAILED);
        }
        if node % 2 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node % 2 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    expect(last == 0 && old == from_root && new == to_root)
}
