//! The dashboard through the real router: who gets in, what forms need, what is shown once, what nobody else sees.

use assize_server::app::{Caller, OrganizationId, Role};
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::harness::{Form, TestApp, people};

/// Fields as a browser's form sends them.
trait FormExt {
    fn form(self, fields: &[(&str, &str)]) -> Self;
}

impl FormExt for RequestBuilder {
    fn form(self, fields: &[(&str, &str)]) -> Self {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.header("content-type", "application/x-www-form-urlencoded").body(fields.join("&"))
    }
}

/// Every byte but letters and digits as a percent sign and two digits.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A person with a session, as a browser holds it.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
}

/// The organization of these tests.
pub(crate) fn acme() -> OrganizationId {
    OrganizationId::parse("org_acme").unwrap()
}

/// Makes a person and answers their password.
async fn person(app: &TestApp, organization: &OrganizationId, email: &str, role: Role) -> String {
    app.app.ensure_organization(organization, organization.as_str()).await.unwrap();
    let (_, password) = app.app.create_person(organization, email, "Ada", role).await.unwrap();
    password.expect("the account is new")
}

/// Signs somebody in who is new.
pub(crate) async fn signed_in<'a>(
    app: &'a TestApp,
    organization: &OrganizationId,
    email: &str,
    role: Role,
) -> Browser<'a> {
    let password = person(app, organization, email, role).await;
    let response = sign_in(app, email, &password, "").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    Browser { app, cookie: cookie_of(&response) }
}

async fn sign_in(app: &TestApp, email: &str, password: &str, next: &str) -> Response {
    let form = [("email", email), ("password", password), ("next", next)];
    app.client.post(format!("{}/dashboard/sign-in", app.url)).form(&form).send().await.unwrap()
}

/// Name and value of the cookie that an answer sets.
fn cookie_of(response: &Response) -> String {
    let header = response.headers()["set-cookie"].to_str().unwrap();
    header.split(';').next().unwrap().to_owned()
}

impl Browser<'_> {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.app.client.get(format!("{}{path}", self.app.url)).header("cookie", &self.cookie).send().await.unwrap()
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["cache-control"], "private, no-store", "{path}");
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{path}");
        response.text().await.unwrap()
    }

    /// The token that forms of this session carry.
    async fn token(&self) -> String {
        let page = self.page("/dashboard").await;
        let rest = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Posts a form with the token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.token().await;
        let mut form = vec![("csrf_token", token.as_str())];
        form.extend_from_slice(fields);
        self.post_bare(path, &form).await
    }

    /// Posts a form as it is.
    async fn post_bare(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.app.client.post(format!("{}{path}", self.app.url)).header("cookie", &self.cookie);
        request.form(form).send().await.unwrap()
    }
}

pub(crate) fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

