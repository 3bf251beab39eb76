//! API keys: made, listed, rotated, revoked; and checked, which every request with a key waits for.
//!
//! A check is a SHA-256 and a look into memory. What memory says is believed for [`BELIEVED_FOR`]; a key that is revoked
//! in this process is forgotten at once, one revoked in another ends here within that time.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use assize_store::api_keys::ApiKey;
use assize_store::{KeyId, KeyInterface, Role};
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::App;
use super::caller::{Actor, Caller, Permission};
use super::error::AppError;
use super::fields::{self, FieldProblems};
use super::identity::NOTE_USE_EVERY;
use super::once::Once;

pub use assize_store::api_keys::ApiKey as KeyRecord;

/// How long memory is believed.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_secs(5);
/// Keys kept in memory; each some 500 bytes.
const REMEMBERED_MAX: usize = 20_000;
/// Random characters of a key: 238 bits.
const SECRET_CHARS: usize = 40;
/// Longest text that is looked at as a key, bytes.
const SECRET_BYTES_MAX: usize = 200;
/// Longest overlap of a rotation, hours.
pub const OVERLAP_HOURS_MAX: u32 = 24 * 30;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is called.
    pub name: String,
    /// For which interface.
    pub interface: KeyInterface,
    /// What it may do; not more than who makes it.
    pub role: Role,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

/// A key that has just been made. The secret is shown now and never again.
#[derive(Clone)]
pub struct IssuedKey {
    /// What is kept of it.
    pub key: ApiKey,
    /// The secret.
    pub secret: String,
}

/// A key that another one takes the place of.
struct Replaced<'a> {
    key: &'a ApiKey,
    ends_at: Timestamp,
}

/// Leaves out the secret.
impl std::fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Keys that were checked lately, by the digest of their secret.
pub(super) struct RememberedKeys {
    keys: Cache<[u8; 32], Arc<Remembered>>,
    /// Grows when a key ends in this process: what was remembered before is not believed any more.
    generation: AtomicU64,
}

struct Remembered {
    key: ApiKey,
    read_at: Timestamp,
    generation: u64,
    /// When its use was last noted, milliseconds since 1970.
    noted_at: AtomicI64,
}

impl Default for RememberedKeys {
    fn default() -> Self {
        Self { keys: Cache::new(REMEMBERED_MAX), generation: AtomicU64::new(0) }
    }
}

