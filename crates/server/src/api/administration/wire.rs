//! The shapes of `/v1`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PAGE_ROWS, PAGE_ROWS_MAX};
use crate::app::{InvitationRecord, IssuedInvitation, KeyRecord, MemberRecord, OrganizationRecord, Role};

/// A role, least trusted first: `submitter` writes interactions only, `viewer` reads, `auditor` reads and runs, `admin`
/// also manages people, keys and settings, `owner` also the organization itself.
pub(super) const ROLES: [(&str, Role); 5] = [
    ("submitter", Role::Submitter),
    ("viewer", Role::Viewer),
    ("auditor", Role::Auditor),
    ("admin", Role::Admin),
    ("owner", Role::Owner),
];

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParameters {
    /// `next` of the page before; without it the first page.
    #[serde(default)]
    pub(super) cursor: Option<String>,
    /// Rows of the page, 1 to 200.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub(super) limit: Option<u32>,
}

impl PageParameters {
    /// Rows to show.
    pub(super) fn rows(&self) -> u32 {
        self.limit.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS_MAX)
    }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyBody {
    /// Its id.
    #[schema(example = "key_019aa3e0a0b07cc2a1b2c3d4e5f60718")]
    id: String,
    /// What it is called.
    #[schema(example = "build server")]
    name: String,
    /// `governance`, `robustness` or `interactions`.
    #[schema(example = "governance")]
    interface: &'static str,
    /// What it may do.
    #[schema(example = "auditor")]
    role: &'static str,
    /// How it begins.
    #[schema(example = "ak_live_")]
    prefix: &'static str,
    /// How it ends.
    #[schema(example = "x7Qk")]
    last_four: String,
    /// `active`, `expired` or `revoked`.
    #[schema(example = "active")]
    state: &'static str,
    /// The user or key that made it, `operator` or `system`.
    created_by: String,
    /// RFC 3339, UTC.
    created_at: String,
    /// When it stops working by itself.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// When it was last used, to the minute or so.
    last_used_at: Option<String>,
}

impl KeyBody {
    pub(super) fn new(key: KeyRecord, now: jiff::Timestamp) -> Self {
        let state = match key.revoked_at {
            Some(_) => "revoked",
            None if key.is_valid(now) => "active",
            None => "expired",
        };
        Self {
            id: key.id.to_string(),
            name: key.name,
            interface: key.interface.as_str(),
            role: key.role.as_str(),
            prefix: key.interface.key_prefix(),
            last_four: key.last_four,
            state,
            created_by: key.created_by,
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A key that has just been made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedKeyBody {
    /// What is kept of it.
    pub(super) key: KeyBody,
    /// The secret. It is shown now and never again.
    #[schema(example = "ak_live_...")]
    pub(super) secret: String,
}

/// Keys, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeysBody {
    pub(super) keys: Vec<KeyBody>,
    /// Cursor of the next page; null after the last.
    pub(super) next: Option<String>,
}

/// A key to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct NewKeyBody {
    /// What to call it, up to 100 characters.
    #[schema(example = "build server")]
    name: String,
    /// `governance`, `robustness` or `interactions`.
    #[schema(example = "governance")]
    interface: String,
    /// `submitter`, `viewer`, `auditor`, `admin` or `owner`; not more than one's own.
    #[schema(example = "auditor")]
    role: String,
    /// When it stops working by itself, RFC 3339; never without.
    expires_at: Option<String>,
}

/// How a key is rotated.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct RotateBody {
    /// Hours in which the old key still works, 0 to 720.
    #[schema(example = 24, minimum = 0, maximum = 720)]
    overlap_hours: Option<u32>,
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationBody {
    /// Its id.
    #[schema(example = "org_default")]
    id: String,
    /// What it is called.
    name: String,
    /// RFC 3339, UTC.
    created_at: String,
}

impl From<OrganizationRecord> for OrganizationBody {
    fn from(organization: OrganizationRecord) -> Self {
        Self {
            id: organization.id.to_string(),
            name: organization.name,
            created_at: organization.created_at.to_string(),
        }
    }
}

/// What to call an organization.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct RenameBody {
    /// Up to 100 characters.
    name: String,
}

/// A person of the organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonBody {
    /// Their id.
    #[schema(example = "usr_019aa3e0a0b07cc2a1b2c3d4e5f60718")]
    id: String,
    /// What they sign in with.
    #[schema(example = "ada@example.org")]
    email: String,
    /// What they are called.
    name: String,
    /// What they are in this organization.
    #[schema(example = "auditor")]
    role: &'static str,
    /// Since when, RFC 3339, UTC.
    since: String,
    /// Whether the account is locked.
    locked: bool,
}

impl From<MemberRecord> for PersonBody {
    fn from(member: MemberRecord) -> Self {
        Self {
            id: member.user.id.to_string(),
            email: member.user.email,
            name: member.user.name,
            role: member.role.as_str(),
            since: member.since.to_string(),
            locked: member.user.disabled_at.is_some(),
        }
    }
}

/// People, by e-mail address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeopleBody {
    pub(super) users: Vec<PersonBody>,
    /// Cursor of the next page; null after the last.
    pub(super) next: Option<String>,
}

/// Another role for a person.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct RoleBody {
    /// `submitter`, `viewer`, `auditor`, `admin` or `owner`; not more than one's own.
    #[schema(example = "auditor")]
    role: String,
}

/// An open invitation, without its link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationBody {
    /// Its id.
    id: String,
    /// `join`, or `password` for a link that sets another password.
    #[schema(example = "join")]
    purpose: &'static str,
    /// Whom it is for.
    email: String,
    /// What they will be.
    #[schema(example = "auditor")]
    role: &'static str,
    /// The user or key that made it, or `operator`.
    created_by: String,
    /// RFC 3339, UTC.
    created_at: String,
    /// When the link stops working.
    expires_at: String,
}

impl From<InvitationRecord> for InvitationBody {
    fn from(invitation: InvitationRecord) -> Self {
        Self {
            id: invitation.id,
            purpose: invitation.purpose.as_str(),
            email: invitation.email,
            role: invitation.role.as_str(),
            created_by: invitation.created_by,
            created_at: invitation.created_at.to_string(),
            expires_at: invitation.expires_at.to_string(),
        }
    }
}

/// Open invitations, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationsBody {
    pub(super) invitations: Vec<InvitationBody>,
    /// Cursor of the next page; null after the last.
    pub(super) next: Option<String>,
}

/// An invitation that has just been made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedInvitationBody {
    /// What is kept of it.
    invitation: InvitationBody,
    /// The link to hand over. It is shown now and never again, and works once.
    url: String,
}

impl From<&IssuedInvitation> for IssuedInvitationBody {
    fn from(issued: &IssuedInvitation) -> Self {
        Self { invitation: issued.invitation.clone().into(), url: issued.url.clone() }
    }
}

/// Whom to invite.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct InviteBody {
    /// Their e-mail address.
    #[schema(example = "ada@example.org")]
    email: String,
    /// `submitter`, `viewer`, `auditor`, `admin` or `owner`; not more than one's own.
    #[schema(example = "auditor")]
    role: String,
}