/// The code block of a page that shows something once.
fn shown_once(page: &str, id: &str) -> String {
    let rest = page.split(&format!("id=\"{id}\">")).nth(1).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn pages_send_who_is_not_signed_in_to_the_door_and_back() {
    let app = TestApp::start().await;
    let refused = app.browse("/dashboard/jobs?state=failed").await;
    assert_eq!(refused.status(), 303);
    assert_eq!(location(&refused), "/dashboard/sign-in?next=/dashboard/jobs%3Fstate%3Dfailed");
    let door = app.browse(location(&refused)).await.text().await.unwrap();
    assert!(door.contains("value=\"/dashboard/jobs?state=failed\""), "{door}");

    let password = person(&app, &acme(), "ada@example.org", Role::Owner).await;
    let response = sign_in(&app, "ADA@example.org", &password, "/dashboard/jobs?state=failed").await;
    assert_eq!((response.status().as_u16(), location(&response)), (303, "/dashboard/jobs?state=failed"));
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    for guard in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(guard), "{cookie}");
    }
    // Nobody is led to another site.
    for next in ["https://evil.example/", "//evil.example/dashboard", "/dashboard/../../x\\y"] {
        let response = sign_in(&app, "ada@example.org", &password, next).await;
        assert_eq!(location(&response), "/dashboard", "{next}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_refused_sign_in_keeps_the_address_and_never_the_password() {
    let app = TestApp::start().await;
    person(&app, &acme(), "ada@example.org", Role::Owner).await;
    for email in ["ada@example.org", "nobody@example.org"] {
        let response = sign_in(&app, email, "hunter2 hunter2 hunter2", "").await;
        assert_eq!(response.status(), 422);
        assert!(!response.headers().contains_key("set-cookie"));
        let page = response.text().await.unwrap();
        assert!(page.contains(email) && page.contains("role=\"alert\"") && !page.contains("hunter2"), "{page}");
    }
    let elsewhere = app
        .client
        .post(format!("{}/dashboard/sign-in", app.url))
        .header("sec-fetch-site", "cross-site")
        .form(&[("email", "ada@example.org"), ("password", "x")])
        .send()
        .await
        .unwrap();
    assert_eq!(elsewhere.status(), 403, "a form on another site's page");
    app.finish().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    let response = ada.post("/dashboard/sign-out", &[]).await;
    assert_eq!(location(&response), "/dashboard/sign-in?said=signed-out");
    assert!(response.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    // The old cookie opens nothing any more.
    assert_eq!(ada.get("/dashboard").await.status(), 303);
    app.finish().await;
}

/// Every form of the dashboard that a session posts, with ids that name nothing.
const FORMS: &[&str] = &[
    "/dashboard/sign-out",
    "/dashboard/organization",
    "/dashboard/account",
    "/dashboard/settings",
    "/dashboard/settings/retention",
    "/dashboard/keys",
    "/dashboard/keys/none/rotate",
    "/dashboard/keys/none/revoke",
    "/dashboard/people",
    "/dashboard/people/none/role",
    "/dashboard/people/none/password",
    "/dashboard/people/none/remove",
    "/dashboard/people/invitations/none/withdraw",
    "/dashboard/jobs/none/cancel",
    "/dashboard/jobs/none/retry",
    "/dashboard/audits",
    "/dashboard/interactions/erase",
    "/dashboard/interactions/playground",
    "/dashboard/interactions/views",
    "/dashboard/interactions/views/delete",
];

#[tokio::test]
async fn every_form_needs_the_token_of_its_session() {
    let app = TestApp::start().await;
    let document = serde_json::to_value(assize_server::openapi::document()).unwrap();
    let posts = document["paths"].as_object().unwrap().iter().filter(|(path, item)| {
        let open = path.ends_with("/sign-in") || path.ends_with("/{token}");
        path.starts_with("/dashboard") && item.get("post").is_some() && !open
    });
    let posts: Vec<String> = posts.map(|(path, _)| path.replace("{id}", "none")).collect();
    let mut listed: Vec<&str> = FORMS.to_vec();
    listed.sort_unstable();
    assert_eq!(posts, listed, "a form that this test does not know");
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    let bob = signed_in(&app, &acme(), "bob@example.org", Role::Owner).await;
    let foreign = bob.token().await;
    let before = trail(&app).await;
    for path in FORMS {
        for form in [&[][..], &[("csrf_token", "")], &[("csrf_token", foreign.as_str())]] {
            let response = if *path == "/dashboard/audits" {
                let form = form.iter().fold(Form::default(), |all, (name, value)| all.text(name, value));
                let form = form.file("dataset_file", "people.csv", people().as_bytes());
                let request = app.client.post(format!("{}{path}", app.url)).header("cookie", &ada.cookie);
                request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap()
            } else {
                ada.post_bare(path, form).await
            };
            assert_eq!(response.status(), 403, "{path} {form:?}");
        }
        // Without a session there is nothing to post for.
        let stranger = app.client.post(format!("{}{path}", app.url)).form(&[("csrf_token", "x")]).send().await.unwrap();
        assert_eq!(stranger.status(), 303, "{path}");
    }
    assert_eq!(trail(&app).await, before, "nothing was changed");
    app.finish().await;
}

/// How many rows the organization's audit trail has.
async fn trail(app: &TestApp) -> usize {
    app.audit_rows(&acme()).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_works_until_it_is_revoked() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    assert!(ada.page("/dashboard/keys").await.contains("assize key create --org org_acme"));
    let fields = [("name", "build <server>"), ("interface", "governance"), ("role", "auditor"), ("expires_at", "")];
    let made = ada.post("/dashboard/keys", &fields).await;
    assert_eq!(made.status(), 200);
    assert_eq!(made.headers()["cache-control"], "private, no-store");
    let page = made.text().await.unwrap();
    let secret = shown_once(&page, "key-secret");
    assert!(secret.starts_with("ak_live_") && secret.len() > 28, "{secret}");
    let asked = app.client.get(format!("{}/dashboard/keys", app.url)).header("cookie", &ada.cookie);
    let list = asked.send().await.unwrap().text().await.unwrap();
    assert!(list.contains("build &#60;server&#62;") && !list.contains(&secret), "{list}");
    assert!(list.contains(&format!("…{}", &secret[secret.len() - 4..])));
    let caller = app.app.authenticate(&secret, None, None).await.unwrap();
    assert_eq!((caller.organization, caller.role), (acme(), Role::Auditor));

    let id = list.split("data-href=\"/dashboard/keys/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let rotated = ada.post(&format!("/dashboard/keys/{id}/rotate"), &[("overlap_hours", "0")]).await;
    let newer = shown_once(&rotated.text().await.unwrap(), "key-secret");
    assert_ne!(newer, secret);
    assert!(app.app.authenticate(&secret, None, None).await.is_err(), "no overlap");
    let list = ada.page("/dashboard/keys").await;
    let id = list.split("data-href=\"/dashboard/keys/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let revoked = ada.post(&format!("/dashboard/keys/{id}/revoke"), &[]).await;
    assert_eq!(location(&revoked), "/dashboard/keys?said=revoked");
    assert!(app.app.authenticate(&newer, None, None).await.is_err());
    assert!(ada.page(&format!("/dashboard/keys/{id}")).await.contains("Revoked"));
    app.finish().await;
}

#[tokio::test]
async fn a_refused_form_comes_back_with_everything_that_is_wrong_and_nothing_lost() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Admin).await;
    let fields = [("name", " "), ("interface", "telepathy"), ("role", "viewer"), ("expires_at", "tomorrow")];
    let refused = ada.post("/dashboard/keys", &fields).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    for part in ["href=\"#name\"", "href=\"#interface\"", "href=\"#expires_at\"", "value=\"tomorrow\"", "name-error"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("<option value=\"viewer\" selected>"));
    // Nobody gives more than they have, whatever the form sends.
    let fields = [("name", "x"), ("interface", "governance"), ("role", "owner"), ("expires_at", "")];
    let refused = ada.post("/dashboard/keys", &fields).await;
    assert_eq!(refused.status(), 422);
    let invited = ada.post("/dashboard/people", &[("email", "no address"), ("role", "viewer")]).await;
    assert_eq!(invited.status(), 422);
    assert!(invited.text().await.unwrap().contains("value=\"no address\""));
    app.finish().await;
}

#[tokio::test]
async fn somebody_is_invited_joins_gets_a_role_and_is_taken_out() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    let invited = ada.post("/dashboard/people", &[("email", "Bob@example.org"), ("role", "viewer")]).await;
    let link = shown_once(&invited.text().await.unwrap(), "invitation-link");
    let path = link.strip_prefix(&app.url).unwrap();
    assert!(!ada.page("/dashboard/people").await.contains(path), "the link is shown once");

    let page = app.browse(path).await.text().await.unwrap();
    assert!(page.contains("bob@example.org") && page.contains("viewer"));
    let short = [("name", "Bob"), ("password", "short")];
    let refused = app.client.post(&link).form(&short).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("password-error") && refused.contains("value=\"Bob\"") && !refused.contains("\"short\""));
    let password = "a sentence nobody guesses";
    let joined = app.client.post(&link).form(&[("name", "Bob"), ("password", password)]).send().await.unwrap();
    assert_eq!(location(&joined), "/dashboard/sign-in?said=joined");
    assert_eq!(app.browse(path).await.status(), 404, "a link works once");

    let response = sign_in(&app, "bob@example.org", password, "").await;
    let bob = Browser { app: &app, cookie: cookie_of(&response) };
    assert_eq!(bob.get("/dashboard/keys").await.status(), 403);
    assert!(!bob.page("/dashboard").await.contains("/dashboard/people"), "what is not allowed is not offered");
    let people = ada.page("/dashboard/people").await;
    let ids: Vec<&str> =
        people.split("data-href=\"/dashboard/people/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let bob_id = ids[1];
    let promoted = ada.post(&format!("/dashboard/people/{bob_id}/role"), &[("role", "admin")]).await;
    assert_eq!(promoted.status(), 303);
    bob.page("/dashboard/keys").await;
    // The last owner stays.
    let last = ada.post(&format!("/dashboard/people/{}/remove", ids[0]), &[]).await;
    assert_eq!(last.status(), 422);
    assert!(last.text().await.unwrap().contains("no owner"));
    let removed = ada.post(&format!("/dashboard/people/{bob_id}/remove"), &[]).await;
    assert_eq!(location(&removed), "/dashboard/people?said=removed");
    assert_eq!(bob.get("/dashboard").await.status(), 303, "a session of nobody");
    app.finish().await;
}

#[tokio::test]
async fn an_audit_is_handed_in_for_the_organization_and_followed() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Auditor).await;
    assert!(ada.page("/dashboard/audits").await.contains("/dashboard/audits/new"));
    let token = ada.token().await;
    let send = async |form: Form| {
        let request = app.client.post(format!("{}/dashboard/audits", app.url)).header("cookie", &ada.cookie);
        request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap()
    };
    let refused = send(Form::complete().without("domain").text("seed", "many").text("csrf_token", &token)).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    for part in ["href=\"#domain\"", "href=\"#seed\"", "value=\"many\"", "Choose the file again", "seed-error"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let form = Form::complete().text("prediction_column", "decision").text("csrf_token", &token);
    let accepted = send(form).await;
    assert_eq!(accepted.status(), 303);
    let job = location(&accepted).split('?').next().unwrap().to_owned();
    app.until("the certificate", async |_| ada.page(&job).await.contains("Open certificate MP-").then_some(())).await;
    assert!(ada.page("/dashboard/audits").await.contains("IncomeClassifier v1.0"));
    assert!(ada.page("/dashboard/jobs?state=succeeded").await.contains(&job));
    assert!(!ada.page("/dashboard/jobs?state=failed").await.contains(&job));
    let found = ada.page("/dashboard/search?q=incomecl").await;
    assert!(found.contains(&job) && found.contains("/verify/MP-"), "{found}");
    // Events of a job that has ended: its state, then the end.
    let events = ada.get(&format!("{job}/events")).await.text().await.unwrap();
    assert!(events.contains("event: job") && events.contains("Open certificate"), "{events}");

    let other = OrganizationId::parse("org_other").unwrap();
    let eve = signed_in(&app, &other, "eve@example.org", Role::Owner).await;
    for path in [job.clone(), format!("{job}/events")] {
        assert_eq!(eve.get(&path).await.status(), 404, "{path}");
    }
    assert_eq!(eve.post(&format!("{job}/cancel"), &[]).await.status(), 404);
    assert!(!eve.page("/dashboard/jobs").await.contains(job.rsplit('/').next().unwrap()));
    app.finish().await;
}

