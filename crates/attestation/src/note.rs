//! Checkpoints: the signed head of the log, in the C2SP formats tlog-checkpoint and signed-note, so that any monitor
//! or witness of the transparency world reads it.
//!
//! ```text
//! assize.example.org/log          origin: the name of the log, and of its key
//! 1024                            size
//! CsUYapGGPo4dkMgIAUqom/Xa...     root, base64
//!                                 (extension lines, then a blank line)
//! — assize.example.org/log Az3g...    key hash and Ed25519 signature, base64
//! ```
//!
//! Parsing is exact: a note that would print differently is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::envelope::decode;
use crate::log::{Hash, SIZE_MAX};
use crate::{Error, PublicKey, SigningKey};

/// Largest note that is read, in bytes; ours have under 300.
const NOTE_BYTES_MAX: usize = 64 << 10;

/// Signature type of a plain Ed25519 note signature (C2SP signed-note, "Signature types").
const ED25519: u8 = 0x01;

const SIGNATURE_START: &str = "\u{2014} ";

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log: a host and path without scheme, no blanks, no `+`.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Further lines of the body; none are defined, all are signed.
    pub extensions: Vec<String>,
}

/// A checkpoint with its signature lines, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// In the order of the note; at least one.
    pub signatures: Vec<NoteSignature>,
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key; a log signs under its origin.
    pub name: String,
    /// First four bytes of the key's hash.
    pub key_hash: [u8; 4],
    /// Ed25519 signature over the body.
    pub signature: Vec<u8>,
}

impl Checkpoint {
    /// The text that is signed; ends in a line feed.
    pub fn body(&self) -> String {
        let extensions: String = self.extensions.iter().map(|line| format!("{line}\n")).collect();
        format!("{}\n{}\n{}\n{extensions}", self.origin, self.size, self.root)
    }

    /// Signs it: the note text as served and stored.
    ///
    /// # Errors
    /// [`Error::Malformed`] when origin or extensions hold what the format does not allow.
    pub fn sign(&self, key: &SigningKey) -> Result<String, Error> {
        check_name(&self.origin)?;
        if self.size > SIZE_MAX || !self.extensions.iter().all(|line| is_line(line)) {
            return Err(Error::malformed("the checkpoint", "size too large, or an extension is not one line of text"));
        }
        let body = self.body();
        let hash = key_hash(&self.origin, &key.public_key());
        let signature = STANDARD.encode([hash.as_slice(), &key.sign(body.as_bytes())].concat());
        Ok(format!("{body}\n{SIGNATURE_START}{} {signature}\n", self.origin))
    }
}

