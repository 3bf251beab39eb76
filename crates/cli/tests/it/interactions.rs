//! Interactions through the binary: the examples of the original documentation as printed, the command line, and
//! submissions to a server that is killed again and again.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Server, assize, files_below, folder, run, said, wait_for};

/// The original's address, as its examples print it.
const ORIGINAL: &str = "https://analyzecompliance-vrbinbrbkq-uc.a.run.app";
/// The original's key, as its examples print it.
const ORIGINAL_KEY: &str = "sk-viri-your-api-key-here";

/// As printed.
const CURL_EXAMPLE: &str = r#"curl -X POST https://analyzecompliance-vrbinbrbkq-uc.a.run.app \
  -H "X-API-Key: sk-viri-your-api-key-here" \
  -H "Content-Type: application/json" \
  -d '{
    "user_id": "user_12345",
    "company_name": "Example Corp",
    "use_case": "Customer Support",
    "timestamp": new Date(),
    "your_company_user_id": "internal_user_001",
    "your_company_user_session_id": "session_abc123",
    "model_version": "gpt-4-turbo",
    "input": {
        "value": "How do I delete my account?",
        "format": "text",
        "country": "Germany"
    },
    "output": {
        "value": "To delete your account, please click the Delete Account button in settings. Your data will be removed within 30 days.",
        "format": "text",
        "country": "global"
    }
}'"#;

/// As printed.
const JAVASCRIPT_EXAMPLE: &str = r#"// ViriSIM Audit Submission - JavaScript/Fetch
async function submitAudit(userInput, aiOutput) {
    const response = await fetch('https://analyzecompliance-vrbinbrbkq-uc.a.run.app', {
        method: 'POST',
        headers: {
            'X-API-Key': 'sk-viri-your-api-key-here',
            'Content-Type': 'application/json'
        },
        body: JSON.stringify({
            user_id: "user_12345",
            company_name: "Example Corp",
            use_case: "Customer Support",
            timestamp: new Date().toISOString(),
            your_company_user_id: "internal_user_001",
            your_company_user_session_id: "session_abc123",
            model_version: "gpt-4-turbo",
            input: {
                value: userInput,
                format: "text",
                country: "Germany"
            },
            output: {
                value: aiOutput,
                format: "text",
                country: "global"
            }
        })
    });

    const result = await response.json();

    if (response.ok) {
        console.log(` Audit submitted: ${result.submission_id}`);
        console.log(` View results at: I/O Logs in dashboard`);
    } else {
        console.error(` Error: ${result.error}`);
    }

    return result;
}

// Example call
submitAudit(
    "How do I delete my account?",
    "To delete your account, please click the 'Delete Account' button..."
);
"#;

/// As printed.
const PYTHON_EXAMPLE: &str = r#"import requests
from datetime import datetime

def submit_audit(user_input, ai_output):
    url = "https://analyzecompliance-vrbinbrbkq-uc.a.run.app"
    headers = {
        "X-API-Key": "sk-viri-your-api-key-here",
        "Content-Type": "application/json"
    }

    payload = {
        "user_id": "user_12345",
        "company_name": "Example Corp",
        "use_case": "Customer Support",
        "timestamp": datetime.now().isoformat(),
        "your_company_user_id": "internal_user_001",
        "your_company_user_session_id": "session_abc123",
        "model_version": "gpt-4-turbo",
        "input": {
            "value": user_input,
            "format": "text",
            "country": "Germany"
        },
        "output": {
            "value": ai_output,
            "format": "text",
            "country": "global"
        }
    }

    response = requests.post(url, json=payload, headers=headers)
    result = response.json()

    if response.ok:
        print(f" Audit submitted: {result['submission_id']}")
    else:
        print(f" Error: {result.get('error', 'Unknown error')}")

    return result

# Example
submit_audit(
    "How do I delete my account?",
    "To delete your account, please click the 'Delete Account' button..."
)
"#;

/// A key for interactions in a home, made while it may be served.
fn key(home: &Path) -> String {
    let arguments = ["key", "create", "--org", "acme", "--role", "owner", "--interface", "interactions", "--json"];
    let output = assize().args(arguments).arg("--home").arg(home).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["organization_id"], "org_acme");
    made["key"].as_str().unwrap().to_owned()
}

fn ask(server: &Server, key: &str, path: &str) -> Value {
    server.curl(path, &["-H", &format!("X-API-Key: {key}")]).json()
}

