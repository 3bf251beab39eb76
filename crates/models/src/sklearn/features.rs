//! Transformers that make other columns: projections, polynomials, bins, quantiles, powers, selections.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Transform, common_owner};
use super::numeric::dot;
use super::scaling::selection;
use super::source::Source;
use crate::predictor::Error;

/// Outputs that a polynomial may have.
const POLYNOMIAL_OUTPUTS_MAX: usize = 100_000;

/// Makes one row of outputs from one row of inputs.
type Function = Box<dyn Fn(&[f64], &mut [f64]) + Send + Sync>;

/// A function of one row.
struct RowMap {
    inputs: usize,
    outputs: usize,
    missing_allowed: bool,
    /// Whether each output is made of the input in its place.
    by_column: bool,
    function: Function,
}

impl Transform for RowMap {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        let input = if self.missing_allowed { data.with_missing(self.inputs)? } else { data.finite(self.inputs)? };
        Ok(Data::Matrix(input.map_rows(self.outputs, &*self.function)))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        if self.by_column { Some(owners.to_vec()) } else { common_owner(owners, self.outputs) }
    }
}

pub(super) fn row_map(
    inputs: usize,
    outputs: usize,
    missing_allowed: bool,
    function: impl Fn(&[f64], &mut [f64]) + Send + Sync + 'static,
) -> Estimator {
    let function = Box::new(function);
    Estimator::Transformer(Box::new(RowMap { inputs, outputs, missing_allowed, by_column: false, function }))
}

/// `components_` as a matrix of outputs x inputs.
pub(super) fn components(source: &Source<'_>) -> Result<Matrix, Error> {
    let inputs = source.inputs()?;
    let numbers = source.finite("components_")?;
    match numbers.shape.as_slice() {
        [outputs, columns] if *columns == inputs => Ok(Matrix::new(*outputs, inputs, numbers.values)),
        _ => Err(source.refuse("components_ are not rows of its inputs")),
    }
}

pub(super) fn principal_components(source: &Source<'_>) -> Result<Estimator, Error> {
    let components = components(source)?;
    let mean =
        if source.has("mean_") { source.vector("mean_", components.columns)? } else { vec![0.0; components.columns] };
    let scale: Vec<f64> = if source.boolean("whiten")? {
        let variances = source.vector("explained_variance_", components.rows)?;
        variances.into_iter().map(|variance| variance.max(0.0).sqrt().max(f64::EPSILON)).collect()
    } else {
        vec![1.0; components.rows]
    };
    let (inputs, outputs) = (components.columns, components.rows);
    Ok(row_map(inputs, outputs, false, move |row, out| {
        let centred: Vec<f64> = row.iter().zip(&mean).map(|(value, mean)| value - mean).collect();
        for (at, value) in out.iter_mut().enumerate() {
            *value = dot(&centred, components.row(at)) / scale[at];
        }
    }))
}

pub(super) fn truncated_svd(source: &Source<'_>) -> Result<Estimator, Error> {
    let components = components(source)?;
    let (inputs, outputs) = (components.columns, components.rows);
    Ok(row_map(inputs, outputs, false, move |row, out| {
        for (at, value) in out.iter_mut().enumerate() {
            *value = dot(row, components.row(at));
        }
    }))
}

pub(super) fn polynomial(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let (least, most) = match source.attribute("degree")?.integer() {
        Some(degree) => (1, degree),
        None => match source.list("degree")?.iter().map(|end| end.integer()).collect::<Option<Vec<i64>>>().as_deref() {
            Some([least, most]) => (*least, *most),
            _ => return Err(source.refuse("its degree is not understood")),
        },
    };
    let (interaction_only, bias) = (source.boolean("interaction_only")?, source.boolean("include_bias")?);
    let mut terms: Vec<Vec<usize>> = if bias { vec![Vec::new()] } else { Vec::new() };
    // Terms of one degree follow from those one lower: a later feature is multiplied on, or the same once more.
    let mut current: Vec<Vec<usize>> = vec![Vec::new()];
    for degree in 1..=most.clamp(0, 64) {
        let mut next = Vec::new();
        for term in &current {
            let first = term.last().map_or(0, |last| last + usize::from(interaction_only));
            for feature in first..inputs {
                next.push(term.iter().copied().chain([feature]).collect());
            }
            if terms.len() + next.len() > POLYNOMIAL_OUTPUTS_MAX {
                return Err(source.refuse("it makes too many columns"));
            }
        }
        if degree >= least {
            terms.extend(next.iter().cloned());
        }
        current = next;
    }
    let made = if source.has("n_output_features_") { Some(source.size("n_output_features_")?) } else { None };
    if most > 64 || made.is_some_and(|made| made != terms.len()) {
        return Err(source.refuse("its columns are not those of its degree"));
    }
    let outputs = terms.len();
    source.makes(outputs);
    Ok(row_map(inputs, outputs, false, move |row, out| {
        for (value, term) in out.iter_mut().zip(&terms) {
            *value = term.iter().map(|feature| row[*feature]).product();
        }
    }))
}

