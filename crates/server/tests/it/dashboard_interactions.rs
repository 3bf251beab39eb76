//! The pages of interactions through the real router: what the log shows and to whom, what a filter in the address does,
//! that hostile texts stay texts, that the playground keeps nothing, and that erasing needs its word twice.

use assize_server::app::{Caller, KeyInterface, NewKey, OrganizationId, Role};
use serde_json::{Value, json};

use crate::dashboard::{acme, location, signed_in};
use crate::harness::{TestApp, json as body_of};

/// A key of the organization that may submit.
async fn key(app: &TestApp, organization: &OrganizationId) -> String {
    app.app.ensure_organization(organization, organization.as_str()).await.unwrap();
    let caller = Caller::operator(organization.clone());
    let new = NewKey {
        name: "test".to_owned(),
        interface: KeyInterface::Interactions,
        role: Role::Auditor,
        expires_at: None,
    };
    app.app.create_key(&caller, &new).await.unwrap().secret
}

fn said(input: &str, output: &str) -> Value {
    json!({
        "user_id": "user_12345",
        "company_name": "Example Corp",
        "use_case": "Customer Support",
        "timestamp": "2026-11-21T10:00:00Z",
        "your_company_user_id": "internal_user_001",
        "your_company_user_session_id": "session_abc123",
        "model_version": "gpt-4-turbo",
        "input": { "value": input, "format": "text", "country": "Germany" },
        "output": { "value": output, "format": "text", "country": "global" },
    })
}

/// Audits an interaction at once and keeps it; answers its id.
async fn kept(app: &TestApp, key: &str, body: &Value) -> String {
    let request = app.client.post(format!("{}/v1/interactions/check", app.url)).header("x-api-key", key);
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status();
    let answer = body_of(response).await;
    assert_eq!(status, 200, "{answer}");
    answer["submission_id"].as_str().unwrap().to_owned()
}

/// The document's own example of an answer, in which nothing is found.
const DELETED: &str = "To delete your account, please click the 'Delete Account' button in settings.";

const EMAIL: &str = "maria.schneider@nordwind-logistik.de";

/// What an assistant should not have said.
fn leaking() -> Value {
    let output = format!("That is Maria Schneider, {EMAIL}, card 4111 1111 1111 1111.");
    said("Who is the customer with the late invoice?", &output)
}

/// The ids that a list shows, in its order.
fn listed(page: &str) -> Vec<String> {
    let rows = page.split("data-href=\"/dashboard/interactions/VIRI-").skip(1);
    rows.map(|rest| format!("VIRI-{}", rest.split('"').next().unwrap())).collect()
}

