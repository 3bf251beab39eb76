//! The JSON form of CatBoost.

use std::collections::HashMap;
use std::sync::Arc;

use super::ctr::{Counts, Ctr, Kind};
use super::{Ask, Categorical, LIBRARY, Node, Numeric, Stored, Tree, odd};
use crate::predictor::Error;
use crate::sklearn::boosters::document::Value;

/// The hash under which an empty place of the table is written.
const EMPTY: u64 = u64::MAX;

pub(super) fn read(document: &Value) -> Result<Stored, Error> {
    let features = document.get("features_info").ok_or_else(|| odd("a model without inputs"))?;
    for kind in ["text_features", "embedding_features"] {
        if features.get(kind).and_then(Value::list).is_some_and(|list| !list.is_empty()) {
            return Err(LIBRARY.refuse(format!("{kind} are not evaluated")));
        }
    }
    let scale = document.get("scale_and_bias").and_then(Value::list).unwrap_or_default();
    let [scale, bias] = scale else { return Err(odd("its scale")) };
    let bias = bias.numbers().or_else(|| bias.number().map(|bias| vec![bias])).ok_or_else(|| odd("its bias"))?;
    let mut stored = Stored {
        numeric: numeric(features)?,
        categorical: categorical(features)?,
        ctrs: ctrs(features, document.get("ctr_data"))?,
        trees: Vec::new(),
        values: Vec::new(),
        dimension: bias.len(),
        scale: scale.number().ok_or_else(|| odd("its scale"))?,
        bias,
        parameters: document.at(&["model_info", "params"]).cloned(),
        classes: document.at(&["model_info", "class_params"]).cloned(),
    };
    let asks = stored.asks();
    if let Some(trees) = document.get("oblivious_trees") {
        for tree in trees.list().ok_or_else(|| odd("its trees"))? {
            let splits = tree.get("splits").and_then(Value::list).unwrap_or_default();
            let asks: Result<Vec<Ask>, Error> = splits.iter().map(|split| ask(split, &asks)).collect();
            let values = tree.get("leaf_values").and_then(Value::numbers).ok_or_else(|| odd("the values of a tree"))?;
            stored.trees.push(Tree::Symmetric(asks?, stored.values.len()));
            stored.values.extend(values);
        }
        return Ok(stored);
    }
    for tree in document.get("trees").and_then(Value::list).ok_or_else(|| odd("its trees"))? {
        let mut nodes = Vec::new();
        node(tree, &asks, &mut nodes, &mut stored.values)?;
        stored.trees.push(Tree::Free(nodes));
    }
    Ok(stored)
}

fn size(value: &Value, key: &str) -> Option<usize> {
    value.get(key)?.number().filter(|number| *number >= 0.0 && number.fract() == 0.0).map(|number| number as usize)
}

fn numeric(features: &Value) -> Result<Vec<Numeric>, Error> {
    let list = features.get("float_features").and_then(Value::list).unwrap_or_default();
    let read = |one: &Value| {
        Some(Numeric {
            place: size(one, "flat_feature_index")?,
            name: one.get("feature_id").and_then(Value::text).unwrap_or_default().to_owned(),
            borders: match one.get("borders") {
                None | Some(Value::Null) => Vec::new(),
                Some(borders) => borders.numbers()?.into_iter().map(|border| border as f32).collect(),
            },
            missing_above: one.get("nan_value_treatment").and_then(Value::text) == Some("AsTrue"),
        })
    };
    list.iter().map(|one| read(one).ok_or_else(|| odd("a numeric input"))).collect()
}

fn categorical(features: &Value) -> Result<Vec<Categorical>, Error> {
    let list = features.get("categorical_features").and_then(Value::list).unwrap_or_default();
    let read = |one: &Value| {
        Some(Categorical {
            place: size(one, "flat_feature_index")?,
            name: one.get("feature_id").and_then(Value::text).unwrap_or_default().to_owned(),
            values: match one.get("values") {
                None | Some(Value::Null) => Vec::new(),
                Some(values) => values.numbers()?.into_iter().map(|value| value as i64 as i32).collect(),
            },
        })
    };
    list.iter().map(|one| read(one).ok_or_else(|| odd("a categorical input"))).collect()
}

