//! The measured numbers that a narrative may use, each with the words that must stand near it.
//!
//! One list serves three ends: the template is written from it, a language model is handed it, and its answer is checked
//! against it. Facts hold numbers and the names of columns and groups, nothing else of the data.

use crate::body::Measured;
use crate::document::{AttributeMetrics, Estimate, ModelSubject, Tested};

/// What a number is, which decides how it may be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 0 to 1 or a difference of such: may be printed as a percentage.
    Share,
    /// A quotient: may be printed as a percentage, its inverse as "times".
    Ratio,
    /// Points of a score of 100.
    Points,
    /// Rows, tests, trees.
    Count,
}

/// One measured number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    /// What was measured, e.g. `selection_rate`.
    pub(crate) name: String,
    /// Attribute, intersection or column it is about.
    pub(crate) about: Option<String>,
    /// Groups concerned.
    pub(crate) groups: Vec<String>,
    pub(crate) value: f64,
    pub(crate) kind: Kind,
    /// Names of which one must stand in the same or the preceding sentence.
    pub(crate) context: Vec<String>,
    /// Parts of words, in lowercase, of which one must stand there too: what the number measures.
    pub(crate) metric: &'static [&'static str],
}

/// What a sentence must speak of to use a number of that name; empty when the name of the group is enough.
fn metric_words(name: &str) -> &'static [&'static str] {
    let prefixes: [(&str, &[&str]); 16] = [
        ("true_positive_rate", &["true positive", "qualified", "opportunity", "recall", "sensitivity"]),
        ("equal_opportunity", &["true positive", "qualified", "opportunity"]),
        ("false_positive_rate", &["false positive", "wrongly"]),
        ("equalized_odds", &["error", "odds", "positive rate"]),
        ("precision", &["precision", "predictive"]),
        ("predictive_parity", &["precision", "predictive"]),
        ("calibration_error", &["calibrat"]),
        ("label_rate", &["label", "base rate", "outcome"]),
        ("share_of_rows", &["rows", "share", "make up", "records", "people"]),
        ("rows_of", &["rows", "records", "people"]),
        ("judged_rows", &["rows", "records", "people"]),
        ("proxy_", &["cramer", "associat", "proxy", "proxies", "closest"]),
        ("joint_proxy", &["predict", "together", "auc"]),
        ("leakage", &["auc", "leak", "alone"]),
        ("flip_rate", &["replac", "flip", "chang"]),
        ("remedy_", &["remed", "reweigh", "cut-off", "cutoff", "threshold", "training", "trained", "accuracy"]),
    ];
    prefixes.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(&[], |(_, words)| words)
}

/// Intersections and columns that are handed on, strongest or worst first.
const LISTED_MAX: usize = 5;

/// All facts of a measurement.
pub(crate) fn facts(measured: &Measured) -> Vec<Fact> {
    let mut facts = Facts { list: Vec::new() };
    facts.overall(measured);
    facts.limits(measured);
    facts.data(measured);
    let metrics = &measured.layer_results.fairness_metrics;
    for attribute in &metrics.attributes {
        facts.attribute(attribute);
    }
    let mut intersections: Vec<&AttributeMetrics> =
        metrics.intersections.iter().filter(|one| one.demographic_parity_ratio.estimate.value.is_some()).collect();
    intersections.sort_by(|a, b| worst(a).total_cmp(&worst(b)).then_with(|| a.attribute.cmp(&b.attribute)));
    for intersection in intersections.into_iter().take(LISTED_MAX) {
        facts.aggregates(intersection);
    }
    facts.stress(measured);
    facts.remedies(measured);
    facts.list
}

/// The selection ratio of an attribute; 1 when undefined.
pub(crate) fn worst(attribute: &AttributeMetrics) -> f64 {
    attribute.demographic_parity_ratio.estimate.value.unwrap_or(1.0)
}

struct Facts {
    list: Vec<Fact>,
}

impl Facts {
    /// A fact about the audit as a whole.
    fn whole(&mut self, name: &str, value: f64, kind: Kind, context: &[&str]) {
        self.list.push(Fact {
            name: name.to_owned(),
            about: None,
            groups: Vec::new(),
            value,
            kind,
            context: context.iter().map(|word| (*word).to_owned()).collect(),
            metric: &[],
        });
    }

    /// A fact about an attribute or column and some of its groups; their names are its context.
    fn of(&mut self, name: &str, about: &str, groups: &[String], value: Option<f64>, kind: Kind) {
        let Some(value) = value else { return };
        let mut context = groups.to_vec();
        if context.is_empty() {
            context.push(about.to_owned());
        }
        let (about, groups) = (Some(about.to_owned()), groups.to_vec());
        let metric = metric_words(name);
        self.list.push(Fact { name: name.to_owned(), about, groups, value, kind, context, metric });
    }