/// What a PDF says, as a reader would copy it.
fn printed_words(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = std::process::Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_log_is_narrowed_down_by_its_address_and_exports_what_it_shows() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    let empty = ada.page("/dashboard/interactions").await;
    assert!(
        empty.contains("Nothing was handed in yet.") && empty.contains(&format!("curl '{}/v1/interactions'", app.url))
    );
    let key = key(&app, &acme()).await;
    let clean = kept(&app, &key, &said("How do I delete my account?", DELETED)).await;
    let mut other = leaking();
    other["model_version"] = json!("model & <b>");
    let bad = kept(&app, &key, &other).await;

    let page = ada.page("/dashboard/interactions").await;
    assert_eq!(listed(&page), [bad.as_str(), clean.as_str()], "the newest first");
    assert!(page.contains("2 interactions: 0 need review, 1 is non-compliant."), "{page}");
    assert!(page.contains("Fully Compliant") && page.contains("Non-Compliant") && !page.contains("<b>"));
    assert!(!page.contains(EMAIL), "the list shows no text");

    for (query, found) in [
        ("compliance_status=Non-Compliant", vec![&bad]),
        ("entity=EMAIL&risk_min=6", vec![&bad]),
        ("model_version=model%20%26%20%3Cb%3E", vec![&bad]),
        ("q=settings", vec![&clean]),
        ("since=2001-01-01&until=2001-01-02", vec![]),
        ("state=pending", vec![]),
        (&*format!("submission_id={clean}"), vec![&clean]),
    ] {
        let page = ada.page(&format!("/dashboard/interactions?{query}")).await;
        let rows = listed(&page);
        assert_eq!(rows.iter().collect::<Vec<_>>(), found, "{query}");
        assert!(page.contains("class=\"chip\""), "{query}");
    }
    let narrow = ada.page("/dashboard/interactions?entity=EMAIL&columns=risk.tokens").await;
    assert!(narrow.contains(">Tokens</th>") && !narrow.contains(">Country</th>"));
    assert!(narrow.contains("export?format=csv&amp;entity=EMAIL\""), "an export is what is shown");

    let form = "/dashboard/interactions?since=&entity=EMAIL&q=+&columns=risk&columns=tokens";
    let tidied = ada.get(form).await;
    assert_eq!(location(&tidied), "/dashboard/interactions?entity=EMAIL&columns=risk.tokens");

    let csv = ada.get("/dashboard/interactions/export?format=csv&entity=EMAIL").await;
    assert_eq!(csv.headers()["content-disposition"], "attachment; filename=\"interactions.csv\"");
    let csv = csv.text().await.unwrap();
    assert!(csv.contains(&bad) && !csv.contains(&clean), "{csv}");
    let json = body_of(ada.get("/dashboard/interactions/export?format=json&q=settings").await).await;
    assert_eq!(json.as_array().unwrap().len(), 1);
    let pdf = ada.get("/dashboard/interactions/export?format=pdf&entity=EMAIL").await;
    assert_eq!(pdf.headers()["content-disposition"], "attachment; filename=\"interactions.pdf\"");
    let words = printed_words(&pdf.bytes().await.unwrap());
    for part in ["Only with", "EMAIL", bad.as_str(), "All interactions that fit", "Non-Compliant"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(!words.contains(&clean), "a report is of what is shown");
    assert_eq!(ada.get("/dashboard/interactions/export?risk_min=many").await.status(), 422);
    app.finish().await;
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_says_what_to_change() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Viewer).await;
    let query = "since=soon&risk_max=a%20lot&country=Atlantis";
    let refused = ada.get(&format!("/dashboard/interactions?{query}")).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    for part in ["href=\"#since\"", "risk_max-error", "value=\"soon\"", "<details class=\"filter\" open>"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let refused = ada.get("/dashboard/interactions?country=Atlantis").await;
    assert!(refused.text().await.unwrap().contains("country-error"));
    app.finish().await;
}

#[tokio::test]
async fn what_comes_later_is_offered_and_nothing_moves() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Viewer).await;
    let key = key(&app, &acme()).await;
    kept(&app, &key, &said("Hello", "Hello.")).await;
    assert!(ada.page("/dashboard/interactions").await.contains("/dashboard/interactions/news?after=1"));
    let news = "/dashboard/interactions/news?after=1";
    assert_eq!(ada.get(news).await.status(), 204);
    kept(&app, &key, &leaking()).await;
    let offered = ada.page(news).await;
    assert!(offered.contains("1 new: show") && offered.contains("href=\"/dashboard/interactions\""), "{offered}");
    assert_eq!(ada.get(&format!("{news}&known=1")).await.status(), 204, "said already");
    assert_eq!(ada.get(&format!("{news}&compliance_status=Review%20Needed")).await.status(), 204, "not of this filter");
    assert_eq!(ada.get("/dashboard/interactions/news").await.status(), 422);
    app.finish().await;
}

#[tokio::test]
async fn an_interaction_shows_its_texts_to_who_may_see_them() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Auditor).await;
    let eve = signed_in(&app, &acme(), "eve@example.org", Role::Viewer).await;
    let sub = signed_in(&app, &acme(), "sub@example.org", Role::Submitter).await;
    let key = key(&app, &acme()).await;
    let path = format!("/dashboard/interactions/{}", kept(&app, &key, &leaking()).await);
    let page = ada.page(&path).await;
    assert!(page.contains(&format!("<b dir=\"ltr\">EMAIL</b> {EMAIL}</mark>")), "{page}");
    assert!(page.contains("<mark class=\"safe\">[EMAIL_1]</mark>"), "the safe version stands beside it");
    for part in ["Non-Compliant", "may be engaged", "GDPR", "What to do", "CREDIT_CARD", "Risk ", "review 2"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("Erase this person"), "an auditor does not erase");
    let safe = eve.page(&path).await;
    assert!(!safe.contains(EMAIL) && !safe.contains("4111 1111") && safe.contains("[EMAIL_1]"), "{safe}");
    assert!(safe.contains("You see the safe versions"));
    assert_eq!(sub.get(&path).await.status(), 403);
    assert_eq!(sub.get("/dashboard/interactions").await.status(), 403);
    let csv = eve.get(&format!("{path}/export?format=csv")).await.text().await.unwrap();
    assert!(csv.contains("Non-Compliant") && !csv.contains(EMAIL));
    for who in [&ada, &eve] {
        let pdf = who.get(&format!("{path}/export?format=pdf")).await;
        assert_eq!(pdf.headers()["content-type"], "application/pdf");
        let words = printed_words(&pdf.bytes().await.unwrap());
        for part in ["Non-Compliant", "of 10", "[EMAIL_1]", "GDPR", "What to do", "CREDIT_CARD", "Page 1 of"] {
            assert!(words.contains(part), "{part} in {words}");
        }
        assert!(!words.contains(EMAIL) && !words.contains("4111 1111"), "a file that is passed on holds no original");
    }

    let elsewhere = OrganizationId::parse("org_elsewhere").unwrap();
    let bob = signed_in(&app, &elsewhere, "bob@example.org", Role::Owner).await;
    assert_eq!(bob.get(&path).await.status(), 404, "another organization's id is an unknown one");
    assert_eq!(ada.get("/dashboard/interactions/VIRI-9999999Xabcde").await.status(), 404);
    let found = ada.page(&format!("/dashboard/search?q={}", path.rsplit('/').next().unwrap().to_lowercase())).await;
    assert!(found.contains(&format!("<a href=\"{path}\">")), "{found}");
    app.finish().await;
}

