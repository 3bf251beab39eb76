//! Organizations: the tenants. Every other record belongs to exactly one.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

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
        let insert = sql("INSERT INTO organizations (organization_id, name, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (organization_id) DO NOTHING");
        self.on.write(insert.bind(id.as_str()).bind(name).bind(now)).await.map(drop)
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
