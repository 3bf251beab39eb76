//! Every way around the guard that we know of, tried. Servers stand on loopback, which a test allows by name where the
//! exchange is meant to succeed.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::narrative::Narrator;
use super::*;
use crate::config::{Narrative, NarrativeProvider, Secret};

fn policy(allow_private: &[&str]) -> Policy {
    Policy {
        timeout: Duration::from_secs(5),
        answer_bytes_max: 1_000,
        redirects_max: 2,
        allow_private: allow_private.iter().map(ToString::to_string).collect(),
    }
}

fn get(url: &str) -> Outgoing {
    Outgoing { method: Method::GET, url: Url::parse(url).unwrap(), headers: HeaderMap::new(), body: Bytes::new() }
}

/// A name server that gives out prepared answers, one after the other, and repeats the last.
#[derive(Debug)]
struct Prepared(Mutex<VecDeque<Vec<SocketAddr>>>);

impl Prepared {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

impl Resolver for Prepared {
    fn resolve(&self, _host: String, port: u16) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let mut answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        for address in &mut answer {
            if address.port() == 0 {
                address.set_port(port);
            }
        }
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn every_spelling_of_a_private_address_is_refused() {
    let client = Client::new(policy(&[]));
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://127.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://10.0.0.1:8080/",
        "http://127。0。0。1/",
        "http://127.0.0.1./",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://0.0.0.0/",
        "http://0.1.2.3/",
        "http://100.64.0.1/",
        "http://192.168.0.1/",
        "http://[::]/",
        "http://[::127.0.0.1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[fc00::1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[2606:4700::5efe:7f00:1]/",
        "http://%31%32%37.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http:127.0.0.1/",
    ] {
        let error = client.send(get(url)).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. }), "{url}: {error}");
    }
}

#[tokio::test]
async fn names_that_lead_inward_are_refused() {
    // The names of this machine, with the dot that makes them absolute.
    for url in ["http://localhost/", "http://localhost./", "http://LOCALHOST/"] {
        let error = Client::new(policy(&[])).send(get(url)).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. } | Error::Resolve { .. }), "{url}: {error}");
    }
    for answer in
        [&["127.0.0.1:0"][..], &["8.8.8.8:0", "10.0.0.1:0"], &["[::ffff:192.168.0.1]:0"], &["169.254.169.254:0"]]
    {
        let client = Client::with_resolver(policy(&[]), Prepared::new(&[answer]));
        let error = client.send(get("http://metadata.google.internal/")).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. }), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn other_schemes_and_user_names_are_refused() {
    let client = Client::new(policy(&[]));
    for url in
        ["file:///etc/passwd", "ftp://8.8.8.8/", "http://key@8.8.8.8/", "gopher://8.8.8.8/", "http://u:secret@8.8.8.8/"]
    {
        let error = client.send(get(url)).await.unwrap_err();
        assert!(matches!(error, Error::Url { .. }), "{url}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn redirect_inward_is_refused() {
    let server = MockServer::start().await;
    for target in ["http://169.254.169.254/", "http://167772161/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd"] {
        server.reset().await;
        Mock::given(path("/start"))
            .respond_with(ResponseTemplate::new(302).insert_header("location", target))
            .mount(&server)
            .await;
        let client = Client::new(policy(&["127.0.0.1"]));
        let url = format!("{}/start", server.uri());
        let error = client.send(get(&url)).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. } | Error::Url { .. }), "{target}: {error}");
    }
}

#[tokio::test]
async fn endless_redirects_end() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "/again"))
        .mount(&server)
        .await;
    let error = Client::new(policy(&["127.0.0.1"])).send(get(&server.uri())).await.unwrap_err();
    assert!(matches!(error, Error::Redirects { redirects_max: 2 }), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn secrets_do_not_follow_to_another_origin() {
    let (first, second) = (MockServer::start().await, MockServer::start().await);
    let target = format!("{}/landed", second.uri());
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(303).insert_header("location", target))
        .mount(&first)
        .await;
    Mock::given(method("GET")).and(path("/landed")).respond_with(ResponseTemplate::new(200)).mount(&second).await;
    let mut outgoing = get(&first.uri());
    outgoing.method = Method::POST;
    outgoing.body = Bytes::from_static(b"numbers");
    for secret in ["authorization", "cookie", "x-goog-api-key", "x-api-key", "webhook-signature"] {
        outgoing.headers.insert(secret, "Bearer secret".parse().unwrap());
    }
    outgoing.headers.insert(ACCEPT, "application/json".parse().unwrap());
    let answer = Client::new(policy(&["127.0.0.1"])).send(outgoing).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let received = second.received_requests().await.unwrap();
    assert!(received[0].headers.values().all(|value| value != "Bearer secret"), "{:?}", received[0].headers);
    assert_eq!(received[0].headers["accept"], "application/json");
    assert!(received[0].body.is_empty());
}

