//! Filters that people keep under a name, each for themselves.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, UserId, stored};

/// Most views of one person in one organization.
pub const SAVED_VIEWS_MAX: u32 = 100;

/// A filter under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its name, the only one of the person.
    pub name: String,
    /// The filter as the page writes it.
    pub query: String,
    /// When it was last kept.
    pub updated_at: Timestamp,
}

/// The saved views.
pub struct SavedViews<'a> {
    on: On<'a>,
}

impl<'a> SavedViews<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The person's views by name.
    pub async fn list(&mut self, organization: &OrganizationId, user: &UserId) -> Result<Vec<SavedView>, Error> {
        let select = sql("SELECT name, query, updated_at FROM saved_views
             WHERE organization_id = $1 AND user_id = $2 ORDER BY name LIMIT $3");
        let select = select.bind(organization.as_str()).bind(user.as_str()).bind(SAVED_VIEWS_MAX);
        self.on.read(select).await?.iter().map(saved_view).collect()
    }

    /// Keeps a view, in place of one of its name. `false` when the person has [`SAVED_VIEWS_MAX`] others.
    pub async fn put(&mut self, organization: &OrganizationId, user: &UserId, view: &SavedView) -> Result<bool, Error> {
        let upsert = sql("INSERT INTO saved_views (organization_id, user_id, name, query, updated_at)
             SELECT $1, $2, $3, $4, $5 WHERE (SELECT COUNT(*) FROM saved_views
                 WHERE organization_id = $1 AND user_id = $2 AND name <> $3) < $6
             ON CONFLICT (organization_id, user_id, name) DO UPDATE SET query = excluded.query,
                 updated_at = excluded.updated_at
             RETURNING name")
        .bind(organization.as_str())
        .bind(user.as_str())
        .bind(view.name.as_str())
        .bind(view.query.as_str())
        .bind(view.updated_at)
        .bind(SAVED_VIEWS_MAX);
        Ok(self.on.write_one(upsert).await?.is_some())
    }

    /// Everybody's views of an organization whose filter has a field of this name.
    pub async fn with_field(
        &mut self,
        organization: &OrganizationId,
        field: &str,
    ) -> Result<Vec<(UserId, SavedView)>, Error> {
        let select = sql("SELECT user_id, name, query, updated_at FROM saved_views
             WHERE organization_id = $1 AND query LIKE $2 ORDER BY user_id, name");
        let select = select.bind(organization.as_str()).bind(format!("%{field}=%").as_str());
        let rows = self.on.read(select).await?;
        rows.iter().map(|row| Ok((stored(UserId::parse, &row.get::<String>("user_id")?)?, saved_view(row)?))).collect()
    }

    /// Forgets a view. Answers whether there was one.
    pub async fn delete(&mut self, organization: &OrganizationId, user: &UserId, name: &str) -> Result<bool, Error> {
        let delete = sql("DELETE FROM saved_views WHERE organization_id = $1 AND user_id = $2 AND name = $3
             RETURNING name");
        let delete = delete.bind(organization.as_str()).bind(user.as_str()).bind(name);
        Ok(self.on.write_one(delete).await?.is_some())
    }
}

fn saved_view(row: &Row) -> Result<SavedView, Error> {
    Ok(SavedView { name: row.get("name")?, query: row.get("query")?, updated_at: row.time("updated_at")? })
}
