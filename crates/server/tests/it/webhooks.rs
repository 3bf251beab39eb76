//! Webhooks: what is sent, how it is signed, when it is tried again and when it is given up.

use std::time::Duration;

use assize_server::app::{Caller, OrganizationId, PlanChange, Role};
use assize_server::clock::MockClock;
use assize_server::config::Config;
use assize_store::interaction_accounts::Plan;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::harness::{Start, TestApp, json};
use crate::identity::key;

/// A server that may call this machine, a receiver on it, and a key of an organization.
struct Bench {
    server: TestApp,
    receiver: MockServer,
    key: String,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut Start)) -> Self {
        let mut start = Start { config: allowing(), ..Start::default() };
        change(&mut start);
        let server = start.start().await;
        let key = key(&server.app, "acme", Role::Owner).await;
        Self { server, receiver: MockServer::start().await, key }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.server.ask(method, path, &self.key, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn create(&self, events: &[&str], secret: Option<&str>) -> (String, String) {
        let body = json!({ "url": format!("{}/hook", self.receiver.uri()), "events": events, "secret": secret });
        let (status, made) = self.ask(Method::POST, "/v1/webhooks", Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    /// The receiver answers like this from now on, `times` times.
    async fn answer(&self, status: u16, times: u64) {
        let answer = ResponseTemplate::new(status).set_body_string(format!("told {status}"));
        Mock::given(method("POST")).respond_with(answer).up_to_n_times(times).mount(&self.receiver).await;
    }

    async fn test(&self, id: &str) -> Value {
        let (status, delivery) = self.ask(Method::POST, &format!("/v1/webhooks/{id}/test"), None).await;
        assert_eq!((status, &delivery["state"]), (201, &json!("queued")), "{delivery}");
        delivery
    }

    async fn deliveries(&self, id: &str) -> Vec<Value> {
        let (_, found) = self.ask(Method::GET, &format!("/v1/webhooks/{id}/deliveries"), None).await;
        found["deliveries"].as_array().unwrap().clone()
    }

    /// Waits until the newest delivery is as `look` wants it.
    async fn newest(&self, id: &str, look: impl Fn(&Value) -> bool) -> Value {
        let found = async |_: &TestApp| self.deliveries(id).await.into_iter().next().filter(&look);
        self.server.until("a delivery", found).await
    }

    async fn received(&self) -> Vec<Request> {
        self.receiver.received_requests().await.unwrap()
    }
}

fn allowing() -> Config {
    let mut config = Config::default();
    config.webhooks.allow_private = vec!["127.0.0.1".to_owned()];
    config
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers[name].to_str().unwrap()
}

/// The signature as a receiver computes it.
fn signature(key: &[u8], request: &Request) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{}.{}.", header(request, "webhook-id"), header(request, "webhook-timestamp")).as_bytes());
    mac.update(&request.body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// What the Python example of `docs/webhooks.md` says of a request with this body.
fn documented_check_passes(secret: &str, request: &Request, body: &[u8]) -> bool {
    let docs = std::path::Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../docs/webhooks.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let example = docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let headers: std::collections::BTreeMap<&str, &str> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .into_iter()
        .map(|name| (name, header(request, name)))
        .collect();
    let call = format!(
        "{example}\nimport json, sys\nprint(is_genuine(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3].encode(), 1e12))"
    );
    let output = std::process::Command::new("/usr/bin/python3")
        .args(["-c", &call, secret, &serde_json::to_string(&headers).unwrap(), std::str::from_utf8(body).unwrap()])
        .output()
        .unwrap();
    match String::from_utf8(output.stdout).unwrap().trim() {
        "True" => true,
        "False" => false,
        other => panic!("{other}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn decoded(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()
}

#[tokio::test]
async fn a_test_arrives_signed_and_its_secret_is_shown_once() {
    let bench = Bench::new(|_| {}).await;
    bench.answer(200, 9).await;
    let (id, secret) = bench.create(&["webhook.test"], None).await;
    let queued = bench.test(&id).await;
    let delivered = bench.newest(&id, |delivery| delivery["state"] == "delivered").await;
    let requests = bench.received().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(header(&requests[0], "webhook-id"), queued["id"].as_str().unwrap());
    assert_eq!(header(&requests[0], "webhook-signature"), signature(&decoded(&secret), &requests[0]));
    assert!(documented_check_passes(&secret, &requests[0], &requests[0].body), "the example of the documentation");
    assert!(!documented_check_passes(&secret, &requests[0], b"{}"), "a changed body is none of ours");
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!((&body["event"], &body["data"]["webhook_id"]), (&json!("webhook.test"), &json!(id)));
    assert!(body["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{body}");
    assert_eq!((&delivered["request"], &queued["request"]), (&body, &body));
    assert_eq!(
        (&delivered["response_status"], &delivered["response"], &delivered["attempts"]),
        (&json!(200), &json!("told 200"), &json!(1))
    );

    // For a day both secrets sign.
    let (status, rotated) = bench.ask(Method::POST, &format!("/v1/webhooks/{id}/rotate-secret"), None).await;
    assert_eq!(status, 201, "{rotated}");
    let newer = rotated["secret"].as_str().unwrap();
    assert_ne!(newer, secret);
    bench.test(&id).await;
    bench.newest(&id, |delivery| delivery["state"] == "delivered" && delivery["id"] != queued["id"]).await;
    let request = bench.received().await.pop().unwrap();
    let both = [signature(&decoded(newer), &request), signature(&decoded(&secret), &request)].join(" ");
    assert_eq!(header(&request, "webhook-signature"), both);
    for path in ["/v1/webhooks".to_owned(), format!("/v1/webhooks/{id}"), format!("/v1/webhooks/{id}/deliveries")] {
        let (_, shown) = bench.ask(Method::GET, &path, None).await;
        let shown = shown.to_string();
        assert!(!shown.contains("whsec_") && !shown.contains("\"secret\""), "{shown}");
    }
    let organization = OrganizationId::parse("org_acme").unwrap();
    let trail = format!("{:?}", bench.server.store.audit_trail().list(&organization, 0, 100).await.unwrap());
    assert!(trail.contains("webhook.create") && trail.contains("webhook.rotate_secret"), "{trail}");
    assert!(!trail.contains("whsec_") && !trail.contains("/hook"), "{trail}");
    bench.server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_with_everything_that_is_wrong() {
    let bench = Bench::new(|start| start.config.webhooks.allow_private.clear()).await;
    for (url, told) in [
        ("https://127.0.0.1/hook", "not public"),
        ("https://10.0.0.7/hook", "not public"),
        ("https://[::1]/hook", "not public"),
        ("https://2130706433/hook", "not public"),
        ("http://example.org/hook", "https"),
        ("ftp://example.org/", "https"),
        ("not a url", "https"),
        ("https://user:word@example.org/", "https"),
    ] {
        let body = json!({ "url": url, "events": ["model.deleted"], "secret": "short" });
        let (status, problem) = bench.ask(Method::POST, "/v1/webhooks", Some(body)).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_fields")), "{problem}");
        let text = problem.to_string();
        assert!(text.contains(told), "{url}: {text}");
        assert!(text.contains("interaction.audited") && text.contains("16 to 256"), "{text}");
    }
    let (status, found) = bench.ask(Method::GET, "/v1/webhooks", None).await;
    assert_eq!((status, &found["webhooks"]), (200, &json!([])));
    let viewer = key(&bench.server.app, "acme", Role::Auditor).await;
    let body = json!({ "url": "https://example.org/", "events": ["webhook.test"] });
    assert_eq!(bench.server.ask(Method::POST, "/v1/webhooks", &viewer, Some(body)).await.status(), 403);
    bench.server.stop().await;
}

#[tokio::test]
async fn a_failure_is_tried_again_and_a_redirect_is_not_followed() {
    let bench = Bench::new(|_| {}).await;
    let inward = ResponseTemplate::new(307).insert_header("location", "http://127.0.0.1:1/inward");
    Mock::given(method("POST")).respond_with(inward).up_to_n_times(1).mount(&bench.receiver).await;
    bench.answer(500, 1).await;
    bench.answer(204, 9).await;
    let (id, secret) = bench.create(&["webhook.test"], Some("your-webhook-secret")).await;
    assert_eq!(secret, "your-webhook-secret");
    bench.test(&id).await;
    let failed = bench.newest(&id, |delivery| delivery["attempts"] == 1).await;
    assert!(failed["last_error"].as_str().unwrap().contains("redirect"), "{failed}");
    let (_, webhook) = bench.ask(Method::GET, &format!("/v1/webhooks/{id}"), None).await;
    assert!(webhook["failing_since"].is_string() && webhook["active"] == true, "{webhook}");
    // A further test tries what waits at once, and in its order.
    bench.test(&id).await;
    bench
        .server
        .until("the second failure", async |_| {
            let oldest = bench.deliveries(&id).await.pop()?;
            (oldest["attempts"] == 2 && oldest["response_status"] == 500).then_some(())
        })
        .await;
    bench.test(&id).await;
    bench.newest(&id, |delivery| delivery["state"] == "delivered").await;
    let requests = bench.received().await;
    assert_eq!(requests.len(), 5, "three attempts at the first, one at each of the others");
    let ids: Vec<_> = requests.iter().map(|request| header(request, "webhook-id").to_owned()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[3] > ids[2] && ids[4] > ids[3], "{ids:?}");
    assert_eq!(header(&requests[4], "webhook-signature"), signature(secret.as_bytes(), &requests[4]));

    let redelivered = format!("/v1/webhooks/{id}/deliveries/{}/redeliver", ids[0]);
    let (status, delivery) = bench.ask(Method::POST, &redelivered, None).await;
    assert_eq!((status, &delivery["id"]), (200, &json!(ids[0])), "{delivery}");
    bench.server.until("the sixth request", async |_| (bench.received().await.len() == 6).then_some(())).await;
    let (status, _) =
        bench.ask(Method::POST, &format!("/v1/webhooks/{id}/deliveries/whd_{}/redeliver", "0".repeat(32)), None).await;
    assert_eq!(status, 404);
    assert_eq!(bench.ask(Method::DELETE, &format!("/v1/webhooks/{id}"), None).await.0, 204);
    assert_eq!(bench.ask(Method::GET, &format!("/v1/webhooks/{id}"), None).await.0, 404);
    bench.server.stop().await;
}

#[tokio::test]
async fn after_a_day_of_failures_a_webhook_is_switched_off() {
    let clock = MockClock::new("2026-11-21T12:00:00Z".parse().unwrap());
    let hands = clock.clone();
    let bench = Bench::new(|start| start.clock = std::sync::Arc::new(clock)).await;
    bench.answer(503, 99).await;
    let (id, _) = bench.create(&["webhook.test"], None).await;
    bench.test(&id).await;
    bench.newest(&id, |delivery| delivery["attempts"] == 1).await;
    hands.advance(Duration::from_secs(24 * 3_600 - 1));
    bench.test(&id).await;
    let path = format!("/v1/webhooks/{id}");
    let oldest = async |attempts: u64| {
        bench
            .server
            .until("an attempt", async |_| {
                bench.deliveries(&id).await.pop().filter(|oldest| oldest["attempts"] == attempts)
            })
            .await
    };
    assert_eq!(oldest(2).await["state"], "queued");
    assert_eq!(bench.ask(Method::GET, &path, None).await.1["active"], true);
    hands.advance(Duration::from_secs(2));
    let (_, webhook) =
        bench.ask(Method::PATCH, &path, Some(json!({ "url": format!("{}/other", bench.receiver.uri()) }))).await;
    assert_eq!(webhook["active"], true, "{webhook}");
    assert_eq!(oldest(3).await["state"], "failed");
    let (_, off) = bench.ask(Method::GET, &path, None).await;
    assert_eq!((&off["active"], &off["waiting"]), (&json!(false), &json!(1)), "{off}");
    assert!(off["last_error"].as_str().unwrap().starts_with("switched off"), "{off}");
    assert_eq!(bench.ask(Method::POST, &format!("{path}/test"), None).await.0, 409);
    let organization = OrganizationId::parse("org_acme").unwrap();
    let trail = format!("{:?}", bench.server.store.audit_trail().list(&organization, 0, 100).await.unwrap());
    assert!(trail.contains("webhook.switch_off"), "{trail}");
    bench.server.stop().await;
}

#[tokio::test]
async fn audited_interactions_are_told_without_their_texts() {
    let bench = Bench::new(|_| {}).await;
    bench.answer(200, 99).await;
    let (id, _) = bench.create(&["interaction.audited"], None).await;
    let organization = OrganizationId::parse("org_acme").unwrap();
    let caller = Caller::operator(OrganizationId::public());
    bench.server.app.change_plan(&caller, &organization, PlanChange::Plan(Plan::Unlimited, 0)).await.unwrap();
    let side = |value: &str| json!({ "value": value, "format": "text", "country": "DE" });
    let body = json!({
        "user_id": "person_1", "company_name": "Acme", "your_company_user_id": "user_1", "your_company_user_session_id": "session_1",
        "use_case": "Customer Support", "timestamp": "2026-11-21T10:00:00Z", "model_version": "gpt-4-turbo",
        "input": side("Who is late?"), "output": side("Maria Schneider, maria.schneider@nordwind-logistik.de."),
    });
    let answer = json(bench.server.ask(Method::POST, "/v1/interactions", &bench.key, Some(body)).await).await;
    let told = bench.newest(&id, |delivery| delivery["state"] == "delivered").await;
    assert_eq!(told["event"], "interaction.audited");
    let data = &told["request"]["data"];
    assert_eq!(data["submission_id"], answer["submission_id"], "{answer}");
    assert!(data["risk_score"].is_number() && data["compliance_status"].is_string(), "{data}");
    assert!(data["entities"].as_array().unwrap().contains(&json!("EMAIL")), "{data}");
    let url = data["url"].as_str().unwrap();
    assert!(url.ends_with(answer["submission_id"].as_str().unwrap()), "{url}");
    let sent = String::from_utf8(bench.received().await[0].body.clone()).unwrap();
    assert!(!sent.contains("Maria") && !sent.contains("nordwind"), "{sent}");
    bench.server.stop().await;
}
