//! The narrative from a language model, played by a local stand-in: it gets numbers and names, its text is used when
//! every number in it was measured, and the deterministic text stands in for it otherwise.

use assize_server::config::{Config, NarrativeProvider, Secret};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::harness::Start;

fn config(service: &MockServer) -> Config {
    let mut config = Config::default();
    config.narrative.provider = NarrativeProvider::Openai;
    config.narrative.base_url = Some(service.uri());
    config.narrative.api_key = Some(Secret::new("sk-test"));
    config.narrative.model = "stand-in".to_owned();
    config.narrative.allow_private = vec!["127.0.0.1".to_owned()];
    config
}

/// An audit whose narrative service answers with this text; the certificate, and what the service was sent.
async fn narrated(text: &str) -> (Value, Vec<Request>) {
    let service = MockServer::start().await;
    let answer = json!({ "choices": [{ "message": { "role": "assistant", "content": text } }] });
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&service)
        .await;
    let app = Start { config: config(&service), ..Start::default() }.start().await;
    let certificate = app.certified().await;
    app.finish().await;
    (certificate, service.received_requests().await.unwrap())
}

fn governance(certificate: &Value) -> &Value {
    &certificate["layer_results"]["gemini_governance"]
}

#[tokio::test]
async fn a_text_whose_numbers_were_measured_is_used() {
    let (plain, _) = narrated("").await;
    let score = plain["overall_score"].as_f64().unwrap();
    let status = plain["certification_status"].as_str().unwrap();
    let text = format!("The audit ends with the status {status}. The overall score is {score:.2} of 100.");
    let (certificate, _) = narrated(&text).await;
    let told = governance(&certificate);
    assert_eq!(told["gemini_status"], "ok", "{told}");
    assert_eq!(told["narrative_source"], "stand-in");
    assert!(certificate["narrative"].as_str().unwrap().contains(&format!("{score:.2}")));
}

#[tokio::test]
async fn a_number_that_was_not_measured_is_refused_by_name() {
    let (certificate, _) = narrated("The overall score is 99.87 of 100 and women are selected at 0.9713.").await;
    let told = governance(&certificate);
    assert_eq!(told["gemini_status"], "error", "{told}");
    assert_eq!(told["narrative_source"], "template");
    assert!(told["note"].as_str().unwrap().contains("99.87"), "{told}");
    assert!(!certificate["narrative"].as_str().unwrap().contains("99.87"));
}

#[tokio::test]
async fn the_service_is_sent_numbers_and_names_but_no_row() {
    let (_, requests) = narrated("").await;
    assert_eq!(requests.len(), 1);
    let sent = String::from_utf8(requests[0].body.clone()).unwrap();
    assert!(sent.contains("selection_rate") || sent.contains("selection rate"), "{sent}");
    let data = crate::harness::people();
    let row = data.lines().nth(1).unwrap();
    assert!(!sent.contains(row), "a row was sent");
    assert!(sent.len() < 100_000, "{} bytes", sent.len());
}
