//! People: one account an e-mail address for the whole installation, and their places in organizations.
//!
//! An account says nothing of where it belongs: what an organization sees of people goes through its memberships, so
//! that it cannot learn whether somebody has an account elsewhere.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, UserId, stored};
use crate::roles::Role;

/// Most people in one page of a list.
pub const PAGE_USERS_MAX: u32 = 200;

/// A person's account.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where mail reaches them, in lower case; what they sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// The password as an Argon2id string (PHC format); `None` until one is set.
    pub password_hash: Option<String>,
    /// The organization that invited the account into being and may reset its password; `None` when an operator made it.
    pub managed_by: Option<OrganizationId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was locked out, if it is.
    pub disabled_at: Option<Timestamp>,
}

/// Leaves out the password's hash.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("disabled_at", &self.disabled_at).finish_non_exhaustive()
    }
}

/// A person as an organization sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub user: User,
    /// What they are in the organization.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

/// A place of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The organization.
    pub organization: OrganizationId,
    /// What it is called.
    pub organization_name: String,
    /// What the person is in it.
    pub role: Role,
}

const COLUMNS: &str = "users.user_id, users.email, users.name, users.password_hash, users.managed_by, users.created_at, users.disabled_at";

/// The people of this installation.
pub struct Users<'a> {
    on: On<'a>,
}