impl SignedCheckpoint {
    /// Reads a note.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is not exactly a checkpoint note.
    pub fn parse(note: &str) -> Result<SignedCheckpoint, Error> {
        let malformed = |reason: &str| Error::malformed("the checkpoint", reason);
        if note.len() > NOTE_BYTES_MAX {
            return Err(Error::TooLarge { what: "the checkpoint", bytes: note.len(), bytes_max: NOTE_BYTES_MAX });
        }
        let (body, signatures) =
            note.rsplit_once("\n\n").ok_or_else(|| malformed("no blank line before signatures"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().unwrap_or_default().to_owned();
        check_name(&origin)?;
        let size = lines.next().ok_or_else(|| malformed("no size"))?;
        let parsed_size = size.parse::<u64>().map_err(|_| malformed("the size is no number"))?;
        if parsed_size > SIZE_MAX || parsed_size.to_string() != size {
            return Err(malformed("the size is too large or not plainly written"));
        }
        let root = Hash::from_base64(lines.next().ok_or_else(|| malformed("no root"))?)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if !extensions.iter().all(|line| is_line(line)) {
            return Err(malformed("an extension line is empty or holds control characters"));
        }
        let signatures = signatures.strip_suffix('\n').ok_or_else(|| malformed("no line feed at the end"))?;
        let signatures = signatures.split('\n').map(NoteSignature::parse).collect::<Result<Vec<_>, Error>>()?;
        Ok(SignedCheckpoint { checkpoint: Checkpoint { origin, size: parsed_size, root, extensions }, signatures })
    }

    /// Checks that one signature line is `key`'s under the log's own name, and gives the checkpoint. Lines of other
    /// keys (witnesses) are left aside, as signed-note asks.
    ///
    /// # Errors
    /// [`Error::UntrustedKey`] when no line names the key, [`Error::Signature`] when its signature does not hold.
    pub fn verify(&self, key: &PublicKey) -> Result<&Checkpoint, Error> {
        let signature = self.signature_of(key);
        let signature = signature.ok_or_else(|| Error::UntrustedKey { key_id: self.signer_names(), trusted: 1 })?;
        if self.holds(signature, key) { Ok(&self.checkpoint) } else { Err(Error::Signature { key_id: key.key_id() }) }
    }

    /// The line made under the log's name with this key's hash.
    pub(crate) fn signature_of(&self, key: &PublicKey) -> Option<&NoteSignature> {
        let origin = &self.checkpoint.origin;
        self.signatures.iter().find(|line| line.name == *origin && line.key_hash == key_hash(origin, key))
    }

    pub(crate) fn holds(&self, line: &NoteSignature, key: &PublicKey) -> bool {
        let signature: Result<&[u8; 64], _> = line.signature.as_slice().try_into();
        signature.is_ok_and(|signature| key.verifies(self.checkpoint.body().as_bytes(), signature))
    }

    pub(crate) fn signer_names(&self) -> String {
        let names: Vec<String> =
            self.signatures.iter().map(|line| format!("{}+{}", line.name, hex::encode(line.key_hash))).collect();
        names.join(", ")
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<NoteSignature, Error> {
        let malformed = |reason: &str| Error::malformed("the signature line of the checkpoint", reason);
        let rest =
            line.strip_prefix(SIGNATURE_START).ok_or_else(|| malformed("does not start with a dash and a blank"))?;
        let (name, signature) = rest.split_once(' ').ok_or_else(|| malformed("no signature after the name"))?;
        check_name(name)?;
        let bytes = decode("the signature of the checkpoint", signature)?;
        let (hash, signature) = bytes.split_first_chunk::<4>().ok_or_else(|| malformed("shorter than a key hash"))?;
        Ok(NoteSignature { name: name.to_owned(), key_hash: *hash, signature: signature.to_vec() })
    }
}

/// The C2SP signed-note form of a public key, `name+hash+key`, which monitors and witnesses are configured with.
///
/// # Errors
/// [`Error::Malformed`] when the name holds blanks, `+` or control characters.
pub fn verifier_key_to_string(name: &str, key: &PublicKey) -> Result<String, Error> {
    check_name(name)?;
    let encoded = STANDARD.encode([[ED25519].as_slice(), &key.to_bytes()].concat());
    Ok(format!("{name}+{}+{encoded}", hex::encode(key_hash(name, key))))
}

/// Reads `name+hash+key`.
///
/// # Errors
/// [`Error::Key`] when it is not the form of an Ed25519 key, or its hash is another key's.
pub fn verifier_key_from_string(text: &str) -> Result<(String, PublicKey), Error> {
    let refuse = || Error::Key("expected name+hash+key of an Ed25519 key (C2SP signed-note)".to_owned());
    let (name, rest) = text.trim().split_once('+').ok_or_else(refuse)?;
    let (hash, encoded) = rest.split_once('+').ok_or_else(refuse)?;
    let bytes = decode("the key", encoded)?;
    let Some((&ED25519, key)) = bytes.split_first() else { return Err(refuse()) };
    let key = PublicKey::from_bytes(key.try_into().map_err(|_| refuse())?)?;
    if check_name(name).is_err() || hex::encode(key_hash(name, &key)) != hash {
        return Err(refuse());
    }
    Ok((name.to_owned(), key))
}

/// `SHA-256(name || 0x0A || 0x01 || key)[..4]` (C2SP signed-note, "Signatures").
fn key_hash(name: &str, key: &PublicKey) -> [u8; 4] {
    let digest =
        Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key.to_bytes()).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Key names and origins: not empty, no blanks, no `+`, no control characters. Because a blank is refused, a checkpoint
/// body can never be the pre-authentication encoding of an envelope, so one key may sign both.
fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        return Err(Error::malformed("the name of the log", "empty, or holds a blank, a plus or a control character"));
    }
    Ok(())
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> (SigningKey, Checkpoint) {
        let root = Hash::from_base64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").unwrap();
        let origin = "example.com/behind-the-sofa".to_owned();
        (SigningKey::from_seed(&[7; 32]), Checkpoint { origin, size: 20_852_163, root, extensions: vec![] })
    }

    #[test]
    fn the_published_note_of_go_sumdb_verifies() {
        // golang.org/x/mod/sumdb/note, package documentation: key and signed text.
        let (name, key) =
            verifier_key_from_string("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let line = NoteSignature::parse(line).unwrap();
        assert_eq!((line.name.as_str(), line.key_hash), (name.as_str(), key_hash(&name, &key)));
        assert!(key.verifies(text.as_bytes(), line.signature.as_slice().try_into().unwrap()));
        assert_eq!(
            verifier_key_to_string(&name, &key).unwrap(),
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        );
    }

    #[test]
    fn the_example_of_c2sp_tlog_cosignature_parses() {
        let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
            \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
            \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let signed = SignedCheckpoint::parse(note).unwrap();
        assert_eq!(signed.checkpoint, sample().1);
        assert_eq!(signed.signatures.len(), 2);
        assert_eq!(signed.signatures[0].key_hash, [0x03, 0x3d, 0xe0, 0xae]);
    }

    #[test]
    fn a_signed_checkpoint_verifies_with_its_key_only() {
        let (key, checkpoint) = sample();
        let note = checkpoint.sign(&key).unwrap();
        let signed = SignedCheckpoint::parse(&note).unwrap();
        assert_eq!(signed.verify(&key.public_key()), Ok(&checkpoint));
        let other = SigningKey::from_seed(&[8; 32]).public_key();
        assert!(matches!(signed.verify(&other), Err(Error::UntrustedKey { .. })));
        let extended = Checkpoint { extensions: vec!["more".to_owned()], ..checkpoint };
        let signed = SignedCheckpoint::parse(&extended.sign(&key).unwrap()).unwrap();
        assert_eq!(signed.verify(&key.public_key()), Ok(&extended));
    }

    #[test]
    fn one_changed_byte_of_a_note_never_verifies() {
        let (key, checkpoint) = sample();
        let note = checkpoint.sign(&key).unwrap().into_bytes();
        for at in 0..note.len() {
            for flip in 1..=255_u8 {
                let mut changed = note.clone();
                changed[at] ^= flip;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                let verified =
                    SignedCheckpoint::parse(&changed).is_ok_and(|signed| signed.verify(&key.public_key()).is_ok());
                assert!(!verified, "byte {at} changed by {flip}");
            }
        }
    }

    #[test]
    fn names_and_lines_outside_the_format_are_refused() {
        let (key, checkpoint) = sample();
        for origin in ["", "a b", "a+b", "a\nb", "DSSEv1 28 application/vnd.in-toto+json 2 {}"] {
            let checkpoint = Checkpoint { origin: origin.to_owned(), ..checkpoint.clone() };
            assert!(checkpoint.sign(&key).is_err(), "{origin:?}");
        }
        for line in ["", "a\nb"] {
            let checkpoint = Checkpoint { extensions: vec![line.to_owned()], ..checkpoint.clone() };
            assert!(checkpoint.sign(&key).is_err(), "{line:?}");
        }
        let hash = checkpoint.root;
        let line = "\u{2014} a AAAAAAA=\n";
        for size in ["01", "+1", "-1", "", "1 ", "99999999999999999"] {
            assert!(SignedCheckpoint::parse(&format!("a\n{size}\n{hash}\n\n{line}")).is_err(), "{size:?}");
        }
        assert!(SignedCheckpoint::parse(&format!("a\n1\n{hash}\n\n{line}")).is_ok());
        assert!(SignedCheckpoint::parse(&format!("a\n1\n{hash}\n\n{line}{}", "x".repeat(NOTE_BYTES_MAX))).is_err());
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_text_never_panics(text in ".{0,80}\n.{0,4}\n.{0,50}\n\n(\u{2014} .{0,40}\n)?") {
            let _ = SignedCheckpoint::parse(&text);
            let _ = verifier_key_from_string(&text);
        }
    }
}
