//! Arrays as numpy stores them.

use std::path::Path;

use assize_models::Limits;
use assize_models::arrays::{Elements, NamedArray, read_arrays};
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
