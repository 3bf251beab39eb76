//! Requests that name themselves (`Idempotency-Key`) and are worked once.
//!
//! An operation that makes something takes a [`Once`] and, as the last thing in the unit of its effect, calls
//! [`Once::seal`] with what it made. Then effect, claim and answer become real together or not at all; who comes second
//! is refused with [`AppError::Repeated`], its unit is dropped, and its handler answers what the first one was answered.
//! An answer that comes later, from a job for instance, is made again from the id of what was made until it is kept.
//!
//! Answers may hold secrets that are shown once and kept nowhere, and who sends a request again must get them again. So
//! a kept body is encrypted (ChaCha20-Poly1305) under a digest of the key that the client chose, which the database does
//! not have: only who knows that key can have the answer again.

use assize_store::idempotency::{Answer, KnownRequest, NewRequest};
use assize_store::{Digest, Unit};
use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::App;
use super::caller::Caller;
use super::error::AppError;

/// Names the way in which kept answers are encrypted; a later one gets another name.
const SEAL_DOMAIN: &[u8] = b"assize kept answer v1";

/// A request that names itself.
pub struct NamedRequest {
    request: NewRequest,
    key: String,
}

impl NamedRequest {
    /// What encrypts the answer about `subject`. No two answers share it, because no two subjects share an id; so the
    /// nonce need not differ.
    fn cipher(&self, subject: &str) -> ChaCha20Poly1305 {
        let mut hash = Sha256::new();
        for part in [SEAL_DOMAIN, &self.request.slot.0, self.key.as_bytes(), subject.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let key: [u8; 32] = hash.finalize().into();
        ChaCha20Poly1305::new(&Key::from(key))
    }

    fn sealed(&self, subject: &str, answer: &Answer) -> Result<Answer, AppError> {
        let body = self.cipher(subject).encrypt(&Nonce::default(), &answer.body[..]);
        let body = body.map_err(|_| AppError::internal("an answer could not be encrypted"))?;
        Ok(Answer { body, ..answer.clone() })
    }

    fn opened(&self, subject: &str, answer: Answer) -> Result<Answer, AppError> {
        let body = self.cipher(subject).decrypt(&Nonce::default(), &answer.body[..]);
        let body = body.map_err(|_| AppError::internal("a kept answer is not what was kept"))?;
        Ok(Answer { body, ..answer })
    }
}

/// A request that is to be worked once, or one that does not name itself and is worked as often as it comes.
pub struct Once<'a, T: ?Sized> {
    request: Option<&'a NamedRequest>,
    answer: Option<&'a (dyn Fn(&T) -> Answer + Sync)>,
}

impl<'a, T: ?Sized> Once<'a, T> {
    /// A request that does not name itself.
    #[must_use]
    pub fn any_number_of_times() -> Self {
        Self { request: None, answer: None }
    }

    /// A request, if it names itself, and how what it makes is answered.
    #[must_use]
    pub fn new(request: Option<&'a NamedRequest>, answer: &'a (dyn Fn(&T) -> Answer + Sync)) -> Self {
        Self { request, answer: Some(answer) }
    }

    /// A request, if it names itself, whose answer comes later.
    #[must_use]
    pub fn answered_later(request: Option<&'a NamedRequest>) -> Self {
        Self { request, answer: None }
    }

    /// Whether the request names itself.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.request.is_some()
    }

    /// Claims the request and keeps its answer, in the unit that made `made`, whose id is `subject`.
    ///
    /// # Errors
    /// `Repeated` when the request was worked already: drop the unit.
    pub async fn seal(&self, unit: &mut Unit, caller: &Caller, subject: &str, made: &T) -> Result<(), AppError> {
        let Some(request) = self.request else { return Ok(()) };
        if !unit.idempotency_writer().claim(&caller.organization, &request.request, subject).await? {
            return Err(AppError::Repeated);
        }
        if let Some(answer) = self.answer {
            let sealed = request.sealed(subject, &answer(made))?;
            unit.idempotency_writer().keep_answer(&caller.organization, &request.request.slot, &sealed).await?;
        }
        Ok(())
    }
}

impl App {
    /// A request that names itself: by the key that its client chose, a digest of who asks what under that key, and one
    /// of all that was sent.
    ///
    /// # Errors
    /// When the time until which it is remembered cannot be told.
    pub fn named_request(&self, key: &str, slot: Digest, fingerprint: Digest) -> Result<NamedRequest, AppError> {
        let asked_at = self.clock().now();
        let hours = SignedDuration::from_hours(self.config().limits.idempotency_hours.into());
        let expires_at: Timestamp = asked_at.checked_add(hours).map_err(AppError::internal)?;
        Ok(NamedRequest { request: NewRequest { slot, fingerprint, asked_at, expires_at }, key: key.to_owned() })
    }

    /// The same request, when it was worked before.
    ///
    /// # Errors
    /// `KeyReused` when its key was used for something else.
    pub async fn known_request(&self, caller: &Caller, named: &NamedRequest) -> Result<Option<KnownRequest>, AppError> {
        let (request, mut requests) = (&named.request, self.store().idempotency());
        match requests.find(&caller.organization, &request.slot, request.asked_at).await? {
            Some(known) if known.fingerprint != request.fingerprint => Err(AppError::KeyReused),
            Some(known) => {
                let answer = known.answer.map(|answer| named.opened(&known.subject, answer)).transpose()?;
                Ok(Some(KnownRequest { answer, ..known }))
            }
            None => Ok(None),
        }
    }

    /// Keeps an answer about `subject` that came after its effect. A failure is only logged: the answer can be made
    /// again.
    pub async fn keep_answer(&self, caller: &Caller, named: &NamedRequest, subject: &str, answer: &Answer) {
        let kept = async {
            let sealed = named.sealed(subject, answer)?;
            let mut requests = self.store().idempotency();
            Ok::<_, AppError>(requests.keep_answer(&caller.organization, &named.request.slot, &sealed).await?)
        };
        if let Err(error) = kept.await {
            tracing::warn!("the answer to a request could not be kept: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn named(key: &str) -> NamedRequest {
        let (digest, at) = (Digest([1; 32]), Timestamp::UNIX_EPOCH);
        let request = NewRequest { slot: digest, fingerprint: digest, asked_at: at, expires_at: at };
        NamedRequest { request, key: key.to_owned() }
    }

    #[test]
    fn kept_answers_are_read_with_the_clients_own_key_only() {
        let answer = Answer { status: 201, headers: BTreeMap::new(), body: b"{\"secret\":\"ak_live_x\"}".to_vec() };
        let sealed = named("a").sealed("key_1", &answer).unwrap();
        assert!(!sealed.body.windows(7).any(|part| part == b"ak_live"));
        assert_eq!(named("a").opened("key_1", sealed.clone()).unwrap(), answer);
        assert!(named("b").opened("key_1", sealed.clone()).is_err());
        assert!(named("a").opened("key_2", sealed.clone()).is_err());
        let bent = Answer { body: sealed.body.iter().map(|byte| byte ^ 1).collect(), ..sealed };
        assert!(named("a").opened("key_1", bent).is_err());
    }
}
