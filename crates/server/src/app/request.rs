//! A request for an audit, parsed once: past [`AuditRequest::parse`] no field is checked again.
//!
//! The field names are those of the ModelPassport form; the optional ones are ours. All problems of a form are
//! reported together, so that a user mends them in one go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::AppError;

/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;
/// Protected attributes of one audit.
const PROTECTED_MAX: usize = 7;
/// Cut points of a numeric protected attribute.
const BINS_MAX: usize = 32;
/// Largest seed: JSON numbers are exact up to 2^53 - 1.
const SEED_MAX: u64 = (1 << 53) - 1;
/// What to audit and how; the files travel beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRequest {
    /// Human-readable name of the model.
    pub model_name: String,
    /// Who submits the audit.
    pub organization: String,
    /// Where the model decides: hiring, loan, healthcare, benefits, or any other word.
    pub domain: String,
    /// Column with the binary outcome.
    pub target_column: String,
    /// Columns to audit for fairness.
    pub protected_attributes: Vec<String>,
    /// Column with the decisions, when they are in the file.
    pub prediction_column: Option<String>,
    /// Column with scores in 0 to 1.
    pub score_column: Option<String>,
    /// Column with row weights.
    pub sample_weight: Option<String>,
    /// The favourable value of the outcome.
    pub positive_label: Option<String>,
    /// Cut points of numeric protected attributes.
    pub age_bins: Option<Vec<f64>>,
    /// Reference group by attribute.
    pub reference_group: BTreeMap<String, String>,
    /// Thresholds that differ from the domain's, by field name of the certificate's `parameters.thresholds`.
    pub thresholds: BTreeMap<String, f64>,
    /// Columns within whose values disparity is compared (conditional demographic disparity).
    pub strata: Vec<String>,
    /// Seed of every random draw; the configured one when the form names none.
    pub seed: Option<u64>,
}

/// The form as it came: the last value of each field.
pub type Fields = BTreeMap<String, String>;

/// Every field of the form that is text.
pub const TEXT_FIELDS: &[&str] = &[
    "model_name",
    "organization",
    "domain",
    "target_column",
    "protected_attributes",
    "prediction_column",
    "score_column",
    "sample_weight",
    "positive_label",
    "age_bins",
    "reference_group",
    "thresholds",
    "strata",
    "seed",
    "model_id",
];

impl AuditRequest {
    /// Reads the text fields of the form; `Unprocessable` names everything that is missing or wrong.
    pub fn parse(fields: &Fields) -> Result<Self, AppError> {
        let mut form = Form { fields, problems: Vec::new() };
        let missing = form.missing(&["model_name", "organization", "domain", "target_column", "protected_attributes"]);
        if !missing.is_empty() {
            form.problems.push(format!("missing required field(s): {}", missing.join(", ")));
        }
        if let Some(id) = form.optional("model_id") {
            form.problems.push(format!("model_id: no model {id:?} is registered here; leave the field out"));
        }
        let request = Self {
            model_name: form.name("model_name"),
            organization: form.name("organization"),
            domain: form.name("domain"),
            target_column: form.optional("target_column").unwrap_or_default(),
            protected_attributes: form.list("protected_attributes"),
            prediction_column: form.optional("prediction_column"),
            score_column: form.optional("score_column"),
            sample_weight: form.optional("sample_weight"),
            positive_label: form.optional("positive_label"),
            age_bins: form.bins("age_bins"),
            reference_group: form.pairs("reference_group"),
            thresholds: form.thresholds("thresholds"),
            strata: form.list("strata"),
            seed: form.seed("seed"),
        };
        request.check_columns(&mut form.problems);
        if form.problems.is_empty() { Ok(request) } else { Err(AppError::Unprocessable(form.problems.join("; "))) }
    }

    fn check_columns(&self, problems: &mut Vec<String>) {
        if self.protected_attributes.len() > PROTECTED_MAX {
            problems.push(format!(
                "protected_attributes: {} columns were named, at most {PROTECTED_MAX} can be audited at once",
                self.protected_attributes.len()
            ));
        }
        for (index, attribute) in self.protected_attributes.iter().enumerate() {
            if self.protected_attributes[..index].contains(attribute) {
                problems.push(format!("protected_attributes: {attribute:?} is named twice"));
            }
            if *attribute == self.target_column {
                problems
                    .push(format!("target_column: {attribute:?} is also a protected attribute; name another outcome"));
            }
        }
        for attribute in self.reference_group.keys() {
            if !self.protected_attributes.contains(attribute) {
                problems.push(format!("reference_group: {attribute:?} is not a protected attribute"));
            }
        }
    }
}

/// Reads fields and collects what is wrong with them.
struct Form<'a> {
    fields: &'a Fields,
    problems: Vec<String>,
}

