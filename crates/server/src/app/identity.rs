//! Signing in: sessions of people, what slows guessing down, and the first owner of a new installation.
//!
//! A session's token is in a cookie and nowhere else; the database has its digest. Failed sign-ins are counted for the
//! network they came from, for the account they tried, and for both together; beyond a few, each further one costs a
//! wait that doubles. The account alone is counted far more patiently, so that nobody can lock somebody else out for
//! long by guessing.

use std::net::IpAddr;

use assize_store::sessions::Session;
use assize_store::users::{Place, User};
use assize_store::{OrganizationId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::App;
use super::caller::{Actor, Caller};
use super::error::AppError;
use super::fields;
use super::secrets::Token;
use crate::middleware::network_of;

/// How often a session or key notes that it is used, seconds: a write a request would cost more than it tells.
pub(super) const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Failures are forgotten after this.
const FAILURES_KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Longest wait after failures, seconds.
const WAIT_S_MAX: u64 = 900;

/// Failures that cost no wait, by what is counted.
const FREE_FAILURES: [(&str, u64); 3] = [("account and network", 5), ("network", 30), ("account", 100)];

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// For the cookie.
    pub token: Token,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// For operations.
    pub caller: Caller,
    /// Whose account it is.
    pub user: UserId,
    /// What they sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What the organization that is looked at is called.
    pub organization_name: String,
    /// Everywhere they belong.
    pub places: Vec<Place>,
    /// Of the session.
    pub token: Token,
}

impl App {
    /// Begins a session.
    ///
    /// # Errors
    /// `SignInRefused` when address and password do not go together or the account belongs nowhere; `RateLimited` after
    /// too many failures.
    pub async fn sign_in(&self, email: &str, password: &str, address: Option<IpAddr>) -> Result<NewSession, AppError> {
        // A text that is no address cannot have an account, but takes the same time.
        let email = fields::email(email).unwrap_or_default();
        let user = self.check_credentials(&email, password, address).await?;
        let places = self.store().users().places(&user.id).await?;
        let place = first_place(&places).ok_or(AppError::SignInRefused)?;
        let (token, now) = (self.new_token()?, self.clock().now());
        let hours = i64::from(self.config().identity.session_hours_max);
        let expires_at = now.checked_add(SignedDuration::from_hours(hours)).map_err(AppError::internal)?;
        let session = Session {
            token_sha256: token.sha256(),
            user: user.id.clone(),
            organization: place.organization.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at,
        };
        let caller = person(&user.id, place, address);
        let mut unit = self.store().begin().await?;
        unit.sessions().insert(&session).await?;
        let event = caller.event(now, "session.begin", user.id.as_str(), json!({}));
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        Ok(NewSession { token, expires_at })
    }

