//! ROC curves of groups and the area between them (ABROCA, Gardner 2019).

use rand_xoshiro::Xoshiro256PlusPlus;

use super::MeasureSettings;
use super::aggregates::Ground;
use super::bootstrap::{quantile, stream};
use super::tally::{BINS, Tally};
use crate::document::Estimate;
use crate::statistics::Chance;

/// Stream of the ABROCA bootstrap: apart from the others.
const ROC_STREAM: u64 = 2 << 32;
/// Resamples of the worst pair; its interval is a band of one quantile, not of a tail of tails.
const RESAMPLES: u32 = 200;
/// Bins that a class of a group is merged to for the bootstrap.
const COARSE_BINS: usize = 32;
/// Places on the false positive axis where resampled curves are compared.
const GRID: usize = 64;

/// A point of a ROC curve: false positive rate, true positive rate.
type Point = [f64; 2];

/// Area between the ROC curves of the pair of groups that differ most; only groups with enough rows of both labels.
pub(crate) fn abroca(ground: &Ground<'_>, settings: &MeasureSettings<'_>) -> Estimate {
    let groups = match ground.ranked() {
        Ok(groups) => groups,
        Err(absent) => return Estimate { reason: Some(absent.reason), ..Estimate::default() },
    };
    let tallies: Vec<&Tally> = groups.iter().map(|&group| &ground.attribute.groups[group]).collect();
    let curves: Vec<Vec<Point>> = tallies.iter().filter_map(|tally| curve(tally)).collect();
    let (mut worst, mut area) = ([0, 1], -1.0);
    for i in 0..curves.len() {
        for j in i + 1..curves.len() {
            let between = area_between(&curves[i], &curves[j]);
            if between > area {
                (worst, area) = ([i, j], between);
            }
        }
    }
    let pair = worst.map(|index| tallies[index]);
    let slack = if settings.resamples == 0 {
        None
    } else {
        let mut random = stream(settings.seed, ROC_STREAM, ground.attribute.stream);
        Some(sampling_slack(pair, settings.confidence, &mut random))
    };
    Estimate {
        value: Some(area),
        interval: slack.map(|slack| [(area - slack).max(0.0), (area + slack).min(1.0)]),
        n: pair.iter().map(|tally| tally.n()).sum(),
        reason: Some(format!("between {} and {}", pair[0].name, pair[1].name)),
    }
}

/// From (0, 0) to (1, 1); `None` without both labels.
fn curve(tally: &Tally) -> Option<Vec<Point>> {
    let [negative, positive, _] = &tally.scores.as_ref()?.weights;
    let steps = (0..BINS).rev().map(|bin| [negative[bin], positive[bin]]);
    polyline(steps)
}

/// Cumulative shares of (negative, positive) steps from the highest score down.
fn polyline(steps: impl Iterator<Item = [f64; 2]> + Clone) -> Option<Vec<Point>> {
    let [n, p] = steps.clone().fold([0.0, 0.0], |[n, p], [dn, dp]| [n + dn, p + dp]);
    if n <= 0.0 || p <= 0.0 {
        return None;
    }
    let mut points = vec![[0.0, 0.0]];
    let (mut x, mut y) = (0.0, 0.0);
    for [dn, dp] in steps {
        if dn > 0.0 || dp > 0.0 {
            x += dn;
            y += dp;
            points.push([x / n, y / p]);
        }
    }
    Some(points)
}

/// The exact integral of |f - g| over the false positive rate.
fn area_between(f: &[Point], g: &[Point]) -> f64 {
    let mut edges: Vec<f64> = f.iter().chain(g).map(|point| point[0]).collect();
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let (mut i, mut j, mut area) = (0, 0, 0.0);
    for edge in edges.windows(2) {
        let [left, right] = [edge[0], edge[1]];
        let a = difference_on(f, &mut i, left, right);
        let b = difference_on(g, &mut j, left, right);
        let (from, to) = (a[0] - b[0], a[1] - b[1]);
        let width = right - left;
        area += if from * to >= 0.0 {
            width * f64::midpoint(from.abs(), to.abs())
        } else {
            // Two triangles that meet where the curves cross.
            width * (from * from + to * to) / (2.0 * (from - to).abs())
        };
    }
    area
}