#[tokio::test]
async fn organizations_are_switched_and_renamed() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    let other = OrganizationId::parse("org_other").unwrap();
    app.app.ensure_organization(&other, "Other <Ltd>").await.unwrap();
    app.app.create_person(&other, "ada@example.org", "Ada", Role::Viewer).await.unwrap();
    assert!(ada.page("/dashboard").await.contains("<option value=\"org_other\">Other &#60;Ltd&#62;</option>"));
    assert_eq!(ada.post("/dashboard/organization", &[("organization", "org_public")]).await.status(), 404);
    assert_eq!(ada.post("/dashboard/organization", &[("organization", "org_other")]).await.status(), 303);
    assert!(ada.page("/dashboard").await.contains("<option value=\"org_other\" selected>"));
    assert_eq!(ada.get("/dashboard/settings").await.status(), 403, "a viewer here");
    ada.post("/dashboard/organization", &[("organization", "org_acme")]).await;
    let saved = ada.post("/dashboard/settings", &[("name", "Acme & Söhne")]).await;
    assert_eq!(location(&saved), "/dashboard/settings?said=saved");
    assert!(ada.page("/dashboard/settings").await.contains("value=\"Acme &#38; Söhne\""));
    assert_eq!(ada.post("/dashboard/settings", &[("name", "")]).await.status(), 422);
    app.finish().await;
}

