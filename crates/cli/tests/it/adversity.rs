//! A full disk, a home that cannot be written, a clock that was set back: clear messages, and nothing corrupted.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{assize, folder, run, said, sample};

/// Audits the sample data into `home/home`, the process being allowed files of `kib` KiB at most: to a program, a disk
/// that is full looks the same.
fn audit_with_files_up_to(home: &Path, kib: u32) -> Output {
    let data = sample("german_credit.csv");
    let binary = assize().get_program().to_owned();
    // The signal that comes before the error would end the process; a full disk sends none.
    let limits = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
    Command::new("bash")
        .args(["-c", &limits])
        .arg(binary)
        .args(["audit", data.to_str().unwrap(), "--target", "credit_risk", "--protected", "sex", "--domain", "loan"])
        .current_dir(home)
        .env_remove("ASSIZE_HOME")
        .env("ASSIZE_HOME", home.join("home"))
        .output()
        .expect("bash is installed")
}

fn doctor(home: &Path) -> Value {
    let output = run(home, &["doctor", "--json", "--home", home.join("home").to_str().unwrap()]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

/// Nothing is wrong but perhaps the space on the machine that runs the tests.
fn assert_sound(report: &Value) {
    for check in report["checks"].as_array().unwrap() {
        assert!(check["outcome"] == "passed" || check["name"] == "disk", "{report}");
    }
}

#[test]
fn a_full_disk_is_told_and_corrupts_nothing() {
    let home = folder();
    let first = audit_with_files_up_to(home.path(), 1 << 20);
    assert!(first.status.success(), "{}", said(&first));
    let (mut failed, mut succeeded) = (0, 1);
    // From hardly anything to nearly enough: the write that fails is another one each time.
    for kib in [16, 200, 320, 420, 520, 700] {
        let output = audit_with_files_up_to(home.path(), kib);
        if output.status.success() {
            succeeded += 1;
            continue;
        }
        failed += 1;
        let text = said(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{kib}: {:?} {text}", output.status);
        assert!(!text.contains("panicked"), "{kib}: {text}");
        let told = ["disk", "full", "too large", "I/O error", "unavailable", "cannot be"];
        assert!(told.iter().any(|word| text.contains(word)), "{kib}: {text}");
        assert_sound(&doctor(home.path()));
    }
    assert!(failed > 0, "the limit was never reached");
    let last = audit_with_files_up_to(home.path(), 1 << 20);
    assert!(last.status.success(), "{}", said(&last));
    assert_sound(&doctor(home.path()));
    let listed =
        run(home.path(), &["certificate", "list", "--json", "--home", home.path().join("home").to_str().unwrap()]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), succeeded + 1, "every success left a certificate, no failure did");
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let here = folder();
    // Nobody can make a folder in /proc, not even root.
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["signing-key", "show"], &["migrate"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["--home", "/proc/assize-home"]);
        let output = run(here.path(), &arguments);
        let text = said(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{text}");
        assert!(text.contains("/proc/assize-home") && !text.contains("panicked"), "{text}");
    }
    let output = run(here.path(), &["doctor", "--home", "/proc/assize-home"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    // A home whose files became read-only; root may write them all the same.
    let home = here.path().join("home");
    let made = audit_with_files_up_to(here.path(), 1 << 20);
    assert!(made.status.success(), "{}", said(&made));
    let chmod = |mode: &str| {
        let changed = Command::new("chmod").args(["-R", mode]).arg(&home).status().expect("chmod");
        assert!(changed.success());
    };
    chmod("a-w");
    let writable = std::fs::write(home.join("probe"), "x").is_ok();
    if !writable {
        let output = audit_with_files_up_to(here.path(), 1 << 20);
        assert!(!output.status.success());
        let text = said(&output);
        assert!(!text.contains("panicked") && (text.contains("home") || text.contains("unavailable")), "{text}");
    }
    chmod("u+w");
    let _ = std::fs::remove_file(home.join("probe"));
    assert_sound(&doctor(here.path()));
}

#[test]
fn backups_and_restores_run_from_the_command_line() {
    let here = folder();
    let made = audit_with_files_up_to(here.path(), 1 << 20);
    assert!(made.status.success(), "{}", said(&made));
    let home = here.path().join("home");
    let of = |home: &str, arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--home", home]);
        run(here.path(), &all)
    };
    let taken = of(home.to_str().unwrap(), &["backup", "backup.tar", "--include-keys", "--json"]);
    assert!(taken.status.success(), "{}", said(&taken));
    let taken: Value = serde_json::from_slice(&taken.stdout).unwrap();
    let restored = of("restored", &["restore", "backup.tar", "--json"]);
    assert!(restored.status.success(), "{}", said(&restored));
    let restored: Value = serde_json::from_slice(&restored.stdout).unwrap();
    assert_eq!(restored["log_root"], taken["log_root"]);
    let listed = of("restored", &["certificate", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let verified = of("restored", &["verify", listed[0]["certificate_id"].as_str().unwrap()]);
    assert!(verified.status.success(), "{}", said(&verified));
    let twice = of("restored", &["restore", "backup.tar"]);
    assert_eq!(twice.status.code(), Some(2), "{}", said(&twice));
    assert!(said(&twice).contains("not empty"), "{}", said(&twice));
    let missing = of("elsewhere", &["restore", "nothing.tar"]);
    assert_eq!(missing.status.code(), Some(2), "{}", said(&missing));
    let rotated = of("restored", &["master-key", "rotate"]);
    assert!(rotated.status.success(), "{}", said(&rotated));
    let set = of("restored", &["retention", "set", "uploads", "30"]);
    assert!(set.status.success(), "{}", said(&set));
    let shown = of("restored", &["retention", "show", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["uploads"], 30);
    let enforced = of("restored", &["retention", "enforce"]);
    assert!(enforced.status.success(), "{}", said(&enforced));
    let examined = of("restored", &["doctor", "--json"]);
    assert_sound(&serde_json::from_slice(&examined.stdout).unwrap());
}
