//! Sealed files: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online authenticated-encryption and its
//! nonce-reuse misuse-resistance", 2015) over XChaCha20-Poly1305 with a 32-bit counter and a flag for the last chunk.
//!
//! A file is read, sealed and written chunk by chunk, so that its size does not matter to memory; each chunk is
//! authenticated for its place, and a file that was cut, extended or shuffled does not open. 2^32 chunks of 64 KiB are
//! 256 TiB. The associated data binds the organization and the name: the digest of the content.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use assize_store::{Digest, OrganizationId};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::Payload;

use super::super::random::{Random, RandomUnavailable};
use super::envelope::{DoesNotOpen, Key, associated, cipher};

/// Bytes of content in a chunk; the last one may have fewer.
pub(super) const CHUNK_BYTES: usize = 64 << 10;
/// Bytes that sealing adds to a chunk.
const TAG_BYTES: usize = 16;
/// Bytes of a sealed chunk that is not the last.
pub(super) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Marks a sealed file, with the version of the form.
const MAGIC: [u8; 5] = *b"ASZB\x01";
/// The nonce less the counter and the flag, which the construction adds.
const NONCE_BYTES: usize = 19;
/// Bytes before the first chunk.
pub(super) const HEADER_BYTES: usize = MAGIC.len() + 4 + NONCE_BYTES;

/// Seals the chunks of one file, in order.
pub(super) struct Sealer {
    header: [u8; HEADER_BYTES],
    associated: Vec<u8>,
    encryptor: EncryptorBE32<XChaCha20Poly1305>,
}

impl Sealer {
    pub(super) fn new(
        key: &Key,
        version: u32,
        organization: &OrganizationId,
        digest: &Digest,
        random: &dyn Random,
    ) -> Result<Self, RandomUnavailable> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce)?;
        let mut header = [0; HEADER_BYTES];
        header[..5].copy_from_slice(&MAGIC);
        header[5..9].copy_from_slice(&version.to_be_bytes());
        header[9..].copy_from_slice(&nonce);
        let encryptor = EncryptorBE32::from_aead(cipher(key), &nonce.into());
        Ok(Self { associated: bound(&header, organization, digest), header, encryptor })
    }

    /// What comes before the first chunk.
    pub(super) fn header(&self) -> [u8; HEADER_BYTES] {
        self.header
    }

    /// Seals a full chunk that is not the last.
    pub(super) fn next(&mut self, chunk: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: chunk, aad: &self.associated };
        self.encryptor.encrypt_next(payload).expect("a file has fewer than 2^32 chunks")
    }

    /// Seals the last chunk, which may be empty.
    pub(super) fn last(self, chunk: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: chunk, aad: &self.associated };
        self.encryptor.encrypt_last(payload).expect("a file has fewer than 2^32 chunks")
    }
}

/// The version of the key that sealed a file, from its header; `None` when it is no sealed file.
pub(super) fn key_version(header: &[u8; HEADER_BYTES]) -> Option<u32> {
    let (magic, rest) = header.split_first_chunk::<5>()?;
    let (version, _) = rest.split_first_chunk::<4>()?;
    (*magic == MAGIC).then(|| u32::from_be_bytes(*version))
}

/// Opens the chunks of one file, in order.
pub(super) struct Opener {
    associated: Vec<u8>,
    decryptor: DecryptorBE32<XChaCha20Poly1305>,
}

impl Opener {
    pub(super) fn new(key: &Key, header: &[u8; HEADER_BYTES], organization: &OrganizationId, digest: &Digest) -> Self {
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&header[9..]);
        let decryptor = DecryptorBE32::from_aead(cipher(key), &nonce.into());
        Self { associated: bound(header, organization, digest), decryptor }
    }

    pub(super) fn next(&mut self, sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let payload = Payload { msg: sealed, aad: &self.associated };
        self.decryptor.decrypt_next(payload).map_err(|_| DoesNotOpen)
    }

    pub(super) fn last(self, sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let payload = Payload { msg: sealed, aad: &self.associated };
        self.decryptor.decrypt_last(payload).map_err(|_| DoesNotOpen)
    }
}

