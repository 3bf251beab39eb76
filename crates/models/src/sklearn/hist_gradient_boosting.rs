//! `HistGradientBoostingClassifier` and `HistGradientBoostingRegressor`: trees on doubles, with missing values and
//! categories in bit sets.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Rule, Transform, labels_from_decision, of_class};
use super::label::Label;
use super::numeric::{expit, softmax};
use super::source::Source;
use crate::explain::against::{self, Asking, Decides, Place};
use crate::explain::{Contributions, ExactMethod};
use crate::predictor::Error;

/// Categories of a feature: 256 bits.
type Bits = [u32; 8];

/// Rows that walk a tree together.
const LANES: usize = 8;
/// Steps between two looks whether all rows have arrived.
const STEPS: usize = 4;

const MISSING_RIGHT: u32 = 1 << 31;
const CATEGORICAL: u32 = 1 << 30;
/// Two bits: whether the left child is a leaf, and the right one.
const LEAF_BELOW: u32 = 28;
const FEATURE: u32 = (1 << LEAF_BELOW) - 1;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Goes left when not above; of a categorical node the position of its bit set.
    threshold: f64,
    feature: u32,
    left: u32,
}

struct Tree {
    nodes: Vec<Node>,
    values: Vec<f64>,
    /// Categories that go left, for each categorical node.
    left: Vec<Bits>,
}

struct Boosted {
    inputs: usize,
    /// Since 1.4: categories to codes, categorical columns first.
    preprocessor: Option<Box<dyn Transform>>,
    baseline: Vec<f64>,
    /// Iteration after iteration, one tree for each score.
    trees: Vec<Tree>,
    /// Categories known for each feature; none for a numeric one.
    known: Vec<Option<Bits>>,
}

fn has_bit(bits: &Bits, category: u8) -> bool {
    bits[usize::from(category / 32)] >> (category % 32) & 1 == 1
}

impl Node {
    fn is_right(&self, left: &[Bits], row: &[f64], known: &[Option<Bits>]) -> bool {
        let feature = (self.feature & FEATURE) as usize;
        let (value, missing_right) = (row[feature], self.feature & MISSING_RIGHT != 0);
        if value.is_nan() {
            missing_right
        } else if self.feature & CATEGORICAL != 0 {
            // The library casts to one byte, so a category beyond 255 wraps.
            let category = value as i64 as u8;
            let is_known = known[feature].as_ref().is_some_and(|bits| has_bit(bits, category));
            match value >= 0.0 {
                true if has_bit(&left[self.threshold as usize], category) => false,
                true if is_known => true,
                _ => missing_right,
            }
        } else {
            value > self.threshold
        }
    }
}

impl Tree {
    /// The leaf of every row but the last, where lanes go that have no next row, as in [`super::tree`]: what a lane comes
    /// by is written down at every step, and a lane that has arrived takes the next row by arithmetic. The rows have
    /// neither missing values nor categories to look at.
    fn walk<const WIDTH: usize>(&self, rows: &[[f64; WIDTH]], leaves: &mut [u32]) {
        let end = rows.len() - 1;
        if self.nodes[0].left == 0 {
            leaves.fill(0);
            return;
        }
        let mut row: [usize; LANES] = std::array::from_fn(|lane| lane.min(end));
        let mut next = LANES.min(end);
        let mut at = [0_u32; LANES];
        while row.iter().any(|row| *row != end) {
            for _ in 0..STEPS {
                for lane in 0..LANES {
                    let node = &self.nodes[at[lane] as usize];
                    let value = rows[row[lane]][(node.feature & FEATURE) as usize & (WIDTH - 1)];
                    let right = u32::from(value > node.threshold);
                    let child = node.left + right;
                    leaves[row[lane]] = child;
                    let arrived = node.feature >> (LEAF_BELOW + right) & 1 == 1;
                    row[lane] = if arrived { next } else { row[lane] };
                    next = (next + usize::from(arrived)).min(end);
                    at[lane] = if arrived { 0 } else { child };
                }
            }
        }
    }

