//! People of an organization: invited, given roles, taken out; and accounts, as operators see them.
//!
//! People join by invitation: a secret link, shown once to who invites. Whoever opens it says who they are: with a new
//! password when there is no account under the address, with the present one when there is. So an organization never
//! learns whether somebody has an account elsewhere, and nobody is put into an organization without wanting it.
//!
//! A forgotten password is reset by a link too, by the organization that invited the account into being, or by an
//! operator. No other organization can reach it.

use std::net::IpAddr;

use assize_store::invitations::{Invitation, Purpose};
use assize_store::users::{Member, User};
use assize_store::{OrganizationId, Role, Unit, UserId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::App;
use super::caller::{Actor, Caller, Permission};
use super::error::AppError;
use super::fields::{self, FieldProblems};
use super::identity::SignedIn;
use super::once::Once;
use super::passwords;
use super::secrets::Token;

pub use assize_store::invitations::{Invitation as InvitationRecord, Purpose as InvitationPurpose};
pub use assize_store::users::Member as MemberRecord;

/// Open invitations of one organization at most.
const INVITATIONS_MAX: u32 = 200;

/// An invitation that has just been made. The token is shown now and never again.
#[derive(Debug, Clone)]
pub struct IssuedInvitation {
    /// What is kept of it.
    pub invitation: Invitation,
    /// The secret.
    pub token: Token,
    /// The link to hand over.
    pub url: String,
}

/// Who answers an invitation.
#[derive(Debug, Clone, Copy)]
pub struct Acceptance<'a> {
    /// What they are called; not needed for a password link.
    pub name: &'a str,
    /// Their password: a new one, or the present one when they have an account.
    pub password: &'a str,
    /// From where.
    pub address: Option<IpAddr>,
}

impl App {
    /// The people of the caller's organization by e-mail address after `after`.
    ///
    /// # Errors
    /// `Forbidden` for whom may not.
    pub async fn people(&self, caller: &Caller, after: &str, limit: u32) -> Result<Vec<Member>, AppError> {
        caller.require(Permission::Manage)?;
        Ok(self.store().users().members(&caller.organization, after, limit).await?)
    }

    /// One person of the caller's organization.
    ///
    /// # Errors
    /// `Forbidden` for whom may not; `NotFound` for whoever is not of the organization.
    pub async fn one_person(&self, caller: &Caller, id: &str) -> Result<Member, AppError> {
        caller.require(Permission::Manage)?;
        let parsed = UserId::parse(id).ok_or_else(|| unknown(id))?;
        self.store().users().member(&caller.organization, &parsed).await?.ok_or_else(|| unknown(id))
    }

