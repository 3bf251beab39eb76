//! The interactions interface: every documented text in its order, results, the log, checks, batches, tokens, erasure.

use assize_server::app::{Caller, KeyInterface, NewKey, OrganizationId, PlanChange, Role};
use assize_server::config::InteractionPlan;
use assize_store::interaction_accounts::Plan;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Start, TestApp, json as body_of};

/// A server with a key of an organization of its own.
struct Bench {
    app: TestApp,
    key: String,
    organization: OrganizationId,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut Start)) -> Self {
        let mut start = Start::default();
        change(&mut start);
        let app = start.start().await;
        let organization = OrganizationId::parse("org_acme").unwrap();
        app.app.ensure_organization(&organization, "Acme").await.unwrap();
        let key = key(&app, &organization, Role::Owner).await;
        Self { app, key, organization }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.send_with(method, path, body, &[("x-api-key", &self.key)]).await
    }

    async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
        headers: &[(&str, &str)],
    ) -> Response {
        let mut request = self.app.client.request(method, format!("{}{path}", self.app.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(Method::POST, path, body.to_string()).await
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, "").await
    }

    /// Submits and answers the id.
    async fn submitted(&self, body: &Value) -> String {
        let response = self.post("/", body).await;
        let status = response.status();
        let answer = body_of(response).await;
        assert_eq!(status, 200, "{answer}");
        answer["submission_id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of an audit.
    async fn audited(&self, id: &str) -> Value {
        let path = format!("/v1/interactions/{id}");
        self.app
            .until("an audited interaction", async |_| {
                let found = body_of(self.get(&path).await).await;
                (found["state"] != "pending").then_some(found)
            })
            .await
    }

    async fn refusal(&self, response: Response, status: u16) -> String {
        assert_eq!(response.status(), status);
        let body = body_of(response).await;
        assert_eq!(body["status"], "error", "{body}");
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        body["error"].as_str().unwrap().to_owned()
    }
}

async fn key(app: &TestApp, organization: &OrganizationId, role: Role) -> String {
    let caller = Caller::operator(organization.clone());
    let new = NewKey { name: "test".to_owned(), interface: KeyInterface::Interactions, role, expires_at: None };
    app.app.create_key(&caller, &new).await.unwrap().secret
}

fn interaction() -> Value {
    json!({
        "user_id": "user_12345",
        "company_name": "Example Corp",
        "use_case": "Customer Support",
        "timestamp": "2026-11-21T10:00:00Z",
        "your_company_user_id": "internal_user_001",
        "your_company_user_session_id": "session_abc123",
        "model_version": "gpt-4-turbo",
        "input": { "value": "How do I delete my account?", "format": "text", "country": "Germany" },
        "output": { "value": "To delete your account, please click the 'Delete Account' button in settings.",
            "format": "text", "country": "global" },
    })
}

fn leaking() -> Value {
    let mut body = interaction();
    body["your_company_user_id"] = json!("internal_user_002");
    body["input"]["value"] = json!("Who is the customer with the late invoice?");
    body["output"]["value"] =
        json!("That is Maria Schneider, maria.schneider@nordwind-logistik.de, card 4111 1111 1111 1111.");
    body
}

#[tokio::test]
async fn the_documented_submission_is_answered_as_documented_and_audited() {
    let bench = Bench::new(|_| {}).await;
    assert!(bench.key.starts_with("sk-viri-") && bench.key.len() >= 28);
    for path in ["/", "/v1/interactions"] {
        let response = bench.post(path, &interaction()).await;
        assert_eq!(response.status(), 200);
        let answer = body_of(response).await;
        let id = answer["submission_id"].as_str().unwrap().to_owned();
        let expected =
            json!({ "submission_id": id, "message": "Success, entry undergoing audit.", "status": "success" });
        assert_eq!(answer, expected);
        let (number, letters) = id.strip_prefix("VIRI-").unwrap().split_once('X').unwrap();
        assert!(number.len() == 7 && letters.len() == 5, "{id}");
        let found = bench.audited(&id).await;
        assert_eq!((&found["state"], &found["compliance_status"]), (&json!("audited"), &json!("Fully Compliant")));
        assert_eq!((&found["risk_score"], &found["input_country"]), (&json!(0.0), &json!("DE")));
        let result = &found["result"];
        for member in [
            "compliance_status",
            "risk_score",
            "regulation_violations",
            "pii",
            "secrets",
            "safety_issues",
            "remediation_steps",
            "safe_input",
            "safe_output",
            "explanation",
            "engine",
            "audit_ms",
        ] {
            assert!(!result[member].is_null(), "{member}: {result}");
        }
        assert_eq!(result["safe_input"], "How do I delete my account?");
    }
    bench.app.stop().await;
}

#[tokio::test]
async fn checks_come_in_the_documented_order_with_the_documented_texts() {
    let bench = Bench::new(|start| start.config.interactions.default_plan = InteractionPlan::None).await;
    let operator = Caller::operator(OrganizationId::public());
    // Key, before anything else.
    let response = bench.send_with(Method::POST, "/", "nonsense", &[]).await;
    assert_eq!(bench.refusal(response, 401).await, "API key required in X-API-Key header");
    for bad in ["sk-viri-aaaaaaaaaaaaaaaaaaaaaaaa", "nothing", ""] {
        let response = bench.send_with(Method::POST, "/", "nonsense", &[("x-api-key", bad)]).await;
        assert_eq!(bench.refusal(response, 401).await, "Unauthorized access!");
    }
    // Plan, before the body.
    let response = bench.send(Method::POST, "/", "nonsense").await;
    assert_eq!(bench.refusal(response, 403).await, "No Subscription");
    let premium = PlanChange::Plan(Plan::Premium, 0);
    bench.app.app.change_plan(&operator, &bench.organization, premium).await.unwrap();
    // Body, before the tokens.
    let mut long = interaction();
    long["input"]["value"] = json!(" one".repeat(2_001));
    let mut wrong = long.clone();
    wrong["user_id"] = Value::Null;
    assert_eq!(bench.refusal(bench.post("/", &wrong).await, 400).await, "user_id required in request body");
    // Tokens, before the balance.
    assert_eq!(bench.refusal(bench.post("/", &long).await, 400).await, "Tokens above the limit of 2k");
    assert_eq!(bench.refusal(bench.post("/", &interaction()).await, 403).await, "Insufficient Tokens");
    bench.app.app.change_plan(&operator, &bench.organization, PlanChange::Tokens(1_000)).await.unwrap();
    bench.submitted(&interaction()).await;
    // A literal `new Date()`, as the document's own curl has it.
    let literal = interaction().to_string().replace("\"2026-11-21T10:00:00Z\"", "new Date()");
    let told = bench.refusal(bench.send(Method::POST, "/", literal).await, 400).await;
    assert!(told.contains("ISO 8601"), "{told}");
    bench.app.stop().await;
}

#[tokio::test]
async fn two_thousand_tokens_pass_and_one_more_does_not() {
    let bench = Bench::new(|_| {}).await;
    let mut body = interaction();
    body["input"]["value"] = json!(" one".repeat(1_999));
    body["output"]["value"] = json!(" one");
    bench.submitted(&body).await;
    body["output"]["value"] = json!(" one two");
    assert_eq!(bench.refusal(bench.post("/", &body).await, 400).await, "Tokens above the limit of 2k");
    // A body beyond any bound says the same.
    body["output"]["value"] = json!("x".repeat(5 << 20));
    assert_eq!(bench.refusal(bench.post("/", &body).await, 400).await, "Tokens above the limit of 2k");
    let usage = body_of(bench.get("/v1/usage").await).await;
    assert_eq!((&usage["plan"], &usage["used"]), (&json!("unlimited"), &json!(2_000)));
    bench.app.stop().await;
}

#[tokio::test]
async fn a_leak_is_found_masked_and_searchable() {
    let bench = Bench::new(|_| {}).await;
    let id = bench.submitted(&leaking()).await;
    let clean = bench.submitted(&interaction()).await;
    let found = bench.audited(&id).await;
    bench.audited(&clean).await;
    assert_eq!(found["compliance_status"], "Non-Compliant", "{found}");
    let entities: Vec<&str> = found["entities"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(entities.contains(&"CREDIT_CARD") && entities.contains(&"EMAIL"), "{entities:?}");
    let told = found.to_string();
    assert!(!told.contains("4111 1111") && !told.contains("maria.schneider@"), "{told}");
    assert!(found["result"]["regulation_violations"].as_array().is_some_and(|list| !list.is_empty()));
    let only = async |query: &str| {
        let page = body_of(bench.get(&format!("/v1/interactions?{query}")).await).await;
        let rows = page["interactions"].as_array().unwrap_or_else(|| panic!("{query}: {page}")).clone();
        rows.iter().map(|row| row["submission_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(only("").await, [clean.clone(), id.clone()]);
    for query in [
        "entity=EMAIL",
        "compliance_status=Non-Compliant",
        "risk_min=6",
        "q=late+invoice",
        "q=CUSTOMER",
        "your_company_user_id=internal_user_002",
        &format!("submission_id={id}"),
        "country=germany&risk_min=6",
        &format!("regulation={}", found["regulations"][0].as_str().unwrap()),
    ] {
        assert_eq!(only(query).await, std::slice::from_ref(&id), "{query}");
    }
    let other_letters = format!("submission_id={}zzzzz", &id[..id.len() - 5]);
    for query in [
        other_letters.as_str(),
        "submission_id=nonsense",
        "q=maria",
        "q=4111",
        "entity=US_SSN",
        "since=2030-01-01T00:00:00Z",
        "country=FR",
        "state=failed",
    ] {
        assert!(only(query).await.is_empty(), "{query}");
    }
    let first = body_of(bench.get("/v1/interactions?limit=1").await).await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(only(&format!("limit=1&cursor={next}")).await, std::slice::from_ref(&id));
    let csv = bench.get("/v1/interactions/export?format=csv&entity=EMAIL").await.text().await.unwrap();
    assert!(csv.lines().count() == 2 && csv.contains(&id), "{csv}");
    let array = body_of(bench.get("/v1/interactions/export?format=json").await).await;
    assert_eq!(array.as_array().unwrap().len(), 2);
    assert_eq!(array[1]["result"], found["result"]);
    let one = body_of(bench.get(&format!("/v1/interactions/{id}/export?format=json")).await).await;
    assert_eq!(one, found);
    bench.app.stop().await;
}

#[tokio::test]
async fn nothing_that_was_said_lies_readable_in_the_home() {
    let bench = Bench::new(|_| {}).await;
    let id = bench.submitted(&leaking()).await;
    bench.audited(&id).await;
    for file in bench.app.files("") {
        let bytes = std::fs::read(&file).unwrap();
        for secret in ["schneider", "4111 1111", "late invoice"] {
            let found = bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{secret} lies open in {}", file.display());
        }
    }
    bench.app.stop().await;
}

#[tokio::test]
async fn a_check_answers_at_once_and_is_kept_unless_told_otherwise() {
    let bench = Bench::new(|_| {}).await;
    let response = bench.post("/v1/interactions/check", &leaking()).await;
    assert_eq!(response.status(), 200);
    let checked = body_of(response).await;
    assert_eq!(checked["compliance_status"], "Non-Compliant");
    let kept = bench.audited(checked["submission_id"].as_str().unwrap()).await;
    assert_eq!(kept["result"]["safe_output"], checked["safe_output"]);
    assert_eq!(kept["audited_at"].is_null(), checked["submission_id"].is_null());
    let unkept = body_of(bench.post("/v1/interactions/check?record=false", &leaking()).await).await;
    assert!(unkept["submission_id"].is_null());
    let page = body_of(bench.get("/v1/interactions").await).await;
    assert_eq!(page["interactions"].as_array().unwrap().len(), 1);
    let metrics = bench.get("/internal/metrics").await.text().await.unwrap();
    assert!(metrics.contains("assize_interaction_audits_total{outcome=\"non_compliant\"} 1\n"), "{metrics}");
    let usage = body_of(bench.get("/v1/usage").await).await;
    assert_eq!(usage["used"], 2 * checked["tokens"].as_u64().unwrap());
    bench.app.stop().await;
}

#[tokio::test]
async fn values_are_put_back_by_who_holds_the_key() {
    let bench = Bench::new(|_| {}).await;
    let key = "//////////////////////////////////////////8=";
    let (mine, own) = (("x-restore-key", key), ("x-api-key", bench.key.as_str()));
    let post = async |path: &str, body: &Value, with: &[(&str, &str)]| {
        bench.send_with(Method::POST, path, body.to_string(), with).await
    };
    let (check, restore) = ("/v1/interactions/check", "/v1/interactions/restore");
    let checked = body_of(post(check, &leaking(), &[own, mine]).await).await;
    let (safe, blob) = (checked["safe_output"].as_str().unwrap(), checked["restore_blob"].as_str().unwrap());
    let ask = json!({ "text": safe, "restore_blob": blob });
    let back = body_of(post(restore, &ask, &[own, mine]).await).await;
    assert_eq!(back["text"], leaking()["output"]["value"], "{back}");
    let without = body_of(post(check, &leaking(), &[own]).await).await;
    assert!(without.get("restore_blob").is_none());
    let kept = bench.audited(checked["submission_id"].as_str().unwrap()).await;
    assert!(!kept.to_string().contains(blob), "a blob is not kept");
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (path, body, with, says) in [
        (restore, &ask, &[own, ("x-restore-key", other)][..], "another key"),
        (restore, &ask, &[own], "X-Restore-Key"),
        (restore, &json!({ "text": safe }), &[own, mine], "restore_blob"),
        (restore, &json!({ "text": "", "restore_blob": "?" }), &[own, mine], "restore_blob"),
        (check, &leaking(), &[own, ("x-restore-key", "short")], "32 bytes in base64"),
    ] {
        let told = bench.refusal(post(path, body, with).await, 400).await;
        assert!(told.contains(says), "{told}");
    }
    assert_eq!(post(restore, &ask, &[mine]).await.status(), 401);
    bench.app.stop().await;
}

#[tokio::test]
async fn batches_are_answered_line_by_line_in_order() {
    let bench = Bench::new(|_| {}).await;
    let lines = [
        json!({ "id": "a", "text": "write to lena@nordwind-logistik.de" }).to_string(),
        "not json".to_owned(),
        json!({ "id": { "n": 1 }, "text": 7 }).to_string(),
        String::new(),
        leaking().to_string(),
    ];
    let response = bench.send(Method::POST, "/v1/interactions/batch", lines.join("\n")).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 4);
    assert_eq!((&answers[0]["id"], &answers[0]["pii"][0]["type"]), (&json!("a"), &json!("EMAIL")));
    assert!(answers[1]["error"].as_str().unwrap().contains("not valid JSON"));
    assert_eq!((&answers[2]["id"], &answers[2]["error"]), (&json!({ "n": 1 }), &json!("text must be a string")));
    assert!(answers[3]["submission_id"].is_string() && answers[3]["compliance_status"] == "Non-Compliant");
    let many = "{\"text\": \"x\"}\n".repeat(1_001);
    let told = bench.refusal(bench.send(Method::POST, "/v1/interactions/batch", many).await, 400).await;
    assert!(told.contains("1000 lines"), "{told}");
    bench.app.stop().await;
}

#[tokio::test]
async fn a_request_that_names_itself_is_charged_once() {
    let bench = Bench::new(|_| {}).await;
    let named = [("x-api-key", bench.key.as_str()), ("idempotency-key", "one")];
    let body = interaction().to_string();
    let first = body_of(bench.send_with(Method::POST, "/", body.clone(), &named).await).await;
    let again = bench.send_with(Method::POST, "/", body, &named).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(body_of(again).await, first);
    let other = bench.send_with(Method::POST, "/", leaking().to_string(), &named).await;
    assert_eq!(other.status(), 422);
    let page = body_of(bench.get("/v1/interactions").await).await;
    assert_eq!(page["interactions"].as_array().unwrap().len(), 1);
    bench.app.stop().await;
}

#[tokio::test]
async fn a_person_is_erased_from_the_log_and_from_what_copies_hold() {
    let bench = Bench::new(|_| {}).await;
    let (gone, stays) = (bench.submitted(&leaking()).await, bench.submitted(&interaction()).await);
    bench.audited(&gone).await;
    bench.audited(&stays).await;
    let viewer = key(&bench.app, &bench.organization, Role::Admin).await;
    let body = json!({ "your_company_user_id": "internal_user_002" }).to_string();
    let response =
        bench.send_with(Method::POST, "/v1/interactions/erase", body.clone(), &[("x-api-key", &viewer)]).await;
    assert_eq!(response.status(), 403);
    assert_eq!(body_of(bench.send(Method::POST, "/v1/interactions/erase", body).await).await, json!({ "erased": 1 }));
    let erased = body_of(bench.get(&format!("/v1/interactions/{gone}")).await).await;
    assert_eq!((&erased["state"], &erased["result"]), (&json!("erased"), &Value::Null));
    assert_eq!(erased["your_company_user_id"], Value::Null);
    assert!(!body_of(bench.get(&format!("/v1/interactions/{stays}")).await).await["result"].is_null());
    // The person may come back, with a key that is new.
    let again = bench.submitted(&leaking()).await;
    assert_eq!(bench.audited(&again).await["state"], "audited");
    bench.app.stop().await;
}

#[tokio::test]
async fn roles_are_kept_and_other_organizations_find_nothing() {
    let bench = Bench::new(|_| {}).await;
    let id = bench.submitted(&interaction()).await;
    let submitter = key(&bench.app, &bench.organization, Role::Submitter).await;
    let viewer = key(&bench.app, &bench.organization, Role::Viewer).await;
    let stranger = key(&bench.app, &OrganizationId::public(), Role::Owner).await;
    let path = format!("/v1/interactions/{id}");
    for (key, method, path, status) in [
        (&submitter, Method::POST, "/", 200),
        (&submitter, Method::GET, path.as_str(), 403),
        (&viewer, Method::POST, "/", 403),
        (&viewer, Method::GET, path.as_str(), 200),
        (&stranger, Method::GET, path.as_str(), 404),
        (&viewer, Method::GET, "/v1/interactions/VIRI-0000001Xaaaaa", 404),
        (&viewer, Method::GET, "/v1/usage", 200),
        (&submitter, Method::GET, "/v1/usage", 403),
    ] {
        let response = bench.send_with(method.clone(), path, interaction().to_string(), &[("x-api-key", key)]).await;
        assert_eq!(response.status(), status, "{method} {path}");
    }
    bench.app.stop().await;
}

#[tokio::test]
async fn many_at_once_are_each_numbered_charged_and_audited_once() {
    let bench = Bench::new(|_| {}).await;
    let sent = (0..200).map(|n| {
        let mut body = interaction();
        body["your_company_user_id"] = json!(format!("user_{}", n % 7));
        let bench = &bench;
        async move { bench.submitted(&body).await }
    });
    let mut ids = futures::future::join_all(sent).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    for (number, id) in (1..).zip(&ids) {
        assert!(id.starts_with(&format!("VIRI-{number:07}X")), "{id}");
    }
    let usage = bench
        .app
        .until("all audits", async |_| {
            let usage = body_of(bench.get("/v1/usage").await).await;
            (usage["by_day"][0]["submissions"] == 200).then_some(usage)
        })
        .await;
    assert_eq!(usage["by_day"][0]["tokens"], usage["used"]);
    assert_eq!(usage["by_day"][0]["fully_compliant"], 200);
    let ledger = body_of(bench.get("/v1/usage/ledger?limit=500").await).await;
    let charged: i64 = ledger["entries"].as_array().unwrap().iter().map(|line| line["tokens"].as_i64().unwrap()).sum();
    assert_eq!(charged, -usage["used"].as_i64().unwrap());
    bench.app.stop().await;
}

#[tokio::test]
async fn when_too_much_waits_clients_are_told_when_to_come_back() {
    let bench = Bench::new(|start| {
        start.worker = false;
        start.config.interactions.queue_max = 3;
    })
    .await;
    for _ in 0..3 {
        bench.submitted(&interaction()).await;
    }
    let response = bench.post("/", &interaction()).await;
    assert_eq!(response.headers()["retry-after"], "2");
    bench.refusal(response, 503).await;
    bench.app.stop().await;
}

#[tokio::test]
async fn hostile_texts_end_in_an_answer() {
    let bench = Bench::new(|_| {}).await;
    let texts = [
        "\u{0}\u{0}".to_owned(),
        "e\u{301}".repeat(500),
        "\u{202e}\u{200b}\u{feff}".repeat(100),
        "[".repeat(1_500),
        "a@".repeat(600),
        "👩‍👩‍👧‍👦".repeat(60),
        "((((a+)+)+)+)+$".repeat(80),
    ];
    for text in texts {
        let mut body = interaction();
        body["input"]["value"] = json!(text);
        let checked = body_of(bench.post("/v1/interactions/check", &body).await).await;
        assert_eq!(checked["status"], "success", "{text:?}: {checked}");
    }
    let mut nested = interaction();
    nested["input"]["format"] = json!("json");
    nested["input"]["value"] = json!(format!("{}1{}", "[".repeat(600), "]".repeat(600)));
    let response = bench.post("/", &nested).await;
    assert!(response.status() == 200 || response.status() == 400, "{}", response.status());
    for bad in ["{\"user_id\": \"\\ud800\"}".as_bytes().to_vec(), b"{\"user_id\": \"\xff\"}".to_vec(), vec![0; 10]] {
        let response = bench.send(Method::POST, "/", bad).await;
        bench.refusal(response, 400).await;
    }
    bench.app.stop().await;
}

/// A judge that answers with this text; the checked interaction, and what the judge was sent.
async fn judged(answer: &str, body: &Value) -> (Value, Vec<String>) {
    let service = wiremock::MockServer::start().await;
    let answer = json!({ "choices": [{ "message": { "role": "assistant", "content": answer } }] });
    wiremock::Mock::given(wiremock::matchers::path("/v1/chat/completions"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(answer))
        .mount(&service)
        .await;
    let bench = Bench::new(|start| {
        start.config.judge.provider = assize_server::config::NarrativeProvider::Openai;
        start.config.judge.base_url = Some(service.uri());
        start.config.judge.model = "stand-in".to_owned();
        start.config.judge.allow_private = vec!["127.0.0.1".to_owned()];
    })
    .await;
    let checked = body_of(bench.post("/v1/interactions/check", body).await).await;
    let id = bench.submitted(body).await;
    let audited = bench.audited(&id).await;
    assert_eq!(audited["result"]["safety_issues"], checked["safety_issues"]);
    bench.app.stop().await;
    let sent = service.received_requests().await.unwrap();
    (checked, sent.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect())
}

#[tokio::test]
async fn a_judge_sees_safe_versions_and_may_raise_what_it_sees() {
    let answer = r#"{"issues": [{"category": "A5", "side": "output", "score": 0.9}]}"#;
    let (checked, sent) = judged(answer, &leaking()).await;
    assert_eq!(checked["judge"], json!({ "model": "stand-in", "outcome": "answered" }));
    assert!(checked["safety_issues"].as_array().unwrap().iter().any(|issue| issue["category"] == "A5"), "{checked}");
    assert_eq!(sent.len(), 1, "the same safe versions are judged once");
    assert!(!sent[0].contains("4111") && !sent[0].contains("schneider"), "{}", sent[0]);
    // What check digits found is none of its business.
    assert!(checked["pii"].as_array().unwrap().iter().any(|finding| finding["type"] == "CREDIT_CARD"));
}

#[tokio::test]
async fn a_judge_without_an_answer_changes_nothing() {
    let (checked, _) = judged("I would rather not.", &interaction()).await;
    assert_eq!(checked["judge"]["outcome"], "no_answer");
    assert_eq!((&checked["risk_score"], &checked["compliance_status"]), (&json!(0.0), &json!("Fully Compliant")));
}