struct Bins {
    edges: Vec<Vec<f64>>,
    encoder: Option<Box<dyn Transform>>,
}

impl Transform for Bins {
    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let binned = data.finite(self.edges.len())?.map_rows(self.edges.len(), |row, out| {
            for ((value, out), edges) in row.iter().zip(out).zip(&self.edges) {
                *out = edges.partition_point(|edge| edge <= value) as f64;
            }
        });
        match &self.encoder {
            Some(encoder) => encoder.transform(&Data::Matrix(binned), cancel),
            None => Ok(Data::Matrix(binned)),
        }
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        self.encoder.as_ref().map_or_else(|| Some(owners.to_vec()), |encoder| encoder.owners(owners))
    }
}

pub(super) fn bins(source: &Source<'_>) -> Result<Estimator, Error> {
    if super::encoding::is_narrow(source)? {
        return Err(source.refuse("a dtype of float32 is not evaluated"));
    }
    let mut edges = Vec::new();
    for all in source.list_of_numbers("bin_edges_")? {
        if all.values.len() < 2 || all.values.iter().any(|edge| edge.is_nan()) {
            return Err(source.refuse("its bins have no edges"));
        }
        edges.push(all.values[1..all.values.len() - 1].to_vec());
    }
    if edges.len() != source.inputs()? {
        return Err(source.refuse("bin_edges_ is not one entry for each input"));
    }
    let encoder = match source.only("encode", &["onehot", "onehot-dense", "ordinal"])? {
        "ordinal" => None,
        _ => Some(source.child("_encoder")?.transformer()?),
    };
    Ok(Estimator::Transformer(Box::new(Bins { edges, encoder })))
}

struct Power {
    lambdas: Vec<f64>,
    box_cox: bool,
    scaler: Option<Box<dyn Transform>>,
}

impl Transform for Power {
    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let input = data.with_missing(self.lambdas.len())?;
        if self.box_cox && input.values.iter().any(|value| *value <= 0.0) {
            return Err(Error::Input { expected: "positive numbers".to_owned(), found: "one that is not".to_owned() });
        }
        let changed = Data::Matrix(input.map_rows(self.lambdas.len(), |row, out| {
            for ((value, out), lambda) in row.iter().zip(out).zip(&self.lambdas) {
                *out = if self.box_cox { box_cox(*value, *lambda) } else { yeo_johnson(*value, *lambda) };
            }
        }));
        match &self.scaler {
            Some(scaler) => scaler.transform(&changed, cancel),
            None => Ok(changed),
        }
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        Some(owners.to_vec())
    }
}

/// `scipy.special.boxcox`.
fn box_cox(value: f64, lambda: f64) -> f64 {
    if lambda.abs() < 1e-19 { libm::log(value) } else { libm::expm1(lambda * libm::log(value)) / lambda }
}

/// Yeo and Johnson (2000), as `PowerTransformer` computes it.
fn yeo_johnson(value: f64, lambda: f64) -> f64 {
    if value >= 0.0 {
        if lambda.abs() < f64::EPSILON { libm::log1p(value) } else { libm::expm1(lambda * libm::log1p(value)) / lambda }
    } else if (lambda - 2.0).abs() > f64::EPSILON {
        -libm::expm1((2.0 - lambda) * libm::log1p(-value)) / (2.0 - lambda)
    } else {
        -libm::log1p(-value)
    }
}

