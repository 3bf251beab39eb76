//! Which of the two values of the outcome is the favourable one, and why.

use assize_tables::same_label;

use super::Error;

/// Words for a favourable outcome; the other value must not be among them. Lowercase.
const FAVOURABLE: [&str; 27] = [
    "1",
    "1.0",
    "true",
    "t",
    "yes",
    "y",
    "positive",
    "pos",
    "good",
    "approve",
    "approved",
    "accept",
    "accepted",
    "grant",
    "granted",
    "hire",
    "hired",
    "select",
    "selected",
    "admit",
    "admitted",
    "pass",
    "passed",
    "eligible",
    "qualified",
    "invited",
    "paid",
];
/// Words in a column name that say the event is a harm.
const HARMFUL: [&str; 18] = [
    "default",
    "defaulted",
    "delinquent",
    "delinquency",
    "recid",
    "recidivism",
    "arrest",
    "rearrest",
    "fraud",
    "churn",
    "deny",
    "denied",
    "denial",
    "reject",
    "rejected",
    "readmitted",
    "mortality",
    "death",
];

/// The two values of an outcome, told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) column: String,
    /// Favourable value, as spelled in the data.
    pub(crate) positive: String,
    /// The other one.
    pub(crate) negative: String,
    /// `given`, `convention` or `rarer`.
    pub(crate) rule: &'static str,
}

impl Outcome {
    /// 1 for the favourable spelling, 0 for the other, `None` for anything else.
    pub(crate) fn label_of(&self, text: &str) -> Option<u8> {
        if same_label(text, &self.positive) {
            Some(1)
        } else if same_label(text, &self.negative) {
            Some(0)
        } else {
            None
        }
    }

    /// A column name that says the favourable value chosen by convention may be the harmful one.
    pub(crate) fn may_be_harmful(&self) -> bool {
        let name = self.column.to_lowercase();
        self.rule != "given" && name.split(|c: char| !c.is_alphanumeric()).any(|word| HARMFUL.contains(&word))
    }
}

/// Without surrounding blanks and the final dot of the UCI Adult test file, as [`same_label`] compares.
fn normal(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix('.').unwrap_or(text)
}

/// Tells the two values of `column` apart. `values` are its distinct values with their rows; `distinct` says how many
/// there are in words, for the message.
pub(crate) fn resolve(
    column: &str,
    values: &[(String, u64)],
    distinct: String,
    given: Option<&str>,
) -> Result<Outcome, Error> {
    let mut merged: Vec<(String, u64)> = Vec::new();
    for (value, rows) in values {
        match merged.iter_mut().find(|(known, _)| same_label(known, value)) {
            Some((_, total)) => *total += rows,
            None => merged.push((value.trim().to_owned(), *rows)),
        }
    }
    let [first, second] = merged.as_slice() else {
        merged.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        return Err(Error::NotBinary { role: "target", column: column.to_owned(), distinct, values: merged });
    };
    let (first_is_positive, rule) = if let Some(given) = given {
        (chosen(column, given, &first.0, &second.0)?, "given")
    } else {
        match (favourable(&first.0), favourable(&second.0)) {
            (true, false) => (true, "convention"),
            (false, true) => (false, "convention"),
            _ => ((first.1, &second.0) < (second.1, &first.0), "rarer"),
        }
    };
    let (positive, negative) = if first_is_positive { (first, second) } else { (second, first) };
    Ok(Outcome { column: column.to_owned(), positive: positive.0.clone(), negative: negative.0.clone(), rule })
}

/// Whether the value given is the first of the two; without regard to case when that is unambiguous.
fn chosen(column: &str, given: &str, first: &str, second: &str) -> Result<bool, Error> {
    if same_label(first, given) {
        return Ok(true);
    }
    if same_label(second, given) {
        return Ok(false);
    }
    let wanted = normal(given);
    match (normal(first).eq_ignore_ascii_case(wanted), normal(second).eq_ignore_ascii_case(wanted)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => Err(Error::PositiveLabel {
            given: given.to_owned(),
            column: column.to_owned(),
            values: vec![first.to_owned(), second.to_owned()],
        }),
    }
}