#[tokio::test]
async fn hostile_texts_stay_texts_and_long_ones_come_in_parts() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Auditor).await;
    let key = key(&app, &acme()).await;
    let input = "<script>alert(1)</script> \u{202e}evil\u{202c} a\u{200b}\u{200b}b \u{0} 株式会社 &amp;";
    let output = format!("start {}end {EMAIL}", "word ".repeat(1_400));
    let path = format!("/dashboard/interactions/{}", kept(&app, &key, &said(input, &output)).await);
    let page = ada.page(&path).await;
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"));
    assert!(!page.contains(['\u{202e}', '\u{200b}', '\0']), "what cannot be seen is written as its code");
    assert!(page.contains("U+202E") && page.contains("U+200B ×2") && page.contains("&amp;amp;"));
    assert!(page.contains("Part 1 of 2") && !page.contains(EMAIL));
    let rest = ada.page(&format!("{path}?part=2")).await;
    assert!(rest.contains(EMAIL) && rest.contains("It ends before this part"), "{rest}");
    assert!(ada.page(&format!("{path}?part=99")).await.contains("Part 2 of 2"));
    app.finish().await;
}

#[tokio::test]
async fn views_are_kept_for_each_person_alone() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Viewer).await;
    let bob = signed_in(&app, &acme(), "bob@example.org", Role::Viewer).await;
    let before = app.audit_rows(&acme()).await;
    let query = "risk_min=6&columns=risk.user&said=x&evil=%22%3E";
    let made = ada.post("/dashboard/interactions/views", &[("name", "To <review>"), ("query", query)]).await;
    assert_eq!(location(&made), "/dashboard/interactions?risk_min=6&columns=risk.user&said=kept");
    let page = ada.page("/dashboard/interactions?risk_min=6&columns=risk.user").await;
    assert!(page.contains("aria-current=\"page\">To &#60;review&#62;</a>"), "{page}");
    assert!(!bob.page("/dashboard/interactions").await.contains("To &#60;review"));
    let refused = ada.post("/dashboard/interactions/views", &[("name", " "), ("query", query)]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("name-error"));
    let theirs = bob.post("/dashboard/interactions/views/delete", &[("name", "To <review>")]).await;
    assert_eq!(theirs.status(), 404);
    let deleted = ada.post("/dashboard/interactions/views/delete", &[("name", "To <review>")]).await;
    assert_eq!(location(&deleted), "/dashboard/interactions?said=deleted");
    assert!(!ada.page("/dashboard/interactions").await.contains("review&#62;"));
    assert_eq!(app.audit_rows(&acme()).await, before, "a view is nobody's business");
    app.finish().await;
}

