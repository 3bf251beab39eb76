//! Sessions of signed-in people, and the failures that slow guessing down. A session's token is random; only its digest
//! is kept, so that whoever reads the database cannot sign in with what they find.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, UserId, stored};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its token.
    pub token_sha256: [u8; 32],
    /// Whose it is.
    pub user: UserId,
    /// The organization that is being looked at.
    pub organization: OrganizationId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub last_seen_at: Timestamp,
    /// When it ends, whatever is done in it.
    pub expires_at: Timestamp,
}

/// The sessions of this installation.
pub struct Sessions<'a> {
    on: On<'a>,
}

impl<'a> Sessions<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a new session.
    pub async fn insert(&mut self, session: &Session) -> Result<(), Error> {
        let insert =
            sql("INSERT INTO sessions (token_sha256, user_id, organization_id, created_at, last_seen_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&session.token_sha256[..])
            .bind(session.user.as_str())
            .bind(session.organization.as_str())
            .bind(session.created_at)
            .bind(session.last_seen_at)
            .bind(session.expires_at);
        self.on.write(insert).await.map(drop)
    }

    /// The session with this token that has not run out.
    pub async fn find(&mut self, token_sha256: &[u8; 32], now: Timestamp) -> Result<Option<Session>, Error> {
        let select = sql("SELECT token_sha256, user_id, organization_id, created_at, last_seen_at, expires_at
             FROM sessions WHERE token_sha256 = $1 AND expires_at > $2");
        self.on.read_one(select.bind(&token_sha256[..]).bind(now)).await?.as_ref().map(session).transpose()
    }

    /// Notes that a session is used.
    pub async fn touch(&mut self, token_sha256: &[u8; 32], now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE sessions SET last_seen_at = $2 WHERE token_sha256 = $1");
        self.on.write(update.bind(&token_sha256[..]).bind(now)).await.map(drop)
    }

    /// Looks at another organization. `false` if there is no such session.
    pub async fn switch(&mut self, token_sha256: &[u8; 32], organization: &OrganizationId) -> Result<bool, Error> {
        let update = sql("UPDATE sessions SET organization_id = $2 WHERE token_sha256 = $1 RETURNING user_id");
        Ok(self.on.write_one(update.bind(&token_sha256[..]).bind(organization.as_str())).await?.is_some())
    }

    /// Ends one session. `false` if there is none.
    pub async fn end(&mut self, token_sha256: &[u8; 32]) -> Result<bool, Error> {
        let delete = sql("DELETE FROM sessions WHERE token_sha256 = $1 RETURNING user_id");
        Ok(self.on.write_one(delete.bind(&token_sha256[..])).await?.is_some())
    }

    /// Ends all sessions of a person, except the one with this token. Answers how many.
    pub async fn end_of_user(&mut self, user: &UserId, except: Option<&[u8; 32]>) -> Result<u64, Error> {
        let delete = sql("DELETE FROM sessions WHERE user_id = $1 AND ($2 IS NULL OR token_sha256 <> $2)
             RETURNING user_id");
        let delete = delete.bind(user.as_str()).bind(except.map(|token| &token[..]));
        Ok(self.on.write(delete).await?.len() as u64)
    }

    /// Ends what has run out or was last used before `idle_since`. Answers how many.
    pub async fn delete_expired(&mut self, now: Timestamp, idle_since: Timestamp) -> Result<u64, Error> {
        let delete = sql("DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at < $2 RETURNING user_id");
        Ok(self.on.write(delete.bind(now).bind(idle_since)).await?.len() as u64)
    }
}

fn session(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        token_sha256: row.hash("token_sha256")?,
        user: stored(UserId::parse, &row.get::<String>("user_id")?)?,
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        created_at: row.time("created_at")?,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("expires_at")?,
    })
}

/// Failed sign-ins of one subject: an address, a network, or both together, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many in a row.
    pub count: u64,
    /// When the last one was.
    pub last_at: Timestamp,
}

/// What was tried in vain.
pub struct SignInFailures<'a> {
    on: On<'a>,
}

impl<'a> SignInFailures<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The failures of a subject that are not older than `since`.
    pub async fn find(&mut self, subject: &[u8; 32], since: Timestamp) -> Result<Option<Failures>, Error> {
        let select = sql("SELECT failures, last_at FROM sign_in_failures WHERE subject_sha256 = $1 AND last_at >= $2");
        let row = self.on.read_one(select.bind(&subject[..]).bind(since)).await?;
        row.map(|row| Ok(Failures { count: row.count("failures")?, last_at: row.time("last_at")? })).transpose()
    }

    /// Counts one more; starts again at one when the last is older than `since`.
    pub async fn add(&mut self, subject: &[u8; 32], now: Timestamp, since: Timestamp) -> Result<(), Error> {
        let upsert = sql("INSERT INTO sign_in_failures (subject_sha256, failures, last_at) VALUES ($1, 1, $2)
             ON CONFLICT (subject_sha256) DO UPDATE SET last_at = excluded.last_at,
                 failures = CASE WHEN sign_in_failures.last_at < $3 THEN 1 ELSE sign_in_failures.failures + 1 END");
        self.on.write(upsert.bind(&subject[..]).bind(now).bind(since)).await.map(drop)
    }

    /// Forgets the failures of a subject.
    pub async fn clear(&mut self, subject: &[u8; 32]) -> Result<(), Error> {
        let delete = sql("DELETE FROM sign_in_failures WHERE subject_sha256 = $1");
        self.on.write(delete.bind(&subject[..])).await.map(drop)
    }

    /// Forgets what is older than `since`. Answers how many subjects.
    pub async fn delete_old(&mut self, since: Timestamp) -> Result<u64, Error> {
        let delete = sql("DELETE FROM sign_in_failures WHERE last_at < $1 RETURNING last_at");
        Ok(self.on.write(delete.bind(since)).await?.len() as u64)
    }
}
