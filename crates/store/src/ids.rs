//! Identifiers as newtypes with a visible prefix: parsed at the edge, passed as the type inside.

use std::fmt;

use jiff::Timestamp;

use crate::error::Error;

/// Longest organization id, in bytes.
pub const ORGANIZATION_ID_BYTES_MAX: usize = 64;

/// A tenant: `org_` and lower-case letters, digits, `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationId(String);

impl OrganizationId {
    /// The organization of everything that is done without a key.
    #[must_use]
    pub fn public() -> Self {
        Self("org_public".to_owned())
    }

    /// Reads an organization id; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("org_")?;
        let valid = rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        (valid && !rest.is_empty() && text.len() <= ORGANIZATION_ID_BYTES_MAX).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job: `job_` and a version 7 UUID without hyphens, so that ids sort by the time they were made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(String);

impl JobId {
    /// A new id from the current time and ten random bytes, both the caller's.
    #[must_use]
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(timed_id("job_", now, &random))
    }

    /// Reads a job id; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_timed_id("job_", text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person's account: `usr_` and a version 7 UUID without hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// A new id from the current time and ten random bytes, both the caller's.
    #[must_use]
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(timed_id("usr_", now, &random))
    }

    /// Reads a user id; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_timed_id("usr_", text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An API key, not its secret: `key_` and a version 7 UUID without hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// A new id from the current time and ten random bytes, both the caller's.
    #[must_use]
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(timed_id("key_", now, &random))
    }

    /// Reads a key id; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_timed_id("key_", text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A webhook: `wh_` and a version 7 UUID without hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(String);

impl WebhookId {
    /// A new id from the current time and ten random bytes, both the caller's.
    #[must_use]
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(timed_id("wh_", now, &random))
    }

    /// Reads a webhook id; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_timed_id("wh_", text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A delivery to a webhook: `whd_` and a version 7 UUID without hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(String);

impl DeliveryId {
    /// A new id from the current time and ten random bytes, both the caller's.
    #[must_use]
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(timed_id("whd_", now, &random))
    }

    /// Reads a delivery id; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_timed_id("whd_", text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A prefix and a version 7 UUID without hyphens.
fn timed_id(prefix: &str, now: Timestamp, random: &[u8; 10]) -> String {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid();
    format!("{prefix}{}", uuid.simple())
}

/// Whether [`timed_id`] can have written the text.
fn is_timed_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// A certificate's number as people see it: `MP-2026-000001`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId(String);

impl CertificateId {
    /// The id of certificate `number` (from 1) of `year`.
    #[must_use]
    pub fn new(year: u16, number: u64) -> Self {
        Self(format!("MP-{year:04}-{number:06}"))
    }

    /// Reads a certificate id; `None` if it is not one. Only the form that [`Self::new`] writes is taken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, number) = text.strip_prefix("MP-")?.split_once('-')?;
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if year.len() != 4 || !digits(year) || !digits(number) {
            return None;
        }
        let id = Self::new(year.parse().ok()?, number.parse().ok()?);
        (id.0 == text).then_some(id)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A SHA-256 digest, the name of a blob.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 lower-case hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let digest = Self(bytes);
        (digest.to_string() == text).then_some(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Turns a parse that must succeed on stored text into the error that says it did not.
pub(crate) fn stored<T>(parse: fn(&str) -> Option<T>, text: &str) -> Result<T, Error> {
    parse(text).ok_or_else(|| Error::corrupt(format!("{text:?} is not a {}", std::any::type_name::<T>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_only_what_they_print() {
        for good in ["org_public", "org_7-a_b"] {
            assert_eq!(OrganizationId::parse(good).unwrap().to_string(), good);
        }
        let long = format!("org_{}", "a".repeat(61));
        for bad in ["", "org_", "org_A", "public", "org_a b", long.as_str()] {
            assert_eq!(OrganizationId::parse(bad), None, "{bad}");
        }
        for good in ["MP-2026-000001", "MP-0001-999999", "MP-2026-1000000"] {
            assert_eq!(CertificateId::parse(good).unwrap().to_string(), good);
        }
        for bad in ["MP-2026-1", "MP-26-000001", "MP-2026-0000001", "mp-2026-000001", "MP-2026-+00001", "MP-2026-"] {
            assert_eq!(CertificateId::parse(bad), None, "{bad}");
        }
        assert_eq!(Digest::parse(&"0".repeat(64)), Some(Digest([0; 32])));
        for bad in ["A".repeat(64), "0".repeat(63), "g".repeat(64)] {
            assert_eq!(Digest::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn job_ids_sort_by_time() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let early = JobId::new(at(1_700_000_000_000), [255; 10]);
        let late = JobId::new(at(1_700_000_000_001), [0; 10]);
        assert!(early < late);
        assert_eq!(JobId::parse(early.as_str()), Some(early));
        assert_eq!(JobId::parse("job_0"), None);
    }
}