    /// An estimate with the ends of its interval.
    fn estimate(&mut self, name: &str, about: &str, groups: &[String], estimate: &Estimate, kind: Kind) {
        self.of(name, about, groups, estimate.value, kind);
        if let (Some(_), Some([low, high])) = (estimate.value, estimate.interval) {
            self.of(&format!("{name}_interval_low"), about, groups, Some(low), kind);
            self.of(&format!("{name}_interval_high"), about, groups, Some(high), kind);
        }
    }

    fn overall(&mut self, measured: &Measured) {
        let layers = &measured.layer_results;
        let scores = [
            ("overall_score", measured.overall_score, &["overall", "score", "points", "result"][..]),
            ("health_score", layers.data_forensics.health_score, &["forensics", "data", "health"]),
            ("bias_score", layers.stress_test.bias_score, &["stress"]),
            ("overall_fairness_score", layers.fairness_metrics.overall_fairness_score, &["fairness"]),
        ];
        for (name, value, context) in scores {
            self.whole(name, value, Kind::Points, context);
        }
        self.whole("score_maximum", 100.0, Kind::Points, &["points", "score", "of", "out of"]);
        let summary = &layers.gemini_governance.severity_summary;
        for (name, value) in [
            ("critical_findings", summary.total_critical_warnings),
            ("high_findings", summary.total_high_warnings),
            ("medium_findings", summary.total_medium_warnings),
            ("findings_without_enough_data", summary.total_not_enough_data),
        ] {
            self.whole(
                name,
                f64::from(value),
                Kind::Count,
                &["finding", "findings", "tests", "failed", "critical", "high"],
            );
        }
        self.whole("findings", measured.findings.len() as f64, Kind::Count, &["finding", "findings", "tests"]);
        self.whole("rows", measured.subject.dataset.rows as f64, Kind::Count, &["row", "rows", "people", "records"]);
        self.whole(
            "judged_rows",
            layers.fairness_metrics.rows as f64,
            Kind::Count,
            &["row", "rows", "people", "records"],
        );
        if let ModelSubject::TrainedForest { training_rows, evaluation_rows, trees, auc, accuracy, .. } =
            &measured.subject.model
        {
            for rows in [training_rows, evaluation_rows] {
                self.whole("split_rows", *rows as f64, Kind::Count, &["row", "rows"]);
            }
            self.whole("trees", f64::from(*trees), Kind::Count, &["tree", "trees", "forest"]);
            self.whole("accuracy", *accuracy, Kind::Share, &["accuracy", "accurate", "right"]);
            if let Some(auc) = auc {
                self.whole("auc", *auc, Kind::Share, &["AUC", "curve"]);
            }
        }
    }

    fn limits(&mut self, measured: &Measured) {
        let limits = &measured.parameters.thresholds;
        let words = &["limit", "threshold", "four-fifths", "line", "allowed", "required", "interval", "confidence"][..];
        for (name, value, kind) in [
            ("disparate_impact_min", limits.disparate_impact_min, Kind::Ratio),
            ("demographic_parity_difference_max", limits.demographic_parity_difference_max, Kind::Share),
            ("equal_opportunity_difference_max", limits.equal_opportunity_difference_max, Kind::Share),
            ("equalized_odds_difference_max", limits.equalized_odds_difference_max, Kind::Share),
            ("flip_rate_max", limits.flip_rate_max, Kind::Share),
            ("confidence", measured.parameters.confidence, Kind::Share),
        ] {
            self.whole(name, value, kind, words);
        }
        let small = &["row", "rows", "small", "minimum", "groups"][..];
        self.whole("group_size_min", limits.group_size_min as f64, Kind::Count, small);
    }

    fn data(&mut self, measured: &Measured) {
        let data = &measured.layer_results.data_forensics;
        self.whole("base_rate", data.base_rate, Kind::Share, &["label", "labels", "favourable", "outcome"]);
        self.whole("duplicate_rows", data.duplicate_rows as f64, Kind::Count, &["duplicate", "duplicates", "repeat"]);
        self.whole("rows_without_label", data.rows_without_label as f64, Kind::Count, &["label", "labels"]);
        for people in &data.representation {
            let groups = [people.group.clone()];
            self.of("rows_of_group", &people.attribute, &groups, Some(people.n as f64), Kind::Count);
            self.of("share_of_rows", &people.attribute, &groups, Some(people.share), Kind::Share);
            self.of("label_rate", &people.attribute, &groups, people.base_rate.value, Kind::Share);
        }
        for proxy in data.proxies.iter().take(2 * LISTED_MAX) {
            let names = [proxy.column.clone()];
            self.of("proxy_cramers_v", &proxy.attribute, &names, Some(proxy.cramers_v), Kind::Share);
        }
        for joint in &data.joint_proxies {
            self.of("joint_proxy_auc", &joint.attribute, &[], joint.auc, Kind::Share);
        }
        for leak in &data.leakage {
            self.of("leakage_auc", &leak.column, &[], Some(leak.auc), Kind::Share);
        }
    }

