//! Who asks an operation, for which organization, and what they may do there. Everything that acts for an organization
//! takes a [`Caller`] and asks it first; everything that changes something writes the caller into the audit trail.

use std::net::IpAddr;

use assize_store::audit_trail::AuditEvent;
use assize_store::{KeyId, KeyInterface, OrganizationId, Role, UserId};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::AppError;

/// What an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See what the organization has.
    Read,
    /// Hand in interactions.
    Submit,
    /// Run audits, analyses, assessments; see the audit trail.
    Run,
    /// Change people, keys, jobs and settings.
    Manage,
    /// Change the organization itself and its owners; erase.
    Own,
}

/// Who did it, as the audit trail names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody without a key, on a public interface.
    Anonymous,
    /// This program, by schedule or at the end of a job.
    System,
    /// Whoever commands the machine, at the command line.
    Operator,
    /// A program with an API key.
    Key(KeyId),
    /// A signed-in person.
    User(UserId),
}

impl Actor {
    /// The actor as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::System => "system",
            Self::Operator => "operator",
            Self::Key(id) => id.as_str(),
            Self::User(id) => id.as_str(),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For which organization.
    pub organization: OrganizationId,
    /// Who.
    pub actor: Actor,
    /// What they are there.
    pub role: Role,
    /// The interface their key is for; `None` for people and for no key.
    pub interface: Option<KeyInterface>,
    /// From where, when it came over the network.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// This program itself.
    #[must_use]
    pub fn system(organization: OrganizationId) -> Self {
        Self { organization, actor: Actor::System, role: Role::Owner, interface: None, address: None }
    }

    /// Whoever commands the machine.
    #[must_use]
    pub fn operator(organization: OrganizationId) -> Self {
        Self { organization, actor: Actor::Operator, role: Role::Owner, interface: None, address: None }
    }

    /// Somebody without a key: works in the public organization.
    #[must_use]
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        Self {
            organization: OrganizationId::public(),
            actor: Actor::Anonymous,
            role: Role::Auditor,
            interface: None,
            address,
        }
    }

    /// Whether the caller's role allows it.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        match permission {
            Permission::Read => self.role >= Role::Viewer,
            Permission::Submit => self.role == Role::Submitter || self.role >= Role::Auditor,
            Permission::Run => self.role >= Role::Auditor,
            Permission::Manage => self.role >= Role::Admin,
            Permission::Own => self.role == Role::Owner,
        }
    }

    /// Refuses what the caller's role does not allow.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        if self.may(permission) { Ok(()) } else { Err(AppError::Forbidden) }
    }

    /// A row for the audit trail: this caller did `action` (`noun.verb`) to `subject`. The address they came from
    /// stands beside `detail`, an object that holds no customers' data.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: &str, subject: &str, mut detail: Value) -> AuditEvent {
        if let (Some(address), Some(members)) = (self.address, detail.as_object_mut()) {
            members.insert("address".to_owned(), json!(address.to_string()));
        }
        AuditEvent {
            at,
            actor: self.actor.as_str().to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail,
            before_hash: None,
            after_hash: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_allow_what_their_words_say() {
        use Permission::{Manage, Own, Read, Run, Submit};
        let table: [(Role, &[Permission]); 5] = [
            (Role::Submitter, &[Submit]),
            (Role::Viewer, &[Read]),
            (Role::Auditor, &[Read, Submit, Run]),
            (Role::Admin, &[Read, Submit, Run, Manage]),
            (Role::Owner, &[Read, Submit, Run, Manage, Own]),
        ];
        for (role, allowed) in table {
            let caller = Caller { role, ..Caller::anonymous(None) };
            for permission in [Read, Submit, Run, Manage, Own] {
                assert_eq!(caller.may(permission), allowed.contains(&permission), "{role:?} {permission:?}");
                assert_eq!(caller.require(permission).is_ok(), allowed.contains(&permission));
            }
        }
    }

    #[test]
    fn events_say_where_from() {
        let caller = Caller::anonymous(Some(IpAddr::from([192, 0, 2, 7])));
        let event = caller.event(Timestamp::UNIX_EPOCH, "audit.submit", "job_1", json!({ "bytes": 3 }));
        assert_eq!(event.detail, json!({ "bytes": 3, "address": "192.0.2.7" }));
        assert_eq!((event.actor.as_str(), event.action.as_str()), ("anonymous", "audit.submit"));
    }
}
