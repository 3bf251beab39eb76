//! Credentials in a text: provider prefixes first, then values assigned to telling names, then nothing.
//!
//! A credential is reported when its provider's form holds, or when a name that secrets are assigned to is followed by a
//! value that is no word, no placeholder, no hash and no file. [`refuse`] says what is left alone; a high entropy alone
//! never makes a secret, because hashes, ids and compiled text have it too.

mod named;
mod providers;
mod refuse;

use crate::pii::{Category, Kind, Proof};
use crate::words::{Hits, Tag};

/// A credential found (bytes of the view).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Secret {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) confidence: f32,
    pub(crate) proof: Proof,
    /// A key of a test environment: little harm in it.
    pub(crate) specimen: bool,
}

/// Severity of a live-looking credential (taxonomy section 1.4).
const SEVERITY: u8 = 9;

const fn kind(name: &'static str) -> Kind {
    Kind::new(name, Category::Credential, SEVERITY).not_hipaa()
}

pub(crate) fn words(all: &mut Vec<(&'static str, Tag)>) {
    all.extend(
        providers::PROVIDERS.iter().enumerate().map(|(index, provider)| (provider.mark, Tag::Secret(index as u16))),
    );
    named::words(all);
    all.push(("-----begin", Tag::Armour));
    all.push(("://", Tag::Scheme));
}

/// Every kind of credential that can be named in a result.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = providers::PROVIDERS.iter().map(|provider| provider.kind).collect();
    kinds.extend([
        providers::PRIVATE_KEY,
        providers::URL_CREDENTIALS,
        providers::DISCORD_TOKEN,
        named::PASSWORD,
        named::GENERIC,
        named::BASIC_AUTH,
    ]);
    kinds.sort_by_key(|kind| kind.name);
    kinds.dedup();
    kinds
}

/// The credentials of a text, in order, without overlaps.
pub(crate) fn find(text: &str, hits: &Hits) -> Vec<Secret> {
    let mut found = Vec::new();
    for hit in &hits.list {
        for &tag in hit.tags() {
            let secret = match tag {
                Tag::Secret(index) => providers::token(text, &providers::PROVIDERS[usize::from(index)], hit.start),
                Tag::Armour => providers::armoured(text, hit.start),
                Tag::Scheme => providers::url_credentials(text, hit.start, hit.end),
                Tag::SecretName => named::value(text, hit.start, hit.end),
                _ => None,
            };
            found.extend(secret);
        }
    }
    found.extend(memchr::memchr_iter(b'.', text.as_bytes()).filter_map(|dot| providers::discord(text, dot)));
    // A provider's form beats a name's value, the longer the shorter, the earlier the later.
    found.sort_by(|a, b| {
        b.confidence
            .total_cmp(&a.confidence)
            .then((b.end - b.start).cmp(&(a.end - a.start)))
            .then(a.start.cmp(&b.start))
    });
    let mut kept: std::collections::BTreeMap<usize, Secret> = std::collections::BTreeMap::new();
    for secret in found {
        let free = kept.range(..secret.end).next_back().is_none_or(|(_, other)| other.end <= secret.start);
        if free {
            kept.insert(secret.start, secret);
        }
    }
    kept.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        find(text, &crate::words::find(text)).iter().map(|secret| secret.kind.name).collect()
    }

    /// Spelled in two parts, so that no scanner of repositories takes an example for a leak.
    fn joined(prefix: &str, rest: &str) -> String {
        format!("{prefix}{rest}")
    }

    #[test]
    fn every_provider_has_an_example_that_is_found() {
        for provider in providers::PROVIDERS {
            let example = joined(provider.mark.trim_end_matches('*'), "");
            let text = format!("token {}", (provider.example)(&example));
            assert!(names(&text).contains(&provider.kind.name), "{} {text}: {:?}", provider.kind.name, names(&text));
        }
    }

    #[test]
    fn names_with_values_in_many_spellings() {
        let value = joined("S3t0qeQAsLfK7aMI0", "sMU05x2WsgM5ahst");
        for text in [
            format!("X-API-Key: \"{value}\""),
            format!("curl -H 'auth_token {value}' https://api.b.com"),
            format!("my client_secret is {value} and the call still returns 401"),
            format!("{{\"api_key\": \"{value}\", \"region\": \"eu\"}}"),
            format!("export SERVICE_TOKEN='{value}'"),
        ] {
            assert_eq!(names(&text), ["GENERIC_API_KEY"], "{text}");
        }
        for text in [
            "password=Winter9768!",
            "mein Passwort ist hvt8!5nMxJj5b",
            "DB_PASSWORD: \"lyGL!weRQBHuG\"",
            "contraseña: Sommer7583!",
            "my pwd is jE15gxZ6kzypnBtS.",
        ] {
            assert_eq!(names(text), ["PASSWORD"], "{text}");
        }
    }

    #[test]
    fn look_alikes_are_left_alone() {
        for text in [
            "sha256:ea4d6ccf39a6b3efdbdf3bd02c1f1f7fc0b70ec9fb9225b805285a417d154dae  package-3.20.tar.gz",
            "password = os.environ[\"DB_PASSWORD\"]",
            "def reset_password(token: str) -> bool:  # validates api key",
            "The password policy asks for at least 16 characters and one symbol.",
            "token = \"xxxxxxxxxxxxxxxxxxxx\"",
            "api_key = \"<YOUR_TOKEN>\"",
            "token = \"{{ secrets.TOKEN }}\"",
            "api_key = \"${API_KEY}\"",
            "password: ********",
            "token = \"changeme\"",
            "keys look like sk-viri-xxxxxxxxxxxxxxxxxxxx",
            "etag: W/\"6e5f8327c62749952c5d3c0ae5dd2b6b\" cache-control: max-age=4597",
            "commit 6c6a1cadd7bf6eb3a1fcbe7d8d89a669cda48947 merged into main",
            "request id 3fa2f553-6f83-4a74-b180-61a1f5448fa9 took 90 ms",
            "pk_test_7DJKSYbkvmh7qntGrYMTpmid is a publishable key",
            "https://example.com/docs/p3i0smo9?session=7&lang=en",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "I forgot my password yesterday and the token is expired",
            "the secret of success: work harder",
            "next page token: none",
            "AKIAIOSFODNN7EXAMPLE is in every manual",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
