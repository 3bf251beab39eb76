//! Layer 2 on Adult and on models whose behaviour is known.

use assize_fairness::document::Verdict;

use crate::audit_support::{Biased, adult, audit_model, findings, loans, quick};

#[test]
fn flips_of_adult_cover_every_attribute_and_pair() {
    let flips = &adult().layer_results.stress_test.flips;
    let names: Vec<&str> = flips.iter().map(|flip| flip.attribute.as_str()).collect();
    assert_eq!(names, ["race", "sex", "age", "race x sex", "race x age", "sex x age"]);
    let rate = |name: &str| flips.iter().find(|flip| flip.attribute == name).unwrap().flip_rate.value.unwrap();
    assert!(rate("sex") > 0.0 && rate("sex") < 0.1, "{}", rate("sex"));
    assert!(rate("sex x age") >= rate("sex"), "a pair turns at least what one of it turns");
    for flip in flips {
        let [low, high] = flip.flip_rate.interval.unwrap();
        assert!(low <= flip.flip_rate.value.unwrap() && flip.flip_rate.value.unwrap() <= high);
        assert!(flip.mean_max_score_change.unwrap() > 0.0);
        assert!(flip.to_value.iter().all(|to| to.gained + to.lost <= flip.flip_rate.value.unwrap() + 1e-12));
    }
}

#[test]
fn noise_and_shifts_are_measured_for_every_attribute() {
    let stress = &adult().layer_results.stress_test;
    assert_eq!(stress.perturbations.len(), 9, "three kinds of change, three attributes");
    for one in &stress.perturbations {
        assert!(one.range.unwrap() >= 0.0);
        assert!(one.by_group.iter().all(|group| group.share.value.unwrap() < 0.5));
    }
    assert!(stress.shifts.iter().any(|shift| shift.shift == "Female share doubled"));
    assert_eq!(stress.stability.len(), 7, "three attributes and their combinations");
    assert!(!stress.worst_subgroups.is_empty());
}

#[test]
fn a_model_that_does_not_read_the_attribute_cannot_be_flipped() {
    let model = Biased::new(&["skill", "group"], &["0", "1"]);
    let measured = audit_model(&loans(2_000, false), &quick("paid", &["region"], "loan"), &model).unwrap();
    let flip = &measured.layer_results.stress_test.flips[0];
    assert_eq!(flip.flip_rate.value, Some(0.0));
    assert_eq!(flip.flip_rate.reason.as_deref(), Some("the model does not read region"));
    assert_eq!(findings(&measured, "bias.flip_rate")[0].verdict, Verdict::Pass);
}

#[test]
fn every_point_taken_off_has_its_reason() {
    let layers = &adult().layer_results;
    for (score, terms) in [
        (layers.data_forensics.health_score, &layers.data_forensics.score_terms),
        (layers.stress_test.bias_score, &layers.stress_test.score_terms),
        (layers.fairness_metrics.overall_fairness_score, &layers.fairness_metrics.score_terms),
    ] {
        let taken: f64 = terms.iter().map(|term| term.points).sum();
        assert!((100.0 - taken).max(0.0) - score < 0.06, "{score} after {taken}");
        assert!(terms.iter().all(|term| term.points > 0.0 && !term.reason.is_empty()));
    }
}