#[test]
fn the_examples_of_the_original_run_as_printed() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let key = key(home.path());
    let mine = |example: &str| example.replace(ORIGINAL, &server.url).replace(ORIGINAL_KEY, &key);
    let sh = |example: &str| Command::new("sh").args(["-c", &format!("{example} --silent")]).output().unwrap();

    let literal: Value = serde_json::from_slice(&sh(&mine(CURL_EXAMPLE)).stdout).unwrap();
    assert_eq!(literal["status"], "error");
    assert!(literal["error"].as_str().unwrap().contains("ISO 8601"), "{literal}");
    let dated = mine(CURL_EXAMPLE).replace("new Date()", "\"2026-11-21T10:00:00Z\"");
    let answer: Value = serde_json::from_slice(&sh(&dated).stdout).unwrap();
    assert_eq!(answer["message"], "Success, entry undergoing audit.", "{answer}");
    let mut ids = vec![answer["submission_id"].as_str().unwrap().to_owned()];

    let submitted = |output: Output| {
        let printed = String::from_utf8(output.stdout).unwrap();
        let line = printed.lines().find(|line| line.starts_with(" Audit submitted: VIRI-"));
        line.unwrap_or_else(|| panic!("{printed}")).trim_start_matches(" Audit submitted: ").to_owned()
    };
    let node = Command::new("node").args(["-e", &mine(JAVASCRIPT_EXAMPLE)]).output().expect("node is installed");
    ids.push(submitted(node));
    let python = Command::new("/usr/bin/python3").args(["-c", &mine(PYTHON_EXAMPLE)]).output().expect("python3");
    ids.push(submitted(python));
    for id in ids {
        wait_for("the audit", || ask(&server, &key, &format!("/v1/interactions/{id}"))["state"] == "audited");
    }
}

#[test]
fn texts_files_and_pipes_are_checked_and_made_safe() {
    let work = folder();
    let card = "Please charge 4111 1111 1111 1111 today.\n";
    let shown = run(work.path(), &["check", card, "--country", "DE"]);
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    assert!(said(&shown).contains("CREDIT_CARD") && !said(&shown).contains("4111 1111 1111 1111"), "{}", said(&shown));
    std::fs::write(work.path().join("note.txt"), card).unwrap();
    let redacted = run(work.path(), &["check", "--file", "note.txt", "--redact"]);
    let safe = String::from_utf8(redacted.stdout).unwrap();
    assert!(safe.starts_with("Please charge ") && safe.ends_with(" today.\n") && !safe.contains("4111 1111"), "{safe}");
    assert_eq!(piped(work.path(), &["check", "--redact"], &safe), safe, "what is safe stays as it is");
    let filtered = piped(work.path(), &["check", "--lines", "--redact"], &format!("hello\n{card}bye"));
    assert_eq!(filtered, format!("hello\n{safe}bye"));
    let document: Value = serde_json::from_str(&piped(work.path(), &["check", "--json"], card)).unwrap();
    assert_eq!(document["pii"][0]["type"], "CREDIT_CARD");
    let fails = run(work.path(), &["check", card, "--fail-on", "review"]);
    assert_eq!(fails.status.code(), Some(3), "{}", said(&fails));
    for (arguments, says) in [
        (&["check", "x", "--country", "Atlantis"][..], "--country"),
        (&["check", "--file", "nowhere.txt"], "nowhere.txt"),
        (&["check", "x", "--file", "note.txt"], "--file"),
    ] {
        let bad = run(work.path(), arguments);
        assert_eq!(bad.status.code(), Some(2), "{}", said(&bad));
        assert!(said(&bad).contains(says), "{}", said(&bad));
    }
}

#[test]
fn a_safe_version_is_undone_with_the_key_alone() {
    let work = folder();
    std::fs::write(work.path().join("key"), "//////////////////////////////////////////8=\n").unwrap();
    std::fs::write(work.path().join("other"), format!("{}\n", "A".repeat(43))).unwrap();
    let text = "Mail lena@nordwind-logistik.de or charge 4111 1111 1111 1111; lena@nordwind-logistik.de knows.\n";
    let safe = piped(work.path(), &["check", "--redact", "--restore-key", "key", "--restore-to", "values"], text);
    assert!(safe.contains("[EMAIL_1]") && !safe.contains("lena"), "{safe}");
    let values = std::fs::read_to_string(work.path().join("values")).unwrap();
    assert!(!values.contains("lena"), "{values}");
    assert_eq!(piped(work.path(), &["check", "--restore", "values", "--restore-key", "key"], &safe), text);
    for (arguments, says) in [
        (&["check", &safe, "--restore", "values", "--restore-key", "other"][..], "another key"),
        (&["check", &safe, "--restore", "values", "--restore-key", "values"], "32 bytes in base64"),
        (&["check", &safe, "--restore", "values"], "--restore-key"),
        (&["check", text, "--restore-to", "x", "--restore-key", "key"], "--redact"),
    ] {
        let bad = run(work.path(), arguments);
        assert_eq!(bad.status.code(), Some(2), "{}", said(&bad));
        assert!(said(&bad).contains(says), "{}", said(&bad));
    }
}

