//! Training of the safety classifiers: one linear support vector machine a category over n-grams weighted by their
//! rarity, and where the topic tells by how much more often one side has them; then calibration (Platt, "Probabilistic outputs for support vector machines", 1999) on texts left out.

use std::collections::{BTreeMap, HashMap};

use super::Rng;
use crate::safety::rows::{ROW, Rows};
use crate::safety::{COUNT, Category, Curve, MAGIC, OFTEN, ONCE, RARITY_UNIT, SQUARES_MIN, features};
use crate::tokens::{sentences, tokenize};
use crate::weights::seal;

/// A text with the labels that are known of it; a category that is not listed is unknown, not absent.
#[derive(Debug, Clone, Default)]
pub struct LabelledText {
    /// The text.
    pub text: String,
    /// Category, does it apply, and how much the example counts (1 is usual).
    pub labels: Vec<(Category, bool, f32)>,
    /// Where the text is from: what is common in one source is not rare, though most sources lack it.
    pub source: String,
    /// Texts of one group are on one side when the calibration's share is set apart.
    pub group: u64,
    /// Calibration looks at this text, so that 0.5 means the same on easy and on hard texts; zero leaves it out.
    pub calibrates: f32,
    /// An everyday text that no category should be reported of.
    pub innocent: bool,
}

