//! One running server a test, what it is asked with, and the check that it ends clean: nothing in the spool, no stored
//! file, no unfinished job.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assize_server::app::{App, OrganizationId, SystemRandom};
use assize_server::clock::{Clock, MockClock, SystemClock};
use assize_server::config::Config;
use assize_server::serve::Server;
use assize_store::jobs::{Job, JobFilter};
use assize_store::{Store, StoreSettings};
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest wait for something that must happen; far above what it takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) stopping: CancellationToken,
    pub(crate) store: Store,
    home: TempDir,
    server: JoinHandle<()>,
    worker: Option<JoinHandle<()>>,
}

/// How a server is started.
pub(crate) struct Start {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) worker: bool,
    /// Name of the worker in leases; two that share a database must not share it.
    pub(crate) owner: &'static str,
}

impl Default for Start {
    fn default() -> Self {
        Self { config: Config::default(), clock: Arc::new(SystemClock), worker: true, owner: "test" }
    }
}

impl Start {
    /// Nobody works the jobs, and the clock stands.
    pub(crate) fn idle(clock: &MockClock) -> Self {
        Self { clock: Arc::new(clock.clone()), worker: false, ..Self::default() }
    }

    pub(crate) async fn start(mut self) -> TestApp {
        let home = tempfile::tempdir().unwrap();
        self.config.storage.home = home.path().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.config.server.listen = address;
        let app = App::open(self.config, Arc::clone(&self.clock), Arc::new(SystemRandom)).await.unwrap();
        let storage = &app.config().storage;
        let settings = StoreSettings {
            database_url: storage
                .database_url
                .as_ref()
                .map_or_else(|| format!("sqlite://{}/assize.db", home.path().display()), |url| url.expose().to_owned()),
            objects_url: storage
                .objects_url
                .clone()
                .unwrap_or_else(|| format!("file://{}/objects", home.path().display())),
            migrate: false,
        };
        let store = Store::open(&settings, self.clock.now()).await.unwrap();
        let stopping = CancellationToken::new();
        let server = Server::over(app.clone(), listener).unwrap();
        let server = tokio::spawn(server.run(stopping.clone().cancelled_owned()));
        let worker = self
            .worker
            .then(|| tokio::spawn(assize_server::jobs::work(app.clone(), self.owner.to_owned(), stopping.clone())));
        TestApp { app, url: format!("http://{address}"), client: client(), stopping, store, home, server, worker }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own client, which asks loopback and nothing else")]
fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build().unwrap()
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Start::default().start().await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// Asks as a browser does.
    pub(crate) async fn browse(&self, path: &str) -> Response {
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        self.client.get(format!("{}{path}", self.url)).header("accept", accept).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, form: &Form) -> Response {
        let request = self.client.post(format!("{}{path}", self.url)).header("content-type", form.content_type());
        request.body(form.body()).send().await.unwrap()
    }

    /// Audits the standard data and answers the certificate.
    pub(crate) async fn certified(&self) -> Value {
        let response = self.post("/audit/full", &Form::complete().text("prediction_column", "decision")).await;
        let status = response.status();
        let body = response.text().await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The audit jobs of the public organization, newest first.
    pub(crate) async fn jobs(&self) -> Vec<Job> {
        let audits = JobFilter { kind: Some("certify".to_owned()), ..JobFilter::default() };
        self.store.jobs().list(&OrganizationId::public(), &audits, None, 100).await.unwrap()
    }

    /// How many changes of an organization are recorded.
    pub(crate) async fn audit_rows(&self, organization: &OrganizationId) -> usize {
        self.store.audit_trail().list(organization, 0, 500).await.unwrap().len()
    }

    /// The files of a folder of the home, at any depth.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.home.path().join(folder), &mut found);
        found
    }

    /// Waits until `look` finds something.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look(self).await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    /// Nothing of any upload is left.
    pub(crate) async fn assert_clean(&self) {
        self.until("an empty spool and no stored file", async |app| {
            (app.files("spool").is_empty() && app.files("objects").is_empty()).then_some(())
        })
        .await;
        let unfinished: Vec<Job> = self.jobs().await.into_iter().filter(|job| !job.state.is_final()).collect();
        assert!(unfinished.is_empty(), "{unfinished:?}");
    }

    /// Stops the server and its worker, and checks that they leave nothing behind.
    pub(crate) async fn finish(self) {
        self.assert_clean().await;
        self.stop().await;
    }

    /// Stops the server and its worker.
    pub(crate) async fn stop(self) {
        self.stopping.cancel();
        tokio::time::timeout(PATIENCE, self.server).await.expect("the server stops").unwrap();
        if let Some(worker) = self.worker {
            tokio::time::timeout(PATIENCE, worker).await.expect("the worker stops").unwrap();
        }
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The body of an answer, which must be JSON.
pub(crate) async fn json(response: Response) -> Value {
    let body = response.text().await.unwrap();
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// The one member of an error on the certification face.
pub(crate) async fn detail(response: Response) -> String {
    let body = json(response).await;
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    body["detail"].as_str().unwrap().to_owned()
}

/// A multipart form, written by hand so that a test can send any.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, Option<String>, Vec<u8>)>);

const BOUNDARY: &str = "assize-test-boundary";

impl Form {
    /// The documented fields with the standard data.
    pub(crate) fn complete() -> Self {
        Self::default()
            .file("dataset_file", "people.csv", people().as_bytes())
            .text("model_name", "IncomeClassifier v1.0")
            .text("organization", "Research Institute")
            .text("domain", "employment")
            .text("target_column", "income")
            .text("protected_attributes", "race,sex,age")
    }

    /// Sets a text field.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        let mut form = self.without(name);
        form.0.push((name.to_owned(), None, value.as_bytes().to_vec()));
        form
    }

    /// Sets a file.
    pub(crate) fn file(self, name: &str, file_name: &str, content: &[u8]) -> Self {
        let mut form = self.without(name);
        form.0.push((name.to_owned(), Some(file_name.to_owned()), content.to_vec()));
        form
    }

    /// Adds a text field, also beside one of the same name.
    pub(crate) fn also(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), None, value.as_bytes().to_vec()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _, _)| other != name);
        self
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, file_name, content) in &self.0 {
            let file = file_name.as_ref().map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }
}

/// 800 people with an outcome and a decision that favour men a little; the same every time.
pub(crate) fn people() -> String {
    let mut csv = String::from("age,race,sex,hours,education,decision,country,income\n");
    let mut state = 12_345_u32;
    let mut draw = |below: u32| {
        // Numerical Recipes' linear congruential generator: enough for test data.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..800 {
        let (age, race, sex) =
            (18 + draw(50), ["White", "Black", "Asian"][draw(3) as usize], ["Male", "Female"][draw(2) as usize]);
        let (hours, education) = (20 + draw(40), draw(16));
        let merit = hours + 3 * education + if sex == "Male" { 12 } else { 0 };
        let income = if merit + draw(30) > 80 { ">50K" } else { "<=50K" };
        let decision = if merit + draw(20) > 76 { ">50K" } else { "<=50K" };
        writeln!(csv, "{age},{race},{sex},{hours},{education},{decision},Utopia,{income}").unwrap();
    }
    csv
}
