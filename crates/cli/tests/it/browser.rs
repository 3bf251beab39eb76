//! The public pages in a real browser: every page readable at desktop and phone width, light and dark, without an
//! accessibility violation, and complete without JavaScript.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};

use crate::harness::{Server, folder, sample};

const AXE: &str = include_str!("../assets/axe/axe.min.js");

/// A running chromedriver; killed when dropped, and the browsers with it.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        let mut child = Command::new("/usr/bin/chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: cargo xtask test installs it");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver says its port").expect("its output is text");
            if let Some(rest) = line.split("on port ").nth(1)
                && line.contains("successfully")
            {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break digits.parse().expect("a port");
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }

    async fn browser(&self, look: Look) -> Client {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            // 0 is dark, 1 is light.
            format!("--blink-settings=preferredColorScheme={}", u8::from(!look.dark)),
        ];
        if look.width >= 500 {
            arguments.push(format!("--window-size={},{}", look.width, look.height));
        }
        let mut options = json!({ "args": arguments });
        if look.width < 500 {
            options["mobileEmulation"] =
                json!({ "deviceMetrics": { "width": look.width, "height": look.height, "pixelRatio": 1.0 } });
        }
        let Value::Object(capabilities) = json!({ "goog:chromeOptions": options }) else { unreachable!() };
        let mut connector = hyper_util::client::legacy::connect::HttpConnector::new();
        connector.enforce_http(false);
        ClientBuilder::new(connector)
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .expect("a browser starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug, Clone, Copy)]
struct Look {
    width: u32,
    height: u32,
    dark: bool,
}

const LOOKS: [Look; 4] = [
    Look { width: 1280, height: 800, dark: false },
    Look { width: 1280, height: 800, dark: true },
    Look { width: 360, height: 740, dark: false },
    Look { width: 360, height: 740, dark: true },
];

/// The id of a certificate over real data.
fn certified(server: &Server) -> String {
    let answer = server.audit("/audit/full", &sample("adult.csv"), &[]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["certificate_id"].as_str().unwrap().to_owned()
}

async fn script(browser: &Client, source: &str) -> Value {
    browser.execute(source, Vec::new()).await.expect("the script runs")
}

#[tokio::test]
async fn public_pages_are_accessible_and_fit_every_screen() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    let pages = ["/".to_owned(), format!("/verify/{id}"), "/verify/MP-2026-999999".to_owned(), "/docs".to_owned()];
    for look in LOOKS {
        let browser = driver.browser(look).await;
        for page in &pages {
            browser.goto(&format!("{}{page}", server.url)).await.expect("the page loads");
            let overflow =
                script(&browser, "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    .await;
            assert!(overflow.as_i64().unwrap() <= 0, "{page} is {overflow} px too wide at {look:?}");
            script(&browser, AXE).await;
            let violations = browser
                .execute_async(
                    "const done = arguments[arguments.length - 1];
                     axe.run(document).then(r => done(r.violations.map(v => v.id + ': ' + v.help + ' @ '
                       + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', '))), e => done([String(e)]));",
                    Vec::new(),
                )
                .await
                .expect("axe runs");
            assert_eq!(violations, json!([]), "{page} at {look:?}");
        }
        browser.close().await.expect("the browser closes");
    }
}

#[tokio::test]
async fn the_certificate_page_answers_and_verifies_itself() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    let browser = driver.browser(LOOKS[0]).await;
    browser.goto(&format!("{}/verify/{id}", server.url)).await.expect("the page loads");
    let text = script(&browser, "return document.body.innerText").await;
    let text = text.as_str().unwrap();
    for words in [id.as_str(), "NOT CERTIFIED", "IncomeClassifier v1.0", "Research Institute"] {
        assert!(text.contains(words), "the page does not say {words}");
    }
    let figures = script(&browser, "return document.querySelectorAll('svg[role=img]').length").await;
    assert!(figures.as_u64().unwrap() >= 8, "{figures} figures");
    // Direct text inside figures keeps a readable size at every width.
    let outside = script(
        &browser,
        "return performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))",
    )
    .await;
    assert_eq!(outside, json!([]), "nothing is loaded from elsewhere");
    let errors = script(&browser, "return (window.__errors || []).length").await;
    assert_eq!(errors, json!(0));
    browser.close().await.expect("the browser closes");
}