/// The curve just right of `left` and just left of `right`; both lie in one segment. `at` only moves forward.
fn difference_on(curve: &[Point], at: &mut usize, left: f64, right: f64) -> [f64; 2] {
    while *at + 2 < curve.len() && curve[*at + 1][0] <= left {
        *at += 1;
    }
    let ([x0, y0], [x1, y1]) = (curve[*at], curve[*at + 1]);
    let value = |x: f64| if x1 > x0 { y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { y1 };
    [value(left), value(right)]
}

/// The quantile of the area between (resampled f - resampled g) and (f - g): by the triangle inequality the area between
/// the true curves is within it of the one seen, whatever the bias of an absolute value.
fn sampling_slack(pair: [&Tally; 2], confidence: f64, random: &mut Xoshiro256PlusPlus) -> f64 {
    let classes = pair.map(coarse_classes);
    let chances = classes.each_ref().map(|classes| chances(classes));
    let base = classes.each_ref().map(|classes| on_grid(classes));
    let mut areas: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = chances.each_ref().map(|chances| on_grid(&resample(chances, random)));
            let sum: f64 = (0..=GRID).map(|x| ((drawn[0][x] - base[0][x]) - (drawn[1][x] - base[1][x])).abs()).sum();
            sum / (GRID + 1) as f64
        })
        .collect();
    quantile(&mut areas, confidence)
}

/// Effective (negative, positive) counts from the highest score down, merged to a few bins of like weight.
fn coarse_classes(tally: &Tally) -> Vec<[f64; 2]> {
    let Some(histogram) = &tally.scores else { return Vec::new() };
    let [negative, positive, _] = &histogram.weights;
    let total: f64 = negative.iter().chain(positive).sum();
    let (mut merged, mut open, mut seen) = (Vec::with_capacity(COARSE_BINS), [0.0, 0.0], 0.0);
    for bin in (0..BINS).rev() {
        open[0] += negative[bin] * tally.scale;
        open[1] += positive[bin] * tally.scale;
        seen += negative[bin] + positive[bin];
        if seen >= total * (merged.len() + 1) as f64 / COARSE_BINS as f64 {
            merged.push(open);
            open = [0.0, 0.0];
        }
    }
    merged.push(open);
    merged
}

/// How the rows of both labels fall to the classes, one after the other.
struct Chances {
    classes: usize,
    /// By label: rows, and for each class its chance given that no earlier class took the row.
    by_label: [(u64, Vec<Chance>); 2],
}

fn chances(classes: &[[f64; 2]]) -> Chances {
    let by_label = [0, 1].map(|label| {
        let mut weight: f64 = classes.iter().map(|counts| counts[label]).sum();
        let rows = libm::round(weight) as u64;
        let mut chances = Vec::with_capacity(classes.len());
        for counts in classes {
            if weight <= 0.0 {
                break;
            }
            chances.push(Chance::new((counts[label] / weight).min(1.0)));
            weight -= counts[label];
        }
        (rows, chances)
    });
    Chances { classes: classes.len(), by_label }
}

fn resample(chances: &Chances, random: &mut Xoshiro256PlusPlus) -> Vec<[f64; 2]> {
    let mut drawn = vec![[0.0, 0.0]; chances.classes];
    for (label, (rows, chances)) in chances.by_label.iter().enumerate() {
        let mut left = *rows;
        for (chance, drawn) in chances.iter().zip(&mut drawn) {
            if left == 0 {
                break;
            }
            let taken = chance.trials(left).draw(random);
            drawn[label] = taken as f64;
            left -= taken;
        }
    }
    drawn
}

/// The curve of these classes at equally spaced false positive rates.
fn on_grid(classes: &[[f64; 2]]) -> [f64; GRID + 1] {
    let mut heights = [0.0; GRID + 1];
    let Some(curve) = polyline(classes.iter().copied()) else { return heights };
    let mut at = 0;
    for (index, height) in heights.iter_mut().enumerate() {
        let x = index as f64 / GRID as f64;
        *height = difference_on(&curve, &mut at, x, x)[0];
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_between_crossing_curves_adds_both_sides() {
        let diagonal = [[0.0, 0.0], [1.0, 1.0]];
        let above = [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
        assert!((area_between(&diagonal, &above) - 0.5).abs() < 1e-15);
        let step = [[0.0, 0.0], [0.0, 0.5], [1.0, 0.5], [1.0, 1.0]];
        assert!((area_between(&diagonal, &step) - 0.25).abs() < 1e-15);
        assert_eq!(area_between(&above, &above), 0.0);
    }
}
