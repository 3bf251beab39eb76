//! Times the metrics on cells like those of UCI Adult: 32,561 rows in 5 x 2 x 6 groups, scores in all 1,024 bins, 2,000
//! resamples, intersections to depth 3. `cargo run --release -p assize-fairness --example time_metrics`

use std::io::Write;

use assize_fairness::document::Thresholds;
use assize_fairness::metrics::{MeasureInput, MeasureSettings, measure};
use assize_fairness::statistics::Correction;
use assize_tables::cells::{Key, NO_SCORE, WEIGHT_ONE, score_bin};
use assize_tables::{Cancel, CellBuilder, Cells};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const REPEATS: u32 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let thresholds = Thresholds {
        disparate_impact_min: 0.8,
        demographic_parity_difference_max: 0.1,
        equal_opportunity_difference_max: 0.1,
        equalized_odds_difference_max: 0.1,
        predictive_parity_difference_max: 0.1,
        accuracy_difference_max: 0.1,
        calibration_error_max: 0.1,
        flip_rate_max: 0.05,
        group_size_min: 30,
        group_share_min: 0.02,
    };
    let settings = MeasureSettings {
        thresholds: &thresholds,
        confidence: 0.95,
        resamples: 2000,
        seed: 1,
        correction: Correction::Holm,
        reference_groups: &[],
        intersection_depth: 3,
        domain: "employment",
        should_hold: "",
    };
    for scored in [false, true] {
        let cells = adult_like(scored);
        let input = MeasureInput { cells: &cells, strata: &[], numeric: &[] };
        #[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
        let start = std::time::Instant::now();
        for _ in 0..REPEATS {
            measure(&input, &settings, &Cancel::new())?;
        }
        let each = start.elapsed() / REPEATS;
        let kind = if scored { "with scores" } else { "without scores" };
        writeln!(std::io::stdout(), "{kind}: {each:?} for {} cells", cells.cells.len())?;
    }
    Ok(())
}

fn adult_like(scored: bool) -> Cells {
    let key = |column: &str, levels: usize| Key {
        column: column.to_owned(),
        levels: (0..levels).map(|level| format!("{column} {level}")).collect(),
    };
    let mut builder = CellBuilder::new(vec![key("race", 5), key("sex", 2), key("band", 6)]);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut pick = |cumulative: &[f64]| {
        let u = random.next_u64() as f64 / u64::MAX as f64;
        cumulative.iter().position(|&share| u < share).unwrap_or(cumulative.len())
    };
    for _ in 0..32_561 {
        let race = pick(&[0.854, 0.950, 0.982, 0.992]);
        let sex = pick(&[0.669]);
        let band = pick(&[0.197, 0.458, 0.703, 0.878, 0.968]);
        let label = pick(&[0.76 + 0.1 * sex as f64]);
        let noise = pick(&std::array::from_fn::<f64, 511, _>(|step| (step + 1) as f64 / 512.0)) as f64 / 512.0;
        let score = 0.25 * label as f64 + 0.74 * noise;
        let bin = if scored { score_bin(score) } else { NO_SCORE };
        let levels = [race as u16, sex as u16, band as u16];
        builder.add(&levels, label as u8, u8::from(score >= 0.5), bin, WEIGHT_ONE);
    }
    builder.finish()
}
