//! How people look at the log: what a filter's interactions came to, and the filters that each person keeps.
//!
//! A kept filter is the person's own and changes nothing of the organization: it stands in no audit trail, which would
//! hold on to the names of people that filters name.

use assize_store::Unit;
use assize_store::interactions::{InteractionFilter, TALLY_INTERACTIONS_MAX};
use assize_store::saved_views::SAVED_VIEWS_MAX;
use url::form_urlencoded;

use super::super::caller::{Actor, Caller, Permission};
use super::super::error::AppError;
use super::super::{App, FieldProblems, UserId, parse_name};

pub use assize_store::interactions::InteractionTally;
pub use assize_store::saved_views::SavedView;

/// Longest filter that is kept, bytes.
const QUERY_BYTES_MAX: usize = 4_000;

impl App {
    /// What the newest interactions of a filter came to, and whether there may be more than were counted.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn interaction_tally(
        &self,
        caller: &Caller,
        filter: &InteractionFilter,
    ) -> Result<(InteractionTally, bool), AppError> {
        caller.require(Permission::Read)?;
        let tally = self.store().interactions().tally(&caller.organization, filter, TALLY_INTERACTIONS_MAX).await?;
        Ok((tally, tally.counted >= u64::from(TALLY_INTERACTIONS_MAX)))
    }

    /// The filters that a person keeps, by name; none for a key.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn saved_views(&self, caller: &Caller) -> Result<Vec<SavedView>, AppError> {
        caller.require(Permission::Read)?;
        match &caller.actor {
            Actor::User(user) => Ok(self.store().saved_views().list(&caller.organization, user).await?),
            Actor::Anonymous | Actor::System | Actor::Operator | Actor::Key(_) => Ok(Vec::new()),
        }
    }

    /// Keeps a filter under a name, in place of one of that name.
    ///
    /// # Errors
    /// `Forbidden` for who may not read or is no person; `Fields` for a bad `name`; `Unprocessable` for a filter that is
    /// too long; `Conflict` when the person keeps too many.
    pub async fn save_view(&self, caller: &Caller, name: &str, query: &str) -> Result<(), AppError> {
        let user = person(caller)?;
        let mut problems = FieldProblems::default();
        let name = problems.take("name", parse_name(name));
        problems.finish()?;
        if query.len() > QUERY_BYTES_MAX {
            return Err(AppError::Unprocessable(format!("the filter is longer than {QUERY_BYTES_MAX} bytes")));
        }
        let view =
            SavedView { name: name.unwrap_or_default(), query: query.to_owned(), updated_at: self.clock().now() };
        if self.store().saved_views().put(&caller.organization, user, &view).await? {
            Ok(())
        } else {
            Err(AppError::Conflict(format!("you keep {SAVED_VIEWS_MAX} views already; delete one first")))
        }
    }

    /// Forgets everybody's filters that name a person who is erased.
    pub(super) async fn forget_views_of(
        &self,
        unit: &mut Unit,
        caller: &Caller,
        subject: &str,
    ) -> Result<(), AppError> {
        const NAMING: [&str; 2] = ["your_company_user_id", "user_id"];
        // The second name is an end of the first: one question finds both.
        for (user, view) in unit.saved_views().with_field(&caller.organization, NAMING[1]).await? {
            let mut fields = form_urlencoded::parse(view.query.as_bytes());
            if fields.any(|(field, value)| NAMING.contains(&&*field) && value == subject) {
                unit.saved_views().delete(&caller.organization, &user, &view.name).await?;
            }
        }
        Ok(())
    }

    /// Forgets a filter.
    ///
    /// # Errors
    /// `Forbidden` for who may not read or is no person; `NotFound` when there is none of this name.
    pub async fn delete_view(&self, caller: &Caller, name: &str) -> Result<(), AppError> {
        let user = person(caller)?;
        if self.store().saved_views().delete(&caller.organization, user, name).await? {
            Ok(())
        } else {
            Err(AppError::NotFound { what: "view", id: name.to_owned() })
        }
    }
}

/// Whose filters they are: a key has none.
fn person(caller: &Caller) -> Result<&UserId, AppError> {
    caller.require(Permission::Read)?;
    match &caller.actor {
        Actor::User(user) => Ok(user),
        Actor::Anonymous | Actor::System | Actor::Operator | Actor::Key(_) => Err(AppError::Forbidden),
    }
}