#[tokio::test]
async fn second_dns_answer_is_never_asked_for_within_a_hop() {
    // The name server first gives an address that passes, then another: the connection goes to the first.
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_string("first")).mount(&server).await;
    let first = server.address().to_string();
    let resolver = Prepared::new(&[&[&first], &["10.255.255.1:1"]]);
    let client = Client::with_resolver(policy(&["rebinding.example"]), resolver.clone());
    let answer = client.send(get(&format!("http://rebinding.example:{}/", server.address().port()))).await.unwrap();
    assert_eq!(answer.body, "first");
    assert_eq!(resolver.0.lock().unwrap().len(), 1, "one answer was taken");
}

#[tokio::test]
async fn changed_dns_answer_on_the_next_hop_is_refused() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "http://other.example/"))
        .mount(&server)
        .await;
    let first = server.address().to_string();
    let client = Client::with_resolver(policy(&["rebinding.example"]), Prepared::new(&[&[&first], &["127.0.0.1:0"]]));
    let error = client.send(get(&format!("http://rebinding.example:{}/", server.address().port()))).await.unwrap_err();
    assert!(matches!(error, Error::Private { ref host, .. } if host == "other.example"), "{error}");
}

#[tokio::test]
async fn answers_at_the_bound_pass_and_beyond_it_do_not() {
    let server = MockServer::start().await;
    for (length, fits) in [(1_000, true), (1_001, false)] {
        server.reset().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b'a'; length]))
            .mount(&server)
            .await;
        let answer = Client::new(policy(&["127.0.0.1"])).send(get(&server.uri())).await;
        match answer {
            Ok(answer) => assert!(fits && answer.body.len() == length),
            Err(error) => assert!(!fits && matches!(error, Error::TooLarge { bytes_max: 1_000 }), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_at_the_time_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // Sends the head of an answer and then nothing, with the connection open.
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1_024];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
        let _ = stream.read(&mut request).await;
    });
    let policy = Policy { timeout: Duration::from_millis(200), ..policy(&["127.0.0.1"]) };
    let error = Client::new(policy).send(get(&url)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn the_dot_that_makes_a_name_absolute_changes_nothing() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let first = server.address().to_string();
    // The checked address is the one that is called: the name server's second answer would lead elsewhere.
    let client =
        Client::with_resolver(policy(&["rebinding.example."]), Prepared::new(&[&[&first], &["10.255.255.1:1"]]));
    let url = format!("http://rebinding.example.:{}/", server.address().port());
    assert_eq!(client.send(get(&url)).await.unwrap().status, StatusCode::OK);
    // A name that was allowed is not allowed under another spelling.
    let client = Client::with_resolver(policy(&["inside.example"]), Prepared::new(&[&[&first]]));
    let error = client.send(get("http://inside.example./")).await.unwrap_err();
    assert!(matches!(error, Error::Private { .. }), "{error}");
}

#[tokio::test]
async fn line_breaks_in_an_address_make_no_header() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    for path in ["/a\r\nX-Injected: 1\r\n", "/a%0d%0aX-Injected:%201", "/?q=%0d%0aX-Injected:%201"] {
        let url = format!("{}{path}", server.uri());
        Client::new(policy(&["127.0.0.1"])).send(get(&url)).await.unwrap();
    }
    for request in server.received_requests().await.unwrap() {
        assert!(!request.headers.contains_key("x-injected"), "{request:?}");
    }
    assert!("a\r\nX-Injected: 1".parse::<reqwest::header::HeaderValue>().is_err());
    // A redirect cannot bring one in either: its address is parsed like any other.
    server.reset().await;
    let target = format!("{}/b%0d%0aX-Injected:%201", server.uri());
    Mock::given(path("/start"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", target))
        .mount(&server)
        .await;
    Client::new(policy(&["127.0.0.1"])).send(get(&format!("{}/start", server.uri()))).await.unwrap();
    assert!(
        server.received_requests().await.unwrap().iter().all(|request| !request.headers.contains_key("x-injected"))
    );
}

#[tokio::test]
async fn packed_answers_are_not_unpacked() {
    let server = MockServer::start().await;
    // 100 kB of zeros in some hundred bytes would break the bound of 1,000 if they were unpacked.
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        server.reset().await;
        let packed = ResponseTemplate::new(200).insert_header("content-encoding", encoding).set_body_bytes(b"packed");
        Mock::given(method("GET")).respond_with(packed).mount(&server).await;
        let answer = Client::new(policy(&["127.0.0.1"])).send(get(&server.uri())).await.unwrap();
        assert_eq!(answer.body, "packed", "{encoding}");
        let request = &server.received_requests().await.unwrap()[0];
        assert!(!request.headers.contains_key("accept-encoding"), "{encoding} is not asked for");
    }
}