impl Form<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        self.fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    fn missing<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| self.optional(name).is_none()).collect()
    }

    fn name(&mut self, field: &str) -> String {
        let value = self.optional(field).unwrap_or_default();
        let length = value.chars().count();
        if length > NAME_CHARS_MAX {
            self.problems.push(format!("{field}: {length} characters, at most {NAME_CHARS_MAX} are kept"));
        }
        if value.chars().any(char::is_control) {
            self.problems.push(format!("{field}: holds a control character; send plain text"));
        }
        value
    }

    fn list(&self, field: &str) -> Vec<String> {
        let value = self.optional(field).unwrap_or_default();
        value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn bins(&mut self, field: &str) -> Option<Vec<f64>> {
        let value = self.optional(field)?;
        let edges: Result<Vec<f64>, _> =
            value.trim_matches(['[', ']']).split(',').map(|part| part.trim().parse()).collect();
        match edges {
            Ok(edges)
                if edges.len() <= BINS_MAX
                    && edges.iter().all(|edge: &f64| edge.is_finite())
                    && edges.windows(2).all(|pair| pair[0] < pair[1]) =>
            {
                Some(edges)
            }
            _ => {
                self.problems.push(format!(
                    "{field}: {value:?} is not a list of at most {BINS_MAX} ascending numbers such as 25,40,65"
                ));
                None
            }
        }
    }

    /// `race=White,sex=Male`, or the same as a JSON object.
    fn pairs(&mut self, field: &str) -> BTreeMap<String, String> {
        let Some(value) = self.optional(field) else { return BTreeMap::new() };
        if value.starts_with('{') {
            return serde_json::from_str(&value).unwrap_or_else(|error| {
                self.problems.push(format!("{field}: not a JSON object of texts: {error}"));
                BTreeMap::new()
            });
        }
        let mut pairs = BTreeMap::new();
        for part in value.split(',') {
            match part.split_once('=') {
                Some((name, group)) => {
                    pairs.insert(name.trim().to_owned(), group.trim().to_owned());
                }
                None => {
                    self.problems
                        .push(format!("{field}: {part:?} is not of the form attribute=group, as in race=White"));
                }
            }
        }
        pairs
    }

    fn thresholds(&mut self, field: &str) -> BTreeMap<String, f64> {
        let Some(value) = self.optional(field) else { return BTreeMap::new() };
        serde_json::from_str(&value).unwrap_or_else(|error| {
            self.problems.push(format!(
                "{field}: not a JSON object of numbers such as {{\"disparate_impact_min\": 0.8}}: {error}"
            ));
            BTreeMap::new()
        })
    }

    fn seed(&mut self, field: &str) -> Option<u64> {
        let value = self.optional(field)?;
        let seed = value.parse().ok().filter(|seed| *seed <= SEED_MAX);
        if seed.is_none() {
            self.problems.push(format!("{field}: {value:?} is not a whole number from 0 to {SEED_MAX}"));
        }
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn complete() -> Fields {
        fields(&[
            ("model_name", "IncomeClassifier v1.0"),
            ("organization", "Research Institute"),
            ("domain", "employment"),
            ("target_column", "income"),
            ("protected_attributes", "race, sex,age"),
        ])
    }

    fn problem(extra: &[(&str, &str)]) -> String {
        let mut form = complete();
        form.extend(fields(extra));
        match AuditRequest::parse(&form) {
            Err(AppError::Unprocessable(detail)) => detail,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn the_documented_form_is_read() {
        let request = AuditRequest::parse(&complete()).unwrap();
        assert_eq!(request.protected_attributes, ["race", "sex", "age"]);
        assert_eq!(request.seed, None);
    }

    #[test]
    fn all_missing_fields_are_named_together() {
        let Err(AppError::Unprocessable(detail)) = AuditRequest::parse(&fields(&[("domain", "loan")])) else {
            panic!("an empty form was accepted");
        };
        assert_eq!(detail, "missing required field(s): model_name, organization, target_column, protected_attributes");
    }

    #[test]
    fn optional_fields_are_parsed_or_refused_with_their_name() {
        let mut form = complete();
        form.extend(fields(&[
            ("age_bins", "25, 40,65"),
            ("reference_group", "race=White, sex=Male"),
            ("thresholds", r#"{"disparate_impact_min": 0.9}"#),
            ("seed", "7"),
        ]));
        let request = AuditRequest::parse(&form).unwrap();
        assert_eq!(request.age_bins.as_deref(), Some(&[25.0, 40.0, 65.0][..]));
        assert_eq!(request.reference_group["sex"], "Male");
        assert_eq!(request.thresholds["disparate_impact_min"], 0.9);
        assert_eq!(request.seed, Some(7));
        for (field, value) in [
            ("age_bins", "40,25"),
            ("age_bins", "young,old"),
            ("reference_group", "White"),
            ("reference_group", "colour=red"),
            ("thresholds", "0.8"),
            ("seed", "-1"),
            ("seed", "9007199254740992"),
            ("model_id", "mdl_1"),
            ("model_name", "a\u{0}b"),
        ] {
            let detail = problem(&[(field, value)]);
            assert!(detail.starts_with(field), "{field}={value}: {detail}");
        }
    }

    #[test]
    fn a_protected_target_and_a_doubled_attribute_are_refused() {
        assert!(problem(&[("target_column", "sex")]).contains("also a protected attribute"));
        assert!(problem(&[("protected_attributes", "sex,sex")]).contains("named twice"));
        assert!(problem(&[("protected_attributes", "a,b,c,d,e,f,g,h")]).contains("at most 7"));
    }
}
