//! Known roots, the reference implementation `ct-merkle`, and what must not verify.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::check::{LogCheck, verify_log};
use super::*;
use crate::Checkpoint;

/// A log in memory, with the reference implementation beside it.
struct Logs {
    nodes: BTreeMap<NodeId, Hash>,
    roots: Vec<Hash>,
    reference: MemoryBackedTree<Sha256, Vec<u8>>,
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn logs(size: u64) -> Logs {
    let mut logs = Logs { nodes: BTreeMap::new(), roots: vec![empty_root()], reference: MemoryBackedTree::new() };
    for index in 0..size {
        let appended =
            append(leaf_hash(&entry(index)), index, reading(&logs.nodes, &nodes_needed_for_append(index))).unwrap();
        assert_eq!((appended.leaf_index, appended.size), (index, index + 1));
        for (node, hash) in appended.nodes {
            assert_eq!(logs.nodes.insert(node, hash), None, "a node is written once");
        }
        logs.roots.push(appended.root);
        logs.reference.push(entry(index));
    }
    logs
}

/// A look-up that has only the nodes announced beforehand.
fn reading<'a>(nodes: &'a BTreeMap<NodeId, Hash>, announced: &'a [NodeId]) -> impl Fn(NodeId) -> Option<Hash> + 'a {
    move |node| if announced.contains(&node) { nodes.get(&node).copied() } else { None }
}

fn concatenated(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn roots_equal_those_of_the_certificate_transparency_reference() {
    // The eight inputs and roots of google/certificate-transparency, merkletree/merkle_tree_test.cc.
    let cases = [
        ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ];
    assert_eq!(empty_root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let nodes = RefCell::new(BTreeMap::new());
    for (size, (input, expected)) in (0..).zip(cases) {
        let leaf = leaf_hash(&hex::decode(input).unwrap());
        let appended = append(leaf, size, |node| nodes.borrow().get(&node).copied()).unwrap();
        assert_eq!(appended.root.to_hex(), expected, "size {}", size + 1);
        nodes.borrow_mut().extend(appended.nodes);
    }
}

#[test]
fn every_root_and_proof_to_size_70_equals_ct_merkle() {
    for size in 1..=70 {
        let logs = logs(size);
        let root = logs.roots[size as usize];
        assert_eq!(root.as_bytes().as_slice(), logs.reference.root().as_bytes().as_slice());
        let announced = nodes_needed_for_root(size);
        assert_eq!(super::root(size, reading(&logs.nodes, &announced)), Ok(root));
        for index in 0..size {
            let announced = nodes_needed_for_inclusion(index, size).unwrap();
            let proof = inclusion_proof(index, size, reading(&logs.nodes, &announced)).unwrap();
            assert_eq!(concatenated(&proof), logs.reference.prove_inclusion(index as usize).as_bytes());
            assert_eq!(verify_inclusion(leaf_hash(&entry(index)), index, size, &proof, root), Ok(()));
        }
        for from in 0..=size {
            let announced = nodes_needed_for_consistency(from, size).unwrap();
            let proof = consistency_proof(from, size, reading(&logs.nodes, &announced)).unwrap();
            if from > 0 && from < size {
                let reference = logs.reference.prove_consistency((size - from) as usize);
                assert_eq!(concatenated(&proof), reference.as_bytes(), "{from} to {size}");
            }
            assert_eq!(verify_consistency(from, logs.roots[from as usize], size, root, &proof), Ok(()));
        }
    }
}

#[test]
fn a_proof_holds_for_its_index_size_and_length_only() {
    let size = 21;
    let logs = logs(size);
    let root = logs.roots[size as usize];
    let read = |node| logs.nodes.get(&node).copied();
    for index in 0..size {
        let leaf = leaf_hash(&entry(index));
        let proof = inclusion_proof(index, size, read).unwrap();
        let check = |index, size, proof: &[Hash]| verify_inclusion(leaf, index, size, proof, root).is_ok();
        for other in (0..size + 40).filter(|other| *other != index) {
            assert!(!check(other, size, &proof), "{index} at {other}");
        }
        assert!(!check(index, size, &proof[1..]), "first hash left out");
        assert!(!check(index, size, &proof[..proof.len() - 1]), "last hash left out");
        assert!(!check(index, size, &[proof.as_slice(), &[root]].concat()), "a hash too many");
    }
    for from in 1..size {
        let proof = consistency_proof(from, size, read).unwrap();
        let old = logs.roots[from as usize];
        let check = |from, old, proof: &[Hash]| verify_consistency(from, old, size, root, proof).is_ok();
        assert!(!check(from, logs.roots[from as usize - 1], &proof), "another old root");
        assert!(!check(from, old, &[proof.as_slice(), &[root]].concat()), "a hash too many");
        assert!(!check(from, old, &proof[..proof.len() - 1]), "a hash left out");
    }
}

#[test]
fn sizes_at_the_limit_are_answered_without_overflow() {
    let zero = |_: NodeId| Some(Hash::from_bytes([0; 32]));
    assert!(append(empty_root(), SIZE_MAX - 1, zero).is_ok());
    assert!(matches!(append(empty_root(), SIZE_MAX, zero), Err(Error::OutsideLog { .. })));
    assert!(matches!(inclusion_proof(0, SIZE_MAX + 1, zero), Err(Error::OutsideLog { .. })));
    assert!(matches!(inclusion_proof(5, 5, zero), Err(Error::OutsideLog { .. })));
    assert!(matches!(consistency_proof(6, 5, zero), Err(Error::OutsideLog { .. })));
    assert!(matches!(root(5, |_| None), Err(Error::MissingNode { .. })));
    let hash = empty_root();
    assert!(verify_inclusion(hash, u64::MAX - 1, u64::MAX, &[hash; 80], hash).is_err());
    assert!(verify_consistency(u64::MAX - 1, hash, u64::MAX, hash, &[hash; 80]).is_err());
}

#[test]
fn an_altered_log_is_found_at_its_entry() {
    let size = 13;
    let logs = logs(size);
    let head = |size: u64| Checkpoint {
        origin: "example.org/log".to_owned(),
        size,
        root: logs.roots[size as usize],
        extensions: vec![],
    };
    let check = |altered: &dyn Fn(u64) -> Option<(u64, Vec<u8>)>| -> Result<(), Error> {
        let mut check = LogCheck::default();
        for (index, entry) in (0..size).filter_map(altered) {
            check.push_with_nodes(index, &entry, |node| logs.nodes.get(&node).copied())?;
        }
        check.agrees_with(&head(size))
    };
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert_eq!(check(&|index| Some((index, entry(index)))), Ok(()));
    let removed = message(check(&|index| (index != 5).then(|| (index, entry(index)))));
    assert_eq!(removed, "log entry 5 is missing: found entry 6 in its place");
    let changed = message(check(&|index| Some((index, if index == 7 { vec![1] } else { entry(index) }))));
    assert_eq!(changed, "log entry 7 was changed: its bytes do not have its leaf hash");
    let cut = message(check(&|index| (index < 12).then(|| (index, entry(index)))));
    assert_eq!(cut, "log entry 12 is missing: a signed checkpoint commits to 13 entries, 12 are here");

    // Leaf hashes rewritten to match: the signed head still tells.
    let leaves = |removed: u64| {
        let kept = (0..size).filter(move |index| *index != removed).map(|index| leaf_hash(&entry(index)));
        (0..).zip(kept).collect::<Vec<(u64, Hash)>>()
    };
    assert_eq!(verify_log(leaves(size), &head(size)), Ok(()));
    assert_eq!(verify_log(leaves(size), &head(8)), Ok(()), "an older head of the same log");
    assert!(message(verify_log(leaves(3), &head(8))).contains("first 8 log entries"));
    assert!(message(verify_log(leaves(3), &head(size))).contains("commits to 13 entries, 12 are here"));

    let rewritten = |node: NodeId| {
        let hash = logs.nodes.get(&node).copied();
        if node == (NodeId { level: 2, index: 1 }) { Some(empty_root()) } else { hash }
    };
    let mut check = LogCheck::default();
    let found = (0..size).find_map(|index| check.push_with_nodes(index, &entry(index), rewritten).err());
    assert!(found.unwrap().to_string().contains("level 2, index 1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_sizes_equal_ct_merkle(size in 71_u64..600, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let logs = logs(size);
        let (index, from) = (a.index(size as usize) as u64, 1 + b.index(size as usize - 1) as u64);
        let announced = nodes_needed_for_inclusion(index, size).unwrap();
        let inclusion = inclusion_proof(index, size, reading(&logs.nodes, &announced)).unwrap();
        prop_assert_eq!(concatenated(&inclusion), logs.reference.prove_inclusion(index as usize).as_bytes().to_vec());
        let announced = nodes_needed_for_consistency(from, size).unwrap();
        let consistency = consistency_proof(from, size, reading(&logs.nodes, &announced)).unwrap();
        prop_assert_eq!(concatenated(&consistency), logs.reference.prove_consistency((size - from) as usize).as_bytes().to_vec());
        let root = logs.roots[size as usize];
        prop_assert_eq!(verify_consistency(from, logs.roots[from as usize], size, root, &consistency), Ok(()));
    }

    #[test]
    fn arbitrary_proofs_never_panic_nor_verify(
        index in any::<u64>(), size in any::<u64>(), proof in prop::collection::vec(any::<[u8; 32]>(), 0..70)
    ) {
        let proof: Vec<Hash> = proof.into_iter().map(Hash::from_bytes).collect();
        prop_assert!(verify_inclusion(empty_root(), index, size, &proof, empty_root()).is_err() || size == 1);
        let _ = verify_consistency(index, empty_root(), size, empty_root(), &proof);
    }
}