impl<'a> Users<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a new account; an e-mail address that is taken is an [`Error::Conflict`].
    pub async fn insert(&mut self, user: &User) -> Result<(), Error> {
        let insert = sql("INSERT INTO users (user_id, email, name, password_hash, managed_by, created_at, disabled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING RETURNING user_id")
        .bind(user.id.as_str())
        .bind(user.email.as_str())
        .bind(user.name.as_str())
        .bind(user.password_hash.as_deref())
        .bind(user.managed_by.as_ref().map(OrganizationId::as_str))
        .bind(user.created_at)
        .bind(user.disabled_at);
        match self.on.write_one(insert).await? {
            Some(_) => Ok(()),
            None => Err(Error::conflict("there is an account with this e-mail address")),
        }
    }

    /// The account with this id.
    pub async fn find(&mut self, id: &UserId) -> Result<Option<User>, Error> {
        let select = sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE user_id = $1")));
        self.on.read_one(select.bind(id.as_str())).await?.as_ref().map(user).transpose()
    }

    /// The account with this e-mail address, in lower case.
    pub async fn find_by_email(&mut self, email: &str) -> Result<Option<User>, Error> {
        let select = sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE email = $1")));
        self.on.read_one(select.bind(email)).await?.as_ref().map(user).transpose()
    }

    /// How many accounts there are.
    pub async fn count(&mut self) -> Result<u64, Error> {
        self.on.read_one(sql("SELECT COUNT(*) AS n FROM users")).await?.map_or(Ok(0), |row| row.count("n"))
    }

    /// All accounts by e-mail address after `after` (empty for the first), at most `limit` and [`PAGE_USERS_MAX`]; for
    /// operators only.
    pub async fn list(&mut self, after: &str, limit: u32) -> Result<Vec<User>, Error> {
        let select =
            sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE email > $1 ORDER BY email LIMIT $2")));
        self.on.read(select.bind(after).bind(limit.min(PAGE_USERS_MAX))).await?.iter().map(user).collect()
    }

    /// Sets the password. `false` if there is no such account.
    pub async fn set_password(&mut self, id: &UserId, password_hash: &str) -> Result<bool, Error> {
        let update = sql("UPDATE users SET password_hash = $2 WHERE user_id = $1 RETURNING user_id");
        Ok(self.on.write_one(update.bind(id.as_str()).bind(password_hash)).await?.is_some())
    }

    /// Sets what the person is called. `false` if there is no such account.
    pub async fn rename(&mut self, id: &UserId, name: &str) -> Result<bool, Error> {
        let update = sql("UPDATE users SET name = $2 WHERE user_id = $1 RETURNING user_id");
        Ok(self.on.write_one(update.bind(id.as_str()).bind(name)).await?.is_some())
    }

    /// Locks the account out, or lets it in again with `None`. `false` if there is no such account.
    pub async fn set_disabled(&mut self, id: &UserId, disabled_at: Option<Timestamp>) -> Result<bool, Error> {
        let update = sql("UPDATE users SET disabled_at = $2 WHERE user_id = $1 RETURNING user_id");
        Ok(self.on.write_one(update.bind(id.as_str()).bind(disabled_at)).await?.is_some())
    }

    /// The people of an organization by e-mail address after `after` (empty for the first), at most `limit` and
    /// [`PAGE_USERS_MAX`].
    pub async fn members(
        &mut self,
        organization: &OrganizationId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Member>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {COLUMNS}, memberships.role, memberships.created_at AS since FROM memberships
             JOIN users ON users.user_id = memberships.user_id
             WHERE memberships.organization_id = $1 AND users.email > $2 ORDER BY users.email LIMIT $3"
        )));
        let select = select.bind(organization.as_str()).bind(after).bind(limit.min(PAGE_USERS_MAX));
        self.on.read(select).await?.iter().map(member).collect()
    }

    /// One person of an organization.
    pub async fn member(&mut self, organization: &OrganizationId, id: &UserId) -> Result<Option<Member>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {COLUMNS}, memberships.role, memberships.created_at AS since FROM memberships
             JOIN users ON users.user_id = memberships.user_id
             WHERE memberships.organization_id = $1 AND memberships.user_id = $2"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(id.as_str())).await?;
        row.as_ref().map(member).transpose()
    }

    /// Where a person belongs, by the organization's name; at most [`PAGE_USERS_MAX`].
    pub async fn places(&mut self, id: &UserId) -> Result<Vec<Place>, Error> {
        let select = sql("SELECT memberships.organization_id, organizations.name, memberships.role FROM memberships
             JOIN organizations ON organizations.organization_id = memberships.organization_id
             WHERE memberships.user_id = $1 ORDER BY organizations.name, organizations.organization_id LIMIT $2");
        let rows = self.on.read(select.bind(id.as_str()).bind(PAGE_USERS_MAX)).await?;
        rows.iter()
            .map(|row| {
                Ok(Place {
                    organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
                    organization_name: row.get("name")?,
                    role: stored(Role::parse, &row.get::<String>("role")?)?,
                })
            })
            .collect()
    }

    /// Gives a person a place, or another role in the one they have.
    pub async fn put_member(
        &mut self,
        organization: &OrganizationId,
        id: &UserId,
        role: Role,
        now: Timestamp,
    ) -> Result<(), Error> {
        let upsert = sql("INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role");
        let upsert = upsert.bind(organization.as_str()).bind(id.as_str()).bind(role.as_str()).bind(now);
        self.on.write(upsert).await.map(drop)
    }

    /// Takes a person's place. `false` if they had none.
    pub async fn remove_member(&mut self, organization: &OrganizationId, id: &UserId) -> Result<bool, Error> {
        let delete = sql("DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2 RETURNING user_id");
        Ok(self.on.write_one(delete.bind(organization.as_str()).bind(id.as_str())).await?.is_some())
    }

    /// How many owners an organization has. In a unit, the organization's row is locked first, so that two units that
    /// each take an owner away cannot both see the other's still there.
    pub async fn owners(&mut self, organization: &OrganizationId) -> Result<u64, Error> {
        let select = sql("SELECT COUNT(*) AS n FROM memberships WHERE organization_id = $1 AND role = 'owner'");
        self.on.read_one(select.bind(organization.as_str())).await?.map_or(Ok(0), |row| row.count("n"))
    }
}

fn user(row: &Row) -> Result<User, Error> {
    let managed_by: Option<String> = row.get("managed_by")?;
    Ok(User {
        id: stored(UserId::parse, &row.get::<String>("user_id")?)?,
        email: row.get("email")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        managed_by: managed_by.map(|text| stored(OrganizationId::parse, &text)).transpose()?,
        created_at: row.time("created_at")?,
        disabled_at: row.time_or_none("disabled_at")?,
    })
}

fn member(row: &Row) -> Result<Member, Error> {
    Ok(Member { user: user(row)?, role: stored(Role::parse, &row.get::<String>("role")?)?, since: row.time("since")? })
}