    /// The open invitations, newest first, older than `before`.
    ///
    /// # Errors
    /// `Forbidden` for whom may not.
    pub async fn invitations(
        &self,
        caller: &Caller,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Invitation>, AppError> {
        caller.require(Permission::Manage)?;
        Ok(self.store().invitations().list(&caller.organization, before, limit).await?)
    }

    /// Invites somebody.
    ///
    /// # Errors
    /// `Forbidden` for whom may not, or may not as much as the role; `Fields` for a bad address; `Conflict` when there
    /// are too many open ones.
    pub async fn invite(&self, caller: &Caller, email: &str, role: Role) -> Result<IssuedInvitation, AppError> {
        self.invite_once(caller, email, role, &Once::any_number_of_times()).await
    }

    /// Invites somebody, for a request that may be sent again.
    ///
    /// # Errors
    /// As [`App::invite`]; `Repeated` when the request was worked already.
    pub async fn invite_once(
        &self,
        caller: &Caller,
        email: &str,
        role: Role,
        once: &Once<'_, IssuedInvitation>,
    ) -> Result<IssuedInvitation, AppError> {
        caller.require(Permission::Manage)?;
        if role > caller.role {
            return Err(AppError::Forbidden);
        }
        let mut problems = FieldProblems::default();
        let email = problems.take("email", fields::email(email)).unwrap_or_default();
        problems.finish()?;
        let open = self.store().invitations().list(&caller.organization, None, INVITATIONS_MAX).await?;
        if open.len() >= INVITATIONS_MAX as usize {
            return Err(AppError::Conflict(format!("{INVITATIONS_MAX} invitations are open; withdraw some first")));
        }
        self.issue_invitation(caller, Purpose::Join, &email, role, once).await
    }

    /// Makes a link with which a person sets another password.
    ///
    /// # Errors
    /// As [`App::one_person`]; `Forbidden` when another organization invited the account into being, or the person's
    /// role is above the caller's.
    pub async fn reset_password(&self, caller: &Caller, id: &str) -> Result<IssuedInvitation, AppError> {
        self.reset_password_once(caller, id, &Once::any_number_of_times()).await
    }

    /// Makes a password link, for a request that may be sent again.
    ///
    /// # Errors
    /// As [`App::reset_password`]; `Repeated` when the request was worked already.
    pub async fn reset_password_once(
        &self,
        caller: &Caller,
        id: &str,
        once: &Once<'_, IssuedInvitation>,
    ) -> Result<IssuedInvitation, AppError> {
        let member = self.one_person(caller, id).await?;
        let managed = member.user.managed_by.as_ref() == Some(&caller.organization);
        if member.role > caller.role || !(managed || caller.actor == Actor::Operator) {
            return Err(AppError::Forbidden);
        }
        self.issue_invitation(caller, Purpose::Password, &member.user.email, member.role, once).await
    }

    async fn issue_invitation(
        &self,
        caller: &Caller,
        purpose: Purpose,
        email: &str,
        role: Role,
        once: &Once<'_, IssuedInvitation>,
    ) -> Result<IssuedInvitation, AppError> {
        let (token, now) = (self.new_token()?, self.clock().now());
        let hours = i64::from(self.config().identity.invitation_hours);
        let invitation = Invitation {
            id: invitation_id(now, self.id_bytes()?),
            organization: caller.organization.clone(),
            token_sha256: token.sha256(),
            purpose,
            email: email.to_owned(),
            role,
            created_by: caller.actor.as_str().to_owned(),
            created_at: now,
            expires_at: now.checked_add(SignedDuration::from_hours(hours)).map_err(AppError::internal)?,
        };
        let action = match purpose {
            Purpose::Join => "invitation.create",
            Purpose::Password => "password.link",
        };
        let mut unit = self.store().begin().await?;
        unit.invitations().insert(&invitation).await?;
        let event = caller.event(now, action, &invitation.id, json!({ "role": role.as_str() }));
        unit.audit_writer().append(&caller.organization, &event).await?;
        let url = format!("{}/dashboard/invitations/{}", self.config().public_url(), token.expose());
        let issued = IssuedInvitation { invitation, token, url };
        once.seal(&mut unit, caller, &issued.invitation.id, &issued).await?;
        unit.commit().await?;
        Ok(issued)
    }

    /// Withdraws an invitation.
    ///
    /// # Errors
    /// `Forbidden` for whom may not; `NotFound` for an unknown id or another organization's.
    pub async fn withdraw_invitation(&self, caller: &Caller, id: &str) -> Result<(), AppError> {
        caller.require(Permission::Manage)?;
        let mut unit = self.store().begin().await?;
        let withdrawn = unit.invitations().withdraw(&caller.organization, id).await?;
        if withdrawn.is_none() {
            return Err(AppError::NotFound { what: "invitation", id: id.to_owned() });
        }
        let event = caller.event(self.clock().now(), "invitation.withdraw", id, json!({}));
        unit.audit_writer().append(&caller.organization, &event).await?;
        Ok(unit.commit().await?)
    }

    /// The invitation that a link's token is for, with the name of the organization; `None` when it was used, was
    /// withdrawn or has run out.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn invitation(&self, token: &Token) -> Result<Option<(Invitation, String)>, AppError> {
        let found = self.store().invitations().find_by_token(&token.sha256(), self.clock().now()).await?;
        let Some(invitation) = found else { return Ok(None) };
        let organization = self.store().organizations().find(&invitation.organization).await?;
        Ok(Some((invitation, organization.map(|organization| organization.name).unwrap_or_default())))
    }