fn bound(header: &[u8], organization: &OrganizationId, digest: &Digest) -> Vec<u8> {
    associated(b"assize file v1", &[header, organization.as_str().as_bytes(), &digest.0])
}

#[cfg(test)]
mod tests {
    use secrecy::SecretBox;

    use super::super::super::random::SystemRandom;
    use super::*;

    fn key() -> Key {
        SecretBox::new(Box::new([1; 32]))
    }

    fn seal(content: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(&key(), 4, &OrganizationId::public(), &Digest([2; 32]), &SystemRandom).unwrap();
        let mut sealed = sealer.header().to_vec();
        let mut chunks: Vec<&[u8]> = content.chunks(CHUNK_BYTES).collect();
        let last = chunks.pop().unwrap_or_default();
        for chunk in chunks {
            sealed.extend(sealer.next(chunk));
        }
        sealed.extend(sealer.last(last));
        sealed
    }

    fn open(sealed: &[u8], organization: &OrganizationId, digest: [u8; 32]) -> Result<Vec<u8>, DoesNotOpen> {
        let (header, rest) = sealed.split_first_chunk::<HEADER_BYTES>().ok_or(DoesNotOpen)?;
        let mut opener = Opener::new(&key(), header, organization, &Digest(digest));
        let mut chunks: Vec<&[u8]> = rest.chunks(SEALED_CHUNK_BYTES).collect();
        let last = chunks.pop().ok_or(DoesNotOpen)?;
        let mut content = Vec::new();
        for chunk in chunks {
            content.extend(opener.next(chunk)?);
        }
        content.extend(opener.last(last)?);
        Ok(content)
    }

    #[test]
    fn files_around_the_bounds_of_chunks_come_back() {
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let sealed = seal(&content);
            let chunks = length.div_ceil(CHUNK_BYTES).max(1);
            assert_eq!(sealed.len(), HEADER_BYTES + length + 16 * chunks);
            assert_eq!(key_version(sealed.first_chunk().unwrap()), Some(4));
            assert!(open(&sealed, &OrganizationId::public(), [2; 32]).unwrap() == content, "{length}");
        }
    }

    #[test]
    fn a_file_that_was_cut_extended_or_shuffled_does_not_open() {
        let public = OrganizationId::public();
        let sealed = seal(&vec![7; 3 * CHUNK_BYTES + 5]);
        let chunk = |n: usize| HEADER_BYTES + n * SEALED_CHUNK_BYTES..HEADER_BYTES + (n + 1) * SEALED_CHUNK_BYTES;
        let mut shuffled = sealed.clone();
        let (first, second) = (sealed[chunk(0)].to_vec(), sealed[chunk(1)].to_vec());
        shuffled[chunk(0)].copy_from_slice(&second);
        shuffled[chunk(1)].copy_from_slice(&first);
        let mut longer = sealed.clone();
        longer.push(0);
        let cut_between = &sealed[..chunk(1).end];
        for (what, bytes) in [
            ("shuffled", shuffled.as_slice()),
            ("longer", &longer),
            ("cut between chunks", cut_between),
            ("cut within a chunk", &sealed[..sealed.len() - 1]),
            ("without a chunk", &sealed[..HEADER_BYTES]),
        ] {
            assert!(open(bytes, &public, [2; 32]).is_err(), "{what}");
        }
        for position in [0, 4, 8, 20, HEADER_BYTES, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(open(&changed, &public, [2; 32]).is_err(), "byte {position}");
        }
        assert!(open(&sealed, &OrganizationId::parse("org_b").unwrap(), [2; 32]).is_err());
        assert!(open(&sealed, &public, [3; 32]).is_err());
    }
}
