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
