//! The sealed forms: what the bytes at rest look like, and how they are made and opened. Pure but for the random bytes
//! it is handed.
//!
//! XChaCha20-Poly1305 everywhere: 256-bit keys, 192-bit nonces drawn at random, so that no counter has to be kept and a
//! key may seal any number of texts (draft-irtf-cfrg-xchacha). Every form binds, as associated data, its own name and
//! where it belongs, each field behind its length: bytes moved to another organization, purpose or row do not open.
//!
//! | form | bytes |
//! |---|---|
//! | wrapped key | `01`, nonce (24), sealed key (32 + 16) |
//! | text under the organization's key | `01`, key version (4, big-endian), nonce (24), sealed text (n + 16) |
//! | text under a subject's key | `02`, key version of the subject (4), nonce (24), sealed text (n + 16) |
//! | file | `ASZB`, `01`, key version (4), nonce (19), chunks of 64 KiB + 16; the last is shorter ([`super::stream`]) |
//!
//! The first byte (of a file: the fifth) is the version of the form; a later form gets another.

use assize_store::OrganizationId;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretBox};
use zeroize::Zeroizing;

use super::super::random::{Random, RandomUnavailable};

/// Bytes of every key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;
/// Form of a wrapped key.
const WRAPPED: u8 = 1;
/// Bytes in front of a sealed text's nonce.
const TEXT_HEADER_BYTES: usize = 5;

/// A key that seals; wiped from memory when dropped.
pub(crate) type Key = SecretBox<[u8; KEY_BYTES]>;

/// It does not open: another key, another place, or changed bytes. Which of them cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoesNotOpen;

/// Whose key a text is sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Organization,
    Subject,
}

/// Where something sealed belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Whose it is.
    pub organization: &'a OrganizationId,
    /// What it is for: table and column, say.
    pub purpose: &'a str,
    /// Which one: the row's id.
    pub id: &'a str,
    /// The person or other subject whose key seals it; `None` for the organization's own.
    pub subject: Option<&'a str>,
}

/// What the first bytes of a sealed text say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextHeader {
    pub(super) holder: Holder,
    pub(super) version: u32,
}

impl TextHeader {
    /// Reads it off a sealed text; `None` when it is none.
    pub(super) fn read(sealed: &[u8]) -> Option<Self> {
        let (header, _) = sealed.split_first_chunk::<TEXT_HEADER_BYTES>()?;
        let holder = match header[0] {
            1 => Holder::Organization,
            2 => Holder::Subject,
            _ => return None,
        };
        Some(Self { holder, version: u32::from_be_bytes([header[1], header[2], header[3], header[4]]) })
    }

    fn bytes(self) -> [u8; TEXT_HEADER_BYTES] {
        let form = match self.holder {
            Holder::Organization => 1,
            Holder::Subject => 2,
        };
        let [a, b, c, d] = self.version.to_be_bytes();
        [form, a, b, c, d]
    }
}

/// A fresh key.
pub(super) fn generate(random: &dyn Random) -> Result<Key, RandomUnavailable> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    random.fill(bytes.as_mut_slice())?;
    Ok(SecretBox::new(Box::new(*bytes)))
}

/// Wraps `key` under `outer`, bound to `fields`.
pub(super) fn wrap(
    outer: &Key,
    key: &Key,
    fields: &[&[u8]],
    random: &dyn Random,
) -> Result<Vec<u8>, RandomUnavailable> {
    let mut wrapped = vec![WRAPPED];
    seal_into(&mut wrapped, outer, key.expose_secret(), &associated(b"assize wrapped key v1", fields), random)?;
    Ok(wrapped)
}

/// Opens what [`wrap`] made.
pub(super) fn unwrap(outer: &Key, wrapped: &[u8], fields: &[&[u8]]) -> Result<Key, DoesNotOpen> {
    let Some((&WRAPPED, rest)) = wrapped.split_first() else { return Err(DoesNotOpen) };
    let bytes = Zeroizing::new(open_from(rest, outer, &associated(b"assize wrapped key v1", fields))?);
    let bytes: &[u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| DoesNotOpen)?;
    Ok(SecretBox::new(Box::new(*bytes)))
}

/// Seals a text for its place.
pub(super) fn seal_text(
    key: &Key,
    header: TextHeader,
    place: &Place<'_>,
    text: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, RandomUnavailable> {
    let header = header.bytes();
    let mut sealed = header.to_vec();
    seal_into(&mut sealed, key, text, &associated(b"assize text v1", &place_fields(&header, place)), random)?;
    Ok(sealed)
}

/// Opens what [`seal_text`] made; the header has been read.
pub(super) fn open_text(key: &Key, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let (header, rest) = sealed.split_first_chunk::<TEXT_HEADER_BYTES>().ok_or(DoesNotOpen)?;
    open_from(rest, key, &associated(b"assize text v1", &place_fields(header, place)))
}

/// Seals bytes with a key that their owner holds.
pub(crate) fn seal_held(
    key: &Key,
    bytes: &[u8],
    purpose: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, RandomUnavailable> {
    let mut sealed = Vec::new();
    seal_into(&mut sealed, key, bytes, &associated(b"assize held v1", &[purpose]), random)?;
    Ok(sealed)
}

/// Opens what [`seal_held`] made.
pub(crate) fn open_held(key: &Key, sealed: &[u8], purpose: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    open_from(sealed, key, &associated(b"assize held v1", &[purpose]))
}

fn place_fields<'a>(header: &'a [u8], place: &Place<'a>) -> [&'a [u8]; 5] {
    let subject = place.subject.unwrap_or_default().as_bytes();
    [header, place.organization.as_str().as_bytes(), place.purpose.as_bytes(), place.id.as_bytes(), subject]
}

/// A domain and fields, each behind its length (8 bytes, big-endian), so that no two lists of fields meet.
pub(super) fn associated(domain: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in std::iter::once(&domain).chain(fields) {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

/// The cipher of a key.
pub(super) fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose_secret().into())
}

fn seal_into(
    out: &mut Vec<u8>,
    key: &Key,
    bytes: &[u8],
    associated: &[u8],
    random: &dyn Random,
) -> Result<(), RandomUnavailable> {
    let mut nonce = [0; NONCE_BYTES];
    random.fill(&mut nonce)?;
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: bytes, aad: associated })
        .expect("XChaCha20-Poly1305 seals anything below 256 GiB");
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(())
}

