//! What a scan finds in bytes made for it.

use super::*;

fn worst(bytes: &[u8]) -> (Option<Severity>, Cow<'static, str>) {
    let scan = scan(bytes, &Limits::default());
    let worst = scan.worst();
    (worst, scan.findings.into_iter().next().map_or("".into(), |finding| finding.rule))
}

#[test]
fn calls_of_the_system_are_critical() {
    assert_eq!(worst(b"cos\nsystem\n(Vls\ntR."), (Some(Severity::Critical), "pickle-dangerous-call".into()));
    assert_eq!(worst(b"c__builtin__\neval\n(V1\ntR."), (Some(Severity::Critical), "pickle-dangerous-call".into()));
    assert_eq!(
        worst(b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
        (Some(Severity::Critical), "pickle-dangerous-call".into())
    );
    assert_eq!(worst(b"cnumpy\ntesting.os.system\n."), (Some(Severity::High), "pickle-attribute-path".into()));
}

#[test]
fn what_hides_behind_the_end_is_found() {
    let scan = scan(b"\x80\x04N.cposix\nsystem\n(Vls\ntR.", &Limits::default());
    let rules: Vec<&str> = scan.findings.iter().map(|finding| finding.rule.as_ref()).collect();
    assert_eq!(rules, ["pickle-dangerous-call", "pickle-trailing-data"]);
    assert_eq!(worst(b"N.garbage"), (Some(Severity::Medium), "pickle-trailing-data".into()));
}

#[test]
fn a_call_before_the_damage_is_still_found() {
    assert_eq!(worst(b"csubprocess\nPopen\n(").0, Some(Severity::Critical));
    assert_eq!(worst(b"\x82\x01.").1, "pickle-outside-reference");
    assert_eq!(worst(b"\x80\x04\x88Q.").1, "pickle-outside-reference");
}

#[test]
fn a_memo_entry_of_the_largest_number_is_followed_by_none_larger() {
    let mut bytes = b"\x80\x04N0p18446744073709551615\n".to_vec();
    bytes.extend(b"\x8c\x02os\x94\x8c\x06system\x94\x93.");
    assert_eq!(worst(&bytes), (Some(Severity::Critical), "pickle-dangerous-call".into()));
}

#[test]
fn plain_data_is_clean_and_unknown_code_is_not() {
    assert_eq!(worst(b"\x80\x04}."), (None, "".into()));
    assert_eq!(worst(b"cacme.models\nScorer\n."), (Some(Severity::High), "pickle-unknown-module".into()));
    assert_eq!(worst(b"csklearn.x\nY\n."), (Some(Severity::Medium), "pickle-unlisted-name".into()));
}

fn rules(bytes: &[u8], name: &str) -> Vec<(Severity, String, String)> {
    let scan = scan_named(bytes, name, &Limits::default());
    scan.findings.into_iter().map(|finding| (finding.severity, finding.rule.into_owned(), finding.member)).collect()
}

/// A zip of stored members, with a local header and a directory entry each.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let header = bytes.len() as u32;
        let sizes = [content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        bytes
            .extend([b"PK\x03\x04".as_slice(), &[0; 14], &sizes, &(name.len() as u16).to_le_bytes(), &[0; 2]].concat());
        bytes.extend([name.as_bytes(), content].concat());
        directory.extend([b"PK\x01\x02".as_slice(), &[0; 16], &sizes, &(name.len() as u16).to_le_bytes()].concat());
        directory.extend([[0; 12].as_slice(), &header.to_le_bytes(), name.as_bytes()].concat());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend([b"PK\x05\x06".as_slice(), &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    bytes.extend([(directory.len() as u32).to_le_bytes(), start.to_le_bytes()].concat());
    bytes.extend([0; 2]);
    bytes
}

#[test]
fn members_of_archives_are_scanned_at_every_depth() {
    let inner = zip(&[("model/data.pkl", b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.")]);
    let outer = zip(&[("readme.md", b"hello"), ("inner.zip", &inner)]);
    let found = rules(&outer, "m.zip");
    assert_eq!(
        found,
        [(Severity::Critical, "pickle-dangerous-call".to_owned(), "inner.zip!model/data.pkl".to_owned())]
    );
    assert_eq!(rules(&zip(&[("a.txt", b"plain")]), ""), []);
    let unsigned = zip(&[("weights", b"cos\nsystem\n(Vls\ntR.")]);
    assert_eq!(rules(&unsigned, "")[0].1, "pickle-dangerous-call");
}

#[test]
fn paths_that_leave_the_folder_and_names_that_repeat_are_found() {
    for name in ["../evil.py", "/etc/passwd", "a/../../b", "C:\\x", "\\\\host\\share"] {
        assert_eq!(rules(&zip(&[(name, b"")]), "")[0].1, "archive-path-traversal", "{name}");
    }
    assert_eq!(rules(&zip(&[("a", b""), ("a", b"")]), "")[0].1, "archive-duplicate-name");
}

#[test]
fn archives_within_archives_end_somewhere_and_damage_is_named() {
    let mut bytes = zip(&[("a", b"")]);
    for _ in 0..DEPTH_MAX + 2 {
        bytes = zip(&[("inner.zip", &bytes)]);
    }
    assert_eq!(rules(&bytes, "")[0].1, "limit-exceeded");
    let whole = zip(&[("a.pkl", b"\x80\x04N.")]);
    for end in 4..whole.len() {
        let _ = rules(&whole[..end], "");
    }
    assert_eq!(rules(&whole[..whole.len() - 30], "")[0].1, "malformed");
}

#[test]
fn a_name_behind_a_persistent_reference_is_found() {
    // The strict reader stops at the reference (Q); a loader of PyTorch does not.
    let bytes = b"\x80\x02X\x01\x00\x00\x00aQctorch\nFloatStorage\nq\x00cos\nsystem\n.";
    let found = rules(bytes, "");
    assert_eq!((found[0].0, found[0].1.as_str()), (Severity::Critical, "pickle-dangerous-call"));
    let honest = b"\x80\x02X\x01\x00\x00\x00aQctorch\nFloatStorage\nq\x00.";
    assert_eq!(rules(honest, ""), []);
    // A module that is fetched from the memo, and one that is made from a number.
    let memo = b"\x80\x04\x8c\x02os\x94Q0h\x00\x8c\x06system\x93.";
    assert_eq!(rules(memo, "")[0].1, "pickle-dangerous-call");
    assert!(rules(b"\x80\x04QK\x01K\x02\x93.", "").iter().any(|found| found.1 == "pickle-hidden-name"));
}

#[test]
fn layers_with_code_and_foreign_modules_are_found() {
    let config = |layer: &str| {
        format!(r#"{{"class_name": "Functional", "module": "keras", "config": {{"layers": [{layer}]}}}}"#)
    };
    let first = |layer: &str| rules(config(layer).as_bytes(), "config.json").first().map(|found| found.1.clone());
    assert_eq!(first(r#"{"class_name": "Lambda", "config": {}}"#).as_deref(), Some("keras-lambda"));
    let run = r#"{"class_name": "run", "module": "subprocess", "config": {}}"#;
    assert_eq!(first(run).as_deref(), Some("keras-dangerous-module"));
    let acme = r#"{"class_name": "Scorer", "module": "acme.layers"}"#;
    assert_eq!(first(acme).as_deref(), Some("keras-unknown-module"));
    assert_eq!(first(r#"{"class_name": "Dense", "module": "keras.layers"}"#), None);
    let hdf5 = b"\x89HDF\r\n\x1a\n....{\"class_name\": \"Lambda\"}";
    assert_eq!(rules(hdf5, "m.h5")[0].1, "keras-lambda");
}

#[test]
fn onnx_that_reads_other_files_is_found() {
    let field = |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8], content].concat();
    let model = |location: &str, domain: &str| {
        let external = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let tensor = field(13, &external);
        let node = [field(4, b"Relu"), field(7, domain.as_bytes())].concat();
        let graph = [field(1, &node), field(5, &tensor)].concat();
        [b"\x08\x07".to_vec(), field(2, b"x"), field(7, &graph)].concat()
    };
    let first = |location: &str, domain: &str| rules(&model(location, domain), "m.onnx")[0].1.clone();
    assert_eq!(first("../../etc/passwd", ""), "onnx-external-data-escapes");
    assert_eq!(first("weights.bin", ""), "onnx-external-data");
    assert_eq!(first("weights.bin", "acme.ops"), "onnx-custom-operator");
}

#[test]
fn sources_are_read_line_by_line() {
    let found = rules(b"import os\nos.system('ls')\n# os.system('no')\nmodel.eval()\n", "a/load.py");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1, "source-runs-command");
    assert_eq!(rules(b"key = 'AKIAIOSFODNN7EXAMPLE'\n", "x.py")[0].1, "secret");
    let found = rules(b"numpy==2.1\nscipy\ngit+https://example.org/x\n", "requirements.txt");
    let found: Vec<&str> = found.iter().map(|found| found.1.as_str()).collect();
    assert_eq!(found, ["requirement-elsewhere", "requirement-unpinned"]);
}

#[test]
fn the_sarif_log_names_rule_file_and_member() {
    let bytes = zip(&[("data.pkl", b"cos\nsystem\n(Vls\ntR.")]);
    let log = sarif::sarif(&[("my model.zip".to_owned(), scan_named(&bytes, "", &Limits::default()))], "1.0");
    assert_eq!(log["version"], "2.1.0");
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"pickle-dangerous-call".into(), &"error".into()));
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "my%20model.zip");
    assert_eq!(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "data.pkl");
    let index = result["ruleIndex"].as_u64().unwrap() as usize;
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], "pickle-dangerous-call");
}