    /// The account that an address and a password belong to, under the brake.
    pub(super) async fn check_credentials(
        &self,
        email: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<User, AppError> {
        let subjects = subjects(email, address);
        let now = self.clock().now();
        let since = now.checked_sub(FAILURES_KEPT).map_err(AppError::internal)?;
        for (subject, free) in &subjects {
            let failures = self.store().sign_in_failures().find(subject, since).await?;
            if let Some(failures) = failures
                && let Some(retry_after_s) = wait_s(failures.count, *free, failures.last_at, now)
            {
                return Err(AppError::RateLimited { retry_after_s });
            }
        }
        let user = self.store().users().find_by_email(email).await?;
        let kept = user.as_ref().filter(|user| user.disabled_at.is_none()).and_then(|user| user.password_hash.clone());
        let right = self.check_password(password.to_owned(), kept).await?;
        match user {
            Some(user) if right => {
                for (subject, _) in &subjects {
                    self.store().sign_in_failures().clear(subject).await?;
                }
                Ok(user)
            }
            _ => {
                for (subject, _) in &subjects {
                    self.store().sign_in_failures().add(subject, now, since).await?;
                }
                tracing::info!("a sign-in was refused");
                Err(AppError::SignInRefused)
            }
        }
    }

    /// Who a session's token stands for; `None` when it has ended or its owner belongs nowhere any more.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn session(&self, token: &Token, address: Option<IpAddr>) -> Result<Option<SignedIn>, AppError> {
        let (digest, now) = (token.sha256(), self.clock().now());
        let Some(session) = self.store().sessions().find(&digest, now).await? else { return Ok(None) };
        let idle = SignedDuration::from_mins(i64::from(self.config().identity.session_idle_minutes));
        if now.duration_since(session.last_seen_at) >= idle {
            self.store().sessions().end(&digest).await?;
            return Ok(None);
        }
        let user = self.store().users().find(&session.user).await?;
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
        let places = self.store().users().places(&user.id).await?;
        let looked_at = places.iter().find(|place| place.organization == session.organization);
        let Some(place) = looked_at.or_else(|| first_place(&places)) else { return Ok(None) };
        if now.duration_since(session.last_seen_at) >= NOTE_USE_EVERY {
            self.store().sessions().touch(&digest, now).await?;
        }
        Ok(Some(SignedIn {
            caller: person(&user.id, place, address),
            organization_name: place.organization_name.clone(),
            user: user.id,
            email: user.email,
            name: user.name,
            places,
            token: token.clone(),
        }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn sign_out(&self, signed_in: &SignedIn) -> Result<(), AppError> {
        let mut unit = self.store().begin().await?;
        if unit.sessions().end(&signed_in.token.sha256()).await? {
            let event = signed_in.caller.event(self.clock().now(), "session.end", signed_in.user.as_str(), json!({}));
            unit.audit_writer().append(&signed_in.caller.organization, &event).await?;
        }
        Ok(unit.commit().await?)
    }

    /// Looks at another of the person's organizations.
    ///
    /// # Errors
    /// `NotFound` when they do not belong to it, or there is no such.
    pub async fn switch_organization(&self, signed_in: &SignedIn, organization: &str) -> Result<(), AppError> {
        let place = signed_in.places.iter().find(|place| place.organization.as_str() == organization);
        let place = place.ok_or_else(|| AppError::NotFound { what: "organization", id: organization.to_owned() })?;
        self.store().sessions().switch(&signed_in.token.sha256(), &place.organization).await?;
        Ok(())
    }

    /// Ends what has run out: sessions, invitations, counted failures. Answers how many rows went.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn sweep_identity(&self) -> Result<u64, AppError> {
        let now = self.clock().now();
        let idle = SignedDuration::from_mins(i64::from(self.config().identity.session_idle_minutes));
        let idle_since = now.checked_sub(idle).map_err(AppError::internal)?;
        let failures_since = now.checked_sub(FAILURES_KEPT).map_err(AppError::internal)?;
        Ok(self.store().sessions().delete_expired(now, idle_since).await?
            + self.store().invitations().delete_expired(now).await?
            + self.store().sign_in_failures().delete_old(failures_since).await?)
    }
}

/// A person at one of their places.
fn person(user: &UserId, place: &Place, address: Option<IpAddr>) -> Caller {
    Caller {
        organization: place.organization.clone(),
        actor: Actor::User(user.clone()),
        role: place.role,
        interface: None,
        address,
    }
}

/// Where a person starts: in an organization of their own rather than the public one.
fn first_place(places: &[Place]) -> Option<&Place> {
    places.iter().find(|place| place.organization != OrganizationId::public()).or_else(|| places.first())
}

/// What a try is counted for, as digests, with the failures that are free.
fn subjects(email: &str, address: Option<IpAddr>) -> Vec<([u8; 32], u64)> {
    let network = address.map(|address| network_of(address).to_string()).unwrap_or_default();
    let digest = |kind: &str, text: &str| {
        let mut hasher = Sha256::new();
        hasher.update(kind.as_bytes());
        hasher.update([0]);
        hasher.update(text.as_bytes());
        hasher.finalize().into()
    };
    FREE_FAILURES
        .into_iter()
        .filter(|(kind, _)| address.is_some() || *kind != "network")
        .map(|(kind, free)| {
            let text = match kind {
                "network" => network.clone(),
                "account" => email.to_owned(),
                _ => format!("{email}\0{network}"),
            };
            (digest(kind, &text), free)
        })
        .collect()
}

/// Seconds to wait before the next try is looked at, if any: 1, 2, 4, ... after the free failures.
fn wait_s(count: u64, free: u64, last_at: Timestamp, now: Timestamp) -> Option<u64> {
    let beyond = count.checked_sub(free)?;
    let wait = 1_u64.checked_shl(u32::try_from(beyond).unwrap_or(u32::MAX)).unwrap_or(WAIT_S_MAX).min(WAIT_S_MAX);
    // A clock set back must not prolong the wait.
    let gone = u64::try_from(now.duration_since(last_at).as_secs()).unwrap_or(0);
    (gone < wait).then(|| wait - gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_after_the_free_failures_and_are_bounded() {
        let at = |s: i64| Timestamp::from_second(1_790_000_000 + s).unwrap();
        assert_eq!(wait_s(4, 5, at(0), at(0)), None);
        assert_eq!(wait_s(5, 5, at(0), at(0)), Some(1));
        assert_eq!(wait_s(5, 5, at(0), at(1)), None);
        assert_eq!(wait_s(8, 5, at(0), at(3)), Some(5));
        assert_eq!(wait_s(500, 5, at(0), at(0)), Some(WAIT_S_MAX));
        assert_eq!(wait_s(500, 5, at(0), at(900)), None);
        assert_eq!(wait_s(8, 5, at(0), at(-100)), Some(8));
    }

    #[test]
    fn tries_are_counted_for_account_network_and_both() {
        let one = subjects("ada@example.org", Some(IpAddr::from([192, 0, 2, 1])));
        let same_network = subjects("bob@example.org", Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(one.len(), 3);
        assert_eq!(one[1], same_network[1]);
        assert!(one[0] != same_network[0] && one[2] != same_network[2]);
        assert_eq!(subjects("ada@example.org", None).len(), 2);
    }
}