fn open_from(sealed: &[u8], key: &Key, associated: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(DoesNotOpen)?;
    cipher(key).decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: associated }).map_err(|_| DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::super::super::random::SystemRandom;
    use super::*;

    fn key(byte: u8) -> Key {
        SecretBox::new(Box::new([byte; KEY_BYTES]))
    }

    /// A [`Random`] that always gives the same byte, for known answers.
    #[derive(Debug)]
    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn the_cipher_is_the_one_of_the_draft() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let key: [u8; 32] = std::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap());
        let nonce: [u8; 24] = std::array::from_fn(|i| 0x40 + u8::try_from(i).unwrap());
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let associated = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let sealed = cipher(&SecretBox::new(Box::new(key)))
            .encrypt(&XNonce::from(nonce), Payload { msg: text, aad: &associated })
            .unwrap();
        assert_eq!(hex::encode(&sealed[sealed.len() - 16..]), "c0875924c1c7987947deafd8780acf49");
        assert_eq!(hex::encode(&sealed[..16]), "bd6d179d3e83d43b9576579493c0e939");
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_unchanged() {
        let (public, other) = (OrganizationId::public(), OrganizationId::parse("org_other").unwrap());
        let place = Place { organization: &public, purpose: "interactions.input", id: "VIRI-1", subject: None };
        let header = TextHeader { holder: Holder::Organization, version: 3 };
        let sealed = seal_text(&key(1), header, &place, b"my card is 4111", &SystemRandom).unwrap();
        assert_eq!(TextHeader::read(&sealed), Some(header));
        assert_eq!(open_text(&key(1), &place, &sealed).unwrap(), b"my card is 4111");
        assert!(!sealed.windows(4).any(|window| window == b"4111"));

        let elsewhere = [
            Place { organization: &other, ..place },
            Place { purpose: "interactions.output", ..place },
            Place { id: "VIRI-2", ..place },
            Place { subject: Some("p1"), ..place },
        ];
        for place in elsewhere {
            assert_eq!(open_text(&key(1), &place, &sealed), Err(DoesNotOpen), "{place:?}");
        }
        assert_eq!(open_text(&key(2), &place, &sealed), Err(DoesNotOpen));
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(open_text(&key(1), &place, &changed), Err(DoesNotOpen), "byte {position}");
            assert_eq!(open_text(&key(1), &place, &sealed[..position]), Err(DoesNotOpen), "cut at {position}");
        }
    }

    #[test]
    fn fields_cannot_flow_into_each_other() {
        let public = OrganizationId::public();
        let one = Place { organization: &public, purpose: "ab", id: "c", subject: None };
        let two = Place { organization: &public, purpose: "a", id: "bc", subject: None };
        let header = TextHeader { holder: Holder::Organization, version: 1 };
        let sealed = seal_text(&key(1), header, &one, b"x", &SystemRandom).unwrap();
        assert_eq!(open_text(&key(1), &two, &sealed), Err(DoesNotOpen));
    }

    #[test]
    fn keys_come_back_from_their_wrapping() {
        let wrapped = wrap(&key(1), &key(2), &[b"org_a", b"1"], &SystemRandom).unwrap();
        assert_eq!(wrapped.len(), 1 + 24 + 32 + 16);
        assert_eq!(unwrap(&key(1), &wrapped, &[b"org_a", b"1"]).unwrap().expose_secret(), &[2; 32]);
        assert!(unwrap(&key(3), &wrapped, &[b"org_a", b"1"]).is_err());
        assert!(unwrap(&key(1), &wrapped, &[b"org_a", b"2"]).is_err());
        assert!(unwrap(&key(1), &wrapped[1..], &[b"org_a", b"1"]).is_err());
        assert!(unwrap(&key(1), &[], &[]).is_err());
    }

    /// What an earlier version sealed must stay readable. The bytes were computed by another implementation of the draft.
    #[test]
    fn texts_of_every_form_keep_opening() {
        let public = OrganizationId::public();
        let place = Place { organization: &public, purpose: "p", id: "i", subject: None };
        let header = TextHeader { holder: Holder::Organization, version: 7 };
        let sealed = seal_text(&key(9), header, &place, b"assize", &Always(5)).unwrap();
        assert_eq!(hex::encode(&sealed), include_str!("text-v1.hex").trim());
        assert_eq!(open_text(&key(9), &place, &sealed).unwrap(), b"assize");
    }
}