#[tokio::test]
async fn the_audit_trail_is_narrowed_down_and_exported_as_it_is_shown() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    ada.post("/dashboard/settings", &[("name", "Acme, \"Söhne\"")]).await;
    ada.post("/dashboard/settings/retention", &[("uploads", "7"), ("jobs", "")]).await;
    let all = ada.page("/dashboard/trail").await;
    for part in ["session.begin", "organization.rename", "retention.set", "Ada", "127.0.0.1"] {
        assert!(all.contains(part), "{part} in {all}");
    }
    let renames = ada.page("/dashboard/trail?action=organization.rename").await;
    assert!(renames.contains("<span class=\"tag\">organization.rename</span>"));
    assert!(!renames.contains("<span class=\"tag\">session.begin</span>"));
    let refused = ada.page("/dashboard/trail?since=yesterday").await;
    assert!(refused.contains("value=\"yesterday\"") && refused.contains("since-error"));
    let csv = ada.get("/dashboard/trail/rows.csv?action=organization.rename").await;
    assert!(csv.headers()["content-disposition"].to_str().unwrap().contains("audit-trail.csv"));
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains("organization.rename"));
    let file = ada.get("/dashboard/trail/export").await.text().await.unwrap();
    assert!(file.lines().last().unwrap().contains("\"end\""), "{file}");
    let settings = ada.page("/dashboard/settings").await;
    assert!(settings.contains("name=\"uploads\" value=\"7\""), "{settings}");
    let refused = ada.post("/dashboard/settings/retention", &[("uploads", "many"), ("jobs", "3")]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("value=\"many\""));
    // Who only looks sees neither.
    let viewer = signed_in(&app, &acme(), "vic@example.org", Role::Viewer).await;
    for path in ["/dashboard/trail", "/dashboard/trail/rows.csv", "/dashboard/trail/export", "/dashboard/settings"] {
        assert_eq!(viewer.get(path).await.status(), 403, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn public_pages_know_who_looks_and_are_then_kept_by_nobody() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    for path in ["/", "/log", "/docs", "/dashboard/design"] {
        assert!(ada.page(path).await.contains("ada@example.org"), "{path}");
        let open = app.browse(path).await;
        assert_eq!(open.headers()["cache-control"], "no-cache");
        assert!(open.headers().get_all("vary").iter().any(|value| value == "cookie"), "{path}");
        assert!(!open.text().await.unwrap().contains("name=\"csrf_token\""), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn errors_of_the_dashboard_are_pages() {
    let app = TestApp::start().await;
    let ada = signed_in(&app, &acme(), "ada@example.org", Role::Owner).await;
    for (path, status) in [
        ("/dashboard/nowhere", 404),
        ("/dashboard/keys/none", 404),
        ("/dashboard/jobs?state=asleep", 422),
        ("/dashboard/jobs?before=%00", 404),
        ("/dashboard/jobs?state=failed&state=failed", 422),
    ] {
        let response = ada.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
    }
    assert!(ada.page("/dashboard/robustness").await.contains("not in this version"));
    let caller = Caller::operator(acme());
    assert!(app.app.keys(&caller, None, 10).await.unwrap().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn the_log_is_looked_through_and_its_growth_proved() {
    let app = TestApp::start().await;
    assert!(app.browse("/log").await.text().await.unwrap().contains("The log is empty"));
    assert!(app.browse("/log/growth").await.text().await.unwrap().contains("The log is empty"));
    assert_eq!(app.browse("/log/entries/0").await.status(), 404);
    let certificate = app.certified().await;
    let id = certificate["certificate_id"].as_str().unwrap();
    let page = app.browse("/log").await.text().await.unwrap();
    assert!(page.contains("Commitment") && page.contains(&format!("/verify/{id}")), "{page}");
    let entry = app.browse("/log/entries/1").await.text().await.unwrap();
    assert!(entry.contains("data-verify=\"entry\"") && entry.contains(id));
    let proof: serde_json::Value = app.get("/log/proof/inclusion?index=1&size=2").await.json().await.unwrap();
    assert!(entry.contains(proof["proof"][0].as_str().unwrap()));
    let from = proof["leaf_hash"].as_str().unwrap();
    let grown = app.browse("/log/growth?from=1&to=2").await.text().await.unwrap();
    assert!(grown.contains("From 1 to 2 entries"));
    let wrong = app.browse(&format!("/log/growth?from=1&to=2&root={}", encoded(from))).await;
    assert!(wrong.text().await.unwrap().contains("this log was rewritten"));
    for query in ["from=9", "from=x", "from=2&to=1", "to=0"] {
        let page = app.browse(&format!("/log/growth?{query}")).await;
        assert_eq!(page.status(), 200, "{query}");
        assert!(page.text().await.unwrap().contains("role=\"alert\""), "{query}");
    }
    app.finish().await;
}
