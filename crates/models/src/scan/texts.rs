//! Sources that travel with models: Python, notebooks, shell scripts and lists of requirements, line by line.

use super::{Report, Severity};

/// Longest source that is read.
const SOURCE_BYTES_MAX: usize = 16 << 20;

/// A text that is looked for in every line of a source.
struct Rule {
    words: &'static [&'static str],
    severity: Severity,
    rule: &'static str,
    why: &'static str,
}

/// Calls that run commands or code, or load what does.
const CALLS: &[Rule] = &[
    Rule {
        words: &["os.system(", "os.popen(", "subprocess.", "pty.spawn(", "os.exec"],
        severity: Severity::High,
        rule: "source-runs-command",
        why: "runs a command of the system",
    },
    Rule {
        words: &["eval(", "exec(", "__import__(", "marshal.loads(", "compile("],
        severity: Severity::High,
        rule: "source-runs-code",
        why: "runs code that is made while it runs",
    },
    Rule {
        words: &[
            "pickle.load",
            "joblib.load(",
            "dill.load",
            "cloudpickle.load",
            "torch.load(",
            "shelve.open(",
            "yaml.load(",
        ],
        severity: Severity::Medium,
        rule: "source-unsafe-load",
        why: "loads a file that can run code",
    },
    Rule {
        words: &[
            "trust_remote_code=True",
            "allow_pickle=True",
            "weights_only=False",
            "safe_mode=False",
            "verify=False",
        ],
        severity: Severity::Medium,
        rule: "source-switches-off-safety",
        why: "switches a protection off",
    },
    Rule {
        words: &["socket.socket(", "urllib.request.", "requests.post(", "curl ", "wget "],
        severity: Severity::Low,
        rule: "source-reaches-network",
        why: "reaches the network",
    },
];

/// Beginnings of secrets, with the number of characters of the secret that must follow (as their issuers document them).
const SECRETS: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "an access key of Amazon Web Services"),
    ("ghp_", 36, "a token of GitHub"),
    ("github_pat_", 22, "a token of GitHub"),
    ("hf_", 30, "a token of Hugging Face"),
    ("xoxb-", 20, "a token of Slack"),
    ("sk_live_", 16, "a key of Stripe"),
    ("AIza", 35, "a key of Google"),
    ("-----BEGIN RSA PRIVATE KEY", 0, "a private key"),
    ("-----BEGIN PRIVATE KEY", 0, "a private key"),
    ("-----BEGIN OPENSSH PRIVATE KEY", 0, "a private key"),
];

/// Examines a source, known by its name; `None` for anything else.
pub(super) fn examine(bytes: &[u8], name: &str, report: &mut Report) -> Option<&'static str> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let format = match () {
        () if file.starts_with("requirements") && file.ends_with(".txt") => "requirements",
        () if file.ends_with(".py") => "Python",
        () if file.ends_with(".ipynb") => "notebook",
        () if file.ends_with(".sh") || bytes.starts_with(b"#!") => "script",
        () => return None,
    };
    if bytes.len() > SOURCE_BYTES_MAX {
        report.add(Severity::Medium, "not-examined", 0, "a source too large to be looked at");
        return Some(format);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if format == "requirements" {
            requirement(line.trim(), offset, report);
        } else {
            calls(line, offset, report);
        }
        secrets(line, offset, report);
        offset += line.len();
    }
    Some(format)
}

fn calls(line: &str, offset: usize, report: &mut Report) {
    if line.trim_start().starts_with('#') {
        return;
    }
    for rule in CALLS {
        let found = rule.words.iter().find_map(|word| Some((*word, whole_word(line, word)?)));
        if let Some((word, at)) = found {
            let word = word.trim_end_matches(['(', '.', ' ']);
            report.push(rule.severity, rule.rule, offset + at, Some(word.to_owned()), format!("{word} {}", rule.why));
        }
    }
}

/// Where a word stands that is not the end of a longer one: `eval(` but not `model.eval(` or `retrieval(`.
fn whole_word(line: &str, word: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(place) = line[from..].find(word) {
        let at = from + place;
        let before = line[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Some(at);
        }
        from = at + word.len();
    }
    None
}

fn secrets(line: &str, offset: usize, report: &mut Report) {
    for (start, length, what) in SECRETS {
        if let Some(at) = line.find(start) {
            let rest = &line[at + start.len()..];
            let secret = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count();
            if secret >= *length {
                report.add(Severity::Critical, "secret", offset + at, format!("{what} stands in the file"));
            }
        }
    }
}

fn requirement(line: &str, offset: usize, report: &mut Report) {
    let line = line.split('#').next().unwrap_or_default().trim();
    if line.is_empty() {
        return;
    }
    if line.contains("http://") {
        let message = format!("{line:?} is fetched without encryption");
        report.add(Severity::High, "requirement-insecure", offset, message);
    } else if line.starts_with("git+") || line.contains("://") || line.contains(" @ ") {
        let message = format!("{line:?} is not from the usual index");
        report.add(Severity::Medium, "requirement-elsewhere", offset, message);
    } else if !line.starts_with('-') && !line.contains("==") {
        let name: String = line.chars().take_while(|c| c.is_alphanumeric() || "-_.[]".contains(*c)).collect();
        let message = format!("{name} has no fixed version: what is installed may change");
        report.push(Severity::Low, "requirement-unpinned", offset, Some(name), message);
    }
}
