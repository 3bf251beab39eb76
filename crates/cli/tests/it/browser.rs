//! The public pages in a real browser, the log among them: every page readable at desktop and phone width, light and dark, without an
//! accessibility violation, usable with the keyboard alone, and complete without JavaScript.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};

use crate::harness::{Server, folder, sample};

const AXE: &str = include_str!("../assets/axe/axe.min.js");

/// A running chromedriver; killed when dropped, and the browsers with it.
pub(crate) struct Driver {
    child: Child,
    pub(crate) port: u16,
}

impl Driver {
    pub(crate) fn start() -> Self {
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

    pub(crate) async fn browser(&self, look: Look) -> Client {
        self.browser_with(look, json!({})).await
    }

    /// A browser with preferences of its own, as Chrome names them.
    pub(crate) async fn browser_with(&self, look: Look, preferences: Value) -> Client {
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
        let mut options = json!({ "args": arguments, "prefs": preferences });
        if look.width < 500 {
            options["mobileEmulation"] =
                json!({ "deviceMetrics": { "width": look.width, "height": look.height, "pixelRatio": 1.0 } });
        }
        let Value::Object(capabilities) =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } })
        else {
            unreachable!()
        };
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
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
}

pub(crate) const LOOKS: [Look; 4] = [
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

pub(crate) async fn script(browser: &Client, source: &str) -> Value {
    browser.execute(source, Vec::new()).await.expect("the script runs")
}

pub(crate) async fn open(browser: &Client, address: &str) {
    browser.goto(address).await.expect("the page loads");
}

/// What axe finds wrong with the page as it is.
pub(crate) async fn violations(browser: &Client) -> Value {
    script(browser, AXE).await;
    let source = "const done = arguments[arguments.length - 1];
         axe.run(document).then(r => done(r.violations.map(v => v.id + ': ' + v.help + ' @ '
           + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', '))), e => done([String(e)]));";
    browser.execute_async(source, Vec::new()).await.expect("axe runs")
}

/// How many pixels the page is wider than the screen.
pub(crate) async fn overflow(browser: &Client) -> i64 {
    let source = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    script(browser, source).await.as_i64().expect("a number of pixels")
}

/// A dataset with names that do everything names can: markup, no blanks, no Latin letters.
pub(crate) fn hostile_dataset(folder: &Path) -> PathBuf {
    let protected = "a_column_name_without_any_place_to_break_it_that_goes_on_for_much_longer_than_a_line";
    let mut rows = vec![format!("{protected},hours,hired")];
    for row in 0..240 {
        let group = ["<script>alert(1)</script> & Söhne, 株式会社", "x"][row % 2].replace(',', " ");
        rows.push(format!("{group},{},{}", row % 37, u8::from(row % 3 == 0)));
    }
    let path = folder.join("hostile.csv");
    std::fs::write(&path, rows.join("\n")).expect("the folder can be written to");
    path
}

fn certified_hostile(server: &Server, folder: &Path) -> String {
    let fields = [
        ("model_name", "A<img src=x onerror=alert(1)>-model-name-without-any-break-opportunity-2026.11.21-rc1+4711"),
        ("organization", "Bundesanstalt für Finanzdienstleistungsaufsicht & Söhne GmbH & Co. KGaA"),
        ("target_column", "hired"),
        (
            "protected_attributes",
            "a_column_name_without_any_place_to_break_it_that_goes_on_for_much_longer_than_a_line",
        ),
    ];
    let answer = server.audit("/audit/full", &hostile_dataset(folder), &fields);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["certificate_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn public_pages_are_accessible_and_fit_every_screen() {
    let (home, data, empty) = (folder(), folder(), folder());
    let (server, fresh) = (Server::start(home.path(), &[]), Server::start(empty.path(), &[]));
    let driver = Driver::start();
    let id = certified(&server);
    let hostile = certified_hostile(&server, data.path());
    let mut pages: Vec<String> = ["/", "/log", "/log/growth"].map(|path| format!("{}{path}", fresh.url)).to_vec();
    for path in [
        "/",
        &format!("/verify/{id}"),
        &format!("/verify/{hostile}"),
        "/verify/MP-2026-999999",
        "/docs",
        "/log",
        "/log/entries/1",
        "/log/entries/2",
        "/log/growth?from=1",
        "/log/growth?from=99&to=x",
        "/dashboard/design",
    ] {
        pages.push(format!("{}{path}", server.url));
    }
    for look in LOOKS {
        let browser = driver.browser(look).await;
        for page in &pages {
            open(&browser, page).await;
            assert!(overflow(&browser).await <= 0, "{page} is too wide at {look:?}");
            // What is folded away must hold as well.
            script(&browser, "document.querySelectorAll('details').forEach(fold => { fold.open = true; })").await;
            assert!(overflow(&browser).await <= 0, "{page} unfolded is too wide at {look:?}");
            assert_eq!(violations(&browser).await, json!([]), "{page} at {look:?}");
        }
        browser.close().await.expect("the browser closes");
    }
}

/// Bytes of the page's HTML as they go over the line, compressed: what a reader waits for.
const PAGE_BYTES_MAX: usize = 60_000;

#[tokio::test]
async fn the_certificate_page_answers_on_its_first_screen() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    let address = format!("{}/verify/{id}", server.url);
    let packed = ["-H", "Accept: text/html", "-H", "Accept-Encoding: gzip"];
    let html = server.curl(&format!("/verify/{id}"), &packed).body;
    assert!(html.starts_with(&[0x1f, 0x8b]), "the page is not compressed");
    assert!(html.len() < PAGE_BYTES_MAX, "{} bytes", html.len());
    let browser = driver.browser(LOOKS[0]).await;
    open(&browser, &address).await;
    // Only what ends above the fold.
    let first = "return [...document.querySelectorAll('main *')].filter(e => e.children.length === 0)
        .filter(e => { const box = e.getBoundingClientRect(); return box.height > 0 && box.bottom <= innerHeight; })
        .map(e => e.textContent.trim()).join(' | ')";
    let first = script(&browser, first).await;
    let first = first.as_str().expect("text");
    let answers =
        [&*id, "Valid", "of 100", "IncomeClassifier v1.0", "Research Institute", "employment", "Issued", "Valid until"];
    for words in answers {
        assert!(first.contains(words), "the first screen does not say {words}: {first}");
    }
    let verdict = script(&browser, "return document.querySelector('.verdict-word').innerText").await;
    assert!(verdict.as_str().expect("text").contains("Not certified"), "{verdict}");
    let resources = "return performance.getEntriesByType('resource').map(r => r.name)
        .filter(n => !n.startsWith(location.origin))";
    assert_eq!(script(&browser, resources).await, json!([]), "nothing is loaded from elsewhere");
    browser.close().await.expect("the browser closes");
}

