//! The binary form of CatBoost: a FlatBuffer, and behind it the tables of statistics.

use std::collections::HashMap;
use std::sync::Arc;

use super::ctr::{Counts, Ctr, Kind};
use super::{Ask, Categorical, LIBRARY, Node, Numeric, Stored, Tree};
use crate::pickle::Limits;
use crate::predictor::Error;
use crate::sklearn::boosters::document::{self, Value};
use crate::sklearn::boosters::flat_buffer::Table;

/// Behind the letters "CBM1" and the length of the core.
const HEAD_BYTES: usize = 8;

/// The only further part that is understood.
const STATISTICS: &str = "static_provider_v1";

/// A place in a table of hashes: hash and position.
const BUCKET_BYTES: usize = 12;

/// What a table of statistics is of: categorical inputs, kind, and which classes.
type Base = (Vec<usize>, u8, i32);

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Stored, Error> {
    let broken = || LIBRARY.refuse("the file is damaged: an offset or a length is out of range");
    let length =
        bytes.get(4..HEAD_BYTES).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes).ok_or_else(broken)?;
    let end = HEAD_BYTES.checked_add(length as usize).filter(|end| *end <= bytes.len()).ok_or_else(broken)?;
    let core = Table::root(&bytes[HEAD_BYTES..end]).ok_or_else(broken)?;
    let trees = core.table(1).ok_or_else(broken)?;
    for (part, what) in [(12, "text features"), (13, "estimated features"), (18, "embedding features")] {
        if !trees.tables(part).ok_or_else(broken)?.is_empty() {
            return Err(LIBRARY.refuse(format!("{what} are not evaluated")));
        }
    }
    let parts = core.texts(3).ok_or_else(broken)?;
    let tables = match parts.as_slice() {
        [] => HashMap::new(),
        [one] if one == STATISTICS => statistics(&bytes[end..]).ok_or_else(broken)?,
        _ => return Err(LIBRARY.refuse(format!("the parts {parts:?} are not evaluated"))),
    };
    let information = core.tables(2).ok_or_else(broken)?;
    let said = |key: &str| -> Result<Option<Value>, Error> {
        let text = information.iter().find(|pair| pair.text(0) == Some(key)).and_then(|pair| pair.text(1));
        text.map(|text| document::read(LIBRARY, text.as_bytes(), limits)).transpose()
    };
    let dimension = trees.integer(0, 0).and_then(|size| usize::try_from(size).ok()).ok_or_else(broken)?;
    let bias = match trees.doubles(16).ok_or_else(broken)? {
        several if !several.is_empty() => several,
        _ => vec![trees.double(15, 0.0).ok_or_else(broken)?; dimension.min(1 << 16)],
    };
    let mut stored = Stored {
        numeric: numeric(&trees).ok_or_else(broken)?,
        categorical: categorical(&trees).ok_or_else(broken)?,
        ctrs: ctrs(&trees, &tables)?,
        trees: Vec::new(),
        values: trees.doubles(8).ok_or_else(broken)?,
        dimension,
        scale: trees.double(14, 1.0).ok_or_else(broken)?,
        bias,
        parameters: said("params")?,
        classes: said("class_params")?,
    };
    stored.trees = read_trees(&trees, &stored).ok_or_else(broken)?;
    Ok(stored)
}

fn numeric(trees: &Table<'_>) -> Option<Vec<Numeric>> {
    let read = |one: Table<'_>| {
        Some(Numeric {
            place: usize::try_from(one.integer(2, -1)?).ok()?,
            name: one.text(4).unwrap_or_default().to_owned(),
            borders: one.singles(3)?,
            missing_above: one.byte(5)? == 2,
        })
    };
    trees.tables(5)?.into_iter().map(read).collect()
}

