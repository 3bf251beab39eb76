//! Passwords: what is taken as one, and how it is kept and checked.
//!
//! Kept as Argon2id with 19 MiB, 2 passes, 1 lane (RFC 9106; the least that the OWASP Password Storage Cheat Sheet asks
//! for), under a random salt. One check costs about 15 ms and 19 MiB, so only a few run at once, off the async threads.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::App;
use super::audits::blocking;
use super::error::AppError;

/// Longest password, bytes: enough for any sentence, too little to be a burden.
pub(super) const PASSWORD_BYTES_MAX: usize = 1024;
/// Different characters that a password must have at least.
const DIFFERENT_CHARS_MIN: usize = 5;
/// Checks at once.
const CHECKS_MAX: usize = 4;
/// Characters of the salt, bytes (RFC 9106 section 3.1 recommends 16).
const SALT_BYTES: usize = 16;

/// Bounds how many passwords are worked on at once.
#[derive(Debug)]
pub(crate) struct PasswordWork(Semaphore);

impl Default for PasswordWork {
    fn default() -> Self {
        Self(Semaphore::new(CHECKS_MAX))
    }
}

/// What is wrong with a new password, if anything. Length is what counts; composition rules are not (NIST SP 800-63B-4,
/// 3.1.1.2), but what names the person or repeats itself is the first that is guessed.
pub(super) fn problem(password: &str, email: &str, chars_min: u32) -> Option<String> {
    let chars = password.chars().count();
    if chars < chars_min as usize {
        return Some(format!("has {chars} characters, must have at least {chars_min}; a sentence is easy to keep"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Some(format!("is longer than {PASSWORD_BYTES_MAX} bytes"));
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_CHARS_MIN {
        return Some(format!("must have at least {DIFFERENT_CHARS_MIN} different characters"));
    }
    let (lower, name) = (password.to_lowercase(), email.split('@').next().unwrap_or_default());
    (lower.contains(email) || (name.len() * 2 > lower.len() && lower.contains(name)))
        .then(|| "must not be made of the e-mail address".to_owned())
}

impl App {
    /// The password as it is kept.
    pub(super) async fn hash_password(&self, password: String) -> Result<String, AppError> {
        let mut salt = [0; SALT_BYTES];
        self.fill_random(&mut salt)?;
        let _permit = self.0.password_work.0.acquire().await.map_err(AppError::internal)?;
        let hashed = blocking(move || {
            let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
        });
        hashed.await?.map_err(AppError::internal)
    }

    /// Whether the password is the kept one. Without a kept one the same work is done for nothing, so that the time does
    /// not tell whether there is an account.
    pub(super) async fn check_password(&self, password: String, kept: Option<String>) -> Result<bool, AppError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let _permit = self.0.password_work.0.acquire().await.map_err(AppError::internal)?;
        blocking(move || match kept.as_deref().map(PasswordHash::new) {
            Some(Ok(kept)) => Argon2::default().verify_password(password.as_bytes(), &kept).is_ok(),
            Some(Err(_)) | None => {
                let hash: Result<PasswordHash, _> =
                    Argon2::default().hash_password_with_salt(password.as_bytes(), &[0; SALT_BYTES]);
                drop(hash);
                false
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_judged_by_length_and_sameness() {
        let judge = |password: &str| problem(password, "ada@example.org", 15);
        assert_eq!(judge("correct horse battery"), None);
        assert_eq!(judge("ein langer Satz über Käse"), None);
        assert!(judge("short but sweet").is_none(), "15 characters are enough");
        assert!(judge("14 characters!").unwrap().contains("has 14 characters"));
        assert!(judge("aaaaaaaaaaaaaaaaaaaaaaa").unwrap().contains("different"));
        assert!(judge("my ada@example.org is fine").unwrap().contains("e-mail"));
        assert!(judge(&"long ".repeat(300)).unwrap().contains("longer"));
    }
}