    /// Joins, or sets the password, and answers the address to sign in with.
    ///
    /// # Errors
    /// `NotFound` for a link that does not work any more; `Fields` for a bad name or new password; `SignInRefused` when
    /// there is an account and the password is not its.
    pub async fn accept_invitation(&self, token: &Token, answer: &Acceptance<'_>) -> Result<String, AppError> {
        let gone = || AppError::NotFound { what: "invitation", id: "of this link".to_owned() };
        let (invitation, _) = self.invitation(token).await?.ok_or_else(gone)?;
        match invitation.purpose {
            Purpose::Join => self.join(&invitation, answer).await?,
            Purpose::Password => self.set_password_by_link(&invitation, answer).await?,
        }
        Ok(invitation.email)
    }

    async fn join(&self, invitation: &Invitation, answer: &Acceptance<'_>) -> Result<(), AppError> {
        let now = self.clock().now();
        let existing = self.store().users().find_by_email(&invitation.email).await?;
        let new = match &existing {
            Some(_) => {
                self.check_credentials(&invitation.email, answer.password, answer.address).await?;
                None
            }
            None => Some(self.new_user(&invitation.email, answer.name, answer.password).await?),
        };
        let user = match (&existing, new) {
            (Some(user), _) => user.clone(),
            (None, Some(user)) => User { managed_by: Some(invitation.organization.clone()), ..user },
            (None, None) => return Err(AppError::SignInRefused),
        };
        let mut unit = self.store().begin().await?;
        self.take(&mut unit, invitation).await?;
        if existing.is_none() {
            unit.users().insert(&user).await?;
        }
        // An invitation never takes a role away that somebody has by now.
        let present = unit.users().member(&invitation.organization, &user.id).await?.map(|member| member.role);
        let role = present.map_or(invitation.role, |role| role.max(invitation.role));
        unit.users().put_member(&invitation.organization, &user.id, role, now).await?;
        let caller = Caller {
            organization: invitation.organization.clone(),
            actor: Actor::User(user.id.clone()),
            role,
            interface: None,
            address: answer.address,
        };
        let detail = json!({ "role": role.as_str(), "invitation": invitation.id });
        let event = caller.event(now, "person.join", user.id.as_str(), detail);
        unit.audit_writer().append(&invitation.organization, &event).await?;
        Ok(unit.commit().await?)
    }

    async fn set_password_by_link(&self, invitation: &Invitation, answer: &Acceptance<'_>) -> Result<(), AppError> {
        let user = self.store().users().find_by_email(&invitation.email).await?.ok_or(AppError::SignInRefused)?;
        let password_hash = self.new_password_hash(&user.email, answer.password).await?;
        let mut unit = self.store().begin().await?;
        self.take(&mut unit, invitation).await?;
        unit.users().set_password(&user.id, &password_hash).await?;
        unit.sessions().end_of_user(&user.id, None).await?;
        let caller = Caller {
            actor: Actor::User(user.id.clone()),
            address: answer.address,
            ..Caller::system(invitation.organization.clone())
        };
        let event = caller.event(self.clock().now(), "password.change", user.id.as_str(), json!({ "by": "link" }));
        unit.audit_writer().append(&invitation.organization, &event).await?;
        Ok(unit.commit().await?)
    }

    /// Takes the invitation, so that of two answers at once one counts.
    async fn take(&self, unit: &mut Unit, invitation: &Invitation) -> Result<(), AppError> {
        if unit.invitations().take(&invitation.token_sha256).await? {
            return Ok(());
        }
        Err(AppError::NotFound { what: "invitation", id: "of this link".to_owned() })
    }

