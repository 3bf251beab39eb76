//! `assize doctor`: one line a check; exit code 3 when something is not as it must be.

use std::sync::Arc;

use assize_server::app::{App, DiagnosisOutcome, Random, SystemRandom};
use assize_server::clock::{Clock, SystemClock};

use super::installation;
use crate::arguments::{DoctorOptions, Shared};
use crate::outcome::Outcome;
use crate::settings;

/// Examines and prints.
pub(crate) fn run(shared: &Shared, options: &DoctorOptions) -> anyhow::Result<Outcome> {
    let config = settings::load(shared, Vec::new())?.config;
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let diagnosis = installation::runtime()?.block_on(App::doctor(&config, &clock, &random));
    if options.json {
        let healthy = diagnosis.healthy();
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "healthy": healthy, "checks": diagnosis.checks }))?
        );
    } else {
        for check in &diagnosis.checks {
            let word = match check.outcome {
                DiagnosisOutcome::Passed => "passed",
                DiagnosisOutcome::Failed => "FAILED",
                DiagnosisOutcome::NotChecked => "not checked",
            };
            println!("{:<12}  {word:<11}  {}", check.name, check.detail);
        }
        println!(
            "{}",
            if diagnosis.healthy() { "Everything is as it must be." } else { "NOT everything is as it must be." }
        );
    }
    Ok(if diagnosis.healthy() { Outcome::Done } else { Outcome::DoesNotPass })
}