/// Answers one connection with prepared bytes, one every so often, until the client goes away.
async fn dripping(start: &'static [u8], drip: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1_024];
        let _ = stream.read(&mut request).await.unwrap();
        let mut sent = stream.write_all(start).await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            sent = stream.write_all(drip).await;
        }
    });
    url
}

#[tokio::test]
async fn answers_that_never_end_are_cut_by_time_or_size() {
    let hasty = Policy { timeout: Duration::from_millis(300), ..policy(&["127.0.0.1"]) };
    let head = dripping(b"HTTP/1.1 200 OK\r\nx-slow: ", b"a").await;
    let error = Client::new(hasty.clone()).send(get(&head)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. } | Error::Exchange { .. }), "{error}");
    let silent = dripping(b"", b"").await;
    let error = Client::new(hasty.clone()).send(get(&silent)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let slow = dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"a").await;
    let error = Client::new(hasty).send(get(&slow)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    // Without a length there is no end to wait for: the bound is on what has come.
    let endless = dripping(b"HTTP/1.1 200 OK\r\n\r\n", &[b'a'; 600]).await;
    let error = Client::new(policy(&["127.0.0.1"])).send(get(&endless)).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes_max: 1_000 }), "{error}");
    let chunk: &'static [u8] = b"64\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    let chunked = dripping(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk).await;
    let error = Client::new(policy(&["127.0.0.1"])).send(get(&chunked)).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes_max: 1_000 }), "{error}");
}

fn narrator(provider: NarrativeProvider, server: &MockServer) -> Narrator {
    let config = Narrative {
        provider,
        base_url: Some(server.uri()),
        api_key: Some(Secret::new("k1")),
        model: "m-1".to_owned(),
        timeout_s: 5,
        allow_private: vec!["127.0.0.1".to_owned()],
    };
    Narrator::from_config(&config).unwrap()
}

#[tokio::test]
async fn gemini_is_asked_in_its_protocol() {
    let server = MockServer::start().await;
    let answer = serde_json::json!({"candidates": [{"content": {"parts": [{"text": "Women are "}, {"text": "selected less."}]}}]});
    Mock::given(method("POST"))
        .and(path("/v1beta/models/m-1:generateContent"))
        .and(header("x-goog-api-key", "k1"))
        .and(body_partial_json(serde_json::json!({"contents": [{"parts": [{"text": r#"{"task":"why?"}"#}]}]})))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let text =
        narrator(NarrativeProvider::Gemini, &server).narrate(&serde_json::json!({"task": "why?"})).await.unwrap();
    assert_eq!(text, "Women are selected less.");
}

#[tokio::test]
async fn openai_compatible_services_are_asked_in_theirs() {
    let server = MockServer::start().await;
    let answer = serde_json::json!({"choices": [{"message": {"role": "assistant", "content": "Fair enough."}}]});
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer k1"))
        .and(body_partial_json(
            serde_json::json!({"model": "m-1", "messages": [{"role": "user", "content": r#"{"task":"why?"}"#}]}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let text =
        narrator(NarrativeProvider::Openai, &server).narrate(&serde_json::json!({"task": "why?"})).await.unwrap();
    assert_eq!(text, "Fair enough.");
}

#[tokio::test]
async fn refusals_and_empty_answers_are_errors_that_name_no_key() {
    let server = MockServer::start().await;
    for (status, body) in [
        (429, "{}"),
        (500, "k1"),
        (200, "{}"),
        (200, "not json"),
        (200, r#"{"choices":[{"message":{"content":" "}}]}"#),
    ] {
        server.reset().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .mount(&server)
            .await;
        let narrator = narrator(NarrativeProvider::Openai, &server);
        let error = narrator.narrate(&serde_json::json!({"task": "why?"})).await.unwrap_err();
        assert!(!format!("{error:?} {error} {narrator:?}").contains("k1"), "{error:?}");
    }
}

#[test]
fn nobody_is_asked_by_default() {
    assert!(Narrator::from_config(&Narrative::default()).is_none());
}
