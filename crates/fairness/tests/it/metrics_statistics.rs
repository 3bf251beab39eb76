//! Distributions, intervals and tests against scipy, statsmodels and mpmath (fixtures/make_statistics.py).

use assize_fairness::statistics::{
    Binomial, Correction, Share, adjust, chi_squared_upper_tail, fisher_exact, katz, newcombe, normal_cdf,
    normal_quantile, two_proportions_z, wilson,
};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../fixtures/statistics.json")).expect("the fixture is JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number of the fixture")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list of the fixture").iter().map(number).collect()
}

fn list<'a>(reference: &'a Value, name: &str) -> &'a Vec<Value> {
    reference[name].as_array().expect("a list of the fixture")
}

/// Relative to the larger of the value and `scale`.
#[track_caller]
fn close(name: &str, measured: f64, expected: f64, scale: f64) {
    let error = (measured - expected).abs() / expected.abs().max(scale);
    assert!(error <= 1e-12, "{name}: {measured:e} is not {expected:e} ({error:e})");
}

fn shares(pair: &[f64]) -> (Share, Share) {
    (Share { hits: pair[0], n: pair[1] }, Share { hits: pair[2], n: pair[3] })
}

#[test]
fn normal_distribution_has_the_values_of_mpmath_to_the_last_digits() {
    let reference = reference();
    for case in list(&reference, "normal_cdf") {
        let [z, p] = numbers(case)[..] else { panic!("two numbers") };
        close(&format!("cdf({z})"), normal_cdf(z), p, 1e-300);
    }
    for case in list(&reference, "normal_quantile") {
        let [p, z] = numbers(case)[..] else { panic!("two numbers") };
        close(&format!("quantile({p})"), normal_quantile(p), z, 1e-4);
    }
}

#[test]
fn chi_squared_tail_has_the_values_of_mpmath() {
    for case in list(&reference(), "chi_squared") {
        let [x, dof, p] = numbers(case)[..] else { panic!("three numbers") };
        close(&format!("chi2({x}, {dof})"), chi_squared_upper_tail(x, dof as u32), p, 1e-300);
    }
}

#[test]
fn intervals_have_the_values_of_statsmodels() {
    let reference = reference();
    for case in list(&reference, "wilson") {
        let ([k, n, confidence], expected) =
            ([number(&case[0]), number(&case[1]), number(&case[2])], numbers(&case[3]));
        let interval = wilson(Share { hits: k, n }, confidence);
        close("wilson low", interval[0], expected[0], 1e-4);
        close("wilson high", interval[1], expected[1], 1e-4);
    }
    for (name, interval) in [("newcombe", newcombe as fn(_, _, _) -> _), ("katz", katz)] {
        for case in list(&reference, name) {
            let (a, b) = shares(&numbers(&case[0]));
            let expected = numbers(&case[1]);
            let measured = interval(a, b, 0.95).expect("defined");
            close(name, measured[0], expected[0], 1e-2);
            close(name, measured[1], expected[1], 1e-2);
        }
    }
}

#[test]
fn ratio_of_a_group_without_a_hit_has_an_interval_from_zero() {
    let (none, some) = (Share { hits: 0.0, n: 50.0 }, Share { hits: 25.0, n: 50.0 });
    let interval = katz(none, some, 0.95).expect("defined");
    assert_eq!(interval[0], 0.0);
    assert!(interval[1] > 0.0 && interval[1] < 0.8);
    assert_eq!(katz(some, none, 0.95), None);
    assert_eq!(katz(some, Share { hits: 0.0, n: 0.0 }, 0.95), None);
}

#[test]
fn nobody_rejected_is_not_a_certain_ratio() {
    let all = Share { hits: 30.0, n: 30.0 };
    let [low, high] = katz(all, all, 0.95).expect("defined");
    assert!(low < 1.0 && high > 1.0);
}

#[test]
fn tests_of_two_proportions_have_the_values_of_statsmodels_and_mpmath() {
    let reference = reference();
    for case in list(&reference, "z") {
        let (a, b) = shares(&numbers(&case[0]));
        close("z", two_proportions_z(a, b).expect("defined"), number(&case[1]), 1e-2);
    }
    for case in list(&reference, "fisher") {
        let table: Vec<u64> = numbers(&case[0]).into_iter().map(|count| count as u64).collect();
        let p = fisher_exact([[table[0], table[1]], [table[2], table[3]]]);
        close(&format!("fisher {table:?}"), p, number(&case[1]), 1e-300);
    }
}

#[test]
fn corrections_have_the_values_of_statsmodels() {
    let reference = reference();
    let p_values = numbers(&reference["p_values"]);
    for (name, correction) in [("holm", Correction::Holm), ("benjamini_hochberg", Correction::BenjaminiHochberg)] {
        for (measured, expected) in adjust(&p_values, correction).iter().zip(numbers(&reference[name])) {
            close(name, *measured, expected, 1e-300);
        }
    }
    assert_eq!(adjust(&[], Correction::Holm), Vec::<f64>::new());
}

/// Both ways of drawing, both sides of p = 1/2, against the exact probabilities: a chi-squared of 200,000 draws.
#[test]
fn binomial_draws_have_the_binomial_distribution() {
    let cases = [(1, 0.3), (5, 0.5), (40, 0.02), (40, 0.9), (60, 0.5), (300, 0.05), (1000, 0.97), (27_816, 0.33)];
    for (n, p) in cases {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let binomial = Binomial::new(n, p);
        let draws = 200_000;
        let mut counts = vec![0.0; n as usize + 1];
        for _ in 0..draws {
            counts[binomial.draw(&mut random) as usize] += 1.0;
        }
        let (mut chi2, mut cells) = (0.0, 0_u32);
        let (mut expected, mut observed) = (0.0, 0.0);
        let choose =
            |k: u64| libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0);
        for k in 0..=n {
            expected +=
                f64::from(draws) * libm::exp(choose(k) + k as f64 * libm::log(p) + (n - k) as f64 * libm::log1p(-p));
            observed += counts[k as usize];
            if expected >= 20.0 {
                chi2 += (observed - expected) * (observed - expected) / expected;
                cells += 1;
                (expected, observed) = (0.0, 0.0);
            }
        }
        let tail = chi_squared_upper_tail(chi2, cells - 1);
        assert!(tail > 1e-4, "n {n}, p {p}: chi2 {chi2} over {cells} cells");
        let mean = counts.iter().enumerate().map(|(k, count)| k as f64 * count).sum::<f64>() / f64::from(draws);
        let deviation = (n as f64 * p * (1.0 - p) / f64::from(draws)).sqrt();
        assert!((mean - n as f64 * p).abs() < 5.0 * deviation, "n {n}, p {p}: mean {mean}");
    }
}

#[test]
fn binomial_draws_at_the_ends_are_certain() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    assert_eq!(Binomial::new(50, 0.0).draw(&mut random), 0);
    assert_eq!(Binomial::new(50, 1.0).draw(&mut random), 50);
    assert_eq!(Binomial::new(0, 0.5).draw(&mut random), 0);
}
