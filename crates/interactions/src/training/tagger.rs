//! A linear-chain conditional random field, trained by stochastic gradient with AdaGrad steps and a small penalty on
//! the weights' size, then cut to whole numbers.
//!
//! Lafferty, McCallum, Pereira, "Conditional random fields", ICML 2001; Duchi, Hazan, Singer, "Adaptive subgradient
//! methods", JMLR 2011. "Outside" is the reference tag with weight zero, so a feature has eight weights.

use std::collections::{BTreeMap, HashMap};

use super::Rng;
use crate::tagger::features::{self, FEATURES, Seen};
use crate::tagger::names::{self, Names};
use crate::tagger::rows::{ROW, Rows};
use crate::tagger::{EntityKind, KINDS, MAGIC, STEP_MAX, TAGS};
use crate::tokens::{TokenKind, tokenize};
use crate::weights::{Reader, hash_chars, mix, seal};

/// A text with its named spans, as bytes `start..end`, in order and without overlap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaggedText {
    /// The text.
    pub text: String,
    /// The spans.
    pub spans: Vec<(usize, usize, EntityKind)>,
}

/// Public lists: (country, name).
#[derive(Debug, Clone, Default)]
pub struct Gazetteers {
    /// Given names.
    pub forenames: Vec<(String, String)>,
    /// Family names.
    pub surnames: Vec<(String, String)>,
    /// Cities.
    pub cities: Vec<(String, String)>,
    /// Countries and their regions.
    pub regions: Vec<String>,
}

/// How to train; the defaults are those of the shipped weights.
#[derive(Debug, Clone)]
pub struct TaggerOptions {
    /// Passes over the texts.
    pub passes: usize,
    /// First step of a weight.
    pub step: f32,
    /// Penalty on a weight's size (L1), per step.
    pub shrink: f32,
    /// Percent of words that lose their list flags while training, so that unlisted names are learned too.
    pub unlisted: usize,
    /// Log2 of the buckets of eight rows kept.
    pub buckets_log2: u32,
    /// Added to the log-odds of beginning a span: finding more counts for more (F2) than being right.
    pub lean: f32,
    /// The same for people, whom not to miss counts most.
    pub lean_person: f32,
    /// Seed.
    pub seed: u64,
}

impl Default for TaggerOptions {
    fn default() -> TaggerOptions {
        TaggerOptions {
            passes: 8,
            step: 0.2,
            shrink: 0.002,
            unlisted: 35,
            buckets_log2: 15,
            lean: 0.8,
            lean_person: 1.2,
            seed: 7,
        }
    }
}

/// One text, ready to learn from.
struct Sequence {
    /// Row numbers of the features, `FEATURES` a token; zero is no row.
    rows: Vec<u32>,
    tags: Vec<u8>,
}

/// Trains and packs a model for [`crate::tagger::Tagger::decode`].
pub fn train_tagger(texts: &[TaggedText], gazetteers: &Gazetteers, options: &TaggerOptions) -> Vec<u8> {
    let mut rng = Rng::new(options.seed);
    let list = Names::pack(&list_names(texts, gazetteers));
    let sealed: crate::weights::Table = seal([b"LIST".as_slice(), &list].concat()).into();
    let names = Reader::open(&sealed, "LIST").and_then(|mut reader| Names::read(&mut reader));
    let names = names.expect("a list that was just packed can be read");
    let (mut sequences, hashes) = prepare(texts, &names, options, &mut rng);
    let mut model = Model::new(hashes.len());
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    for pass in 0..options.passes {
        rng.shuffle(&mut order);
        // Steps fall towards the end, so that the last texts do not outweigh the first.
        let step = options.step * (1.0 - 0.8 * pass as f32 / options.passes as f32);
        for &at in &order {
            model.learn(&mut sequences[at], step, options.shrink);
        }
    }
    pack(&model, &hashes, &list, options)
}

/// Words of the public lists with their flags, and whether texts also write them small.
fn list_names(texts: &[TaggedText], gazetteers: &Gazetteers) -> BTreeMap<u64, u8> {
    let mut words: BTreeMap<u64, u8> = BTreeMap::new();
    let lists = [
        (&gazetteers.forenames, names::FORENAME),
        (&gazetteers.surnames, names::SURNAME),
        (&gazetteers.cities, names::CITY),
    ];
    for (list, flag) in lists {
        for (_, name) in list {
            list_words(name, flag, &mut words);
        }
    }
    for name in &gazetteers.regions {
        list_words(name, names::REGION, &mut words);
    }
    let mut small: BTreeMap<u64, usize> = BTreeMap::new();
    for text in texts {
        for token in tokenize(&text.text) {
            let word = token.text(&text.text);
            if token.kind == TokenKind::Word && word.chars().next().is_some_and(char::is_lowercase) {
                *small.entry(hash_chars(word.chars().map(features::lower))).or_default() += 1;
            }
        }
    }
    for (word, count) in small {
        if count >= 3 {
            *words.entry(word).or_default() |= names::COMMON;
        }
    }
    words
}

