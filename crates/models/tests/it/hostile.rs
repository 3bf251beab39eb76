//! Hostile and damaged files end in an error, soon, and never in a panic.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assize_models::{Limits, Severity, open, scan};
use assize_tables::Cancel;
use proptest::prelude::*;

use crate::sklearn_harness::read_csv;
use crate::support::Numbers;

/// What the acceptance of the product allows for one bad file.
const PATIENCE: Duration = Duration::from_secs(2);

fn fixtures() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures/joblib")
}

/// The message with which a file is refused.
#[expect(clippy::disallowed_methods, reason = "a bound on the time of a test")]
fn refusal(bytes: &[u8]) -> String {
    let start = Instant::now();
    let message = open(bytes, "m", &Limits::default()).err().expect("the file is refused").to_string();
    assert!(start.elapsed() < PATIENCE, "{message} took {:?}", start.elapsed());
    message
}

fn refused_with(bytes: &[u8], word: &str) {
    let message = refusal(bytes);
    assert!(message.contains(word), "{message:?} does not contain {word:?}");
}

/// A `BINUNICODE` text.
fn text(value: &str) -> Vec<u8> {
    [b"X".as_slice(), &(value.len() as u32).to_le_bytes(), value.as_bytes()].concat()
}

#[test]
fn bad_fixtures_are_refused_and_nothing_runs() {
    let mut seen = 0;
    for entry in std::fs::read_dir(fixtures().join("bad")).unwrap() {
        refusal(&std::fs::read(entry.unwrap().path()).unwrap());
        seen += 1;
    }
    assert_eq!(seen, 4);
    refused_with(&std::fs::read(fixtures().join("bad/unknown_class.pkl")).unwrap(), "acme_models.scoring.CreditScorer");
    refused_with(&std::fs::read(fixtures().join("bad/reduce_os_system.joblib")).unwrap(), "posix.system");
}

#[test]
fn what_is_not_known_to_be_answered_right_is_refused_with_the_reason() {
    let folder = fixtures().join("refused");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for model in manifest.as_array().unwrap() {
        let text = |key: &str| model[key].as_str().unwrap();
        refused_with(&std::fs::read(folder.join(text("file"))).unwrap(), text("why"));
    }
    assert_eq!(manifest.as_array().unwrap().len(), 7);
}

#[test]
fn a_scan_finds_the_call_and_passes_honest_models() {
    let limits = Limits::default();
    let bad = scan(&std::fs::read(fixtures().join("bad/reduce_os_system.joblib")).unwrap(), &limits);
    assert_eq!(bad.worst(), Some(Severity::Critical));
    assert_eq!(bad.findings[0].name.as_deref(), Some("posix.system"));
    for manifest in ["manifest.json", "more/manifest.json", "wide/manifest.json"] {
        let manifest = fixtures().join(manifest);
        let folder = manifest.parent().unwrap().to_owned();
        let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
        for model in manifest["models"].as_array().unwrap() {
            let file = model["file"].as_str().unwrap();
            let scanned = scan(&std::fs::read(folder.join(file)).unwrap(), &limits);
            assert!(scanned.worst() < Some(Severity::High), "{file}: {:?}", scanned.findings);
        }
    }
}