pub(super) fn power(source: &Source<'_>) -> Result<Estimator, Error> {
    let lambdas = source.vector("lambdas_", source.inputs()?)?;
    let box_cox = source.only("method", &["yeo-johnson", "box-cox"])? == "box-cox";
    let scaler = if source.boolean("standardize")? { Some(source.child("_scaler")?.transformer()?) } else { None };
    Ok(Estimator::Transformer(Box::new(Power { lambdas, box_cox, scaler })))
}

pub(super) fn quantiles(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let references = source.finite("references_")?.values;
    let quantiles = source.matrix("quantiles_", references.len(), inputs)?;
    let columns: Vec<Vec<f64>> = (0..inputs).map(|column| quantiles.column(column)).collect();
    let rising = |values: &[f64]| values.windows(2).all(|pair| pair[0] <= pair[1]);
    if references.len() < 2 || !rising(&references) || !columns.iter().all(|column| rising(column)) {
        return Err(source.refuse("its quantiles do not rise"));
    }
    let normal = source.only("output_distribution", &["uniform", "normal"])? == "normal";
    let mirrored = |values: &[f64]| values.iter().rev().map(|value| -value).collect::<Vec<f64>>();
    let mirrors: Vec<Vec<f64>> = columns.iter().map(|column| mirrored(column)).collect();
    let mirrored_references = mirrored(&references);
    let quantile = move |row: &[f64], out: &mut [f64]| {
        for (at, (value, out)) in row.iter().zip(out).enumerate() {
            let quantiles = &columns[at];
            // The mean of both directions is the middle of a repeated quantile.
            let middle = 0.5
                * (interpolate(*value, quantiles, &references)
                    - interpolate(-value, &mirrors[at], &mirrored_references));
            let (low, high) = (quantiles[0], quantiles[quantiles.len() - 1]);
            let (below, above) = match normal {
                true => (value - BOUNDS_THRESHOLD < low, value + BOUNDS_THRESHOLD > high),
                false => (*value == low, *value == high),
            };
            *out = match value {
                value if value.is_nan() => f64::NAN,
                _ if below => 0.0,
                _ if above => 1.0,
                _ => middle,
            };
            if normal {
                *out = normal_quantile(*out);
            }
        }
    };
    let function = Box::new(quantile);
    let map = RowMap { inputs, outputs: inputs, missing_allowed: true, by_column: true, function };
    Ok(Estimator::Transformer(Box::new(map)))
}

/// Probabilities nearer to zero or one than this are cut off (`BOUNDS_THRESHOLD` of the library).
const BOUNDS_THRESHOLD: f64 = 1e-7;

/// `scipy.stats.norm.ppf`, cut off as `QuantileTransformer` does.
fn normal_quantile(probability: f64) -> f64 {
    if probability.is_nan() {
        return f64::NAN;
    }
    let least = BOUNDS_THRESHOLD - f64::EPSILON;
    let probability = probability.clamp(least, 1.0 - least);
    let (tail, sign) = if probability > 0.5 { (1.0 - probability, 1.0) } else { (probability, -1.0) };
    // Abramowitz and Stegun 26.2.23 is right to 4.5e-4; each step of Newton doubles the digits.
    let t = (-2.0 * libm::log(tail)).sqrt();
    let mut upper =
        t - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    for _ in 0..4 {
        let density = libm::exp(-0.5 * upper * upper) / (2.0 * std::f64::consts::PI).sqrt();
        upper += (0.5 * libm::erfc(upper / std::f64::consts::SQRT_2) - tail) / density;
    }
    sign * upper
}

/// `numpy.interp`.
fn interpolate(value: f64, at: &[f64], values: &[f64]) -> f64 {
    let after = at.partition_point(|point| *point <= value);
    let Some(before) = after.checked_sub(1) else { return values[0] };
    if after == at.len() || at[before] == value {
        return values[before];
    }
    (values[after] - values[before]) / (at[after] - at[before]) * (value - at[before]) + values[before]
}

