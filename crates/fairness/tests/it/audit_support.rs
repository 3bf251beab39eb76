//! Data files and one-line audits for the tests of the audit.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use assize_fairness::document::{AttributeMetrics, Finding, GroupMetrics};
use assize_fairness::{
    AuditInput, AuditSettings, Error, Identity, MODEL_MISSING, Measured, ModelInput, Unwatched, audit,
};
use assize_models::{Error as ModelError, Feature, FeatureKind, Predictions, Predictor};
use assize_tables::{Cancel, ColumnData, Dataset, MISSING, ReadOptions, Table};

pub(crate) const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A sample data set of the repository.
pub(crate) fn sample(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../data/samples").join(name)
}

fn opened(path: &std::path::Path) -> Dataset {
    Dataset::open(path, &ReadOptions { threads: 2, ..ReadOptions::default() }).expect("the test data can be read")
}

pub(crate) fn audit_file(path: &std::path::Path, settings: &AuditSettings) -> Result<Measured, Error> {
    let dataset = opened(path);
    audit(&AuditInput { dataset: &dataset, dataset_sha256: DIGEST, model: None }, settings, &Unwatched::default())
}

/// Audits a text as a CSV.
pub(crate) fn audit_csv(text: &str, settings: &AuditSettings) -> Result<Measured, Error> {
    let folder = csv(text);
    audit_file(&folder.path().join(FILE), settings)
}

pub(crate) fn audit_model(text: &str, settings: &AuditSettings, model: &dyn Predictor) -> Result<Measured, Error> {
    let folder = csv(text);
    let dataset = opened(&folder.path().join(FILE));
    let read = ReadOptions { missing: MODEL_MISSING.map(str::to_owned).to_vec(), ..ReadOptions::default() };
    let rows = Dataset::open(&folder.path().join(FILE), &read).expect("the test data can be read");
    let model = ModelInput { predictor: model, name: "model.joblib", sha256: DIGEST, rows: &rows };
    let input = AuditInput { dataset: &dataset, dataset_sha256: DIGEST, model: Some(&model) };
    audit(&input, settings, &Unwatched::default())
}

/// The name is in the document, so it is always the same.
const FILE: &str = "data.csv";

fn csv(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join(FILE), text).expect("a temporary file can be written");
    folder
}

/// Few resamples: the tests look at facts, not at the third digit of an interval.
pub(crate) fn quick(target: &str, attributes: &[&str], domain: &str) -> AuditSettings {
    AuditSettings { resamples: 200, threads: 2, ..AuditSettings::new(target, attributes, domain) }
}

/// Adult as the documentation audits it; run once for all tests.
pub(crate) fn adult() -> &'static Measured {
    static ADULT: LazyLock<Measured> = LazyLock::new(|| {
        audit_file(&sample("adult.csv"), &quick("income", &["race", "sex", "age"], "employment"))
            .expect("Adult can be audited")
    });
    &ADULT
}

pub(crate) fn identity() -> Identity {
    Identity {
        certificate_id: "MP-2026-000001".into(),
        model_name: "IncomeClassifier v1.0".into(),
        organization: "Research Institute".into(),
        issued_at: "2026-04-18T14:32:00Z".into(),
        expires_at: "2027-04-18T14:32:00Z".into(),
        verify_url: "https://assize.example/verify/MP-2026-000001".into(),
        commitment_index: 7,
    }
}

pub(crate) fn attribute<'a>(measured: &'a Measured, name: &str) -> &'a AttributeMetrics {
    let metrics = &measured.layer_results.fairness_metrics;
    let mut all = metrics.attributes.iter().chain(&metrics.intersections);
    all.find(|attribute| attribute.attribute == name).expect("it is measured")
}

pub(crate) fn group<'a>(measured: &'a Measured, attribute_name: &str, name: &str) -> &'a GroupMetrics {
    attribute(measured, attribute_name).groups.iter().find(|group| group.group == name).expect("it is measured")
}

pub(crate) fn findings<'a>(measured: &'a Measured, code: &str) -> Vec<&'a Finding> {
    measured.findings.iter().filter(|finding| finding.code == code).collect()
}

/// Loans: skill from 0 to 99 decides, and for `group` "b" forty points more are asked. Favourable are rows over the line.
/// `with_prediction` adds the decision as a column.
pub(crate) fn loans(rows: usize, with_prediction: bool) -> String {
    let mut text = String::from("skill,region,group,paid");
    text.push_str(if with_prediction { ",decision\n" } else { "\n" });
    for row in 0..rows {
        let skill = row * 37 % 100;
        let group = ["a", "b"][row / 100 % 2];
        let paid = u8::from((skill + row * 13 % 29) > 60);
        let decision = u8::from(skill > if group == "b" { 90 } else { 50 });
        let region = ["north", "south", "west"][row % 3];
        write!(text, "{skill},{region},{group},{paid}").expect("a string grows");
        if with_prediction {
            write!(text, ",{decision}").expect("a string grows");
        }
        text.push('\n');
    }
    text
}

/// Says yes to skill over 50, and to group "b" only over 90.
pub(crate) struct Biased {
    pub(crate) features: Vec<Feature>,
    pub(crate) classes: Vec<String>,
}

impl Biased {
    pub(crate) fn new(features: &[&str], classes: &[&str]) -> Self {
        let feature = |name: &&str| Feature { name: Some((*name).to_owned()), kind: FeatureKind::Any };
        Self {
            features: features.iter().map(feature).collect(),
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
        }
    }
}

impl Predictor for Biased {
    fn features(&self) -> &[Feature] {
        &self.features
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn description(&self) -> String {
        "a rule for tests".into()
    }

    fn predict(&self, table: &Table, _cancel: &Cancel) -> Result<Predictions, ModelError> {
        let ColumnData::Numeric(skills) = &table.column("skill").expect("skill is a feature").data else {
            panic!("skills are numbers")
        };
        let ColumnData::Categorical { codes, levels } = &table.column("group").expect("group is a feature").data else {
            panic!("groups are texts")
        };
        let limit = |code: u32| if code != MISSING && levels[code as usize] == "b" { 90.0 } else { 50.0 };
        let labels = skills.iter().zip(codes).map(|(skill, code)| u32::from(*skill > limit(*code))).collect();
        Ok(Predictions { classes: self.classes.clone(), labels, probabilities: None })
    }
}