fn ctrs(features: &Value, tables: Option<&Value>) -> Result<Vec<Ctr>, Error> {
    let Some(list) = features.get("ctrs").and_then(Value::list) else { return Ok(Vec::new()) };
    let mut read: HashMap<&str, Arc<Counts>> = HashMap::new();
    let mut ctrs = Vec::with_capacity(list.len());
    for one in list {
        let broken = || odd("the statistics of a category");
        let identifier = one.get("identifier").and_then(Value::text).ok_or_else(broken)?;
        let counts = match read.get(identifier) {
            Some(counts) => Arc::clone(counts),
            None => {
                let table = tables.and_then(|tables| tables.get(identifier)).and_then(counts);
                let counts = Arc::new(table.ok_or_else(broken)?);
                read.insert(identifier, Arc::clone(&counts));
                counts
            }
        };
        ctrs.push(ctr(one, counts).ok_or_else(|| LIBRARY.refuse("a statistic of this kind is not evaluated"))?);
    }
    Ok(ctrs)
}

fn ctr(one: &Value, counts: Arc<Counts>) -> Option<Ctr> {
    let number = |key: &str| one.get(key).and_then(Value::number).map(|number| number as f32);
    let elements = one.get("elements")?.list()?.iter().map(|element| {
        let plain = element.get("combination_element")?.text()? == "cat_feature_value";
        if plain { size(element, "cat_feature_index") } else { None }
    });
    Some(Ctr {
        kind: Kind::of(one.get("ctr_type")?.text()?)?,
        keys: elements.collect::<Option<Vec<usize>>>()?,
        border: size(one, "target_border_idx").unwrap_or(0),
        prior: (number("prior_numerator")?, number("prior_denomerator")?),
        shift: number("shift")?,
        scale: number("scale")?,
        borders: one.get("borders")?.numbers()?.into_iter().map(|border| border as f32).collect(),
        counts,
    })
}

/// Hash, counts, hash, counts, ...; hashes are texts, because they do not fit a double.
fn counts(table: &Value) -> Option<Counts> {
    let stride = size(table, "hash_stride").filter(|stride| *stride >= 2)?;
    let list = table.get("hash_map")?.list()?;
    let mut counts = Counts { denominator: table.get("counter_denominator")?.number()? as f32, ..Counts::default() };
    for entry in list.chunks(stride) {
        let hash: u64 = entry.first()?.text()?.parse().ok()?;
        let values: Option<Vec<f32>> =
            entry[1..].iter().map(|value| value.number().map(|value| value as f32)).collect();
        if entry.len() != stride {
            return None;
        }
        if hash != EMPTY {
            counts.by_hash.insert(hash, values?);
        }
    }
    Some(counts)
}

/// A split by its number, held against what it says of itself.
fn ask(split: &Value, asks: &[Ask]) -> Result<Ask, Error> {
    let broken = || odd("a split");
    let number = size(split, "split_index").ok_or_else(broken)?;
    let ask = asks.get(number).copied().ok_or_else(broken)?;
    let kind = split.get("split_type").and_then(Value::text).unwrap_or_default();
    let same = match ask {
        Ask::Above(_, border) => {
            kind == "FloatFeature"
                && split.get("border").and_then(Value::number).is_some_and(|found| found as f32 == border)
        }
        Ask::Equal(_, value) => {
            kind == "OneHotFeature"
                && split.get("value").and_then(Value::number).is_some_and(|found| found as i64 as i32 == value)
        }
        Ask::Statistic(..) => kind == "OnlineCtr",
    };
    if same { Ok(ask) } else { Err(LIBRARY.refuse("a split of this kind is not evaluated")) }
}

/// Adds a node and all below it, its children after it. The depth is that of the document, which is bounded.
fn node(value: &Value, asks: &[Ask], nodes: &mut Vec<Node>, values: &mut Vec<f64>) -> Result<u32, Error> {
    let at = nodes.len();
    if let Some(split) = value.get("split") {
        let ask = ask(split, asks)?;
        nodes.push(Node::Leaf(0));
        let child = |key: &str| value.get(key).ok_or_else(|| odd("a node without children"));
        let left = node(child("left")?, asks, nodes, values)?;
        let right = node(child("right")?, asks, nodes, values)?;
        nodes[at] = Node::Split { ask, left, right };
        return Ok(at as u32);
    }
    let leaf = value.get("value").and_then(|value| value.numbers().or_else(|| value.number().map(|value| vec![value])));
    nodes.push(Node::Leaf(values.len()));
    values.extend(leaf.ok_or_else(|| odd("a leaf without a value"))?);
    Ok(at as u32)
}