    /// Sets another password for oneself; all other sessions end.
    ///
    /// # Errors
    /// `SignInRefused` when the present password is not right; `Fields` for a bad new one.
    pub async fn change_password(&self, signed_in: &SignedIn, present: &str, new: &str) -> Result<(), AppError> {
        self.check_credentials(&signed_in.email, present, signed_in.caller.address).await?;
        let password_hash = self.new_password_hash(&signed_in.email, new).await?;
        let mut unit = self.store().begin().await?;
        unit.users().set_password(&signed_in.user, &password_hash).await?;
        unit.sessions().end_of_user(&signed_in.user, Some(&signed_in.token.sha256())).await?;
        let event = signed_in.caller.event(self.clock().now(), "password.change", signed_in.user.as_str(), json!({}));
        unit.audit_writer().append(&signed_in.caller.organization, &event).await?;
        Ok(unit.commit().await?)
    }

    /// Gives a person another role.
    ///
    /// # Errors
    /// As [`App::one_person`]; `Forbidden` for a role above the caller's, before or after; `Conflict` when it would
    /// leave the organization without an owner.
    pub async fn change_role(&self, caller: &Caller, id: &str, role: Role) -> Result<Member, AppError> {
        let member = self.one_person(caller, id).await?;
        if role > caller.role || member.role > caller.role {
            return Err(AppError::Forbidden);
        }
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        unit.organizations().lock(&caller.organization).await?;
        unit.users().put_member(&caller.organization, &member.user.id, role, now).await?;
        keeps_an_owner(&mut unit, &caller.organization, member.role).await?;
        let detail = json!({ "from": member.role.as_str(), "to": role.as_str() });
        let event = caller.event(now, "person.role", id, detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        self.one_person(caller, id).await
    }

    /// Takes a person out of the organization. Their account stays; they may belong elsewhere.
    ///
    /// # Errors
    /// As [`App::change_role`].
    pub async fn remove_person(&self, caller: &Caller, id: &str) -> Result<(), AppError> {
        let member = self.one_person(caller, id).await?;
        if member.role > caller.role {
            return Err(AppError::Forbidden);
        }
        let mut unit = self.store().begin().await?;
        unit.organizations().lock(&caller.organization).await?;
        if !unit.users().remove_member(&caller.organization, &member.user.id).await? {
            return Err(unknown(id));
        }
        keeps_an_owner(&mut unit, &caller.organization, member.role).await?;
        let event = caller.event(self.clock().now(), "person.remove", id, json!({ "role": member.role.as_str() }));
        unit.audit_writer().append(&caller.organization, &event).await?;
        Ok(unit.commit().await?)
    }

    /// Makes an account with a random password, or gives an existing one a place. Answers the password of a new one.
    /// For operators.
    ///
    /// # Errors
    /// `Fields` for a bad address or name.
    pub async fn create_person(
        &self,
        organization: &OrganizationId,
        email: &str,
        name: &str,
        role: Role,
    ) -> Result<(UserId, Option<String>), AppError> {
        let mut problems = FieldProblems::default();
        let email = problems.take("email", fields::email(email)).unwrap_or_default();
        problems.finish()?;
        let now = self.clock().now();
        let caller = Caller::operator(organization.clone());
        let existing = self.store().users().find_by_email(&email).await?;
        let (user, password) = match existing.clone() {
            Some(user) => (user, None),
            None => {
                let password = self.random_text(24)?;
                (self.new_user(&email, name, &password).await?, Some(password))
            }
        };
        let mut unit = self.store().begin().await?;
        if existing.is_none() {
            unit.users().insert(&user).await?;
        }
        unit.users().put_member(organization, &user.id, role, now).await?;
        let event = caller.event(now, "person.join", user.id.as_str(), json!({ "role": role.as_str() }));
        unit.audit_writer().append(organization, &event).await?;
        unit.commit().await?;
        Ok((user.id, password))
    }

    /// Sets a random password and ends all sessions. For operators.
    ///
    /// # Errors
    /// `NotFound` for an address without account.
    pub async fn replace_password(&self, email: &str) -> Result<String, AppError> {
        let user = self.account(email).await?;
        let password = self.random_text(24)?;
        let password_hash = self.hash_password(password.clone()).await?;
        let mut unit = self.store().begin().await?;
        unit.users().set_password(&user.id, &password_hash).await?;
        unit.sessions().end_of_user(&user.id, None).await?;
        self.note_everywhere(&mut unit, &user, "password.change").await?;
        unit.commit().await?;
        Ok(password)
    }

    /// Locks an account out, or lets it in again. For operators.
    ///
    /// # Errors
    /// `NotFound` for an address without account.
    pub async fn lock_account(&self, email: &str, locked: bool) -> Result<(), AppError> {
        let user = self.account(email).await?;
        let mut unit = self.store().begin().await?;
        unit.users().set_disabled(&user.id, locked.then(|| self.clock().now())).await?;
        unit.sessions().end_of_user(&user.id, None).await?;
        self.note_everywhere(&mut unit, &user, if locked { "account.lock" } else { "account.unlock" }).await?;
        Ok(unit.commit().await?)
    }

    /// All accounts by e-mail address after `after`. For operators.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn accounts(&self, after: &str, limit: u32) -> Result<Vec<User>, AppError> {
        Ok(self.store().users().list(after, limit).await?)
    }

