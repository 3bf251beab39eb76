//! Secrets that are made here and shown once: tokens of sessions and invitations, API keys, first passwords.
//!
//! Invariant: what is kept of a secret is its SHA-256. That is enough because every secret here has at least 160 random
//! bits; passwords that people choose are another matter (`passwords.rs`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::App;
use super::error::AppError;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Characters of a key or first password are drawn from these: 62, so 5.95 bits each.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Separates the CSRF token from everything else that is derived of a session's token; a later scheme gets another name.
const CSRF_DOMAIN: &[u8] = b"assize csrf v1";

/// A token: 32 random bytes, base64url without padding. Prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads a token as a client sends it; `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == TOKEN_BYTES && URL_SAFE_NO_PAD.encode(&bytes) == text).then(|| Self(text.to_owned()))
    }

    /// The token itself, for its owner only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The token that forms of this session carry. Knowing it does not give the session away.
    #[must_use]
    pub fn csrf(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(CSRF_DOMAIN);
        hasher.update(self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hasher.finalize())
    }

    /// Whether a form carried this session's token; takes the same time whatever it carried.
    #[must_use]
    pub fn csrf_matches(&self, sent: &str) -> bool {
        self.csrf().as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl App {
    /// A new token.
    pub fn new_token(&self) -> Result<Token, AppError> {
        let mut bytes = [0; TOKEN_BYTES];
        self.fill_random(&mut bytes)?;
        Ok(Token(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// `chars` characters of the alphabet, each equally likely.
    pub(super) fn random_text(&self, chars: usize) -> Result<String, AppError> {
        let mut text = String::with_capacity(chars);
        let mut bytes = [0; 64];
        while text.len() < chars {
            self.fill_random(&mut bytes)?;
            // 248 is the largest multiple of 62 in a byte: beyond it the first letters would come up more often.
            let drawn = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)]);
            text.extend(drawn.map(char::from).take(chars - text.len()));
        }
        Ok(text)
    }

    pub(super) fn fill_random(&self, bytes: &mut [u8]) -> Result<(), AppError> {
        self.0.random.fill(bytes).map_err(AppError::internal)
    }

    /// Ten random bytes, for an id.
    pub(super) fn id_bytes(&self) -> Result<[u8; 10], AppError> {
        let mut bytes = [0; 10];
        self.fill_random(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_parse_only_what_they_print() {
        let token = Token(URL_SAFE_NO_PAD.encode([7; 32]));
        assert_eq!(Token::parse(token.expose()), Some(token.clone()));
        for bad in ["", "abc", &"A".repeat(44), &format!("{}=", token.expose())] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn forms_carry_what_only_their_session_gives() {
        let (one, other) = (Token(URL_SAFE_NO_PAD.encode([1; 32])), Token(URL_SAFE_NO_PAD.encode([2; 32])));
        assert!(one.csrf_matches(&one.csrf()));
        for bad in [other.csrf(), String::new(), one.expose().to_owned(), hex::encode(one.sha256())] {
            assert!(!one.csrf_matches(&bad), "{bad}");
        }
    }
}
