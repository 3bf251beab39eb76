//! Model files through the real binary: answers as the library's, and audits of a model that was handed in.

use std::path::{Path, PathBuf};

use assize_models::Limits;
use assize_models::arrays::{Elements, NamedArray, read_arrays};
use serde_json::Value;

use crate::harness::{Server, files_below, folder, run, said, sample};

/// The model files of the reader's tests.
fn fixtures() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../models/tests/fixtures/joblib")
        .canonicalize()
        .unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn near(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        _ => found == expected,
    }
}

#[test]
fn predictions_of_every_fixture_are_the_library_s() {
    let work = folder();
    let folder = fixtures();
    for model in json(&folder.join("manifest.json"))["models"].as_array().unwrap() {
        let path = |key: &str| folder.join(model[key].as_str().unwrap()).display().to_string();
        let expected = json(Path::new(&path("expected")));
        let output = run(work.path(), &["predict", &path("file"), "--data", &path("x"), "--proba"]);
        assert!(output.status.success(), "{}: {}", path("file"), said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let labels = expected["predict"].as_array().unwrap();
        assert_eq!(rows.len(), labels.len());
        for (row, (found, label)) in rows.iter().zip(labels).enumerate() {
            assert_eq!(found["label"], *label, "{} row {row}", path("file"));
            if let Some(expected) = expected["predict_proba"][row].as_array() {
                let found = found["proba"].as_array().unwrap();
                assert!(found.iter().zip(expected).all(|(found, expected)| near(found, expected)), "{}", path("file"));
            }
        }
    }
}

#[test]
fn a_model_of_several_targets_answers_all_of_them_on_a_line() {
    let folder = fixtures().join("several");
    let expected = json(&folder.join("sk1.7.2/multi_tree.expected.json"));
    let model = folder.join("sk1.7.2/multi_tree.joblib.lzma").display().to_string();
    let rows = folder.join("x/num6.csv").display().to_string();
    let work = crate::harness::folder();
    let output = run(work.path(), &["predict", &model, "--data", &rows, "--proba"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let labels = expected["predict"].as_array().unwrap();
    assert_eq!(text.lines().count() * 2, labels.len());
    for (row, line) in text.lines().enumerate() {
        let found: Value = serde_json::from_str(line).unwrap();
        for target in 0..2 {
            assert_eq!(found["label"][target], labels[2 * row + target], "row {row}, target {target}");
            let (found, expected) = (&found["proba"][target], &expected["predict_proba"][target][row]);
            let pairs = found.as_array().unwrap().iter().zip(expected.as_array().unwrap());
            assert!(
                pairs.clone().count() > 1 && pairs.clone().all(|(found, expected)| near(found, expected)),
                "{line}"
            );
        }
    }
}

/// A `.npy` of version 1 with 64-bit floats in C order.
fn npy(rows: &[Vec<f64>]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", rows.len(), rows[0].len());
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    rows.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes()));
    bytes
}

#[test]
fn arrays_are_answered_as_the_same_rows_of_a_table() {
    let (work, fixtures) = (folder(), fixtures());
    let table = fixtures.join("x/num6.csv");
    let text = std::fs::read_to_string(&table).unwrap();
    let number = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
    let rows: Vec<Vec<f64>> = text.lines().skip(1).map(|line| line.split(',').map(number).collect()).collect();
    std::fs::write(work.path().join("rows.npy"), npy(&rows)).unwrap();
    std::fs::write(work.path().join("narrow.npy"), npy(&[vec![1.0, 2.0]])).unwrap();
    let manifest = json(&fixtures.join("manifest.json"));
    let of_numbers = |model: &&Value| model["x"] == "x/num6.csv";
    let model = manifest["models"].as_array().unwrap().iter().find(of_numbers).expect("a model of numbers");
    let file = fixtures.join(model["file"].as_str().unwrap()).display().to_string();
    let from_table = run(work.path(), &["predict", &file, "--data", table.to_str().unwrap(), "--proba"]);
    let from_array = run(work.path(), &["predict", &file, "--data", "rows.npy", "--proba"]);
    assert!(from_array.status.success(), "{}", said(&from_array));
    assert_eq!(from_array.stdout, from_table.stdout);
    let narrow = run(work.path(), &["predict", &file, "--data", "narrow.npy"]);
    assert_eq!(narrow.status.code(), Some(2), "{}", said(&narrow));
}

#[test]
fn answers_are_written_as_arrays() {
    let (work, fixtures) = (folder(), fixtures());
    let answers = |model: &str, data: &str, proba: bool| {
        let model = fixtures.join(model).display().to_string();
        let data = fixtures.join(data).display().to_string();
        let mut arguments = vec!["predict", &model, "--data", &data, "--out", "answers.npz"];
        arguments.extend(proba.then_some("--proba"));
        let output = run(work.path(), &arguments);
        assert!(output.status.success() && output.stdout.is_empty(), "{}", said(&output));
        read_arrays(&std::fs::read(work.path().join("answers.npz")).unwrap(), &Limits::default()).unwrap()
    };
    let names = |arrays: &[NamedArray]| arrays.iter().map(|array| array.name.clone()).collect::<Vec<String>>();
    let found = answers("sk1.7.2/pipe_ohe_logreg.p4.pkl", "x/mixed.csv", true);
    assert_eq!(names(&found), ["out_label", "out_classes", "out_proba"]);
    assert_eq!(found[1].elements, Elements::Texts(vec!["<=50K".to_owned(), ">50K".to_owned()]));
    let (Elements::Texts(said), Elements::Numbers(sure)) = (&found[0].elements, &found[2].elements) else {
        panic!("texts and numbers")
    };
    assert_eq!(found[2].shape, [said.len(), 2]);
    for (said, sure) in said.iter().zip(sure.chunks(2)) {
        assert_eq!(said == ">50K", sure[1] > sure[0]);
    }
    assert_eq!(names(&answers("sk1.7.2/pipe_ohe_logreg.p4.pkl", "x/mixed.csv", false)), ["out_label", "out_classes"]);
    let manifest = json(&fixtures.join("several/manifest.json"));
    let of = |kind: &str| {
        let model = manifest["models"].as_array().unwrap().iter().find(|model| model["kind"] == kind).unwrap();
        let path = |key: &str| format!("several/{}", model[key].as_str().unwrap());
        answers(&path("file"), &path("x"), true)
    };
    assert_eq!(
        names(&of("multi_out_str")),
        ["out_label_0", "out_classes_0", "out_proba_0", "out_label_1", "out_classes_1", "out_proba_1"]
    );
    let values = of("r_multi_tree");
    assert_eq!(names(&values), ["out_label_0", "out_label_1"]);
    assert!(matches!(&values[1].elements, Elements::Numbers(values) if !values.is_empty()));
}

#[test]
fn rows_that_do_not_fit_name_the_column_and_files_are_written_where_asked() {
    let work = folder();
    let folder = fixtures();
    let model = folder.join("sk1.7.2/pipe_ohe_logreg.p4.pkl").display().to_string();
    let num6 = folder.join("x/num6.csv").display().to_string();
    let output = run(work.path(), &["predict", &model, "--data", &num6]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("\"workclass\""), "{}", said(&output));
    let mixed = folder.join("x/mixed.csv").display().to_string();
    let output = run(work.path(), &["predict", &model, "--data", &mixed, "--out", "answers.jsonl"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", said(&output));
    let answers = std::fs::read_to_string(work.path().join("answers.jsonl")).unwrap();
    assert!(answers.starts_with("{\"label\":\"<=50K\"}") || answers.starts_with("{\"label\":\">50K\"}"), "{answers}");
    for arguments in [["predict", "absent.pkl", "--data", &mixed], ["predict", &model, "--data", "absent.csv"]] {
        assert_eq!(run(work.path(), &arguments).status.code(), Some(2));
    }
}

/// What an audit of a model says, whoever ran it.
fn check_certificate(certificate: &Value) {
    assert_eq!(certificate["schema_version"], 2);
    let model = &certificate["subject"]["model"];
    assert_eq!((&model["kind"], &model["name"]), (&"file".into(), &"pipe_ohe_logreg.p4.pkl".into()));
    assert!(model["training_overlap"].as_str().unwrap().starts_with("unknown"));
    let findings = certificate["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "data.training_overlap"), "overlap is a finding");
    let explanation = &certificate["explanation"];
    assert_eq!((&explanation["method"], &explanation["score"]), (&"linear_shap".into(), &"log_odds".into()));
    let strongest = &explanation["columns"][0];
    assert!(strongest["overall"]["mean_absolute"].as_f64().unwrap() > 0.01);
    let groups = strongest["groups"].as_array().unwrap();
    assert!(groups.iter().any(|group| group["group"] == "Female" && group["mean"].is_number()));
    assert!(!explanation["dependence"][0]["points"].as_array().unwrap().is_empty());
}

#[test]
fn a_model_file_is_audited_alike_by_server_and_command_line_and_not_kept() {
    let home = folder();
    let model = fixtures().join("sk1.7.2/pipe_ohe_logreg.p4.pkl");
    let data = sample("adult_test.csv");
    let arguments = ["audit", data.to_str().unwrap(), "--target", "income", "--protected", "race,sex,age"];
    let more = ["--domain", "employment", "--name", "IncomeClassifier v1.0", "--organization", "Research Institute"];
    let last = ["--model", model.to_str().unwrap(), "--formats", "json", "--out", "result"];
    let output = run(home.path(), &[&arguments[..], &more[..], &last[..]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let from_files = json(&home.path().join("result/certificate.json"));
    check_certificate(&from_files);

    let server_home = folder();
    let server = Server::start(server_home.path(), &[]);
    let upload = format!("@{}", model.display());
    let answer = server.audit("/audit/full", &data, &[("model_file", &upload)]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    check_certificate(&answer.json());
    for part in ["explanation", "findings", "layer_results", "parameters", "subject"] {
        assert_eq!(answer.json()[part].to_string(), from_files[part].to_string(), "{part}");
    }
    for kept in ["spool", "objects"] {
        assert!(files_below(&server_home.path().join(kept)).is_empty(), "something was kept in {kept}");
    }
}

#[test]
fn a_model_that_does_not_fit_is_refused_before_anything_is_promised() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let model = format!("@{}", fixtures().join("sk1.7.2/pipe_ohe_logreg.p4.pkl").display());
    let refuse = |data: &str, fields: &[(&str, &str)]| {
        let answer = server.audit("/audit/full", &sample(data), fields);
        assert_eq!(answer.status, 422, "{}", String::from_utf8_lossy(&answer.body));
        answer.detail()
    };
    let german = [("target_column", "credit_risk"), ("protected_attributes", "sex"), ("model_file", model.as_str())];
    let detail = refuse("german_credit.csv", &german);
    assert!(detail.contains("'workclass'") && detail.contains("'checking_status'"), "{detail}");
    let both = refuse("adult_test.csv", &[("model_file", &model), ("prediction_column", "relationship")]);
    assert!(both.contains("prediction_column"), "{both}");
    let positional = format!("@{}", fixtures().join("sk1.7.2/forest.joblib.z").display());
    let texts = refuse("adult_test.csv", &[("model_file", &positional)]);
    assert!(texts.contains("2 'workclass'"), "{texts}");
    let size = server.curl("/log/checkpoint", &[]);
    let size = String::from_utf8_lossy(&size.body).lines().nth(1).map(str::to_owned);
    assert!(size.as_deref().is_none_or(|size| size == "0"), "the log holds {size:?} entries");
}