/// Categorical inputs with the values that trees ask for.
fn categorical(trees: &Table<'_>) -> Option<Vec<Categorical>> {
    let mut places = HashMap::new();
    let mut all = Vec::new();
    for one in trees.tables(4)? {
        places.insert(one.integer(0, -1)?, all.len());
        let place = usize::try_from(one.integer(1, -1)?).ok()?;
        all.push(Categorical { place, name: one.text(2).unwrap_or_default().to_owned(), values: Vec::new() });
    }
    let mut before = None;
    for one in trees.tables(6)? {
        let at = *places.get(&one.integer(0, -1)?)?;
        // The order of splits is that of the inputs.
        if before.is_some_and(|before| before >= at) {
            return None;
        }
        before = Some(at);
        all[at].values = one.integers(1)?;
    }
    let in_order = |(at, index): (usize, &usize)| at == *index;
    let mut indices: Vec<(i32, usize)> = places.into_iter().collect();
    indices.sort_unstable();
    indices.iter().map(|(_, at)| at).enumerate().all(in_order).then_some(all)
}

/// `TModelCtrBase`.
fn base(table: &Table<'_>) -> Option<Base> {
    let combination = table.table(0)?;
    let plain = combination.elements(1, 8)?.next().is_none() && combination.elements(2, 8)?.next().is_none();
    let keys: Option<Vec<usize>> = combination.integers(0)?.into_iter().map(|key| usize::try_from(key).ok()).collect();
    plain.then_some((keys?, table.byte(1)?, table.integer(2, 0)?))
}

fn ctrs(trees: &Table<'_>, tables: &HashMap<Base, Arc<Counts>>) -> Result<Vec<Ctr>, Error> {
    let refused = || LIBRARY.refuse("a statistic of this kind is not evaluated");
    let read = |one: Table<'_>| {
        let ctr = one.table(0)?;
        let base = base(&ctr.table(0)?)?;
        Some(Ctr {
            kind: Kind::numbered(base.1)?,
            border: usize::try_from(ctr.integer(1, 0)?).ok()?,
            prior: (ctr.single(2, 0.0)?, ctr.single(3, 1.0)?),
            shift: ctr.single(4, 0.0)?,
            scale: ctr.single(5, 1.0)?,
            borders: one.singles(1)?,
            counts: Arc::clone(tables.get(&base)?),
            keys: base.0,
        })
    };
    trees.tables(7).ok_or_else(refused)?.into_iter().map(|one| read(one).ok_or_else(refused)).collect()
}

/// A count, then that many FlatBuffers with their lengths.
fn statistics(bytes: &[u8]) -> Option<HashMap<Base, Arc<Counts>>> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize);
    let mut tables = HashMap::new();
    let mut at = 4;
    for _ in 0..word(0)? {
        let length = word(at)?;
        let end = (at + 4).checked_add(length)?;
        let table = Table::root(bytes.get(at + 4..end)?)?;
        let base = base(&table.table(0)?)?;
        let counts = counts(&table, &base)?;
        tables.insert(base, Arc::new(counts));
        at = end;
    }
    Some(tables)
}

fn counts(table: &Table<'_>, base: &Base) -> Option<Counts> {
    let mut counts = Counts { denominator: table.integer(3, 0)? as f32, ..Counts::default() };
    let single = |word: &[u8]| word.try_into().ok().map(i32::from_le_bytes).map(|count| count as f32);
    let blob = table.bytes(2)?;
    let entry: Box<dyn Fn(usize) -> Option<Vec<f32>>> = match Kind::numbered(base.1)? {
        Kind::Borders | Kind::Buckets => {
            let classes = usize::try_from(table.integer(4, 0)?).ok().filter(|classes| *classes > 0)?;
            let width = classes.checked_mul(4)?;
            Box::new(move |at| {
                let start = at.checked_mul(width)?;
                blob.get(start..start.checked_add(width)?)?.chunks_exact(4).map(single).collect()
            })
        }
        // Sum of the target as float32, and the number of rows.
        Kind::Mean => Box::new(move |at| {
            let start = at.checked_mul(8)?;
            let words = blob.get(start..start.checked_add(8)?)?;
            Some(vec![f32::from_le_bytes(words[..4].try_into().ok()?), single(&words[4..])?])
        }),
        Kind::Counter => Box::new(move |at| {
            let start = at.checked_mul(4)?;
            Some(vec![single(blob.get(start..start.checked_add(4)?)?)?])
        }),
    };
    for bucket in table.elements(1, 1)?.flatten().copied().collect::<Vec<u8>>().chunks_exact(BUCKET_BYTES) {
        let hash = u64::from_le_bytes(bucket[..8].try_into().ok()?);
        if hash != u64::MAX {
            let at = u32::from_le_bytes(bucket[8..].try_into().ok()?) as usize;
            counts.by_hash.insert(hash, entry(at)?);
        }
    }
    Some(counts)
}

