//! What a scan prints as SARIF keeps to the schema of the standard.

use std::path::{Path, PathBuf};

use assize_models::scan::sarif::sarif;
use assize_models::{Limits, scan};
use regex::Regex;
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures")
}

fn schema() -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join("sarif/sarif-schema-2.1.0.json")).unwrap()).unwrap()
}

/// JSON Schema, draft 4, as far as this schema uses it; a keyword beyond that fails.
struct Validator {
    root: Value,
}

impl Validator {
    fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.root, value, "", &mut faults);
        faults
    }

    fn passes(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        for (keyword, rule) in schema.as_object().unwrap() {
            let holds = match keyword.as_str() {
                "$schema" | "title" | "id" | "description" | "default" | "definitions" => true,
                "$ref" => {
                    let target = self.root.pointer(&rule.as_str().unwrap()[1..]).unwrap();
                    self.check(target, value, place, faults);
                    true
                }
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|rule| is_type(rule.as_str().unwrap(), value)),
                    rule => is_type(rule.as_str().unwrap(), value),
                },
                "enum" => rule.as_array().unwrap().contains(value),
                "anyOf" => rule.as_array().unwrap().iter().any(|schema| self.passes(schema, value)),
                "oneOf" => rule.as_array().unwrap().iter().filter(|schema| self.passes(schema, value)).count() == 1,
                "pattern" => {
                    value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text))
                }
                "format" => value.as_str().is_none_or(|text| is_format(rule.as_str().unwrap(), text)),
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
                "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
                "uniqueItems" => value.as_array().is_none_or(|items| {
                    *rule == false || items.iter().enumerate().all(|(at, item)| !items[..at].contains(item))
                }),
                "required" => value.as_object().is_none_or(|object| {
                    rule.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
                }),
                "items" => {
                    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{place}/{at}"), faults);
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in rule.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(schema, member, &format!("{place}/{name}"), faults);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let known = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                    let further = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name));
                    match rule {
                        Value::Bool(allowed) => *allowed || further.count() == 0,
                        rule => {
                            for (name, member) in further {
                                self.check(rule, member, &format!("{place}/{name}"), faults);
                            }
                            true
                        }
                    }
                }
                other => panic!("the keyword {other} is not known here"),
            };
            if !holds {
                faults.push(format!("{place}: {keyword} {rule} does not hold for {value}"));
            }
        }
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the type {other} is not known here"),
    }
}

fn is_format(name: &str, text: &str) -> bool {
    match name {
        // RFC 3986, appendix A: characters of a reference, and percent signs before two hexadecimal digits.
        "uri" | "uri-reference" => {
            let reference = r"^([A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$";
            Regex::new(reference).unwrap().is_match(text) && (name != "uri" || text.contains(':'))
        }
        other => panic!("the format {other} is not known here"),
    }
}

#[test]
fn scans_of_every_hostile_file_keep_to_the_schema() {
    let bad = fixtures().join("joblib/bad");
    let mut scans: Vec<(String, scan::Scan)> = std::fs::read_dir(&bad)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let scanned = scan::scan(&std::fs::read(&path).unwrap(), &Limits::default());
            (path.display().to_string(), scanned)
        })
        .collect();
    scans.push(("über models/a b%.pkl".to_owned(), scan::scan(b"cos\nsystem\n(Vls\ntR.", &Limits::default())));
    scans.push(("C:\\models\\m.pkl".to_owned(), scan::scan(b"\x80\x04}.", &Limits::default())));
    let log = sarif(&scans, "1.0.0");
    assert!(log["runs"][0]["results"].as_array().unwrap().len() >= 4);
    assert_eq!(Validator { root: schema() }.faults(&log), Vec::<String>::new());
    assert_eq!(Validator { root: schema() }.faults(&sarif(&[], "1.0.0")), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_is_no_log() {
    let validator = Validator { root: schema() };
    let good = sarif(&[("m.pkl".to_owned(), scan::scan(b"cos\nsystem\n(Vls\ntR.", &Limits::default()))], "1.0.0");
    let broken = |change: fn(&mut Value)| {
        let mut log = good.clone();
        change(&mut log);
        validator.faults(&log)
    };
    assert_eq!(broken(|_| {}), Vec::<String>::new());
    assert!(!broken(|log| log["version"] = "2.0".into()).is_empty());
    assert!(!broken(|log| log["runs"][0]["results"][0]["level"] = "fatal".into()).is_empty());
    assert!(!broken(|log| log["runs"][0]["results"][0]["message"] = Value::Null).is_empty());
    assert!(!broken(|log| log["runs"][0]["results"][0]["ruleIndex"] = (-2).into()).is_empty());
    assert!(!broken(|log| log["runs"][0]["artifacts"][0]["location"]["uri"] = "a b".into()).is_empty());
    assert!(!broken(|log| log["surplus"] = 1.into()).is_empty());
}