#[tokio::test]
async fn charts_stay_readable_on_a_phone() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    let browser = driver.browser(LOOKS[2]).await;
    open(&browser, &format!("{}/verify/{id}", server.url)).await;
    let charts = script(&browser, "return document.querySelectorAll('.figure .chart').length").await;
    assert!(charts.as_u64().expect("a number") >= 12, "{charts} charts");
    let bad = "return [...document.querySelectorAll('.figure .chart text')].filter(text => {
          const box = text.getBoundingClientRect();
          return parseFloat(getComputedStyle(text).fontSize) < 11 || box.left < 0 || box.right > innerWidth;
        }).map(text => text.textContent)";
    assert_eq!(script(&browser, bad).await, json!([]), "letters too small or out of sight");
    browser.close().await.expect("the browser closes");
}

/// Presses Tab until a control with this name has the focus; every stop on the way must show that it has it.
pub(crate) async fn tab_to(browser: &Client, name: &str) {
    const STOPS_MAX: usize = 60;
    let mut passed = Vec::new();
    for _ in 0..STOPS_MAX {
        let focused = browser.active_element().await.expect("something has the focus");
        focused.send_keys("\u{E004}").await.expect("a key can be pressed");
        let source = "const e = document.activeElement, style = getComputedStyle(e);
            return [e.textContent.trim() || e.outerHTML.slice(0, 80), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                    e.getBoundingClientRect().width > 0]";
        let stop = script(browser, source).await;
        let at = stop[0].as_str().expect("text").to_owned();
        assert_eq!((&stop[1], &stop[2]), (&json!(true), &json!(true)), "the focus on `{at}` cannot be seen");
        if at == name {
            return;
        }
        passed.push(at);
    }
    panic!("Tab does not reach `{name}`: {passed:?}");
}

pub(crate) async fn press_enter(browser: &Client) {
    let focused = browser.active_element().await.expect("something has the focus");
    focused.send_keys("\u{E007}").await.expect("a key can be pressed");
}

#[tokio::test]
async fn the_keyboard_alone_finds_and_verifies_a_certificate() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    let browser = driver.browser(LOOKS[0]).await;
    open(&browser, &format!("{}/", server.url)).await;
    for name in ["Skip to content", "Sign in", "Latest", "Public log", "Reference", &id] {
        tab_to(&browser, name).await;
    }
    press_enter(&browser).await;
    let address = format!("{}/verify/{id}", server.url).parse().expect("an address");
    browser.wait().for_url(&address).await.expect("Enter opens the certificate");
    for name in ["Skip to content", "Certificate as PDF", "Raw JSON", "Badge", "Verify in this browser"] {
        tab_to(&browser, name).await;
    }
    press_enter(&browser).await;
    let outcomes = browser.execute_async(CHECKS, Vec::new()).await.expect("the checks end");
    assert_eq!(outcomes, json!(["hash Passed", "signature Passed", "inclusion Passed"]));
    browser.close().await.expect("the browser closes");
}

