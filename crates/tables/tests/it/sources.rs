//! Spooling: limits, digests, and nothing left behind.

use std::path::Path;

use assize_tables::Error;
use assize_tables::source::{SourceSettings, Spool, fetch};
use tempfile::TempDir;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn left_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn an_upload_is_spooled_hashed_and_deleted() {
    let folder = TempDir::new().unwrap();
    let spooled = block_on(async {
        let mut spool = Spool::new(folder.path(), 100_000).await.unwrap();
        spool.write(b"a,b\n").await.unwrap();
        spool.write(b"1,2\n").await.unwrap();
        spool.finish("C:\\data\\my.csv").await.unwrap()
    });
    assert_eq!((spooled.name.as_str(), spooled.bytes), ("my.csv", 8));
    assert_eq!(spooled.sha256, "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470");
    assert_eq!(std::fs::read(spooled.path()).unwrap(), b"a,b\n1,2\n");
    drop(spooled);
    assert_eq!(left_in(folder.path()), 0);
}

#[test]
fn an_upload_over_the_limit_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    block_on(async {
        let mut spool = Spool::new(folder.path(), 100_000).await.unwrap();
        spool.write(&[b'x'; 100_000]).await.unwrap();
        let error = spool.write(b"x").await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 100_000 }));
    });
    assert_eq!(left_in(folder.path()), 0);
}

#[test]
fn local_sources_stay_in_their_folder() {
    let (root, outside, into) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    std::fs::write(root.path().join("my data.csv"), "a,b\n1,2\n").unwrap();
    std::fs::write(outside.path().join("secret.csv"), "a,b\n").unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("link")).unwrap();
    let open = SourceSettings { bytes_max: 8, local_root: Some(root.path().into()), ..SourceSettings::default() };
    let get = |url: &str, settings: &SourceSettings| block_on(fetch(url, into.path(), settings));
    for url in ["my data.csv".to_owned(), format!("file://{}/my%20data.csv", root.path().display())] {
        let spooled = get(&url, &open).unwrap();
        assert_eq!((spooled.name.as_str(), spooled.bytes), ("my data.csv", 8));
    }
    let refused = |url: &str, settings: &SourceSettings, expect: &str| {
        let error = get(url, settings).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    refused("my data.csv", &SourceSettings { bytes_max: 8, ..SourceSettings::default() }, "not allowed");
    refused("my data.csv", &SourceSettings { bytes_max: 7, ..open.clone() }, "larger than 7 bytes");
    refused("no.csv", &open, "No such file");
    refused(&format!("{}/secret.csv", outside.path().display()), &open, "outside the folder");
    refused("link/secret.csv", &open, "outside the folder");
    refused("../x", &open, "cannot be read");
    refused(
        "https://user:secret@example.com/x.csv?token=1",
        &open,
        "'https://example.com/x.csv' cannot be read: the address must be",
    );
    assert_eq!(left_in(into.path()), 0);
}

/// The S3 server to test on, without TLS; there is one under `cargo xtask test`.
#[expect(clippy::disallowed_methods, reason = "the one place where a test asks which object store it may use")]
fn s3_url() -> Option<String> {
    std::env::var("ASSIZE_TEST_S3_URL").ok().filter(|url| !url.is_empty())
}

/// Sends a request by hand: object_store makes no buckets.
#[expect(clippy::disallowed_methods, reason = "speaks to the test's own server on the loopback")]
fn put(server: &str, path: &str, body: &str) {
    use std::io::{Read, Write};
    let mut connection = std::net::TcpStream::connect(server.trim_start_matches("http://")).unwrap();
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: s3\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn objects_of_an_s3_store_are_spooled() {
    let Some(server) = s3_url() else { return };
    let bucket = format!("assize-sources-{}", std::process::id());
    put(&server, &format!("/{bucket}"), "");
    put(&server, &format!("/{bucket}/folder/my%20data.csv"), "a,b\n1,2\n");
    let into = TempDir::new().unwrap();
    let settings = |secret: &str| SourceSettings {
        bytes_max: 8,
        local_root: None,
        store_options: [
            ("aws_endpoint_url", server.as_str()),
            ("aws_region", "us-east-1"),
            ("aws_access_key_id", "test"),
            ("aws_secret_access_key", secret),
            ("aws_allow_http", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
    };
    let get = |path: &str, settings: &SourceSettings| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fetch(&format!("s3://{path}"), into.path(), settings))
    };
    let spooled = get(&format!("{bucket}/folder/my%20data.csv"), &settings("hunter2")).unwrap();
    assert_eq!((spooled.name.as_str(), spooled.bytes), ("my data.csv", 8));
    assert_eq!(spooled.sha256, "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470");
    assert_eq!(std::fs::read(spooled.path()).unwrap(), b"a,b\n1,2\n");
    drop(spooled);
    for (path, reason) in [
        (format!("{bucket}/folder/other.csv"), "there is no such file"),
        ("assize-no-such-bucket/x.csv".to_owned(), "there is no such file"),
    ] {
        let refused = get(&path, &settings("hunter2")).unwrap_err().to_string();
        assert!(refused.contains(reason) && !refused.contains("hunter2"), "{refused}");
    }
    let small = SourceSettings { bytes_max: 7, ..settings("hunter2") };
    let refused = get(&format!("{bucket}/folder/my%20data.csv"), &small).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { limit: 7 }), "{refused}");
    assert_eq!(left_in(into.path()), 0);
}
