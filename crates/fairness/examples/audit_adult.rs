//! Audits a data file and prints the body of its certificate as JSON, with a made-up identity, and the time of each step
//! on the error stream.
//!
//! `cargo run --release -p assize-fairness --example audit_adult -- FILE [TARGET ATTRIBUTES [PREDICTION]]`; the defaults
//! are those of UCI Adult: `income race,sex,age`. With `--model MODEL` at the end the decisions are those of a model file,
//! which is opened in this process. `bench/audit_adult.py` compares it with Python.

use std::error::Error;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use assize_fairness::{AuditInput, AuditSettings, Identity, MODEL_MISSING, ModelInput, Watch, audit};
use assize_models::Limits;
use assize_tables::{Cancel, Dataset, ReadOptions};

/// Prints how long each step took when the next one begins.
struct Stopwatch {
    cancel: Cancel,
    running: Mutex<Option<(String, Instant)>>,
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

impl Stopwatch {
    #[expect(clippy::print_stderr, reason = "a bench reports to the terminal")]
    fn lap(&self, next: Option<&str>) {
        let mut running = self.running.lock().expect("no thread panics while it holds the lock");
        if let Some((name, start)) = running.take() {
            eprintln!("{:8.1} ms  {name}", start.elapsed().as_secs_f64() * 1e3);
        }
        *running = next.map(|name| (name.to_owned(), now()));
    }
}

impl Watch for Stopwatch {
    fn step(&self, name: &str, _fraction: f64) {
        self.lap(Some(name));
    }

    fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

#[expect(clippy::print_stdout, reason = "the document is the output of this program")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let model_path = match arguments.iter().position(|argument| argument == "--model") {
        Some(at) => arguments.drain(at..).nth(1),
        None => None,
    };
    let path = arguments.first().ok_or("the first argument is the data file")?;
    let target = arguments.get(1).map_or("income", String::as_str);
    let attributes: Vec<&str> = arguments.get(2).map_or("race,sex,age", String::as_str).split(',').collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let stopwatch = Stopwatch { cancel: Cancel::new(), running: Mutex::new(None) };
    stopwatch.lap(Some("digest"));
    let dataset = Dataset::open(Path::new(path), &ReadOptions { threads, ..ReadOptions::default() })?;
    let sha256 = dataset.sha256(&stopwatch.cancel)?;
    let mut settings = AuditSettings::new(target, &attributes, "employment");
    settings.threads = threads;
    settings.prediction_column = arguments.get(3).cloned();
    let missing = MODEL_MISSING.map(str::to_owned).to_vec();
    let rows = Dataset::open(Path::new(path), &ReadOptions { threads, missing, ..ReadOptions::default() })?;
    let opened = match &model_path {
        Some(path) => Some(assize_models::open(&std::fs::read(path)?, path, &Limits::default())?),
        None => None,
    };
    let model = opened.as_ref().map(|predictor| ModelInput {
        predictor: predictor.as_ref(),
        name: "model",
        sha256: "",
        rows: &rows,
    });
    let input = AuditInput { dataset: &dataset, dataset_sha256: &sha256, model: model.as_ref() };
    let measured = audit(&input, &settings, &stopwatch)?;
    stopwatch.lap(None);
    println!("{}", serde_json::to_string(&measured.into_body(example_identity(), None))?);
    Ok(())
}

/// The identity of the example in the documentation of the interface.
fn example_identity() -> Identity {
    Identity {
        certificate_id: "MP-2026-000001".to_owned(),
        model_name: "IncomeClassifier v1.0".to_owned(),
        organization: "Research Institute".to_owned(),
        issued_at: "2026-04-18T14:32:00Z".to_owned(),
        expires_at: "2027-04-18T14:32:00Z".to_owned(),
        verify_url: "https://assize.example/verify/MP-2026-000001".to_owned(),
        commitment_index: 0,
    }
}