/// `FunctionTransformer`, for functions of numpy that are known by name.
pub(super) fn function(source: &Source<'_>) -> Result<Estimator, Error> {
    let empty = |attribute: &str| {
        !source.has(attribute)
            || source.attribute(attribute).is_ok_and(|view| view.pairs().is_some_and(|pairs| pairs.is_empty()))
    };
    if !empty("kw_args") {
        return Err(source.refuse("kw_args are not evaluated"));
    }
    if !source.has("func") {
        return Ok(Estimator::Transformer(Box::new(Identity)));
    }
    let view = source.attribute("func")?;
    if let Some((callable, arguments)) = view.call() {
        let checks = arguments.first().and_then(|argument| argument.global());
        if callable.is("functools", "partial")
            && checks.is_some_and(|name| name.is("sklearn.utils.validation", "check_array"))
        {
            return Ok(Estimator::Transformer(Box::new(Identity)));
        }
    }
    Ok(Estimator::Transformer(Box::new(Elementwise(known_function(source, "func")?))))
}

/// A function of numpy in an attribute.
pub(super) fn known_function(source: &Source<'_>, attribute: &str) -> Result<fn(f64) -> f64, Error> {
    let view = source.attribute(attribute)?;
    let name =
        numpy_function(&view).ok_or_else(|| source.refuse("its function is not one of numpy's that are known"))?;
    Ok(match name {
        "log1p" => libm::log1p,
        "log" => libm::log,
        "log2" => libm::log2,
        "log10" => libm::log10,
        "exp" => libm::exp,
        "expm1" => libm::expm1,
        "sqrt" => f64::sqrt,
        "cbrt" => libm::cbrt,
        "abs" | "absolute" => f64::abs,
        "square" => |value| value * value,
        "negative" => |value| -value,
        "reciprocal" => |value| 1.0 / value,
        "sin" => libm::sin,
        "cos" => libm::cos,
        "tanh" => libm::tanh,
        "arctan" => libm::atan,
        "arcsinh" => libm::asinh,
        "sinh" => libm::sinh,
        "floor" => f64::floor,
        "ceil" => f64::ceil,
        "sign" => |value| if value == 0.0 || value.is_nan() { value } else { value.signum() },
        other => return Err(source.refuse(format!("its function numpy.{other} is not evaluated"))),
    })
}

/// The name of a universal function, stored by name or through numpy's `_ufunc_reconstruct`.
fn numpy_function<'p>(view: &crate::pickle::View<'p>) -> Option<&'p str> {
    const MODULES: [&str; 3] = ["numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"];
    if let Some(global) = view.global() {
        return MODULES.contains(&global.module.as_ref()).then_some(global.name.as_ref());
    }
    let (callable, arguments) = view.call()?;
    let known = callable.is("numpy.core", "_ufunc_reconstruct") || callable.is("numpy._core", "_ufunc_reconstruct");
    let module = arguments.first()?.text()?;
    (known && MODULES.contains(&module)).then_some(arguments.get(1)?.text()?)
}

struct Identity;

impl Transform for Identity {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        Ok(data.clone())
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        Some(owners.to_vec())
    }
}

struct Elementwise(fn(f64) -> f64);

impl Transform for Elementwise {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        let mut matrix = data.matrix(data.width())?.into_owned();
        matrix.values.iter_mut().for_each(|value| *value = (self.0)(*value));
        Ok(Data::Matrix(matrix))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        Some(owners.to_vec())
    }
}

/// `SelectKBest`: the k largest scores, the later of equal ones.
pub(super) fn k_best(source: &Source<'_>) -> Result<Estimator, Error> {
    best_of(source, "k")
}

