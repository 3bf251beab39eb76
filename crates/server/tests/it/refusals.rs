//! What cannot be audited is refused with what to change, and leaves nothing behind.

use assize_server::config::Config;

use crate::harness::{Form, Start, TestApp, detail, people};

#[tokio::test]
async fn forms_that_cannot_be_audited_are_422_and_leave_nothing() {
    let app = TestApp::start().await;
    let ragged = people().replacen("Utopia", "Utopia,surplus", 1);
    let complete = Form::complete;
    for (what, form, expected) in [
        (
            "nothing at all",
            Form::default(),
            "dataset_file, model_name, organization, domain, target_column, protected_attributes",
        ),
        ("two fields missing", complete().without("domain").without("organization"), "organization, domain"),
        ("no file", complete().without("dataset_file"), "dataset_file"),
        ("an empty field", complete().text("model_name", "  "), "model_name"),
        ("unknown protected column", complete().text("protected_attributes", "race,colour"), "colour"),
        ("unknown target", complete().text("target_column", "outcome"), "outcome"),
        ("target with many values", complete().text("target_column", "education"), "education"),
        ("a single group", complete().text("protected_attributes", "country"), "country"),
        ("an empty file", complete().file("dataset_file", "empty.csv", b""), ""),
        ("a header alone", complete().file("dataset_file", "head.csv", b"race,sex,age,income\n"), ""),
        ("not a table", complete().file("dataset_file", "image.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00"), ""),
        ("a ragged row", complete().file("dataset_file", "ragged.csv", ragged.as_bytes()), "line"),
        ("a label that does not occur", complete().text("positive_label", "maybe"), "maybe"),
        ("thresholds that are no object", complete().text("thresholds", "[0.8]"), "thresholds"),
        ("a seed that is no number", complete().text("seed", "lucky"), "seed"),
        ("an unknown prediction column", complete().text("prediction_column", "verdict"), "verdict"),
        ("a field sent twice", complete().also("domain", "loan"), "domain"),
    ] {
        let response = app.post("/audit/full", &form).await;
        let status = response.status();
        let detail = detail(response).await;
        assert_eq!(status, 422, "{what}: {detail}");
        assert!(detail.contains(expected), "{what}: {detail}");
        assert!(!detail.contains("spool") && !detail.contains("/tmp"), "{what} shows a path of the server: {detail}");
        app.assert_clean().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn bodies_that_are_no_form_are_422() {
    let app = TestApp::start().await;
    let url = format!("{}/audit/full", app.url);
    for (content_type, body) in [
        ("application/json", "{}"),
        ("application/x-www-form-urlencoded", "model_name=a"),
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"domain\"\r\n\r\nloan"),
        ("multipart/form-data; boundary=x", "rubbish"),
    ] {
        let response = app.client.post(&url).header("content-type", content_type).body(body).send().await.unwrap();
        assert_eq!(response.status(), 422, "{content_type}: {body}");
        assert!(!detail(response).await.is_empty());
    }
    let none = app.client.post(&url).send().await.unwrap();
    assert_eq!(none.status(), 422);
    assert!(app.jobs().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn repeated_protected_attributes_are_one_list() {
    let app = TestApp::start().await;
    let form = Form::complete().text("prediction_column", "decision").text("protected_attributes", "race");
    let response = app.post("/audit/full", &form.also("protected_attributes", "sex")).await;
    assert_eq!(response.status(), 200);
    let certificate = crate::harness::json(response).await;
    assert_eq!(certificate["parameters"]["protected_attributes"], serde_json::json!(["race", "sex"]));
    app.finish().await;
}

#[tokio::test]
async fn files_and_fields_at_their_bound_pass_and_beyond_it_are_413() {
    let data = people();
    let mut config = Config::default();
    config.limits.dataset_bytes_max = data.len() as u64;
    config.limits.model_bytes_max = 10;
    config.limits.field_bytes_max = 100;
    let app = Start { config, ..Start::default() }.start().await;
    let form = Form::complete().text("prediction_column", "decision");
    let at_bound = form.clone().also("comment", &"x".repeat(100));
    assert_eq!(app.post("/audit/full", &at_bound).await.status(), 200);
    for (what, form) in [
        ("dataset_file", form.clone().file("dataset_file", "people.csv", format!("{data}\n").as_bytes())),
        ("model_file", form.clone().file("model_file", "model.onnx", &[0; 11])),
        ("comment", form.clone().also("comment", &"x".repeat(101))),
    ] {
        let response = app.post("/audit/full", &form).await;
        assert_eq!(response.status(), 413, "{what}");
        assert!(detail(response).await.contains(what), "{what}");
        app.assert_clean().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_full_queue_is_503_with_retry_after() {
    let mut start = Start::idle(&assize_server::clock::MockClock::default());
    start.config.limits.queued_audits_max = 1;
    let app = start.start().await;
    let form = Form::complete();
    assert_eq!(app.post("/audit/full?async=true", &form).await.status(), 202);
    let refused = app.post("/audit/full?async=true", &form).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(app.files("spool").is_empty());
    app.stop().await;
}
