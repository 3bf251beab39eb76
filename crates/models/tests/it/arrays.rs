//! Arrays as numpy stores them.

use std::path::Path;

use assize_models::Limits;
use assize_models::arrays::{Cells, Elements, NamedArray, Written, read_arrays, write_arrays};
use proptest::prelude::*;

fn stored(file: &str) -> Vec<u8> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    std::fs::read(Path::new(&manifest).join("tests/fixtures/arrays").join(file)).unwrap()
}

fn arrays(file: &str) -> Vec<NamedArray> {
    read_arrays(&stored(file), &Limits::default()).unwrap()
}

#[test]
fn arrays_of_numpy_are_read_packed_or_plain() {
    let read = arrays("packed.npz");
    assert_eq!(read, arrays("plain.npz"));
    let named = |name: &str| read.iter().find(|array| array.name == name).unwrap();
    let numbers = |name: &str| match &named(name).elements {
        Elements::Numbers(values) => values.clone(),
        Elements::Texts(_) => panic!("{name} holds texts"),
    };
    assert_eq!((named("in_X").shape.as_slice(), numbers("in_X")), (&[3, 2][..], vec![0.0, 0.25, 0.5, 0.75, 1.0, 1.25]));
    assert_eq!(numbers("in_big"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(numbers("in_half"), numbers("in_big"));
    assert_eq!(numbers("in_flag"), [0.0, 1.0, 1.0]);
    assert_eq!((named("in_empty").shape.as_slice(), numbers("in_empty")), (&[0, 3][..], vec![]));
    assert_eq!((named("in_one").shape.as_slice(), numbers("in_one")), (&[][..], vec![7.0]));
    assert_eq!(named("in_name").elements, Elements::Texts(["a", "é", "a"].map(str::to_owned).to_vec()));
    let rows = arrays("rows.npy").remove(0);
    assert_eq!((rows.name.as_str(), rows.shape.as_slice()), ("", &[3, 2][..]));
    assert_eq!(rows.into_table(None).unwrap().rows, 3);
}

#[test]
fn what_is_written_is_read_again() {
    let written = |name: &str, shape: &[usize], cells| Written { name: name.to_owned(), shape: shape.to_vec(), cells };
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let all = [
        written("prediction", &[3], Cells::Texts(texts(&["<=50K", "é", ""]))),
        written("probability", &[3, 2], Cells::Floats(vec![0.1, 0.9, 1.0, 0.0, 1e-300, -0.0])),
        written("labels", &[2], Cells::Integers(vec![-1, 1 << 40])),
        written("flags", &[2], Cells::Truths(vec![true, false])),
        written("nothing", &[0, 4], Cells::Floats(Vec::new())),
        written("no_texts", &[0], Cells::Texts(Vec::new())),
    ];
    let mut bytes = Vec::new();
    write_arrays(&all, &mut bytes).unwrap();
    let read = read_arrays(&bytes, &Limits::default()).unwrap();
    let expected = [
        Elements::Texts(texts(&["<=50K", "é", ""])),
        Elements::Numbers(vec![0.1, 0.9, 1.0, 0.0, 1e-300, -0.0]),
        Elements::Numbers(vec![-1.0, (1_u64 << 40) as f64]),
        Elements::Numbers(vec![1.0, 0.0]),
        Elements::Numbers(Vec::new()),
        Elements::Texts(Vec::new()),
    ];
    assert_eq!(read.len(), all.len());
    for ((read, written), elements) in read.iter().zip(&all).zip(expected) {
        assert_eq!((&read.name, &read.shape, &read.elements), (&written.name, &written.shape, &elements));
    }
}

#[test]
fn objects_and_bombs_are_refused() {
    let limits = Limits { unpacked_bytes_free: 1 << 20, ..Limits::default() };
    for (file, word) in [("objects.npz", "pickle"), ("bomb.npz", "more than the limit")] {
        let error = read_arrays(&stored(file), &limits).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn every_truncation_of_arrays_is_refused() {
    for file in ["packed.npz", "rows.npy"] {
        let bytes = stored(file);
        // The last two bytes of a zip say only how long its comment is.
        for length in 0..bytes.len() - 2 {
            assert!(read_arrays(&bytes[..length], &Limits::default()).is_err(), "{file} cut to {length} bytes");
        }
    }
}

proptest! {
    #[test]
    fn changed_arrays_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), plain in any::<bool>()) {
        let mut bytes = stored(if plain { "plain.npz" } else { "packed.npz" });
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = read_arrays(&bytes, &Limits::default()) {
            read.into_iter().for_each(|array| drop(array.into_table(None)));
        }
    }
}