    fn attribute(&mut self, attribute: &AttributeMetrics) {
        for group in &attribute.groups {
            let names = [group.group.clone()];
            self.of("judged_rows_of_group", &attribute.attribute, &names, Some(group.n as f64), Kind::Count);
            if group.small {
                continue;
            }
            for (name, estimate, kind) in [
                ("selection_rate", &group.selection_rate, Kind::Share),
                ("disparate_impact", &group.disparate_impact, Kind::Ratio),
                ("true_positive_rate", &group.tpr, Kind::Share),
                ("false_positive_rate", &group.fpr, Kind::Share),
                ("precision", &group.ppv, Kind::Share),
            ] {
                self.estimate(name, &attribute.attribute, &names, estimate, kind);
            }
        }
        self.aggregates(attribute);
    }

    fn aggregates(&mut self, attribute: &AttributeMetrics) {
        let tests: [(&str, &Tested, Kind); 6] = [
            ("demographic_parity_ratio", &attribute.demographic_parity_ratio, Kind::Ratio),
            ("demographic_parity_difference", &attribute.demographic_parity_difference, Kind::Share),
            ("equal_opportunity_difference", &attribute.equal_opportunity_difference, Kind::Share),
            ("equalized_odds_difference", &attribute.equalized_odds_difference, Kind::Share),
            ("predictive_parity_difference", &attribute.predictive_parity_difference, Kind::Share),
            ("calibration_error", &attribute.calibration_error, Kind::Share),
        ];
        for (name, tested, kind) in tests {
            let before = self.list.len();
            self.estimate(name, &attribute.attribute, &tested.groups, &tested.estimate, kind);
            for fact in &mut self.list[before..] {
                fact.context.push(attribute.attribute.clone());
            }
        }
    }

    fn stress(&mut self, measured: &Measured) {
        let stress = &measured.layer_results.stress_test;
        for flip in &stress.flips {
            self.estimate("flip_rate", &flip.attribute, &[], &flip.flip_rate, Kind::Share);
        }
        for subgroup in stress.worst_subgroups.iter().take(LISTED_MAX) {
            let about = subgroup.description.as_str();
            self.of("rows_of_subgroup", about, &[], Some(subgroup.n as f64), Kind::Count);
            self.of("selection_rate", about, &[], subgroup.selection_rate.value, Kind::Share);
            self.of("selection_rate_of_the_rest", about, &[], Some(subgroup.rest_selection_rate), Kind::Share);
        }
    }

    fn remedies(&mut self, measured: &Measured) {
        for remedy in &measured.mitigations {
            for (name, value, kind) in [
                ("before", remedy.before, Kind::Ratio),
                ("after", remedy.after, Kind::Ratio),
                ("accuracy_before", remedy.accuracy_before, Kind::Share),
                ("accuracy_after", remedy.accuracy_after, Kind::Share),
            ] {
                let name = format!("remedy_{}_{}_{name}", remedy.kind, remedy.goal);
                self.of(&name, &remedy.attribute, &[], value, kind);
            }
        }
    }
}

/// Names that may contain digits and are no numbers of the narrative: columns, groups, law.
pub(crate) fn literals(measured: &Measured) -> Vec<String> {
    let mut names: Vec<String> = measured.subject.dataset.columns.iter().map(|column| column.name.clone()).collect();
    names.push(measured.subject.dataset.name.clone());
    let metrics = &measured.layer_results.fairness_metrics;
    for attribute in metrics.attributes.iter().chain(&metrics.intersections) {
        names.push(attribute.attribute.clone());
        names.extend(attribute.groups.iter().map(|group| group.group.clone()));
    }
    names.extend(measured.layer_results.stress_test.worst_subgroups.iter().map(|one| one.description.clone()));
    names.extend([measured.parameters.positive_label.clone(), measured.parameters.negative_label.clone()]);
    for law in &measured.method.law {
        names.extend([law.name.clone(), law.reference.clone()]);
        names.extend(law.reference.split([';', ',']).map(|part| part.trim().to_owned()));
    }
    names.push("29 CFR 1607.4(D)".to_owned());
    // A bare number is no name: it would hide every number like it.
    names.retain(|name| name.chars().any(|c| !c.is_ascii_digit() && !" .,%-".contains(c)));
    names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    names.dedup();
    names
}