fn read_trees(trees: &Table<'_>, stored: &Stored) -> Option<Vec<Tree>> {
    let asks = stored.asks();
    let size = |number: i32| usize::try_from(number).ok();
    let splits: Option<Vec<usize>> = trees.integers(1)?.into_iter().map(size).collect();
    let splits = splits?;
    let sizes: Option<Vec<usize>> = trees.integers(2)?.into_iter().map(size).collect();
    let starts: Option<Vec<usize>> = trees.integers(3)?.into_iter().map(size).collect();
    let (sizes, starts) = (sizes?, starts?);
    if sizes.len() != starts.len() {
        return None;
    }
    let steps: Vec<(usize, usize)> = trees
        .elements(10, 4)?
        .map(|step| {
            (usize::from(u16::from_le_bytes([step[0], step[1]])), usize::from(u16::from_le_bytes([step[2], step[3]])))
        })
        .collect();
    let leaves = trees.integers(11)?;
    let mut read = Vec::with_capacity(sizes.len());
    let mut first = 0_usize;
    for (size, start) in sizes.into_iter().zip(starts) {
        let end = start.checked_add(size)?;
        if steps.is_empty() {
            let asked: Option<Vec<Ask>> =
                splits.get(start..end)?.iter().map(|split| asks.get(*split).copied()).collect();
            let asked = asked.filter(|asked| asked.len() <= super::DEPTH_MAX)?;
            let values = (1_usize << asked.len()).checked_mul(stored.dimension)?;
            read.push(Tree::Symmetric(asked, first));
            first = first.checked_add(values)?;
            continue;
        }
        let (splits, steps, leaves) = (splits.get(start..end)?, steps.get(start..end)?, leaves.get(start..end)?);
        read.push(Tree::Free(free(splits, steps, leaves, &asks)?));
    }
    Some(read)
}

/// Nodes with the distances to their children; where a distance is zero, the node itself is the leaf.
fn free(splits: &[usize], steps: &[(usize, usize)], leaves: &[i32], asks: &[Ask]) -> Option<Vec<Node>> {
    let count = splits.len();
    let mut nodes = Vec::with_capacity(count);
    let mut ends = Vec::new();
    // Other nodes have no leaf, written as -1.
    let leaf = |at: usize| leaves.get(at).and_then(|leaf| usize::try_from(*leaf).ok()).map(Node::Leaf);
    for (at, (left, right)) in steps.iter().enumerate() {
        if *left == 0 && *right == 0 {
            nodes.push(leaf(at)?);
            continue;
        }
        let mut child = |step: usize| {
            if step == 0 {
                ends.push(leaf(at)?);
                return u32::try_from(count + ends.len() - 1).ok();
            }
            u32::try_from(at.checked_add(step).filter(|child| *child < count)?).ok()
        };
        let (left, right) = (child(*left)?, child(*right)?);
        nodes.push(Node::Split { ask: *asks.get(splits[at])?, left, right });
    }
    nodes.extend(ends);
    Some(nodes)
}