fn best_of(source: &Source<'_>, parameter: &str) -> Result<Estimator, Error> {
    let scores = source.numbers("scores_")?.values;
    let count = match source.attribute(parameter)?.text() {
        Some("all") => scores.len(),
        _ => source.size(parameter)?.min(scores.len()),
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let clean = |at: usize| if scores[at].is_nan() { f64::MIN } else { scores[at] };
    order.sort_by(|a, b| clean(*a).total_cmp(&clean(*b)));
    let mut mask = vec![false; scores.len()];
    order[scores.len() - count..].iter().for_each(|at| mask[*at] = true);
    selection(source, &mask, false)
}

/// `SelectPercentile`: scores above the percentile, then the first of those equal to it.
pub(super) fn percentile(source: &Source<'_>) -> Result<Estimator, Error> {
    percentile_of(source, source.number("percentile")?)
}

fn percentile_of(source: &Source<'_>, percentile: f64) -> Result<Estimator, Error> {
    let scores: Vec<f64> = source
        .numbers("scores_")?
        .values
        .into_iter()
        .map(|score| if score.is_nan() { f64::MIN } else { score })
        .collect();
    if scores.is_empty() || !(0.0..=100.0).contains(&percentile) {
        return Err(source.refuse("its percentile is not between 0 and 100"));
    }
    let mut mask = vec![percentile == 100.0; scores.len()];
    if percentile > 0.0 && percentile < 100.0 {
        let threshold = quantile(&scores, (100.0 - percentile) / 100.0);
        let most = (scores.len() as f64 * percentile / 100.0) as usize;
        mask = scores.iter().map(|score| *score > threshold).collect();
        let above = mask.iter().filter(|kept| **kept).count();
        let tied: Vec<usize> = (0..scores.len()).filter(|at| scores[*at] == threshold).collect();
        tied.into_iter().take(most.saturating_sub(above)).for_each(|at| mask[at] = true);
    }
    selection(source, &mask, false)
}

/// `numpy.percentile` with linear interpolation.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (below, rest) = (place.floor() as usize, place - place.floor());
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    // numpy interpolates from the nearer end.
    if rest >= 0.5 { high - (high - low) * (1.0 - rest) } else { low + (high - low) * rest }
}

/// `SelectFpr`: p values below alpha.
pub(super) fn false_positive_rate(source: &Source<'_>) -> Result<Estimator, Error> {
    let alpha = source.number("alpha")?;
    let mask: Vec<bool> = source.numbers("pvalues_")?.values.iter().map(|value| *value < alpha).collect();
    selection(source, &mask, false)
}

/// `SelectFwe`: p values below alpha, divided by their number.
pub(super) fn family_wise_error(source: &Source<'_>) -> Result<Estimator, Error> {
    let alpha = source.number("alpha")?;
    let values = source.numbers("pvalues_")?.values;
    let mask: Vec<bool> = values.iter().map(|value| *value < alpha / values.len() as f64).collect();
    selection(source, &mask, false)
}

/// `SelectFdr`: the procedure of Benjamini and Hochberg (1995).
pub(super) fn false_discovery_rate(source: &Source<'_>) -> Result<Estimator, Error> {
    let mask = discovery_mask(source.number("alpha")?, &source.numbers("pvalues_")?.values);
    selection(source, &mask, false)
}

fn discovery_mask(alpha: f64, values: &[f64]) -> Vec<bool> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let within = sorted.iter().enumerate().filter(|(at, value)| **value <= alpha / count * (*at as f64 + 1.0));
    let largest = within.map(|(_, value)| *value).next_back();
    values.iter().map(|value| largest.is_some_and(|largest| *value <= largest)).collect()
}

/// `GenericUnivariateSelect`: one of the others, with `param` in the place of its parameter.
pub(super) fn generic(source: &Source<'_>) -> Result<Estimator, Error> {
    let mode = source.only("mode", &["percentile", "k_best", "fpr", "fdr", "fwe"])?;
    if mode == "percentile" {
        return percentile_of(source, source.number("param")?);
    }
    if mode == "k_best" {
        return best_of(source, "param");
    }
    let (alpha, values) = (source.number("param")?, source.numbers("pvalues_")?.values);
    let mask: Vec<bool> = match mode {
        "fpr" => values.iter().map(|value| *value < alpha).collect(),
        "fwe" => values.iter().map(|value| *value < alpha / values.len() as f64).collect(),
        _ => discovery_mask(alpha, &values),
    };
    selection(source, &mask, false)
}

pub(super) fn variance(source: &Source<'_>) -> Result<Estimator, Error> {
    let threshold = source.number("threshold")?;
    let mask: Vec<bool> = source.numbers("variances_")?.values.iter().map(|value| *value > threshold).collect();
    selection(source, &mask, true)
}

/// `RFE`, `RFECV` and `SequentialFeatureSelector` store what they keep. Only a transformer here: an `RFE` that
/// predicts would need its estimator.
pub(super) fn supported(source: &Source<'_>) -> Result<Estimator, Error> {
    let mask: Vec<bool> = source.numbers("support_")?.values.iter().map(|value| *value != 0.0).collect();
    selection(source, &mask, false)
}
