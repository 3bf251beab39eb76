//! API keys. The secret is random and shown once; only its SHA-256 is kept, which is also how it is found: looking a
//! digest up in an index tells nothing about the secret by how long it takes.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{KeyId, OrganizationId, stored};
use crate::roles::{KeyInterface, Role};

/// Most keys in one page of a list.
pub const PAGE_KEYS_MAX: u32 = 200;

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The interface it is for.
    pub interface: KeyInterface,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The last four characters of the secret, to tell keys apart.
    pub last_four: String,
    /// Who made it: an actor of the audit trail.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it works at a moment.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

const COLUMNS: &str = "key_id, organization_id, interface, name, role, last_four, created_by, created_at, expires_at, \
                       revoked_at, last_used_at";

/// The API keys.
pub struct ApiKeys<'a> {
    on: On<'a>,
}

impl<'a> ApiKeys<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a new key with the digest of its secret; the organization is the key's own.
    pub async fn insert(&mut self, key: &ApiKey, secret_sha256: &[u8; 32]) -> Result<(), Error> {
        let insert = sql("INSERT INTO api_keys (key_id, organization_id, interface, name, role, secret_sha256,
                 last_four, created_by, created_at, expires_at, revoked_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(key.id.as_str())
        .bind(key.organization.as_str())
        .bind(key.interface.as_str())
        .bind(key.name.as_str())
        .bind(key.role.as_str())
        .bind(&secret_sha256[..])
        .bind(key.last_four.as_str())
        .bind(key.created_by.as_str())
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(key.revoked_at)
        .bind(key.last_used_at);
        self.on.write(insert).await.map(drop)
    }

    /// The key with this secret, whoever's it is and whether or not it still works: the secret is the right.
    pub async fn find_by_secret(&mut self, secret_sha256: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
        let select = sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM api_keys WHERE secret_sha256 = $1")));
        self.on.read_one(select.bind(&secret_sha256[..])).await?.as_ref().map(api_key).transpose()
    }

    /// A key of the organization.
    pub async fn find(&mut self, organization: &OrganizationId, id: &KeyId) -> Result<Option<ApiKey>, Error> {
        let select =
            sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM api_keys WHERE organization_id = $1 AND key_id = $2")));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(id.as_str())).await?;
        row.as_ref().map(api_key).transpose()
    }

    /// The organization's keys, newest first, older than `before`, at most `limit` and [`PAGE_KEYS_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        before: Option<&KeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM api_keys WHERE organization_id = $1 AND ($2 IS NULL OR key_id < $2)
             ORDER BY key_id DESC LIMIT $3"
        )));
        let select = select.bind(organization.as_str()).bind(before.map(KeyId::as_str)).bind(limit.min(PAGE_KEYS_MAX));
        self.on.read(select).await?.iter().map(api_key).collect()
    }

    /// Revokes a key, for good. Answers the key as it is now, `None` if there is none; revoking twice keeps the first
    /// time.
    pub async fn revoke(
        &mut self,
        organization: &OrganizationId,
        id: &KeyId,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE organization_id = $1 AND key_id = $2
             RETURNING {COLUMNS}"
        )));
        let row = self.on.write_one(update.bind(organization.as_str()).bind(id.as_str()).bind(now)).await?;
        row.as_ref().map(api_key).transpose()
    }

    /// Lets a key end at `expires_at`, or earlier when it was to end earlier. `false` if there is none.
    pub async fn expire(
        &mut self,
        organization: &OrganizationId,
        id: &KeyId,
        expires_at: Timestamp,
    ) -> Result<bool, Error> {
        let update = sql("UPDATE api_keys SET expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
             WHERE organization_id = $1 AND key_id = $2 RETURNING key_id");
        let update = update.bind(organization.as_str()).bind(id.as_str()).bind(expires_at);
        Ok(self.on.write_one(update).await?.is_some())
    }

    /// Notes that a key was used.
    pub async fn touch(&mut self, organization: &OrganizationId, id: &KeyId, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE api_keys SET last_used_at = $3 WHERE organization_id = $1 AND key_id = $2");
        self.on.write(update.bind(organization.as_str()).bind(id.as_str()).bind(now)).await.map(drop)
    }
}

fn api_key(row: &Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: stored(KeyId::parse, &row.get::<String>("key_id")?)?,
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        interface: stored(KeyInterface::parse, &row.get::<String>("interface")?)?,
        name: row.get("name")?,
        role: stored(Role::parse, &row.get::<String>("role")?)?,
        last_four: row.get("last_four")?,
        created_by: row.get("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time_or_none("expires_at")?,
        revoked_at: row.time_or_none("revoked_at")?,
        last_used_at: row.time_or_none("last_used_at")?,
    })
}