    /// The leaf of one row, whatever is in it (`_predict_one_from_raw_data`).
    fn find(&self, row: &[f64], known: &[Option<Bits>]) -> u32 {
        let mut at = 0;
        loop {
            let node = self.nodes[at as usize];
            if node.left == at {
                return at;
            }
            at = node.left + u32::from(node.is_right(&self.left, row, known));
        }
    }
}

impl Boosted {
    fn raw(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let prepared = match &self.preprocessor {
            Some(preprocessor) => Some(preprocessor.transform(data, cancel)?),
            None => None,
        };
        let input = prepared.as_ref().unwrap_or(data).matrix(self.inputs)?;
        let width = self.baseline.len();
        let mut raw = Matrix::new(input.rows, width, self.baseline.repeat(input.rows));
        let plain = self.known.iter().all(Option::is_none) && !input.values.iter().any(|value| value.is_nan());
        match self.inputs {
            0..=8 if plain => self.add_plain::<8>(&input, &mut raw, cancel)?,
            0..=16 if plain => self.add_plain::<16>(&input, &mut raw, cancel)?,
            0..=32 if plain => self.add_plain::<32>(&input, &mut raw, cancel)?,
            0..=64 if plain => self.add_plain::<64>(&input, &mut raw, cancel)?,
            0..=128 if plain => self.add_plain::<128>(&input, &mut raw, cancel)?,
            0..=256 if plain => self.add_plain::<256>(&input, &mut raw, cancel)?,
            _ => {
                for (at, tree) in self.trees.iter().enumerate() {
                    cancel.check()?;
                    for (row, values) in input.iter().enumerate() {
                        raw.values[row * width + at % width] += tree.values[tree.find(values, &self.known) as usize];
                    }
                }
            }
        }
        Ok(raw)
    }

    /// Adds what all trees say about rows without missing values, to models without categories.
    fn add_plain<const WIDTH: usize>(&self, input: &Matrix, raw: &mut Matrix, cancel: &Cancel) -> Result<(), Error> {
        let mut rows = vec![[0.0; WIDTH]; input.rows + 1];
        for (to, from) in rows.iter_mut().zip(input.iter()) {
            to[..from.len()].copy_from_slice(from);
        }
        let mut leaves = vec![0; rows.len()];
        for (at, tree) in self.trees.iter().enumerate() {
            cancel.check()?;
            tree.walk(&rows, &mut leaves);
            let add = |(sum, leaf): (&mut f64, &u32)| *sum += tree.values[*leaf as usize];
            // One score a row needs no stride, which would keep the sums from being unrolled.
            match raw.columns {
                1 => raw.values.iter_mut().zip(&leaves).for_each(add),
                columns => raw.values.iter_mut().skip(at % columns).step_by(columns).zip(&leaves).for_each(add),
            }
        }
        Ok(())
    }
}

/// A tree with the rows that it is asked about.
struct Asked<'a> {
    tree: &'a Tree,
    input: &'a Matrix,
    known: &'a [Option<Bits>],
}

impl Decides for Asked<'_> {
    fn root(&self) -> u32 {
        0
    }

    fn at(&self, place: u32) -> Place {
        let node = self.tree.nodes[place as usize];
        if node.left == place {
            return Place::Leaf(self.tree.values[place as usize]);
        }
        Place::Test { feature: node.feature & FEATURE, left: node.left, right: node.left + 1 }
    }

    fn is_right(&self, place: u32, row: usize) -> bool {
        self.tree.nodes[place as usize].is_right(&self.tree.left, self.input.row(row), self.known)
    }
}

struct HistClassifier {
    classes: Vec<Label>,
    boosted: Boosted,
}

impl HistClassifier {
    fn linked(raw: &Matrix) -> Matrix {
        if raw.columns == 1 {
            return raw.map_rows(2, |row, out| {
                let positive = expit(row[0]);
                out.copy_from_slice(&[1.0 - positive, positive]);
            });
        }
        raw.map_rows(raw.columns, |row, out| {
            out.copy_from_slice(row);
            softmax(out);
        })
    }
}

