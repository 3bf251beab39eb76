//! What webhooks are signed with: Standard Webhooks, symmetric (`v1`): HMAC-SHA256 over `id.timestamp.body`, base64
//! (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature scheme"). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How secrets of the standard begin.
const PREFIX: &str = "whsec_";
/// Bytes of a secret of the standard: 24 to 64, as the specification says.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of a secret that is a text of somebody's own.
const TEXT_BYTES: std::ops::RangeInclusive<usize> = 16..=256;

/// A secret of the standard over these bytes.
pub(super) fn secret_of(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The key that a secret stands for: what is encoded behind `whsec_`, or the bytes of any other text.
///
/// # Errors
/// What is wrong with the secret, to be read after the field's name.
pub(super) fn key_of(secret: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    match secret.strip_prefix(PREFIX) {
        Some(encoded) => match STANDARD.decode(encoded) {
            Ok(key) if KEY_BYTES.contains(&key.len()) => Ok(Zeroizing::new(key)),
            _ => Err(format!(
                "must be {} to {} bytes in base64 behind {PREFIX}, or a text without {PREFIX}",
                KEY_BYTES.start(),
                KEY_BYTES.end()
            )),
        },
        None if TEXT_BYTES.contains(&secret.len()) && !secret.chars().any(char::is_control) => {
            Ok(Zeroizing::new(secret.as_bytes().to_vec()))
        }
        None => {
            Err(format!("must have {} to {} bytes and no control characters", TEXT_BYTES.start(), TEXT_BYTES.end()))
        }
    }
}

/// The value of `webhook-signature`: one signature a key, the newest first.
pub(super) fn signatures(keys: &[Zeroizing<Vec<u8>>], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let sign = |key: &Zeroizing<Vec<u8>>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    keys.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the standard's own libraries (libraries/rust/src/lib.rs, `test_sign`).
    #[test]
    fn signatures_are_those_of_the_standard() {
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(std::slice::from_ref(&key), id, at, body), expected);
        let other = key_of("your-webhook-secret").unwrap();
        let both = signatures(&[other, key], id, at, body);
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(expected) && both.starts_with("v1,"), "{both}");
    }

    #[test]
    fn secrets_are_long_enough_and_come_back() {
        for bytes in [24, 32, 64] {
            let key = vec![7; bytes];
            assert_eq!(*key_of(&secret_of(&key)).unwrap(), key);
        }
        assert_eq!(*key_of("your-webhook-secret").unwrap(), b"your-webhook-secret");
        let (short, long) = (secret_of(&[7; 23]), secret_of(&[7; 65]));
        let text = "x".repeat(257);
        for bad in [
            "",
            "short",
            "whsec_",
            "whsec_not base64!",
            short.as_str(),
            long.as_str(),
            text.as_str(),
            "line\nbreak, long enough",
        ] {
            assert!(key_of(bad).is_err(), "{bad}");
        }
    }
}