fn list_words(name: &str, flag: u8, words: &mut BTreeMap<u64, u8>) {
    let mut run: Option<u64> = None;
    for token in tokenize(name) {
        let hash = hash_chars(token.text(name).chars().map(features::lower));
        match token.kind {
            // Particles ("de", "of") are in too many names to say anything.
            TokenKind::Word if token.text(name).chars().count() > 2 => *words.entry(hash).or_default() |= flag,
            TokenKind::Ideograph => run = Some(run.map_or(hash, |run| features::join(run, hash))),
            _ => {}
        }
    }
    if let Some(run) = run {
        *words.entry(run).or_default() |= flag;
    }
}

/// Texts to rows and tags. A feature seen once in all texts gets no row.
fn prepare(texts: &[TaggedText], names: &Names, options: &TaggerOptions, rng: &mut Rng) -> (Vec<Sequence>, Vec<u64>) {
    let mut rows: HashMap<u64, u32> = HashMap::new();
    let mut counts: Vec<u32> = vec![0];
    let mut hashes = vec![0u64];
    let mut sequences = Vec::with_capacity(texts.len());
    for text in texts {
        let tokens = tokenize(&text.text);
        let mut seen = features::see(&text.text, &tokens, names);
        unlist(&mut seen, options.unlisted, rng);
        let mut sequence = Sequence { rows: Vec::with_capacity(tokens.len() * FEATURES), tags: vec![0; tokens.len()] };
        for at in 0..tokens.len() {
            for feature in features::features(&seen, at) {
                let row = *rows.entry(feature).or_insert_with(|| {
                    counts.push(0);
                    hashes.push(feature);
                    counts.len() as u32 - 1
                });
                counts[row as usize] += 1;
                sequence.rows.push(row);
            }
        }
        for &(start, end, kind) in &text.spans {
            let kind = KINDS.iter().position(|known| *known == kind).unwrap_or(0) as u8;
            let mut tag = 1 + 2 * kind;
            for (at, token) in tokens.iter().enumerate() {
                if token.start < end && token.end > start {
                    sequence.tags[at] = tag;
                    tag = 2 + 2 * kind;
                }
            }
        }
        sequences.push(sequence);
    }
    for sequence in &mut sequences {
        for row in &mut sequence.rows {
            if counts[*row as usize] < 2 {
                *row = 0;
            }
        }
    }
    (sequences, hashes)
}

/// Takes list flags from some words, the same word alike within one text.
fn unlist(seen: &mut [Seen], percent: usize, rng: &mut Rng) {
    let salt = rng.bits();
    for one in seen {
        if one.flags & !names::COMMON != 0 && ((mix(one.word, salt) >> 32) % 100) < percent as u64 {
            one.flags &= names::COMMON;
        }
    }
}

/// Weights and the sums of their squared gradients, side by side so that one cache line serves a feature.
struct Model {
    rows: Vec<[f32; 2 * ROW]>,
    steps: [[f32; TAGS]; TAGS],
    step_squares: [[f32; TAGS]; TAGS],
}

/// Log-odds that no score may leave, so that its exponential is finite.
const SCORE_MAX: f32 = 30.0;

/// Inside only follows begin or inside of its kind.
fn allowed(from: usize, to: usize) -> bool {
    to == 0 || to % 2 == 1 || from == to || from + 1 == to
}

impl Model {
    fn new(rows: usize) -> Model {
        Model { rows: vec![[0.0; 2 * ROW]; rows], steps: [[0.0; TAGS]; TAGS], step_squares: [[0.0; TAGS]; TAGS] }
    }

    fn emissions(&self, sequence: &Sequence) -> Vec<[f32; TAGS]> {
        let scores = |rows: &[u32]| {
            let mut score = [0.0; TAGS];
            for &row in rows {
                for (score, weight) in score[1..].iter_mut().zip(&self.rows[row as usize][..ROW]) {
                    *score += weight;
                }
            }
            score.map(|score: f32| libm::expf(score.clamp(-SCORE_MAX, SCORE_MAX)))
        };
        sequence.rows.chunks_exact(FEATURES).map(scores).collect()
    }