impl Classify for HistClassifier {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        true
    }

    fn has_decision(&self) -> bool {
        true
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        Ok(Self::linked(&self.boosted.raw(data, cancel)?))
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.boosted.raw(data, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(self.answer(data, cancel)?.labels)
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let boosted = &self.boosted;
        let (prepared, owners) = match &boosted.preprocessor {
            Some(preprocessor) => (Some(preprocessor.transform(data, cancel)?), preprocessor.owners(asking.owners)),
            None => (None, Some(asking.owners.to_vec())),
        };
        let Some(owners) = owners else { return Ok(None) };
        let input = prepared.as_ref().unwrap_or(data).matrix(boosted.inputs)?;
        let width = boosted.baseline.len();
        let (column, factor, score) = of_class(width, class);
        let of_score = boosted.trees.iter().skip(column).step_by(width);
        let asked = |tree| Asked { tree, input: &input, known: &boosted.known };
        let trees: Vec<(Asked<'_>, f64)> = of_score.map(|tree| (asked(tree), factor)).collect();
        let asking = Asking { owners: &owners, ..asking };
        let found = against::trees(&trees, factor * boosted.baseline[column], asking, cancel)?;
        Ok(found.map(|attributions| Contributions { method: ExactMethod::Trees, score, attributions }))
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let raw = self.boosted.raw(data, cancel)?;
        let probabilities = Self::linked(&raw);
        Ok(Answer { labels: labels_from_decision(&raw), probabilities: Some(probabilities) })
    }
}

struct HistRegressor {
    boosted: Boosted,
    exponential: bool,
}

impl Regress for HistRegressor {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let mut values = self.boosted.raw(data, cancel)?.values;
        if self.exponential {
            values.iter_mut().for_each(|value| *value = libm::exp(*value));
        }
        Ok(values)
    }
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    source.only("loss", &["log_loss", "auto", "binary_crossentropy", "categorical_crossentropy"])?;
    let scores = if classes.len() == 2 { 1 } else { classes.len() };
    Ok(Estimator::Classifier(Box::new(HistClassifier { classes, boosted: read(source, scores)? })))
}

pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let loss = source.only("loss", &["squared_error", "absolute_error", "poisson", "gamma", "quantile"])?;
    let exponential = matches!(loss, "poisson" | "gamma");
    Ok(Estimator::Regressor(Box::new(HistRegressor { boosted: read(source, 1)?, exponential })))
}

fn read(source: &Source<'_>, scores: usize) -> Result<Boosted, Error> {
    let inputs = source.inputs()?;
    let baseline = source.finite("_baseline_prediction");
    let baseline = match (baseline, source.attribute("_baseline_prediction")?.number()) {
        (_, Some(value)) if value.is_finite() && scores == 1 => vec![value],
        (Ok(numbers), _) if numbers.values.len() == scores => numbers.values,
        _ => return Err(source.refuse(format!("_baseline_prediction is not {scores} numbers"))),
    };
    let preprocessor =
        if source.has("_preprocessor") { Some(source.child("_preprocessor")?.transformer()?) } else { None };
    let known = known_categories(source, inputs)?;
    let mut trees = Vec::new();
    for iteration in source.list("_predictors")? {
        let members = iteration.items().filter(|members| members.len() == scores);
        let members = members.ok_or_else(|| source.refuse(format!("an iteration has not {scores} trees")))?;
        for member in members {
            trees.push(read_tree(&source.inner(member)?, inputs)?);
        }
    }
    Ok(Boosted { inputs, preprocessor, baseline, trees, known })
}

fn known_categories(source: &Source<'_>, inputs: usize) -> Result<Vec<Option<Bits>>, Error> {
    let mapper = source.child("_bin_mapper")?;
    let is_categorical = match mapper.view().attribute("is_categorical_") {
        Some(view) if !view.is_none() => mapper.numbers("is_categorical_")?.values,
        _ => vec![0.0; inputs],
    };
    let thresholds = mapper.list("bin_thresholds_")?;
    if is_categorical.len() != inputs || thresholds.len() != inputs {
        return Err(source.refuse("the bins are not those of its inputs"));
    }
    let mut known = Vec::with_capacity(inputs);
    for (categorical, categories) in is_categorical.iter().zip(thresholds) {
        if *categorical == 0.0 {
            known.push(None);
            continue;
        }
        let categories = source.decode(categories)?.numbers();
        let mut bits = [0; 8];
        for category in categories.ok_or_else(|| source.refuse("categories are not numbers"))?.values {
            if !(0.0..256.0).contains(&category) {
                return Err(source.refuse("a category is not between 0 and 255"));
            }
            bits[category as usize / 32] |= 1 << (category as u32 % 32);
        }
        known.push(Some(bits));
    }
    Ok(known)
}