fn piped(folder: &Path, arguments: &[&str], text: &str) -> String {
    let mut child =
        assize().current_dir(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lines_of_json_are_answered_in_their_order() {
    let work = folder();
    let mut lines = Vec::new();
    for n in 0..1_500 {
        lines.push(json!({ "id": n, "text": format!("mail lena{n}@nordwind-logistik.de"), "lang": "de" }).to_string());
    }
    std::fs::write(work.path().join("in.jsonl"), lines.join("\n")).unwrap();
    let output = run(work.path(), &["check", "--jsonl", "in.jsonl", "--scores"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 1_500);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!((&answer["id"], &answer["pii"][0]["type"]), (&json!(n), &json!("EMAIL")), "{answer}");
    }
    let labels: BTreeSet<&str> =
        answers[0]["safety_issues"].as_array().unwrap().iter().map(|issue| issue["label"].as_str().unwrap()).collect();
    for label in ["hate", "toxic", "violence", "sexual", "injection", "S1", "S12"] {
        assert!(labels.contains(label), "{label} has no score: {labels:?}");
    }
    let one = run(work.path(), &["check", "--jsonl", "in.jsonl", "--scores=hate"]);
    let first: Value = serde_json::from_slice(one.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let asked = first["safety_issues"].as_array().unwrap().iter().filter(|issue| issue["unreported"] == true);
    assert!(asked.map(|issue| &issue["label"]).eq([&json!("hate")]), "{first}");

    std::fs::write(
        work.path().join("bad.jsonl"),
        "{\"id\": 1, \"text\": \"a\"}\nnonsense\n{\"id\": 3, \"text\": \"b\"}\n",
    )
    .unwrap();
    let bad = run(work.path(), &["check", "--jsonl", "bad.jsonl", "--redact"]);
    assert_eq!(bad.status.code(), Some(2));
    let printed = String::from_utf8(bad.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert!(lines[1].contains("bad.jsonl, line 2") && lines[2].contains("\"safe_input\":\"b\""), "{printed}");
}

#[test]
fn plans_are_changed_at_the_command_line_while_the_server_runs() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let key = key(home.path());
    let plan = |arguments: &[&str]| {
        let output = assize()
            .args(["org", "plan", "acme", "--json", "--home"])
            .arg(home.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(plan(&[])["plan"], "unlimited");
    assert_eq!(plan(&["--set", "free", "--monthly", "500"])["balance"], 500);
    assert_eq!(plan(&["--set", "none"])["plan"], "none");
    let body = json!({ "user_id": "u" }).to_string();
    let header = format!("X-API-Key: {key}");
    wait_for("the new plan", || server.curl("/", &["-H", &header, "-d", &body]).status == 403);
    assert_eq!(server.curl("/", &["-H", &header, "-d", &body]).json()["error"], "No Subscription");
}

/// Rounds of load that end in a kill.
const KILLS: usize = 20;
/// Connections of the load.
const CONNECTIONS: usize = 8;

#[test]
fn what_was_answered_is_audited_and_charged_once_however_often_the_server_dies() {
    let home = folder();
    let key = key(home.path());
    let mut answered: BTreeSet<String> = BTreeSet::new();
    for round in 0..KILLS {
        let server = Server::start(home.path(), &[]);
        let submitted = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|client| {
                let (url, key, submitted) = (server.url.clone(), key.clone(), Arc::clone(&submitted));
                std::thread::spawn(move || submit_until_it_dies(&url, &key, client, &submitted))
            })
            .collect();
        // The first submissions wait for the vocabulary; then the kill comes at any moment.
        wait_for("submissions", || submitted.load(Ordering::Relaxed) > CONNECTIONS);
        std::thread::sleep(Duration::from_millis(53 * (round as u64 % 7)));
        server.kill();
        for client in clients {
            for id in client.join().unwrap() {
                assert!(answered.insert(id.clone()), "{id} was given twice");
            }
        }
    }
    assert!(answered.len() > KILLS * CONNECTIONS, "the load submitted something: {}", answered.len());
    let server = Server::start(home.path(), &[]);
    let rows = all_audited(home.path(), &server, &key);
    let lost: Vec<_> = answered.difference(&rows).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
}

/// The ids of all submissions, once all are audited. Each was counted once when it was audited, and charged once when it
/// was kept; the ledger says so line by line.
fn all_audited(home: &Path, server: &Server, key: &str) -> BTreeSet<String> {
    let mut rows: Vec<Value> = Vec::new();
    wait_for("all audits", || {
        rows.clear();
        let mut cursor = String::new();
        loop {
            let page = ask(server, key, &format!("/v1/interactions?limit=500{cursor}"));
            rows.extend(page["interactions"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        rows.iter().all(|row| row["state"] == "audited")
    });
    let kept: BTreeSet<String> = rows.iter().map(|row| row["submission_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept.len(), rows.len());
    let usage = ask(server, key, "/v1/usage");
    let days = usage["by_day"].as_array().unwrap();
    let counted: u64 = days.iter().map(|day| day["submissions"].as_u64().unwrap()).sum();
    assert_eq!(counted, rows.len() as u64);
    let tokens: u64 = rows.iter().map(|row| row["tokens"].as_u64().unwrap()).sum();
    assert_eq!(usage["used"], tokens);
    let examined = run(home, &["doctor", "--json", "--home", home.to_str().unwrap()]);
    let examined: Value = serde_json::from_slice(&examined.stdout).unwrap();
    let ledger = examined["checks"].as_array().unwrap().iter().find(|check| check["name"] == "interactions");
    assert_eq!(ledger.unwrap()["outcome"], "passed", "{examined}");
    kept
}

#[test]
fn while_the_disk_is_full_submissions_are_told_and_nothing_answered_is_lost() {
    let home = folder();
    let key = key(home.path());
    let server = Server::start_on_a_small_disk(home.path());
    let header = format!("X-API-Key: {key}");
    let submit = |n: usize| {
        let body = json!({
            "user_id": "u", "company_name": "Acme", "use_case": "Support", "timestamp": "2026-11-21T10:00:00Z",
            "your_company_user_id": format!("user_{n}"),
            "input": { "value": "Where is my parcel? ".repeat(40), "format": "text", "country": "DE" },
            "output": { "value": "It arrives tomorrow.", "format": "text", "country": "DE" },
        });
        server.curl("/", &["-H", &header, "-d", &body.to_string()])
    };
    let id_of = |answer: &Answer| answer.json()["submission_id"].as_str().unwrap().to_owned();
    let mut answered = BTreeSet::from([id_of(&submit(0))]);
    let largest = files_below(home.path()).iter().filter_map(|file| file.metadata().ok()).map(|of| of.len()).max();
    server.limit_files(Some(largest.unwrap() + 64 * 1024));
    let mut refused = 0;
    for n in 1..400 {
        let answer = submit(n);
        match answer.status {
            200 => assert!(answered.insert(id_of(&answer))),
            status => {
                assert_eq!(status, 503, "{}", String::from_utf8_lossy(&answer.body));
                assert!(answer.headers.to_lowercase().contains("\r\nretry-after: "), "{}", answer.headers);
                assert_eq!(answer.json()["status"], "error");
                refused += 1;
            }
        }
        if refused >= 10 {
            break;
        }
    }
    assert_eq!(refused, 10, "the limit was never reached: {} were taken", answered.len());
    assert_eq!(server.curl("/health", &[]).status, 200, "the process itself is well");
    server.limit_files(None);
    wait_for("room again", || {
        let answer = submit(1_000);
        answer.status == 200 && answered.insert(id_of(&answer))
    });
    assert_eq!(all_audited(home.path(), &server, &key), answered, "what was taken is there, and nothing else");
}

/// Submits on one connection and answers the ids it got.
#[expect(clippy::disallowed_methods, reason = "speaks to the test's own server on the loopback")]
fn submit_until_it_dies(url: &str, key: &str, client: usize, submitted: &AtomicUsize) -> Vec<String> {
    let mut ids = Vec::new();
    let body = json!({
        "user_id": "load", "company_name": "Acme", "use_case": "Customer Support", "timestamp": "2026-11-21T10:00:00Z",
        "your_company_user_id": format!("user_{client}"),
        "input": { "value": "Where is my parcel?", "format": "text", "country": "DE" },
        "output": { "value": "It arrives tomorrow.", "format": "text", "country": "DE" },
    })
    .to_string();
    let request =
        format!("POST / HTTP/1.1\r\nHost: assize\r\nX-API-Key: {key}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let Ok(mut connection) = TcpStream::connect(url.trim_start_matches("http://")) else { return ids };
    let mut answers = BufReader::new(connection.try_clone().unwrap());
    while connection.write_all(request.as_bytes()).is_ok() {
        let Some((status, body)) = answer(&mut answers) else { break };
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        ids.push(body["submission_id"].as_str().unwrap().to_owned());
        submitted.fetch_add(1, Ordering::Relaxed);
    }
    ids
}

fn answer(connection: &mut impl BufRead) -> Option<(u16, String)> {
    let (mut status, mut length, mut line) = (0, 0, String::new());
    loop {
        line.clear();
        if connection.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.trim().to_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(code) = lower.strip_prefix("http/1.1 ") {
            status = code.split(' ').next()?.parse().ok()?;
        }
        if let Some(bytes) = lower.strip_prefix("content-length: ") {
            length = bytes.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some((status, String::from_utf8(body).ok()?))
}
