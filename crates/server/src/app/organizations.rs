//! Organizations: made by whoever commands the machine, looked at and renamed by their own people; and the first one,
//! with its owner and keys, that a new installation starts with.

use assize_store::organizations::Organization;
use assize_store::users::User;
use assize_store::{KeyInterface, OrganizationId, Role, UserId};
use jiff::Timestamp;
use serde_json::json;

use super::App;
use super::caller::{Caller, Permission};
use super::error::AppError;
use super::fields::{self, FieldProblems};
use super::keys::{IssuedKey, NewKey};

pub use assize_store::organizations::Organization as OrganizationRecord;

/// What the first owner signs in with, until they are called something else.
const FIRST_OWNER_EMAIL: &str = "owner@assize.local";
/// Characters of a password that is made here: 119 bits.
const FIRST_PASSWORD_CHARS: usize = 20;

/// What a new installation starts with. Shown once.
#[derive(Clone)]
pub struct FirstStart {
    /// The organization.
    pub organization: OrganizationId,
    /// What its owner signs in with.
    pub email: String,
    /// And their password.
    pub password: String,
    /// A key for every interface.
    pub keys: Vec<IssuedKey>,
}

/// Leaves out the password.
impl std::fmt::Debug for FirstStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstStart").field("organization", &self.organization).finish_non_exhaustive()
    }
}

impl App {
    /// Makes the first organization, its owner and keys, unless there is a person already. Of several processes that
    /// start at once on one database, one does.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn first_start(&self) -> Result<Option<FirstStart>, AppError> {
        if self.store().users().count().await? > 0 {
            return Ok(None);
        }
        let organization = OrganizationId::parse("org_default").expect("the text is an organization id");
        let password = self.random_text(FIRST_PASSWORD_CHARS)?;
        let password_hash = self.hash_password(password.clone()).await?;
        let now = self.clock().now();
        let owner = UserId::new(now, self.id_bytes()?);
        let caller = Caller::system(organization.clone());
        let mut unit = self.store().begin().await?;
        unit.organizations().insert(&organization, "My organization", now).await?;
        // Whoever else starts now waits here, and then finds the person.
        unit.organizations().lock(&organization).await?;
        if unit.users().count().await? > 0 {
            return Ok(None);
        }
        let user = User {
            id: owner.clone(),
            email: FIRST_OWNER_EMAIL.to_owned(),
            name: "Owner".to_owned(),
            password_hash: Some(password_hash),
            managed_by: None,
            created_at: now,
            disabled_at: None,
        };
        unit.users().insert(&user).await?;
        // The owner of the machine also sees what is done on it without a key.
        for place in [&organization, &OrganizationId::public()] {
            unit.users().put_member(place, &owner, Role::Owner, now).await?;
            let event = caller.event(now, "person.join", owner.as_str(), json!({ "role": "owner" }));
            unit.audit_writer().append(place, &event).await?;
        }
        unit.commit().await?;
        let mut keys = Vec::new();
        for interface in KeyInterface::ALL {
            let name = format!("first {} key", interface.as_str());
            let new = NewKey { name, interface, role: Role::Owner, expires_at: None };
            keys.push(self.create_key(&caller, &new).await?);
        }
        Ok(Some(FirstStart { organization, email: FIRST_OWNER_EMAIL.to_owned(), password, keys }))
    }

    /// Makes an organization; one that exists keeps its name. Answers whether it is new. For operators.
    ///
    /// # Errors
    /// `Fields` for a bad name.
    pub async fn ensure_organization(&self, id: &OrganizationId, name: &str) -> Result<bool, AppError> {
        let mut problems = FieldProblems::default();
        let name = problems.take("name", fields::name(name));
        problems.finish()?;
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let new = unit.organizations().insert(id, &name.unwrap_or_default(), now).await?;
        if new {
            let event = Caller::operator(id.clone()).event(now, "organization.create", id.as_str(), json!({}));
            unit.audit_writer().append(id, &event).await?;
        }
        unit.commit().await?;
        Ok(new)
    }

    /// All organizations by id after `after`. For operators.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn organizations(&self, after: &str, limit: u32) -> Result<Vec<Organization>, AppError> {
        Ok(self.store().organizations().list(after, limit).await?)
    }

    /// The caller's organization.
    ///
    /// # Errors
    /// `Forbidden` for whom may not read.
    pub async fn organization(&self, caller: &Caller) -> Result<Organization, AppError> {
        caller.require(Permission::Read)?;
        self.store().organizations().find(&caller.organization).await?.ok_or_else(|| unknown(&caller.organization))
    }

    /// Calls the caller's organization something else.
    ///
    /// # Errors
    /// `Forbidden` for whom does not own it; `Fields` for a bad name.
    pub async fn rename_organization(&self, caller: &Caller, name: &str) -> Result<Organization, AppError> {
        caller.require(Permission::Own)?;
        let mut problems = FieldProblems::default();
        let name = problems.take("name", fields::name(name)).unwrap_or_default();
        problems.finish()?;
        let now: Timestamp = self.clock().now();
        let mut unit = self.store().begin().await?;
        if !unit.organizations().rename(&caller.organization, &name).await? {
            return Err(unknown(&caller.organization));
        }
        let event = caller.event(now, "organization.rename", caller.organization.as_str(), json!({ "name": name }));
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        self.organization(caller).await
    }
}

fn unknown(id: &OrganizationId) -> AppError {
    AppError::NotFound { what: "organization", id: id.to_string() }
}