#[test]
fn what_is_declared_is_held_against_what_is_there() {
    refused_with(b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", "are declared");
    refused_with(b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "frame declares");
    refused_with(b"\x80\x02X\xff\xff\xff\x7fab.", "are declared");
    refused_with(b"\x80\x02\x8b\x00\x00\x00\x7f", "integer has");
    refused_with(&[b"L".as_slice(), &[b'9'; 2_000], b"L\n."].concat(), "integer has 2000 digits");
    refused_with(b"\x80\x09N.", "protocol 9");
    refused_with(b"\x80\x02N.N.", "bytes follow the end");
    refused_with(b"\x80\x02h\x07.", "memo entry 7 is not set");
    refused_with(b"\x80\x020.", "stack is empty");
    refused_with(b"\x80\x02(NNs.", "stack is empty");
    refused_with(b"\x80\x02N)R.", "not a named class");
    refused_with(b"\x80\x02\x82\x01.", "EXT");
    refused_with(b"Pid\n.", "PERSID");
    refused_with(b"\x80\x05\x97.", "NEXT_BUFFER");
    refused_with(b"\x80\x02\xff.", "opcode 0xff");
}

#[test]
fn an_array_larger_than_the_file_is_refused() {
    let wrapper = |shape: &[u8], size: &str| {
        let mut bytes = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(".to_vec();
        bytes.extend([text("subclass"), b"cnumpy\nndarray\n".to_vec(), text("shape"), shape.to_vec()].concat());
        bytes.extend([text("order"), text("C"), text("allow_mmap"), b"\x88".to_vec(), text("dtype")].concat());
        bytes.extend([b"cnumpy\ndtype\n(".to_vec(), text(size), b"K\x00K\x01tR".to_vec(), b"ub.".to_vec()].concat());
        bytes
    };
    refused_with(&wrapper(b"J\xff\xff\xff\x7f\x85", "f8"), "are declared");
    refused_with(&wrapper(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", "f8"), "shape of an array");
    refused_with(&wrapper(b"J\xff\xff\xff\xff\x85", "f8"), "array wrapper");
    refused_with(&wrapper(b"K\x01\x85", "M8"), "array wrapper");
}

#[test]
fn repetition_by_memo_is_bounded() {
    // A list that holds itself ten times, forty levels deep.
    let lists: Vec<u8> = (1..40)
        .flat_map(|at| [b"]q".to_vec(), vec![at], b"(".to_vec(), [b'h', at - 1].repeat(10), b"e".to_vec()].concat())
        .collect();
    refusal(&[b"\x80\x02]q\x00".to_vec(), lists, b".".to_vec()].concat());

    // A pipeline whose only step is itself, and voting over ten times the previous voting.
    let pipeline = |inner: &[u8]| {
        let mut bytes = b"csklearn.pipeline\nPipeline\n)\x81q\x01}(".to_vec();
        bytes.extend([text("_sklearn_version"), text("1.7.2"), text("steps"), b"](".to_vec(), text("s")].concat());
        bytes.extend([inner, b"\x86eub"].concat());
        bytes
    };
    refused_with(&[b"\x80\x02".to_vec(), pipeline(b"h\x01"), b".".to_vec()].concat(), "nested too deeply");

    let union = |at: u8, inner: &[u8]| {
        let member = [b"(".to_vec(), text("s"), inner.to_vec(), b"t".to_vec()].concat();
        let mut bytes = b"csklearn.pipeline\nFeatureUnion\n)\x81q".to_vec();
        bytes.push(at);
        bytes.extend(
            [b"}(".to_vec(), text("_sklearn_version"), text("1.7.2"), text("transformer_weights"), b"N".to_vec()]
                .concat(),
        );
        bytes.extend([text("transformer_list"), b"](".to_vec(), member.repeat(10), b"eub0".to_vec()].concat());
        bytes
    };
    let mut bomb = [b"\x80\x02".to_vec(), union(0, &text("passthrough"))].concat();
    for at in 1..12 {
        bomb.extend(union(at, &[b'h', at - 1]));
    }
    bomb.extend(b"h\x0b.");
    refused_with(&bomb, "repeats too many estimators");
}

#[test]
fn every_truncation_of_a_model_is_refused() {
    for file in
        ["sk1.7.2/gaussnb.p4.pkl", "sk1.3.2/logreg.joblib", "sk1.7.2/linearsvc.p4.pkl", "sk1.3.2/linearsvc.joblib.z"]
    {
        let bytes = std::fs::read(fixtures().join(file)).unwrap();
        for end in 0..bytes.len() {
            assert!(open(&bytes[..end], "m", &Limits::default()).is_err(), "{file} cut at {end} opens");
        }
    }
}

/// Opens, and asks when it opens: any answer will do, a panic or a hang will not.
fn ask(bytes: &[u8], rows: &assize_tables::Table) {
    let _ = scan(bytes, &Limits::default());
    if let Ok(model) = open(bytes, "m", &Limits::default()) {
        let _ = model.predict(rows, &Cancel::new());
    }
}

#[test]
fn changed_bytes_never_panic() {
    let mut numbers = Numbers(7);
    for folder in ["joblib/more", "joblib/wide", "boosters/files"] {
        let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join("tests/fixtures")
            .join(folder);
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        for model in manifest["models"].as_array().unwrap() {
            let bytes = std::fs::read(folder.join(model["file"].as_str().unwrap())).unwrap();
            let rows = read_csv(&folder.join(model["x"].as_str().unwrap()));
            for _ in 0..6 {
                let mut changed = bytes.clone();
                for _ in 0..=numbers.next() % 3 {
                    let at = (numbers.next() % changed.len() as u64) as usize;
                    changed[at] = numbers.next() as u8;
                }
                ask(&changed, &rows);
            }
        }
    }
}

#[test]
fn boosters_that_declare_more_than_they_hold_are_refused() {
    refused_with(b"CBM1\xff\xff\xff\xff", "CatBoost: the file is damaged");
    refused_with(b"CBM1\x08\x00\x00\x00\xff\xff\xff\x7f\x00\x00\x00\x00", "CatBoost: the file is damaged");
    let text = "tree\nversion=v4\nnum_tree_per_iteration=16000000\nmax_feature_idx=0\nobjective=multiclass num_class:3\n\
                feature_names=a\nfeature_infos=[0:1]\n";
    refused_with(text.as_bytes(), "LightGBM: a number of trees");
    refused_with([b"{\"learner\":".as_slice(), &[b'['; 400]].concat().as_slice(), "nested too deeply");
    let inputs = br#"{"learner":{"learner_model_param":{"num_feature":"1e300","num_class":"0"}}}"#;
    refused_with(inputs, "XGBoost: the number of its inputs");
    refused_with(b"{L\0\0\0\0\0\0\0\x07learner[$d#L\x7f\0\0\0\0\0\0\0}", "a length is not one");
}

#[test]
fn every_truncation_of_a_booster_ends_without_a_panic() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("tests/fixtures/boosters/files");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for model in manifest["models"].as_array().unwrap() {
        let bytes = std::fs::read(folder.join(model["file"].as_str().unwrap())).unwrap();
        for end in (0..bytes.len()).step_by(bytes.len() / 40) {
            let _ = open(&bytes[..end], "m", &Limits::default());
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), head in 0_usize..4) {
        let prefix: [&[u8]; 4] = [b"", b"\x80\x04", b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n", b"\x80\x02csklearn.pipeline\nPipeline\n)\x81}"];
        ask(&[prefix[head], bytes.as_slice()].concat(), &assize_tables::Table::default());
    }
}