    async fn account(&self, email: &str) -> Result<User, AppError> {
        let lower = email.trim().to_lowercase();
        let found = self.store().users().find_by_email(&lower).await?;
        found.ok_or_else(|| AppError::NotFound { what: "user", id: email.to_owned() })
    }

    /// What an operator does to an account stands in the trail of every organization it belongs to, in the order of
    /// their ids: two units that lock several trails never wait for each other.
    async fn note_everywhere(&self, unit: &mut Unit, user: &User, action: &str) -> Result<(), AppError> {
        let mut places = unit.users().places(&user.id).await?;
        places.sort_by(|a, b| a.organization.cmp(&b.organization));
        let now = self.clock().now();
        for place in places {
            let event = Caller::operator(place.organization.clone()).event(now, action, user.id.as_str(), json!({}));
            unit.audit_writer().append(&place.organization, &event).await?;
        }
        Ok(())
    }

    async fn new_user(&self, email: &str, name: &str, password: &str) -> Result<User, AppError> {
        let mut problems = FieldProblems::default();
        let name = problems.take("name", fields::name(name)).unwrap_or_default();
        self.judge_password(&mut problems, email, password);
        problems.finish()?;
        let now: Timestamp = self.clock().now();
        Ok(User {
            id: UserId::new(now, self.id_bytes()?),
            email: email.to_owned(),
            name,
            password_hash: Some(self.hash_password(password.to_owned()).await?),
            managed_by: None,
            created_at: now,
            disabled_at: None,
        })
    }

    async fn new_password_hash(&self, email: &str, password: &str) -> Result<String, AppError> {
        let mut problems = FieldProblems::default();
        self.judge_password(&mut problems, email, password);
        problems.finish()?;
        self.hash_password(password.to_owned()).await
    }

    fn judge_password(&self, problems: &mut FieldProblems, email: &str, password: &str) {
        if let Some(problem) = passwords::problem(password, email, self.config().identity.password_chars_min) {
            problems.add("password", problem);
        }
    }
}

/// Refuses what has left an organization without an owner; `was` is the role that was just changed or taken.
async fn keeps_an_owner(unit: &mut Unit, organization: &OrganizationId, was: Role) -> Result<(), AppError> {
    if was == Role::Owner && unit.users().owners(organization).await? == 0 {
        return Err(AppError::Conflict(
            "the organization would have no owner; make somebody else one first".to_owned(),
        ));
    }
    Ok(())
}

/// `inv_` and a version 7 UUID, so that ids sort by time.
fn invitation_id(now: Timestamp, random: [u8; 10]) -> String {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    format!("inv_{}", uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().simple())
}

fn unknown(id: &str) -> AppError {
    AppError::NotFound { what: "user", id: id.to_owned() }
}
