//! Organizations: the tenants. Every other record belongs to exactly one.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most organizations in one page of a list.
pub const PAGE_ORGANIZATIONS_MAX: u32 = 200;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, as people write it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The organizations of this installation.
pub struct Organizations<'a> {
    on: On<'a>,
}

impl<'a> Organizations<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Makes the organization unless it exists; an existing one keeps its name.
    pub async fn ensure(&mut self, id: &OrganizationId, name: &str, now: Timestamp) -> Result<(), Error> {
        self.insert(id, name, now).await.map(drop)
    }

    /// Makes the organization; `false` when there is one with this id already, which keeps its name. Another unit that
    /// makes the same one waits until this one ends.
    pub async fn insert(&mut self, id: &OrganizationId, name: &str, now: Timestamp) -> Result<bool, Error> {
        let insert = sql("INSERT INTO organizations (organization_id, name, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (organization_id) DO NOTHING RETURNING organization_id");
        Ok(self.on.write_one(insert.bind(id.as_str()).bind(name).bind(now)).await?.is_some())
    }

    /// Sets the name. `false` if there is no such organization. In a unit it also locks the organization's row.
    pub async fn rename(&mut self, id: &OrganizationId, name: &str) -> Result<bool, Error> {
        let update = sql("UPDATE organizations SET name = $2 WHERE organization_id = $1 RETURNING organization_id");
        Ok(self.on.write_one(update.bind(id.as_str()).bind(name)).await?.is_some())
    }

    /// Locks the organization's row until the unit ends, so that units that must not change it at once take turns.
    pub async fn lock(&mut self, id: &OrganizationId) -> Result<bool, Error> {
        let update = sql("UPDATE organizations SET name = name WHERE organization_id = $1 RETURNING organization_id");
        Ok(self.on.write_one(update.bind(id.as_str())).await?.is_some())
    }

    /// All organizations by id after `after` (empty for the first), at most `limit` and [`PAGE_ORGANIZATIONS_MAX`]; for
    /// operators only.
    pub async fn list(&mut self, after: &str, limit: u32) -> Result<Vec<Organization>, Error> {
        let select = sql("SELECT organization_id, name, created_at FROM organizations WHERE organization_id > $1
             ORDER BY organization_id LIMIT $2");
        let rows = self.on.read(select.bind(after).bind(limit.min(PAGE_ORGANIZATIONS_MAX))).await?;
        rows.iter().map(organization).collect()
    }

    /// The organization with this id.
    pub async fn find(&mut self, id: &OrganizationId) -> Result<Option<Organization>, Error> {
        let select = sql("SELECT organization_id, name, created_at FROM organizations WHERE organization_id = $1");
        self.on.read_one(select.bind(id.as_str())).await?.as_ref().map(organization).transpose()
    }
}

fn organization(row: &Row) -> Result<Organization, Error> {
    Ok(Organization {
        id: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        name: row.get("name")?,
        created_at: row.time("created_at")?,
    })
}
