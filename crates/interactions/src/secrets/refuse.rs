//! What looks like a credential and is none: placeholders, references to where the secret is kept, hashes, plain words.

/// Words of placeholders and of documentation, lower case.
const PLACEHOLDERS: &[&str] = &[
    "your",
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "redacted",
    "removed",
    "dummy",
    "sample",
    "insert",
    "replace",
    "xxxx",
    "****",
    "....",
    "<",
    "${",
    "{{",
    "}}",
    "%(",
    "$(",
    "#{",
    "todo",
    "fixme",
    "not-a-real",
    "notreal",
    "fake",
    "undefined",
    "null",
    "none",
    "here",
    "my-api-key",
    "my_api_key",
    "secret_key_here",
    "test-key",
    "abcdef123456",
    "1234567890abcdef",
    "deadbeef",
    "foobar",
    "lorem",
];

/// Code that reads the secret from elsewhere.
const REFERENCES: &[&str] = &[
    "os.environ",
    "process.env",
    "getenv",
    "env[",
    "env.",
    "env(",
    "config.",
    "config[",
    "settings.",
    "secrets.",
    "vault.",
    "ssm:",
    "arn:aws",
    "keyvault",
    "self.",
    "this.",
    "request.",
    "req.",
    "args.",
    "params.",
    "ctx.",
    "str)",
    "string",
    "function",
    "lambda",
    "await",
    "import",
    "return",
    "input(",
    "prompt(",
    "getpass",
    "load(",
    "read(",
    "get(",
    "fetch(",
    "file(",
];

/// A value that stands for a secret but is none.
pub(super) fn placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word)) || one_sign(&lower) || keyboard_row(&lower)
}

/// A value that is code or names a place where the secret is.
pub(super) fn reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    REFERENCES.iter().any(|word| lower.contains(word)) || value.contains("](") || value.ends_with('(')
}

/// Two or fewer different letters and digits: `xxxxxxxx`, `0000-0000`.
fn one_sign(value: &str) -> bool {
    let mut seen = [false; 128];
    let count = value
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .filter(|&byte| !std::mem::replace(&mut seen[usize::from(byte)], true))
        .count();
    count <= 2
}

/// `abcdefgh…`, `12345678…`: six and more in a row, and nothing else.
fn keyboard_row(value: &str) -> bool {
    let rising = value.as_bytes().windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count();
    value.len() >= 6 && rising + 2 >= value.len()
}

/// Words that a hash follows: `sha256:`, `commit`, `etag`.
pub(super) fn hash_before(before: &str) -> bool {
    const WORDS: &[&str] = &[
        "sha1",
        "sha256",
        "sha384",
        "sha512",
        "md5",
        "commit",
        "integrity",
        "etag",
        "checksum",
        "digest",
        "fingerprint",
        "hash",
        "revision",
    ];
    let tail_start = before.char_indices().rev().take(16).last().map_or(0, |(at, _)| at);
    let tail = before[tail_start..].to_ascii_lowercase();
    WORDS.iter().any(|word| tail.contains(word))
}

/// Shannon entropy of the bytes, in bits a byte.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / total)
        .map(|share| -share * libm::log2(share))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_references_and_hashes_are_told_apart_from_values() {
        for value in [
            "your-api-key-here",
            "xxxxxxxx",
            "<TOKEN>",
            "${KEY}",
            "{{ secrets.X }}",
            "********",
            "changeme",
            "12345678",
            "abcdefgh",
            "AKIAIOSFODNN7EXAMPLE",
        ] {
            assert!(placeholder(value), "{value}");
        }
        for value in ["Winter9768!", "jE15gxZ6kzypnBtS", "d36f790eee16b1c5e7af965353370ac4"] {
            assert!(!placeholder(value) && !reference(value), "{value}");
        }
        assert!(reference("os.environ[\"X\"]") && reference("process.env.KEY"));
        assert!(hash_before("sha256:") && hash_before("commit ") && !hash_before("my key "));
    }

    #[test]
    fn entropy_is_bits_a_byte() {
        assert!((entropy(b"aabb") - 1.0).abs() < 1e-12 && entropy(b"aaaa") == 0.0);
        assert!(entropy(b"0123456789abcdef") == 4.0);
    }
}
