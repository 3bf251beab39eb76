//! The files under `deploy/` fit the program: every setting they name exists, every value the chart's templates use is
//! in its `values.yaml`, the YAML files parse. What Helm makes of the templates only Helm can tell (docs/operations.md
//! says what was tried by hand).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::{assize, files_below, folder, run, said};

fn deploy() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../deploy")
        .canonicalize()
        .expect("deploy/ is there")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Dotted names of all settings.
fn settings() -> BTreeSet<String> {
    let home = folder();
    let output = run(home.path(), &["config", "show", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    shown.as_array().unwrap().iter().map(|setting| setting["key"].as_str().unwrap().to_owned()).collect()
}

/// Words of a text that begin with `start`, as far as `part` goes on.
fn words<'a>(text: &'a str, start: &str, part: impl Fn(char) -> bool) -> Vec<&'a str> {
    let found = text.match_indices(start).map(|(at, _)| {
        let rest = &text[at + start.len()..];
        &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())]
    });
    found.collect()
}

#[test]
fn every_setting_that_a_file_names_exists() {
    let settings = settings();
    let mut named = 0;
    for file in files_below(&deploy()) {
        let text = read(&file);
        for name in words(&text, "ASSIZE_", |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
            // Without the two bars it is a variable of the command line or of the file itself.
            // `SECTION__KEY` stands for all of them.
            let named_one = name.split_once("__").filter(|(section, key)| *section != "SECTION" && !key.is_empty());
            if let Some((section, key)) = named_one {
                let key = format!("{section}.{}", key.replace("__", ".")).to_lowercase();
                assert!(settings.contains(&key), "{}: there is no setting {key}", file.display());
                named += 1;
            }
        }
    }
    assert!(named > 10, "{named}");
    let file = deploy().join("systemd/assize.toml");
    let output = assize().args(["config", "show", "--config"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn every_value_that_a_template_uses_is_in_the_values_file() {
    let chart = deploy().join("helm/assize");
    let values = dotted_keys(&read(&chart.join("values.yaml")));
    let settings = settings();
    for file in files_below(&chart.join("templates")) {
        let text = read(&file);
        for name in words(&text, ".Values.", |c| c.is_ascii_alphanumeric() || c == '.') {
            assert!(values.contains(name.trim_end_matches('.')), "{}: .Values.{name} has no default", file.display());
        }
        for name in words(&text, ".own.", |c| c.is_ascii_alphanumeric()) {
            for of in ["server", "worker"] {
                assert!(values.contains(&format!("{of}.{name}")), "{}: {of}.{name} has no default", file.display());
            }
        }
        let count = |mark: &str| text.matches(mark).count();
        assert_eq!(count("{{"), count("}}"), "{}", file.display());
        let opened: usize = ["define ", "if ", "with ", "range "]
            .iter()
            .map(|word| count(&format!("{{{{- {word}")) + count(&format!("{{{{ {word}")))
            .sum();
        assert_eq!(opened, count("{{- end") + count("{{ end"), "{}: blocks and their ends", file.display());
    }
    // The settings that the template writes by itself: `dict "listen" ...` under a section.
    let config = read(&chart.join("templates/configmap.yaml"));
    for key in [
        "server.listen",
        "server.trusted_proxies",
        "server.public_url",
        "storage.objects_url",
        "storage.s3.allow_http",
        "storage.s3.endpoint",
        "storage.s3.region",
        "worker.listen",
        "worker.concurrency",
        "signing.key_file",
        "logging.format",
        "metrics.allow",
    ] {
        let last = key.rsplit('.').next().unwrap();
        assert!(config.contains(&format!("\"{last}\"")) && settings.contains(key), "{key}");
    }
}

/// Dotted keys of a YAML file of plain nested maps with two blanks a level, as the chart's is.
fn dotted_keys(yaml: &str) -> BTreeSet<String> {
    let (mut keys, mut path) = (BTreeSet::new(), Vec::<String>::new());
    for line in yaml.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains(':')) {
        let level = (line.len() - line.trim_start().len()) / 2;
        path.truncate(level);
        path.push(line.trim_start().split(':').next().unwrap().to_owned());
        keys.insert(path.join("."));
    }
    keys
}

#[test]
fn yaml_and_json_files_parse() {
    // Any YAML reader will do; the one of the tests' Python environment is there.
    #[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their tools are")]
    let Some(programs) = std::env::var("ASSIZE_TEST_PYTHON").ok().filter(|folder| !folder.is_empty()) else { return };
    let chart = deploy().join("helm/assize");
    for file in ["Chart.yaml", "values.yaml", "values.schema.json"]
        .map(|name| chart.join(name))
        .into_iter()
        .chain([deploy().join("compose/compose.yaml")])
    {
        let script = "import sys, yaml; assert isinstance(yaml.safe_load(open(sys.argv[1])), dict)";
        let output =
            std::process::Command::new(Path::new(&programs).join("python")).args(["-c", script]).arg(&file).output();
        let output = output.expect("Python runs");
        assert!(output.status.success(), "{}: {}", file.display(), said(&output));
    }
}