/// Resolves to the words of the browser's checks when all of them have ended, however long they take.
const CHECKS: &str = "const done = arguments[arguments.length - 1];
    const rows = () => [...document.querySelectorAll('[data-browser-checks] li')];
    const look = () => {
      const words = rows().map(row => row.dataset.check + ' ' + row.querySelector('.word').textContent
        + (row.querySelector('.word').textContent === 'Passed' ? '' : ' ' + row.querySelector('.detail').textContent));
      if (words.some(word => word.includes('Running'))) requestAnimationFrame(look); else done(words);
    };
    look();";

#[tokio::test]
async fn the_keyboard_alone_walks_the_log_and_verifies_it() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    certified(&server);
    let browser = driver.browser(LOOKS[0]).await;
    open(&browser, &format!("{}/log", server.url)).await;
    // The newest of four entries comes first; the second certificate is the first entry's.
    for name in ["Skip to content", "Public log", "Check growth", "Signed note", "3", "2", "1"] {
        tab_to(&browser, name).await;
    }
    press_enter(&browser).await;
    let address = format!("{}/log/entries/1", server.url).parse().expect("an address");
    browser.wait().for_url(&address).await.expect("Enter opens the entry");
    for name in [&*id, "Verify in this browser"] {
        tab_to(&browser, name).await;
    }
    press_enter(&browser).await;
    let outcomes = browser.execute_async(CHECKS, Vec::new()).await.expect("the checks end");
    assert_eq!(outcomes, json!(["hash Passed", "signature Passed", "inclusion Passed", "checkpoint Passed"]));
    for (from, to) in [(1, 4), (2, 4), (3, 4), (4, 4), (1, 3)] {
        open(&browser, &format!("{}/log/growth?from={from}&to={to}", server.url)).await;
        tab_to(&browser, "Verify in this browser").await;
        press_enter(&browser).await;
        let outcomes = browser.execute_async(CHECKS, Vec::new()).await.expect("the checks end");
        assert_eq!(outcomes[0], "consistency Passed", "from {from} to {to}: {outcomes}");
        let head = outcomes[1].as_str().expect("text");
        assert_eq!(head == "checkpoint Passed", to == 4, "from {from} to {to}: {outcomes}");
    }
    browser.close().await.expect("the browser closes");
}

#[tokio::test]
async fn a_log_that_was_changed_does_not_verify_in_the_browser() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    certified(&server);
    let browser = driver.browser(LOOKS[0]).await;
    open(&browser, &format!("{}/log/entries/1", server.url)).await;
    // The server's answers as a liar would give them: another payload, a root that fits nothing.
    let lie = "const real = fetch;
        window.fetch = async (...asked) => {
          const answer = await real(...asked), url = String(asked[0]);
          if (url.includes('/entries')) {
            const body = await answer.json();
            body.entries[0].entry.payload = btoa('{}');
            return new Response(JSON.stringify(body));
          }
          return answer;
        };
        document.querySelector('[data-verify-run]').click();";
    script(&browser, lie).await;
    let outcomes = browser.execute_async(CHECKS, Vec::new()).await.expect("the checks end");
    let outcomes: Vec<&str> = outcomes.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for (outcome, check) in outcomes.iter().zip(["hash Failed", "signature Failed", "inclusion Failed"]) {
        assert!(outcome.starts_with(check), "{outcomes:?}");
    }
    browser.close().await.expect("the browser closes");
}

#[tokio::test]
async fn pages_are_complete_without_javascript() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let driver = Driver::start();
    let id = certified(&server);
    let blocked = json!({ "profile.managed_default_content_settings.javascript": 2 });
    let browser = driver.browser_with(LOOKS[2], blocked).await;
    open(&browser, &format!("{}/", server.url)).await;
    let links = "return document.documentElement.classList.contains('scripted') ? ['scripts ran']
        : [...document.querySelectorAll('.shell-nav li a')].filter(a => a.offsetHeight > 0).map(a => a.textContent.trim())";
    let links = script(&browser, links).await;
    assert_eq!(links, json!(["Latest", "Public log", "Signing keys", "Reference", "OpenAPI"]));
    open(&browser, &format!("{}/verify/{id}", server.url)).await;
    assert_eq!(script(&browser, "return document.documentElement.className").await, json!(""));
    let checks = "return [...document.querySelectorAll('[data-verify] > .checks .word')].map(word => word.textContent)";
    let checks = script(&browser, checks).await;
    let checks = checks.as_array().expect("a list");
    assert!(checks.len() >= 8 && checks.iter().all(|word| word == "Passed"), "{checks:?}");
    // Folded tables open without a script; nothing that needs one is offered.
    let folds =
        "return [...document.querySelectorAll('.figure')].filter(f => !f.querySelector('details table td')).length";
    assert_eq!(script(&browser, folds).await, json!(0));
    let buttons = "return [...document.querySelectorAll('button')].filter(b => b.offsetHeight > 0).length";
    assert_eq!(script(&browser, buttons).await, json!(0));
    browser.close().await.expect("the browser closes");
}