/// How to train; the defaults are those of the shipped weights.
#[derive(Debug, Clone)]
pub struct SafetyOptions {
    /// Passes over the texts.
    pub passes: usize,
    /// Weight of the errors against the size of the weights.
    pub cost: f32,
    /// Log2 of the buckets of eight rows kept.
    pub buckets_log2: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for SafetyOptions {
    fn default() -> SafetyOptions {
        SafetyOptions { passes: 12, cost: 1.0, buckets_log2: 14, seed: 5 }
    }
}

/// Every fifth group calibrates weights that were trained on the others.
const CALIBRATION_SHARE: u64 = 5;

/// Numbers of features, in order, with what its occurrences count times its rarity.
type Row = Vec<(u32, f32)>;

struct Example {
    /// The whole text's features.
    rows: Row,
    /// The same of each sentence.
    units: Vec<Row>,
    target: [bool; COUNT],
    weight: [f32; COUNT],
    group: u64,
    calibrates: f32,
    innocent: bool,
}

/// The features in use: hash and rarity (inverse document frequency) by number.
struct Vocabulary {
    hashes: Vec<u64>,
    rarity: Vec<f32>,
}

/// Trains and packs models for [`crate::safety::Classifiers::decode`].
pub fn train_safety(texts: &[LabelledText], options: &SafetyOptions) -> Vec<u8> {
    let (mut examples, mut vocabulary) = prepare(texts);
    // First with every feature, to learn which matter; then again with those that the table holds.
    let everything: Vec<&Example> = examples.iter().collect();
    let first = fit(&everything, &vocabulary, options, options.passes / 3 + 1);
    narrow(&mut examples, &mut vocabulary, &first, options.buckets_log2);
    drop(first);
    let apart = |example: &Example| example.group.is_multiple_of(CALIBRATION_SHARE) && example.calibrates > 0.0;
    let part: Vec<&Example> = examples.iter().filter(|example| !apart(example)).collect();
    let held: Vec<&Example> = examples.iter().filter(|example| apart(example)).collect();
    let curves = calibrate(&fit(&part, &vocabulary, options, options.passes), &held);
    let everything: Vec<&Example> = examples.iter().collect();
    pack(&fit(&everything, &vocabulary, options, options.passes), &vocabulary, &curves, options)
}

/// A word counts this much more than a run of characters: there are several runs to a word.
const WORD_WEIGHT: f32 = 1.6;

fn prepare(texts: &[LabelledText]) -> (Vec<Example>, Vocabulary) {
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let (mut hashes, mut words) = (Vec::new(), Vec::new());
    let mut documents = Vec::<u32>::new();
    let mut examples = Vec::with_capacity(texts.len());
    for text in texts {
        let tokens = tokenize(&text.text);
        let mut units: Vec<Row> = Vec::new();
        for unit in sentences(&text.text, &tokens) {
            let mut rows = Vec::new();
            features::visit(&text.text, &tokens[unit], |feature, of_words| {
                let number = *numbers.entry(feature).or_insert_with(|| {
                    hashes.push(feature);
                    documents.push(0);
                    words.push(of_words);
                    hashes.len() as u32 - 1
                });
                rows.push((number, 1.0));
            });
            units.push(counted(rows));
        }
        let rows = counted(units.concat());
        for (number, _) in &rows {
            documents[*number as usize] += 1;
        }
        let mut example = Example {
            rows,
            units,
            target: [false; COUNT],
            weight: [0.0; COUNT],
            group: text.group,
            calibrates: text.calibrates,
            innocent: text.innocent,
        };
        for &(category, applies, weight) in &text.labels {
            example.target[category as usize] = applies;
            example.weight[category as usize] = weight;
        }
        examples.push(example);
    }
    let shares = shares(texts, &examples, hashes.len());
    // The mean of both views: common in some source, common in all texts together.
    let rarity = |((&share, &of_words), &count): ((&f32, &bool), &u32)| {
        let all = texts.len() as f32;
        let rarity = 1.0 - 0.5 * libm::logf((share + 1.0 / all) * (count as f32 / all));
        libm::roundf(rarity * if of_words { WORD_WEIGHT } else { 1.0 } * RARITY_UNIT) / RARITY_UNIT
    };
    let rarity: Vec<f32> = shares.iter().zip(&words).zip(&documents).map(rarity).collect();
    for (number, value) in examples.iter_mut().flat_map(|e| e.units.iter_mut().chain([&mut e.rows])).flatten() {
        *value = f32::from(OFTEN[(*value as usize).min(OFTEN.len() - 1)]) / ONCE * rarity[*number as usize];
    }
    let mut vocabulary = Vocabulary { hashes, rarity };
    // What one text alone has cannot be learned from.
    let keep: Vec<bool> = documents.iter().map(|&count| count >= 2).collect();
    renumber(&mut examples, &mut vocabulary, &keep);
    (examples, vocabulary)
}

/// The largest share of a source's texts that a feature is in. A small source says less: as if it had so many texts more.
const SHARE_PRIOR: f32 = 100.0;

fn shares(texts: &[LabelledText], examples: &[Example], features: usize) -> Vec<f32> {
    let mut sources: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
    for (text, example) in texts.iter().zip(examples) {
        sources.entry(&text.source).or_default().push(example);
    }
    let mut shares = vec![0.0f32; features];
    for examples in sources.values() {
        let mut counts = vec![0u32; features];
        for (number, _) in examples.iter().flat_map(|example| &example.rows) {
            counts[*number as usize] += 1;
        }
        for (share, count) in shares.iter_mut().zip(counts) {
            *share = share.max(count as f32 / (examples.len() as f32 + SHARE_PRIOR));
        }
    }
    shares
}

/// Each number once, with the sum of its values.
fn counted(mut rows: Row) -> Row {
    rows.sort_unstable_by_key(|(number, _)| *number);
    rows.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0.0 };
        same
    });
    rows
}