/// A node as stored.
struct Record {
    value: f64,
    feature: i64,
    threshold: f64,
    missing_left: bool,
    left: i64,
    right: i64,
    is_leaf: bool,
    bitset: Option<i64>,
}

fn read_tree(source: &Source<'_>, inputs: usize) -> Result<Tree, Error> {
    const MODULE: &str = "sklearn.ensemble._hist_gradient_boosting.predictor";
    if !source.view().class().is_some_and(|class| class.is(MODULE, "TreePredictor")) {
        return Err(source.refuse("a TreePredictor is needed in this place"));
    }
    let records = records(source)?;
    let bitsets = source.array("raw_left_cat_bitsets")?;
    let words = bitsets.integers().filter(|words| bitsets.shape == [words.len() / 8, 8]);
    let words = words.ok_or_else(|| source.refuse("the bit sets of the categories are not understood"))?;
    let left: Vec<Bits> = words.chunks_exact(8).map(|words| std::array::from_fn(|word| words[word] as u32)).collect();
    flatten(&records, left, inputs).ok_or_else(|| {
        source.refuse("the nodes do not form a tree: a child, a feature, a threshold or a value is out of range")
    })
}

fn records(source: &Source<'_>) -> Result<Vec<Record>, Error> {
    let array = source.array("nodes")?;
    let odd = || source.refuse("the record of a tree node is not understood");
    let read = |record: &[u8]| {
        let number = |name: &str| {
            let field = array.dtype.field(name)?;
            field.dtype.number(&record[field.offset..field.offset + field.dtype.size])
        };
        let integer = |name: &str| {
            let field = array.dtype.field(name)?;
            field.dtype.integer(&record[field.offset..field.offset + field.dtype.size])
        };
        Some(Record {
            value: number("value")?,
            feature: integer("feature_idx")?,
            threshold: number("num_threshold")?,
            missing_left: integer("missing_go_to_left")? != 0,
            left: integer("left")?,
            right: integer("right")?,
            is_leaf: integer("is_leaf")? != 0,
            bitset: if integer("is_categorical")? != 0 { Some(integer("bitset_idx")?) } else { None },
        })
    };
    let records = array.records().ok_or_else(odd)?;
    records.map(|record| read(record).ok_or_else(odd)).collect()
}

/// Breadth first, siblings together; `None` when a record is out of range or the nodes are not a tree.
fn flatten(records: &[Record], left: Vec<Bits>, inputs: usize) -> Option<Tree> {
    let mut order = vec![0_usize];
    let mut reached = vec![false; records.len()];
    *reached.first_mut()? = true;
    let (mut nodes, mut values) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
    while let Some(at) = order.get(nodes.len()).copied() {
        let record = &records[at];
        values.push(record.value);
        if record.is_leaf {
            if !record.value.is_finite() {
                return None;
            }
            nodes.push(Node { threshold: f64::INFINITY, feature: 0, left: nodes.len() as u32 });
            continue;
        }
        let mut feature =
            u32::try_from(record.feature).ok().filter(|feature| (*feature as usize) < inputs && *feature <= FEATURE)?;
        let mut threshold = record.threshold;
        if let Some(bitset) = record.bitset {
            if usize::try_from(bitset).ok()? >= left.len() {
                return None;
            }
            feature |= CATEGORICAL;
            threshold = bitset as f64;
        }
        if threshold.is_nan() {
            return None;
        }
        if !record.missing_left {
            feature |= MISSING_RIGHT;
        }
        let left = order.len() as u32;
        for (side, child) in (0..).zip([record.left, record.right]) {
            let child = usize::try_from(child).ok().filter(|child| *child > at && *child < records.len())?;
            feature |= u32::from(records[child].is_leaf) << (LEAF_BELOW + side);
            if std::mem::replace(&mut reached[child], true) {
                return None;
            }
            order.push(child);
        }
        nodes.push(Node { threshold, feature, left });
    }
    (order.len() == records.len()).then_some(Tree { nodes, values, left })
}
