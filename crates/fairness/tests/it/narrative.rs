//! The narrative: written from the measurement, and checked against it.

use assize_fairness::narrative::{NarrativeStatus, Rejection, check, prompt, template};

use crate::audit_support::{adult, audit_csv, identity, loans, quick};

#[test]
fn the_template_is_readable_and_passes_its_own_check() {
    let narrative = template(adult());
    let words = narrative.text.split_whitespace().count();
    assert!((120..=280).contains(&words), "{words} words");
    let checked = check(&narrative.text, adult()).unwrap();
    assert!(checked.numbers_checked > 20, "{}", checked.numbers_checked);
    assert_eq!(checked.numbers_checked, narrative.numbers_checked);
    assert!(narrative.text.contains("NOT CERTIFIED") && narrative.text.contains("Female"));
    assert_eq!((narrative.status.as_str(), narrative.source.as_str()), ("fallback", "template"));
}

#[test]
fn the_template_passes_for_every_kind_of_audit() {
    let mut predictions = quick("paid", &["group", "region"], "loan");
    predictions.prediction_column = Some("decision".into());
    let mut decisions_only = quick("decision", &["group"], "benefits");
    decisions_only.prediction_column = Some("decision".into());
    for (text, settings) in [
        (loans(2_000, true), predictions),
        (loans(2_000, true), decisions_only),
        (loans(400, false), quick("paid", &["group"], "weather")),
    ] {
        let measured = audit_csv(&text, &settings).unwrap();
        let narrative = template(&measured);
        let checked = check(&narrative.text, &measured);
        assert!(checked.is_ok(), "{checked:?} in {}", narrative.text);
    }
}

#[test]
fn a_changed_number_is_rejected_with_the_number() {
    let text = template(adult()).text;
    let rate = adult().layer_results.fairness_metrics.attributes[1].groups[0].selection_rate.value.unwrap();
    let printed = format!("{:.1} %", rate * 100.0);
    assert!(text.contains(&printed), "{printed} in {text}");
    let changed = text.replacen(&printed, "51.7 %", 1);
    let rejected = check(&changed, adult()).unwrap_err();
    assert!(matches!(&rejected, Rejection::Number { number, .. } if number == "51.7"), "{rejected}");
}

#[test]
fn an_answer_in_json_is_read_and_kept_with_its_author() {
    let score = adult().overall_score;
    let answer = format!(
        "```json\n{{\"narrative\": \"The overall score is {score:.1} points.\", \"checklist\": [\"Review sex.\"]}}\n```"
    );
    let checked = check(&answer, adult()).unwrap();
    let narrative = checked.into_narrative("gemini-test", adult());
    assert_eq!((narrative.status, narrative.source.as_str()), (NarrativeStatus::Ok, "gemini-test"));
    let body = adult().clone().into_body(identity(), Some(narrative));
    assert_eq!(body.layer_results.gemini_governance.gemini_status, "ok");
    assert_eq!(body.layer_results.gemini_governance.narrative_source, "gemini-test");
    assert_eq!(body.remediation_checklist, ["Review sex."]);
}

#[test]
fn answers_that_are_no_text_for_a_certificate_are_rejected() {
    for answer in ["", "See https://example.org", "<b>All</b> is well.", &"long ".repeat(2_000), "It is twice as bad."]
    {
        assert!(check(answer, adult()).is_err(), "{answer:.20}");
    }
}

#[test]
fn a_rejected_answer_leaves_the_template_with_the_reason() {
    let note = check("The overall score is 99.9 points.", adult()).unwrap_err().to_string();
    let narrative = template(adult()).with_status(NarrativeStatus::Error, Some(note.clone()));
    let body = adult().clone().into_body(identity(), Some(narrative));
    assert_eq!(body.layer_results.gemini_governance.gemini_status, "error");
    assert_eq!(body.layer_results.gemini_governance.note, Some(note));
}

#[test]
fn the_prompt_holds_numbers_and_names_only() {
    let prompt = prompt(adult()).to_string();
    assert!(prompt.contains("selection_rate") && prompt.contains("Female"));
    // Free text of findings and column notes stays here.
    assert!(!prompt.contains(&adult().findings[0].message));
    assert!(prompt.len() < 120_000, "{} bytes", prompt.len());
}
