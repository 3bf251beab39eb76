//! Invitations: a secret link with which somebody joins an organization or sets a forgotten password. Only the digest
//! of the secret is kept; using the link deletes the row.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};
use crate::roles::Role;

/// Most invitations in one page of a list.
pub const PAGE_INVITATIONS_MAX: u32 = 200;

/// What an invitation is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To join the organization in the role.
    Join,
    /// To set another password; the role is not looked at.
    Password,
}

impl Purpose {
    /// The purpose as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Password => "password",
        }
    }

    /// Reads a purpose; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Join, Self::Password].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// An invitation that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id, `inv_...`; not the secret.
    pub id: String,
    /// Who invites.
    pub organization: OrganizationId,
    /// SHA-256 of the secret.
    pub token_sha256: [u8; 32],
    /// What for.
    pub purpose: Purpose,
    /// Whom: an e-mail address in lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Who made it: an actor of the audit trail.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

const COLUMNS: &str =
    "invitation_id, organization_id, token_sha256, purpose, email, role, created_by, created_at, expires_at";

/// The open invitations.
pub struct Invitations<'a> {
    on: On<'a>,
}

impl<'a> Invitations<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a new invitation; the organization is the invitation's own.
    pub async fn insert(&mut self, invitation: &Invitation) -> Result<(), Error> {
        let insert = sql(AssertSqlSafe(format!(
            "INSERT INTO invitations ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        )))
        .bind(invitation.id.as_str())
        .bind(invitation.organization.as_str())
        .bind(&invitation.token_sha256[..])
        .bind(invitation.purpose.as_str())
        .bind(invitation.email.as_str())
        .bind(invitation.role.as_str())
        .bind(invitation.created_by.as_str())
        .bind(invitation.created_at)
        .bind(invitation.expires_at);
        self.on.write(insert).await.map(drop)
    }

    /// An organization's invitations, newest first, older than `before`, at most `limit` and [`PAGE_INVITATIONS_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Invitation>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM invitations WHERE organization_id = $1 AND ($2 IS NULL OR invitation_id < $2)
             ORDER BY invitation_id DESC LIMIT $3"
        )));
        let select = select.bind(organization.as_str()).bind(before).bind(limit.min(PAGE_INVITATIONS_MAX));
        self.on.read(select).await?.iter().map(invitation).collect()
    }

    /// The invitation with this secret that has not run out, whoever's it is: the secret is the right.
    pub async fn find_by_token(
        &mut self,
        token_sha256: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Invitation>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM invitations WHERE token_sha256 = $1 AND expires_at > $2"
        )));
        let row = self.on.read_one(select.bind(&token_sha256[..]).bind(now)).await?;
        row.as_ref().map(invitation).transpose()
    }

    /// Takes the invitation with this secret, so that nobody uses it twice. `false` if it is gone.
    pub async fn take(&mut self, token_sha256: &[u8; 32]) -> Result<bool, Error> {
        let delete = sql("DELETE FROM invitations WHERE token_sha256 = $1 RETURNING invitation_id");
        Ok(self.on.write_one(delete.bind(&token_sha256[..])).await?.is_some())
    }

    /// Withdraws an invitation. Answers what it was; `None` if there is none.
    pub async fn withdraw(&mut self, organization: &OrganizationId, id: &str) -> Result<Option<Invitation>, Error> {
        let delete = sql(AssertSqlSafe(format!(
            "DELETE FROM invitations WHERE organization_id = $1 AND invitation_id = $2 RETURNING {COLUMNS}"
        )));
        let row = self.on.write_one(delete.bind(organization.as_str()).bind(id)).await?;
        row.as_ref().map(invitation).transpose()
    }

    /// Deletes what has run out, of all organizations. Answers how many.
    pub async fn delete_expired(&mut self, now: Timestamp) -> Result<u64, Error> {
        let delete = sql("DELETE FROM invitations WHERE expires_at <= $1 RETURNING invitation_id");
        Ok(self.on.write(delete.bind(now)).await?.len() as u64)
    }
}

fn invitation(row: &Row) -> Result<Invitation, Error> {
    Ok(Invitation {
        id: row.get("invitation_id")?,
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        token_sha256: row.hash("token_sha256")?,
        purpose: stored(Purpose::parse, &row.get::<String>("purpose")?)?,
        email: row.get("email")?,
        role: stored(Role::parse, &row.get::<String>("role")?)?,
        created_by: row.get("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