    /// One gradient step on one text.
    fn learn(&mut self, sequence: &mut Sequence, step: f32, shrink: f32) {
        if sequence.tags.is_empty() {
            return;
        }
        let emissions = self.emissions(sequence);
        let mut steps = [[0.0; TAGS]; TAGS];
        for (from, row) in steps.iter_mut().enumerate() {
            for (to, step) in row.iter_mut().enumerate() {
                if allowed(from, to) {
                    *step = libm::expf(self.steps[from][to]);
                }
            }
        }
        let forward = forward(&emissions, &steps);
        let mut backward = [1.0f32; TAGS];
        let mut step_gradient = [[0.0f32; TAGS]; TAGS];
        for at in (0..emissions.len()).rev() {
            let mut marginal = [0.0; TAGS];
            for tag in 0..TAGS {
                marginal[tag] = forward[at][tag] * backward[tag];
            }
            let sum: f32 = marginal.iter().sum();
            let observed = usize::from(sequence.tags[at]);
            let mut gradient = [0.0f32; ROW];
            for tag in 1..TAGS {
                gradient[tag - 1] = marginal[tag] / sum - f32::from(u8::from(tag == observed));
            }
            if gradient.iter().any(|g| g.abs() > 1e-3) {
                self.update(&sequence.rows[at * FEATURES..(at + 1) * FEATURES], &gradient, step, shrink);
            }
            let outside = {
                let mut start = [0.0; TAGS];
                start[0] = 1.0;
                start
            };
            let before = if at == 0 { &outside } else { &forward[at - 1] };
            let before_tag = if at == 0 { 0 } else { usize::from(sequence.tags[at - 1]) };
            let mut next = [0.0; TAGS];
            let mut all = 0.0;
            let mut pairs = [[0.0; TAGS]; TAGS];
            for from in 0..TAGS {
                for to in 0..TAGS {
                    let weight = steps[from][to] * emissions[at][to] * backward[to];
                    next[from] += weight;
                    pairs[from][to] = before[from] * weight;
                    all += pairs[from][to];
                }
            }
            for from in 0..TAGS {
                for to in 0..TAGS {
                    step_gradient[from][to] += pairs[from][to] / all;
                }
            }
            step_gradient[before_tag][observed] -= 1.0;
            let scale = 1.0 / next.iter().fold(f32::MIN_POSITIVE, |top, value| top.max(*value));
            backward = next.map(|value| value * scale);
        }
        let sums = self.steps.as_flattened_mut().iter_mut().zip(self.step_squares.as_flattened_mut());
        for ((weight, square), gradient) in sums.zip(step_gradient.as_flattened()) {
            *square += gradient * gradient;
            *weight -= 0.5 * step * gradient / (*square + 1.0).sqrt();
        }
    }

    fn update(&mut self, rows: &[u32], gradient: &[f32; ROW], step: f32, shrink: f32) {
        for &row in rows {
            if row == 0 {
                continue;
            }
            let (weights, squares) = self.rows[row as usize].split_at_mut(ROW);
            for ((weight, square), gradient) in weights.iter_mut().zip(squares).zip(gradient) {
                *square += gradient * gradient;
                let rate = step / (*square + 0.1).sqrt();
                let moved = *weight - rate * gradient;
                *weight = moved.signum() * (moved.abs() - rate * shrink).max(0.0);
            }
        }
    }
}

/// Forward sums, each position scaled to a largest value of one.
fn forward(emissions: &[[f32; TAGS]], steps: &[[f32; TAGS]; TAGS]) -> Vec<[f32; TAGS]> {
    let mut last = [0.0; TAGS];
    last[0] = 1.0;
    let mut sums = Vec::with_capacity(emissions.len());
    for emission in emissions {
        let mut next = [0.0f32; TAGS];
        for (from, reached) in last.iter().enumerate() {
            for to in 0..TAGS {
                next[to] += reached * steps[from][to];
            }
        }
        for (value, emission) in next.iter_mut().zip(emission) {
            *value *= emission;
        }
        let scale = 1.0 / next.iter().fold(f32::MIN_POSITIVE, |top, value| top.max(*value));
        last = next.map(|value| value * scale);
        sums.push(last);
    }
    sums
}

/// Whole numbers: the unit is such that all but one weight in ten thousand fit into a byte.
fn pack(model: &Model, hashes: &[u64], list: &[u8], options: &TaggerOptions) -> Vec<u8> {
    let mut sizes: Vec<f32> =
        model.rows.iter().flat_map(|row| row[..ROW].iter().map(|w| w.abs())).filter(|w| *w > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    let largest = sizes.get(sizes.len().saturating_sub(sizes.len() / 10_000 + 1)).copied().unwrap_or(1.0);
    let unit = 127.0 / largest.max(0.5);
    let whole = |value: f32| libm::roundf(value * unit);
    let mut rows = Vec::new();
    for (row, hash) in model.rows.iter().zip(hashes).skip(1) {
        let mut bytes = [0i8; ROW];
        for (byte, weight) in bytes.iter_mut().zip(row) {
            *byte = whole(*weight).clamp(-127.0, 127.0) as i8;
        }
        if bytes.iter().any(|byte| byte.unsigned_abs() > 1) {
            rows.push((*hash, bytes));
        }
    }
    let mut body = MAGIC.as_bytes().to_vec();
    body.extend_from_slice(&unit.to_le_bytes());
    for from in 0..TAGS {
        for to in 0..TAGS {
            // Odd tags begin a span, the first of them a person.
            let lean = match to {
                1 => options.lean_person,
                _ if to % 2 == 1 => options.lean,
                _ => 0.0,
            };
            let step = if allowed(from, to) { whole(model.steps[from][to] + lean) as i32 } else { -STEP_MAX };
            body.extend_from_slice(&step.to_le_bytes());
        }
    }
    body.extend_from_slice(list);
    body.extend(Rows::pack(&rows, options.buckets_log2));
    seal(body)
}