#[tokio::test]
async fn the_playground_finds_everything_and_keeps_nothing() {
    let app = TestApp::start().await;
    let eve = signed_in(&app, &acme(), "eve@example.org", Role::Viewer).await;
    assert!(eve.page("/dashboard/interactions/playground?example=payment").await.contains("DE89 3704"));
    let text = format!("Write to {EMAIL}\r\nor call");
    let fields = [("input", text.as_str()), ("output", ""), ("input_country", "Germany"), ("output_country", "global")];
    let tried = eve.post("/dashboard/interactions/playground", &fields).await;
    assert_eq!(tried.status(), 200);
    let page = tried.text().await.unwrap();
    assert!(page.contains(&format!("<b dir=\"ltr\">EMAIL</b> {EMAIL}</mark>")), "{page}");
    assert!(page.contains(">\nor call"), "lines end as they were typed: {page}");
    assert!(page.contains("[EMAIL_1]") && page.contains("Nothing is stored"));
    assert!(eve.page("/dashboard/interactions").await.contains("Nothing was handed in yet."));
    assert!(eve.page("/dashboard/usage/ledger").await.contains("Nothing was granted, bought or charged yet."));

    let bad = [("input", "{"), ("input_format", "json"), ("input_country", "Atlantis"), ("output", "")];
    let refused = eve.post("/dashboard/interactions/playground", &bad).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(page.contains("claims to be JSON") && page.contains("value=\"Atlantis\""), "{page}");
    for (input, words) in [("", "write a text"), (&*"word ".repeat(2_100), "Tokens above the limit of 2k")] {
        let refused = eve.post("/dashboard/interactions/playground", &[("input", input)]).await;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().await.unwrap().contains(words), "{words}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_person_is_erased_by_an_owner_who_says_it_twice() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    let bob = signed_in(&app, &acme(), "bob@example.org", Role::Admin).await;
    let key = key(&app, &acme()).await;
    let path = format!("/dashboard/interactions/{}", kept(&app, &key, &leaking()).await);
    let erase = "/dashboard/interactions/erase";
    assert!(ada.page(&path).await.contains(&format!("{erase}?person=internal_user_001")));
    assert_eq!(bob.get(erase).await.status(), 403);
    let fields = [("person", "internal_user_001"), ("again", "internal_user_001")];
    assert_eq!(bob.post(erase, &fields).await.status(), 403);
    assert!(ada.page(&format!("{erase}?person=internal_user_001")).await.contains("<strong>1 interaction</strong>"));
    let refused = ada.post(erase, &[("person", "internal_user_001"), ("again", "internal_user_01")]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("again-error"));
    assert!(ada.page(&path).await.contains(EMAIL), "nothing was erased");
    for (name, query) in [("theirs", "your_company_user_id=internal%5Fuser_001&risk_min=3"), ("risky", "risk_min=7")] {
        let kept = bob.post("/dashboard/interactions/views", &[("name", name), ("query", query)]).await;
        assert_eq!(kept.status(), 303, "{name}");
    }

    let erased = ada.post(erase, &fields).await;
    assert_eq!(location(&erased), "/dashboard/interactions?said=erased-1");
    let list = ada.page(location(&erased)).await;
    assert!(list.contains("1 interaction was erased for good.") && list.contains("Erased</span>"), "{list}");
    let page = ada.page(&path).await;
    assert!(page.contains("Erased at the request") && !page.contains(EMAIL) && !page.contains("internal_user_001"));
    let views = bob.page("/dashboard/interactions").await;
    assert!(views.contains(">risky<") && !views.contains(">theirs<"), "a view that names the person is gone: {views}");
    app.finish().await;
}

#[tokio::test]
async fn usage_shows_what_was_charged_and_leads_to_it() {
    let app = TestApp::start().await;
    let eve = signed_in(&app, &acme(), "eve@example.org", Role::Viewer).await;
    assert!(eve.page("/dashboard/usage").await.contains("Nothing was submitted"));
    let key = key(&app, &acme()).await;
    kept(&app, &key, &leaking()).await;
    let page = eve.page("/dashboard/usage").await;
    for part in [
        "Unlimited",
        "1 interaction with",
        "tokens-by-day",
        "100.0% of the audits found no compliance",
        "gpt-4-turbo",
        "user_12345",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let ledger = eve.page("/dashboard/usage/ledger").await;
    assert!(ledger.contains(">charge</span>") && ledger.contains("0000001"), "{ledger}");
    let refused = eve.get("/dashboard/usage?from=soon").await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("write a day as 2026-01-31"));
    assert_eq!(eve.get("/dashboard/usage?from=2020-01-01").await.status(), 422, "more than a year");
    app.finish().await;
}

#[tokio::test]
async fn interactions_are_kept_as_long_as_the_organization_says() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Admin).await;
    let set = ada.post("/dashboard/settings/retention", &[("interactions", "30")]).await;
    assert_eq!(location(&set), "/dashboard/settings?said=saved");
    assert!(ada.page("/dashboard/settings").await.contains("name=\"interactions\" value=\"30\""));
    let refused = ada.post("/dashboard/settings/retention", &[("interactions", "long")]).await;
    assert!(refused.text().await.unwrap().contains("interactions-error"));
    app.finish().await;
}