impl App {
    /// Who a key stands for. `organization` is the one the client named beside it, if it did.
    ///
    /// # Errors
    /// `Unauthorized` for a text that is no key, an unknown, ended or revoked key, and an organization it is not of.
    pub async fn authenticate(
        &self,
        secret: &str,
        organization: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<Caller, AppError> {
        let known_style = KeyInterface::ALL.iter().any(|interface| secret.starts_with(interface.key_prefix()));
        if !known_style || secret.len() > SECRET_BYTES_MAX {
            return Err(AppError::Unauthorized);
        }
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let now = self.clock().now();
        let remembered = self.remembered_key(&digest, now).await?.ok_or(AppError::Unauthorized)?;
        let key = &remembered.key;
        if !key.is_valid(now) || organization.is_some_and(|named| named != key.organization.as_str()) {
            return Err(AppError::Unauthorized);
        }
        self.note_use(&remembered, now);
        Ok(Caller {
            organization: key.organization.clone(),
            actor: Actor::Key(key.id.clone()),
            role: key.role,
            interface: Some(key.interface),
            address,
        })
    }

    async fn remembered_key(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<Arc<Remembered>>, AppError> {
        let memory = &self.0.remembered_keys;
        let generation = memory.generation.load(Ordering::Acquire);
        if let Some(remembered) = memory.keys.get(digest)
            && remembered.generation == generation
            && now.duration_since(remembered.read_at).abs() < BELIEVED_FOR
        {
            return Ok(Some(remembered));
        }
        let Some(key) = self.store().api_keys().find_by_secret(digest).await? else { return Ok(None) };
        let noted_at = key.last_used_at.map_or(i64::MIN, Timestamp::as_millisecond);
        let remembered = Arc::new(Remembered { key, read_at: now, generation, noted_at: AtomicI64::new(noted_at) });
        memory.keys.insert(*digest, Arc::clone(&remembered));
        Ok(Some(remembered))
    }

    /// Notes that a key is used, at most once a minute and without keeping the request waiting.
    fn note_use(&self, remembered: &Arc<Remembered>, now: Timestamp) {
        let (noted, now_ms) = (remembered.noted_at.load(Ordering::Relaxed), now.as_millisecond());
        let due = now_ms.saturating_sub(noted).unsigned_abs() >= NOTE_USE_EVERY.as_millis().unsigned_abs() as u64;
        let mine =
            due && remembered.noted_at.compare_exchange(noted, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine {
            let (app, remembered) = (self.clone(), Arc::clone(remembered));
            tokio::spawn(async move {
                let key = &remembered.key;
                if let Err(error) = app.store().api_keys().touch(&key.organization, &key.id, now).await {
                    tracing::debug!(key.id = key.id.as_str(), "the use of a key was not noted: {error}");
                }
            });
        }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `Forbidden` for whom may not, or may not as much as the key would; `Fields` for a bad name or end.
    pub async fn create_key(&self, caller: &Caller, new: &NewKey) -> Result<IssuedKey, AppError> {
        self.create_key_once(caller, new, &Once::any_number_of_times()).await
    }

    /// Makes a key, for a request that may be sent again.
    ///
    /// # Errors
    /// As [`App::create_key`]; `Repeated` when the request was worked already.
    pub async fn create_key_once(
        &self,
        caller: &Caller,
        new: &NewKey,
        once: &Once<'_, IssuedKey>,
    ) -> Result<IssuedKey, AppError> {
        caller.require(Permission::Manage)?;
        self.issue_key(caller, new, None, once).await
    }

    /// Makes a key, and lets the one it replaces end, in one unit.
    async fn issue_key(
        &self,
        caller: &Caller,
        new: &NewKey,
        replaces: Option<Replaced<'_>>,
        once: &Once<'_, IssuedKey>,
    ) -> Result<IssuedKey, AppError> {
        if new.role > caller.role {
            return Err(AppError::Forbidden);
        }
        let now = self.clock().now();
        let mut problems = FieldProblems::default();
        let name = problems.take("name", fields::name(&new.name));
        if new.expires_at.is_some_and(|at| at <= now) {
            problems.add("expires_at", "must lie in the future");
        }
        problems.finish()?;
        let secret = format!("{}{}", new.interface.key_prefix(), self.random_text(SECRET_CHARS)?);
        let key = ApiKey {
            id: KeyId::new(now, self.id_bytes()?),
            organization: caller.organization.clone(),
            interface: new.interface,
            name: name.unwrap_or_default(),
            role: new.role,
            last_four: secret[secret.len() - 4..].to_owned(),
            created_by: caller.actor.as_str().to_owned(),
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        let mut detail = json!({ "interface": new.interface.as_str(), "role": new.role.as_str() });
        let mut unit = self.store().begin().await?;
        unit.api_keys().insert(&key, &Sha256::digest(secret.as_bytes()).into()).await?;
        let action = match &replaces {
            None => "key.create",
            Some(old) => {
                detail["replaces"] = json!(old.key.id.as_str());
                detail["replaced_ends_at"] = json!(old.ends_at.to_string());
                unit.api_keys().expire(&caller.organization, &old.key.id, old.ends_at).await?;
                "key.rotate"
            }
        };
        let event = caller.event(now, action, key.id.as_str(), detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        let issued = IssuedKey { key, secret };
        once.seal(&mut unit, caller, issued.key.id.as_str(), &issued).await?;
        unit.commit().await?;
        self.forget_keys();
        Ok(issued)
    }

    /// The organization's keys, newest first, older than `before`.
    ///
    /// # Errors
    /// `Forbidden` for whom may not.
    pub async fn keys(&self, caller: &Caller, before: Option<&KeyId>, limit: u32) -> Result<Vec<ApiKey>, AppError> {
        caller.require(Permission::Manage)?;
        Ok(self.store().api_keys().list(&caller.organization, before, limit).await?)
    }

    /// One key of the organization.
    ///
    /// # Errors
    /// `Forbidden` for whom may not; `NotFound` for an unknown id or another organization's.
    pub async fn key(&self, caller: &Caller, id: &str) -> Result<ApiKey, AppError> {
        caller.require(Permission::Manage)?;
        let parsed = KeyId::parse(id).ok_or_else(|| unknown(id))?;
        self.store().api_keys().find(&caller.organization, &parsed).await?.ok_or_else(|| unknown(id))
    }

    /// Makes a key like this one and lets this one end: at once, or after `overlap_hours` in which both work.
    ///
    /// # Errors
    /// As [`App::create_key`] and [`App::key`]; `Conflict` when the key has ended already; `Fields` for too long an
    /// overlap.
    pub async fn rotate_key(&self, caller: &Caller, id: &str, overlap_hours: u32) -> Result<IssuedKey, AppError> {
        self.rotate_key_once(caller, id, overlap_hours, &Once::any_number_of_times()).await
    }

    /// Rotates a key, for a request that may be sent again.
    ///
    /// # Errors
    /// As [`App::rotate_key`]; `Repeated` when the request was worked already.
    pub async fn rotate_key_once(
        &self,
        caller: &Caller,
        id: &str,
        overlap_hours: u32,
        once: &Once<'_, IssuedKey>,
    ) -> Result<IssuedKey, AppError> {
        let old = self.key(caller, id).await?;
        let now = self.clock().now();
        if !old.is_valid(now) {
            return Err(AppError::Conflict(format!("key '{id}' has ended and cannot be rotated")));
        }
        if overlap_hours > OVERLAP_HOURS_MAX {
            let mut problems = FieldProblems::default();
            problems.add("overlap_hours", format!("is {overlap_hours}, at most {OVERLAP_HOURS_MAX}"));
            problems.finish()?;
        }
        if old.role > caller.role {
            return Err(AppError::Forbidden);
        }
        let overlap = SignedDuration::from_hours(i64::from(overlap_hours));
        let ends_at = now.checked_add(overlap).map_err(AppError::internal)?;
        let new =
            NewKey { name: old.name.clone(), interface: old.interface, role: old.role, expires_at: old.expires_at };
        self.issue_key(caller, &new, Some(Replaced { key: &old, ends_at }), once).await
    }

    /// Revokes a key, for good. Revoking twice is once.
    ///
    /// # Errors
    /// As [`App::key`]; `Forbidden` for the key of a role above the caller's.
    pub async fn revoke_key(&self, caller: &Caller, id: &str) -> Result<ApiKey, AppError> {
        let key = self.key(caller, id).await?;
        if key.role > caller.role {
            return Err(AppError::Forbidden);
        }
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let revoked = unit.api_keys().revoke(&caller.organization, &key.id, now).await?.ok_or_else(|| unknown(id))?;
        if key.revoked_at.is_none() {
            let event = caller.event(now, "key.revoke", id, json!({}));
            unit.audit_writer().append(&caller.organization, &event).await?;
        }
        unit.commit().await?;
        self.forget_keys();
        Ok(revoked)
    }

    /// Believes nothing that memory says of keys.
    fn forget_keys(&self) {
        self.0.remembered_keys.generation.fetch_add(1, Ordering::AcqRel);
    }
}

fn unknown(id: &str) -> AppError {
    AppError::NotFound { what: "key", id: id.to_owned() }
}