/// Leaves out features.
fn renumber(examples: &mut [Example], vocabulary: &mut Vocabulary, keep: &[bool]) {
    let mut next = 0;
    let numbers: Vec<Option<u32>> = keep
        .iter()
        .map(|keep| {
            keep.then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    for example in examples {
        for rows in example.units.iter_mut().chain([&mut example.rows]) {
            *rows = rows.iter().filter_map(|&(row, value)| Some((numbers[row as usize]?, value))).collect();
        }
    }
    let mut at = 0;
    vocabulary.hashes.retain(|_| {
        at += 1;
        keep[at - 1]
    });
    at = 0;
    vocabulary.rarity.retain(|_| {
        at += 1;
        keep[at - 1]
    });
}

/// Keeps the features that weigh most in any category.
fn narrow(examples: &mut [Example], vocabulary: &mut Vocabulary, model: &Model, log2: u32) {
    let mut importance = vec![0.0f32; vocabulary.hashes.len()];
    for weights in &model.weights {
        let mut size = 0.0f64;
        for (weight, rarity) in weights.iter().zip(&vocabulary.rarity) {
            size += f64::from(weight * rarity) * f64::from(weight * rarity);
        }
        let scale = 1.0 / (size.sqrt() as f32).max(1e-6);
        for ((best, weight), rarity) in importance.iter_mut().zip(weights).zip(&vocabulary.rarity) {
            *best = best.max(weight.abs() * rarity * scale);
        }
    }
    let mut order: Vec<usize> = (0..importance.len()).filter(|&at| importance[at] > 0.0).collect();
    order.sort_by(|&a, &b| {
        importance[b].total_cmp(&importance[a]).then(vocabulary.hashes[a].cmp(&vocabulary.hashes[b]))
    });
    let hashes: Vec<u64> = order.iter().map(|&at| vocabulary.hashes[at]).collect();
    let mut keep = vec![false; importance.len()];
    for (&at, fits) in order.iter().zip(Rows::keep(&hashes, log2)) {
        keep[at] = fits;
    }
    renumber(examples, vocabulary, &keep);
}

/// Weights by category and feature, and each category's offset.
struct Model {
    weights: Vec<Vec<f32>>,
    bias: [f32; COUNT],
}

/// Length of the vector of rarities.
fn length(rows: &[(u32, f32)]) -> f32 {
    let squares: f32 = rows.iter().map(|(_, value)| value * value).sum();
    squares.max(SQUARES_MIN as f32 / (RARITY_UNIT * RARITY_UNIT * ONCE * ONCE)).sqrt()
}

impl Model {
    fn score(&self, rows: &[(u32, f32)]) -> [f32; COUNT] {
        let length = length(rows);
        std::array::from_fn(|category| {
            let weights = &self.weights[category];
            let sum: f32 = rows.iter().map(|&(row, value)| weights[row as usize] * value).sum();
            sum / length + self.bias[category]
        })
    }
}

/// Trains one category after the other: support vector machine with squared hinge loss by dual coordinate descent
/// (Hsieh, Chang, Lin, Keerthi, Sundararajan, ICML 2008), which needs no step size.
fn fit(examples: &[&Example], vocabulary: &Vocabulary, options: &SafetyOptions, passes: usize) -> Model {
    let lengths: Vec<f32> = examples.iter().map(|example| length(&example.rows)).collect();
    let balance = balance(examples);
    let mut bias = [0.0; COUNT];
    let mut weights = Vec::with_capacity(COUNT);
    for category in 0..COUNT {
        let mut order: Vec<usize> = (0..examples.len()).filter(|&at| examples[at].weight[category] > 0.0).collect();
        let mut weight = vec![0.0f32; vocabulary.hashes.len()];
        let mut alpha = vec![0.0f32; examples.len()];
        let mut rng = Rng::new(options.seed + category as u64);
        let ease = ease(examples, category, vocabulary.hashes.len());
        let of_category = of(COSTS, category).unwrap_or(1.0);
        for _ in 0..passes {
            rng.shuffle(&mut order);
            for &at in &order {
                let example = examples[at];
                let applies = example.target[category];
                let side = if applies { 1.0 } else { -1.0 };
                let cost =
                    options.cost * of_category * example.weight[category] * balance[category][usize::from(applies)];
                let softness = 0.5 / cost;
                let mut sum = 0.0;
                let mut squares = 0.0;
                for &(row, value) in &example.rows {
                    let value = value * ease[row as usize];
                    sum += weight[row as usize] * value;
                    squares += value * value;
                }
                let scale = 1.0 / lengths[at];
                // The offset is one more feature of value one.
                let gradient = side * (sum * scale + bias[category]) - 1.0 + softness * alpha[at];
                let next = (alpha[at] - gradient / (squares * scale * scale + 1.0 + softness)).max(0.0);
                let change = (next - alpha[at]) * side;
                alpha[at] = next;
                if change != 0.0 {
                    bias[category] += change;
                    for &(row, value) in &example.rows {
                        weight[row as usize] += change * scale * value * ease[row as usize];
                    }
                }
            }
        }
        // An audit knows nothing of the ease: it becomes part of the weights.
        weights.push(weight.iter().zip(&ease).map(|(weight, ease)| weight * ease).collect());
    }
    Model { weights, bias }
}

/// A category's own value, where a table has one.
fn of(table: &[(Category, f32)], category: usize) -> Option<f32> {
    table.iter().find(|(listed, _)| *listed as usize == category).map(|(_, value)| *value)
}

/// How cheap a weight is for each feature: one on average, and the more the further apart the shares of both sides' texts
/// are that have the feature (their log-ratio, as in Wang and Manning, "Baselines and bigrams", ACL 2012). What names the
/// topic may weigh much in a small set, what only happens to differ in it stays small.
fn ease(examples: &[&Example], category: usize, features: usize) -> Vec<f32> {
    let Some(sharpness) = of(SHARPNESS, category) else { return vec![1.0; features] };
    let mut having = vec![[1.0f32; 2]; features];
    let mut all = [2.0f32; 2];
    let known = || examples.iter().filter(|example| example.weight[category] > 0.0);
    for example in known() {
        let (side, weight) = (usize::from(example.target[category]), example.weight[category]);
        all[side] += weight;
        for &(row, _) in &example.rows {
            having[row as usize][side] += weight;
        }
    }
    let ratio = |[absent, present]: &[f32; 2]| libm::logf(present / all[1] / (absent / all[0])).abs().min(RATIO_MAX);
    let ratios: Vec<f32> = having.iter().map(ratio).collect();
    let (mut sum, mut count) = (0.0f64, 0.0f64);
    for example in known() {
        for &(row, value) in &example.rows {
            let square = f64::from(example.weight[category] * value * value);
            sum += square * f64::from(ratios[row as usize] * ratios[row as usize]);
            count += square;
        }
    }
    let usual = (libm::sqrt(sum / count.max(1e-9)) as f32).max(1e-6);
    ratios.iter().map(|ratio| 1.0 - sharpness + sharpness * ratio / usual).collect()
}

/// A larger log-ratio says no more: fifty-five times as often.
const RATIO_MAX: f32 = 4.0;

/// How much the log-ratio decides ([`ease`]), where held-out groups gained by it: much where a topic is looked for, little
/// where a tone is, which shows in common words. The others lost or did not change.
const SHARPNESS: &[(Category, f32)] = &[
    (Category::Hate, 0.3),
    (Category::HateThreatening, 0.1),
    (Category::Violence, 0.4),
    (Category::ViolenceGraphic, 0.4),
    (Category::SelfHarm, 0.4),
    (Category::Sexual, 0.4),
    (Category::S1, 0.4),
    (Category::S2, 0.4),
    (Category::S3, 0.4),
    (Category::S4, 0.4),
    (Category::S5, 0.4),
    (Category::S6, 0.4),
    (Category::S7, 0.4),
    (Category::S8, 0.4),
    (Category::S9, 0.4),
    (Category::S10, 0.4),
    (Category::S11, 0.4),
    (Category::S12, 0.4),
    (Category::Injection, 0.2),
    (Category::Jailbreak, 0.2),
    (Category::PromptLeak, 0.2),
    (Category::Indirect, 0.2),
];

/// Categories whose errors weigh less against simple weights: hate is told from templates built to mislead, and only
/// thirty-seven texts of the set that is scored are about minors.
const COSTS: &[(Category, f32)] = &[(Category::Hate, 0.3), (Category::SexualMinors, 0.3)];

/// The rarer side of a category weighs more, as much as both weigh alike.
fn balance(examples: &[&Example]) -> [[f32; 2]; COUNT] {
    let mut counts = [[1.0f32; 2]; COUNT];
    for example in examples {
        for category in 0..COUNT {
            counts[category][usize::from(example.target[category])] += example.weight[category];
        }
    }
    counts.map(|[absent, present]| {
        let all = absent + present;
        [0.5 * all / absent, 0.5 * all / present]
    })
}

/// Slope and offsets by category: Platt's sigmoid on the whole texts, fitted by Newton's method with both sides weighing
/// alike; a sentence's offset is lower by what the best sentence of an innocent text scores above the text.
fn calibrate(model: &Model, held: &[&Example]) -> [Curve; COUNT] {
    let wholes: Vec<[f32; COUNT]> = held.iter().map(|example| model.score(&example.rows)).collect();
    let tops: Vec<[f32; COUNT]> = held
        .iter()
        .map(|example| {
            let mut top = [f32::NEG_INFINITY; COUNT];
            for unit in &example.units {
                let scores = model.score(unit);
                for (top, score) in top.iter_mut().zip(scores) {
                    *top = top.max(score);
                }
            }
            top
        })
        .collect();
    std::array::from_fn(|category| {
        let mut points = Vec::new();
        let mut above = Vec::new();
        for ((example, whole), top) in held.iter().zip(&wholes).zip(&tops) {
            let weight = example.weight[category].min(1.0) * example.calibrates;
            if weight > 0.0 {
                points.push((whole[category], example.target[category], weight));
                if !example.target[category] && example.units.len() > 1 {
                    above.push(top[category] - whole[category]);
                }
            }
        }
        above.sort_by(f32::total_cmp);
        // One foreign sentence makes an injection; other hazards show in the whole.
        let instructs = category == Category::Indirect as usize || category == Category::Injection as usize;
        let innocent = above.len() * if instructs { 95 } else { 99 } / 100;
        let lift = above.get(innocent).copied().unwrap_or(0.0).max(0.0);
        let (slope, offset) = platt(&points);
        let (whole, sentence) = (offset, offset - slope * lift);
        let mut odds: Vec<f32> = held
            .iter()
            .zip(wholes.iter().zip(&tops))
            .filter(|(example, _)| example.innocent)
            .map(|(_, (all, top))| (slope * all[category] + whole).max(slope * top[category] + sentence))
            .collect();
        odds.sort_by(f32::total_cmp);
        let highest = odds.get(odds.len() - odds.len() / INNOCENT_FLAGGED - 1).copied().unwrap_or(0.0);
        // An everyday request is an instruction: what innocent texts score there says nothing about documents.
        let highest = if instructs { 0.0 } else { highest };
        let lean = of(LEANS, category).unwrap_or(0.0);
        let shift = lean - highest.max(0.0);
        let aside = if category == Category::SelfHarm as usize { SELF_HARM_ALONE } else { 0.0 };
        Curve { slope, whole: whole + shift, sentence: sentence + shift - aside }
    })
}

/// One innocent text in so many may be flagged.
const INNOCENT_FLAGGED: usize = 50;
/// Log-odds added where the point of use differs from that of calibration, by the operating points that
/// `data/interactions/README.md` records: harmless look-alikes of harmful requests are more than in training, and a
/// document's one foreign sentence is rarer than its own.
const LEANS: &[(Category, f32)] =
    &[(Category::HarmfulRequest, -0.7), (Category::Indirect, 2.2), (Category::Injection, -0.3)];

/// Log-odds that a single sentence needs more for self-harm: despair shows in the whole of a text, its words in any.
const SELF_HARM_ALONE: f32 = 1.5;

/// Slope that most categories get.
const USUAL_SLOPE: f64 = 3.0;

fn platt(points: &[(f32, bool, f32)]) -> (f32, f32) {
    let total = |side: bool| -> f64 { points.iter().filter(|p| p.1 == side).map(|p| f64::from(p.2)).sum() };
    let (present, absent) = (total(true), total(false));
    if present == 0.0 || absent == 0.0 {
        return (1.0, 0.0);
    }
    // Few examples say little: the fewer, the nearer the curve stays to that of a usual category.
    let count = points.iter().filter(|p| p.1).count().max(1) as f64;
    let prior = 5.0 / count;
    let (mut slope, mut offset) = (USUAL_SLOPE, 0.0f64);
    for _ in 0..50 {
        let (mut gs, mut go) = (prior * (slope - USUAL_SLOPE), prior * offset);
        let (mut ss, mut so, mut oo) = (prior, 0.0, prior);
        for &(score, applies, weight) in points {
            let (score, side) = (f64::from(score), if applies { present } else { absent });
            let weight = f64::from(weight) / side;
            let p = 1.0 / (1.0 + libm::exp(-(slope * score + offset)));
            let wrong = weight * (p - f64::from(u8::from(applies)));
            let curve = weight * (p * (1.0 - p)).max(1e-9);
            gs += wrong * score;
            go += wrong;
            ss += curve * score * score;
            so += curve * score;
            oo += curve;
        }
        let determinant = ss * oo - so * so;
        let (ds, d_o) = ((oo * gs - so * go) / determinant, (ss * go - so * gs) / determinant);
        slope -= ds.clamp(-1.0, 1.0);
        offset -= d_o.clamp(-1.0, 1.0);
    }
    (slope.clamp(0.05, 20.0) as f32, offset.clamp(-20.0, 20.0) as f32)
}

/// Whole numbers: a category's unit is such that all but one weight in ten thousand fit into a byte.
fn pack(model: &Model, vocabulary: &Vocabulary, curves: &[Curve; COUNT], options: &SafetyOptions) -> Vec<u8> {
    let mut units = [1.0f32; COUNT];
    for (weights, unit) in model.weights.iter().zip(&mut units) {
        let mut sizes: Vec<f32> = weights.iter().zip(&vocabulary.rarity).map(|(w, r)| (w * r).abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let largest = sizes.get(sizes.len().saturating_sub(1 + sizes.len() / 10_000)).copied().unwrap_or(1.0);
        *unit = 127.0 / largest.max(1e-3);
    }
    let mut body = MAGIC.as_bytes().to_vec();
    for (category, (curve, unit)) in curves.iter().zip(units).enumerate() {
        // The model's own offset is part of both.
        let bias = curve.slope * model.bias[category];
        // What occurs once adds sixteen times its weight, and sixteen times its rarity to the length: the ratio stays.
        for value in [curve.slope / unit, curve.whole + bias, curve.sentence + bias] {
            body.extend_from_slice(&value.to_le_bytes());
        }
    }
    let rows = (0..vocabulary.hashes.len()).map(|at| {
        let rarity = vocabulary.rarity[at];
        let mut row = [0u8; ROW];
        row[0] = libm::roundf(rarity * RARITY_UNIT).clamp(0.0, 255.0) as u8;
        for ((byte, weights), unit) in row[1..].iter_mut().zip(&model.weights).zip(units) {
            *byte = libm::roundf(weights[at] * rarity * unit).clamp(-127.0, 127.0) as i8 as u8;
        }
        (vocabulary.hashes[at], row)
    });
    body.extend(Rows::pack(rows, options.buckets_log2));
    seal(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_has_costs_less_weight_than_what_both_have() {
        let example = |applies: bool, features: &[u32]| {
            let mut example = Example {
                rows: features.iter().map(|&feature| (feature, 1.0)).collect(),
                units: Vec::new(),
                target: [applies; COUNT],
                weight: [1.0; COUNT],
                group: 0,
                calibrates: 1.0,
                innocent: false,
            };
            example.weight[Category::S2 as usize] = 0.0;
            example
        };
        // 0 is in every text, 1 in those of one side, 2 in one alone.
        let mut examples: Vec<Example> = (0..20).map(|at| example(at % 2 == 0, &[0, 1][..1 + (at + 1) % 2])).collect();
        examples.push(example(true, &[0, 2]));
        let examples: Vec<&Example> = examples.iter().collect();
        let topic = ease(&examples, Category::S1 as usize, 3);
        assert!(topic[1] > topic[2] && topic[2] > topic[0], "{topic:?}");
        assert_eq!(ease(&examples, Category::Toxic as usize, 3), [1.0; 3], "a tone shows in common words");
        assert!(ease(&examples, Category::S2 as usize, 3).iter().all(|ease| ease.is_finite()), "nothing is known");
    }
}