/// How a column of decisions says the two values: as the outcome does, or as 1 and 0 (true and false), where 1 stands for
/// the favourable value. `values` are those that occur.
pub(crate) fn resolve_decisions(column: &str, values: Vec<String>, outcome: &Outcome) -> Result<Outcome, Error> {
    if values.iter().all(|value| outcome.label_of(value).is_some()) {
        return Ok(outcome.clone());
    }
    for (positive, negative) in [("1", "0"), ("true", "false")] {
        let is = |value: &str, word: &str| same_label(value, word) || normal(value).eq_ignore_ascii_case(word);
        if values.iter().all(|value| is(value, positive) || is(value, negative)) {
            let spelled = |word: &str| {
                let found = values.iter().find(|value| is(value, word));
                found.cloned().unwrap_or_else(|| word.to_owned())
            };
            return Ok(Outcome {
                column: column.to_owned(),
                positive: spelled(positive),
                negative: spelled(negative),
                rule: "convention",
            });
        }
    }
    Err(Error::PredictionValues {
        column: column.to_owned(),
        found: values,
        wanted: vec![outcome.positive.clone(), outcome.negative.clone()],
    })
}

fn favourable(value: &str) -> bool {
    FAVOURABLE.contains(&normal(value).to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[(&str, u64)], given: Option<&str>) -> Result<Outcome, Error> {
        let values: Vec<(String, u64)> = values.iter().map(|(value, rows)| ((*value).to_owned(), *rows)).collect();
        resolve("outcome", &values, values.len().to_string(), given)
    }

    #[test]
    fn the_favourable_value_is_given_or_usual_or_rarer() {
        for (values, given, positive, rule) in [
            ([("0", 5), ("1", 9)], None, "1", "convention"),
            ([("1", 7), ("2", 3)], None, "1", "convention"),
            ([("good", 700), ("bad", 300)], None, "good", "convention"),
            ([("<=50K", 24_720), (">50K", 7_841)], None, ">50K", "rarer"),
            ([("<=50K.", 24_720), (">50K.", 7_841)], Some(">50K"), ">50K.", "given"),
            ([("No", 2), ("Yes", 8)], Some("no"), "No", "given"),
            ([("a", 5), ("b", 5)], None, "b", "rarer"),
        ] {
            let outcome = check(&values, given).unwrap();
            assert_eq!((outcome.positive.as_str(), outcome.rule), (positive, rule), "{values:?}");
        }
    }

    #[test]
    fn decisions_are_spelled_as_the_outcome_or_as_one_and_zero() {
        let outcome = check(&[("<=50K", 9), (">50K", 4)], None).unwrap();
        let decisions = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            resolve_decisions("decision", values, &outcome).map(|decisions| decisions.positive)
        };
        assert_eq!(decisions(&[">50K.", "<=50K."]).unwrap(), ">50K");
        assert_eq!(decisions(&["0", "1"]).unwrap(), "1");
        assert_eq!(decisions(&["False", "True"]).unwrap(), "True");
        assert_eq!(decisions(&["0"]).unwrap(), "1");
        let refused = decisions(&["low", "high"]).unwrap_err().to_string();
        assert!(refused.contains("'low', 'high'") && refused.contains("'1' and '0'"), "{refused}");
    }

    #[test]
    fn spellings_that_differ_by_blank_dot_or_zeros_are_one_value() {
        let outcome = check(&[(">50K", 5), (">50K.", 4), (" <=50K", 20), ("<=50K.", 3)], None).unwrap();
        assert_eq!(
            (outcome.label_of(" >50K."), outcome.label_of("<=50K"), outcome.label_of("x")),
            (Some(1), Some(0), None)
        );
        assert_eq!(check(&[("0.0", 5), ("1.0", 4)], None).unwrap().label_of("1"), Some(1));
    }

    #[test]
    fn other_than_two_values_are_refused_with_the_values() {
        let error = check(&[("a", 1), ("b", 7), ("c", 3)], None).unwrap_err().to_string();
        assert_eq!(
            error,
            "the target column 'outcome' must have exactly two values, it has 3: 'b' (7 rows), 'c' (3 rows), 'a' (1 row)"
        );
        assert!(check(&[("a", 1)], None).is_err());
        assert!(check(&[("a", 1), ("b", 1)], Some("c")).unwrap_err().to_string().contains("'a', 'b'"));
    }
}
