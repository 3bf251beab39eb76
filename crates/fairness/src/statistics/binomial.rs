//! Exact, deterministic draws from the binomial distribution, for bootstrapping counts instead of rows.

use libm::{exp, floor, log, log1p, sqrt};
use rand_core::Rng;

/// Means below this are drawn by inversion, above by transformed rejection.
const INVERSION_MEAN_MAX: f64 = 10.0;

/// The number of successes in `n` trials. Made once, drawn from many times.
#[derive(Debug, Clone, Copy)]
pub struct Binomial {
    n: f64,
    /// p above 1/2 is drawn as n minus the number of failures.
    flipped: bool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// p is 0 or n is 0.
    Zero,
    /// Sequential search from 0 (BINV of Kachitvichyanukul and Schmeiser 1988).
    Inversion { odds: f64, at_zero: f64 },
    /// BTRS of Hormann (1993), "The generation of binomial random variates".
    Rejection(Rejection),
}

#[derive(Debug, Clone, Copy)]
struct Rejection {
    odds: f64,
    deviation: f64,
    a: f64,
    b: f64,
    centre: f64,
    quick: f64,
    mode: f64,
}

/// A probability of success, prepared for draws with many numbers of trials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    /// At most 1/2.
    p: f64,
    flipped: bool,
    odds: f64,
    /// ln(1 - p).
    log_failure: f64,
}

impl Chance {
    /// `p` is taken into [0, 1].
    pub(crate) fn new(p: f64) -> Self {
        let flipped = p > 0.5;
        let p = if flipped { 1.0 - p } else { p }.max(0.0);
        Self { p, flipped, odds: p / (1.0 - p), log_failure: log1p(-p) }
    }

    /// The distribution of successes in `n` trials.
    pub(crate) fn trials(&self, n: u64) -> Binomial {
        let (trials, p, odds) = (n as f64, self.p, self.odds);
        let mean = trials * p;
        let kind = if mean <= 0.0 {
            Kind::Zero
        } else if mean < INVERSION_MEAN_MAX {
            Kind::Inversion { odds, at_zero: exp(trials * self.log_failure) }
        } else {
            let deviation = sqrt(mean * (1.0 - p));
            let b = 1.15 + 2.53 * deviation;
            Kind::Rejection(Rejection {
                odds,
                deviation,
                a: -0.0873 + 0.0248 * b + 0.01 * p,
                b,
                centre: mean + 0.5,
                quick: 0.92 - 4.2 / b,
                mode: floor((trials + 1.0) * p),
            })
        };
        Binomial { n: trials, flipped: self.flipped, kind }
    }
}

impl Binomial {
    /// `n` trials of probability `p`, which is taken into [0, 1].
    #[must_use]
    pub fn new(n: u64, p: f64) -> Self {
        Chance::new(p).trials(n)
    }

    /// One draw.
    pub fn draw(&self, random: &mut impl Rng) -> u64 {
        let successes = match &self.kind {
            Kind::Zero => 0.0,
            Kind::Inversion { odds, at_zero } => invert(self.n, *odds, *at_zero, random),
            Kind::Rejection(rejection) => rejection.draw(self.n, random),
        };
        let successes = if self.flipped { self.n - successes } else { successes };
        successes as u64
    }
}

/// A uniform number in [0, 1) on the grid of 2^-53.
pub(crate) fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

fn invert(n: f64, odds: f64, at_zero: f64, random: &mut impl Rng) -> f64 {
    let mut rest = uniform(random);
    let mut term = at_zero;
    let mut successes = 0.0;
    while rest > term && successes < n {
        rest -= term;
        successes += 1.0;
        term *= (n - successes + 1.0) / successes * odds;
        // What rounding left over of the last tail.
        if term < 1e-30 && successes > n * odds {
            break;
        }
    }
    successes
}

impl Rejection {
    fn draw(&self, n: f64, random: &mut impl Rng) -> f64 {
        loop {
            let u = uniform(random) - 0.5;
            let v = uniform(random);
            let us = 0.5 - u.abs();
            let place = (2.0 * self.a / us + self.b) * u + self.centre;
            if place < 0.0 || place >= n + 1.0 {
                continue;
            }
            // The floor, for it is not negative.
            let k = place as u64 as f64;
            if us >= 0.07 && v <= self.quick {
                return k;
            }
            if self.accepts(n, k, us, v) {
                return k;
            }
        }
    }

    /// The exact acceptance test, by Stirling's formula with its tail.
    fn accepts(&self, n: f64, k: f64, us: f64, v: f64) -> bool {
        let (m, odds) = (self.mode, self.odds);
        let alpha = (2.83 + 5.1 / self.b) * self.deviation;
        let bound = (m + 0.5) * log((m + 1.0) / (odds * (n - m + 1.0)))
            + (n + 1.0) * log((n - m + 1.0) / (n - k + 1.0))
            + (k + 0.5) * log(odds * (n - k + 1.0) / (k + 1.0))
            + stirling_tail(m)
            + stirling_tail(n - m)
            - stirling_tail(k)
            - stirling_tail(n - k);
        log(v * alpha / (self.a / (us * us) + self.b)) <= bound
    }
}

/// ln k! minus Stirling's approximation of it at k + 1.
fn stirling_tail(k: f64) -> f64 {
    const SMALL: [f64; 10] = [
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_75,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_09,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
    ];
    if k <= 9.0 {
        return SMALL[k as usize];
    }
    let x = k + 1.0;
    let x2 = x * x;
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / x2) / x2) / x
}
