//! `[identity]`: people and how they sign in.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Sign-in, sessions and invitations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Hours a sign-in lasts, whatever is done in it.
    pub session_hours_max: u32,
    /// Minutes without a request after which a sign-in ends.
    pub session_idle_minutes: u32,
    /// Hours in which an invitation or a password link can be used.
    pub invitation_hours: u32,
    /// Fewest characters of a password. 15 is the least for passwords that stand alone (NIST SP 800-63B-4, 3.1.1.2).
    pub password_chars_min: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self { session_hours_max: 168, session_idle_minutes: 720, invitation_hours: 72, password_chars_min: 15 }
    }
}

impl Identity {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within(u64::from(self.session_hours_max), 1, 8_760, "identity.session_hours_max");
        problems.within(u64::from(self.session_idle_minutes), 1, 525_600, "identity.session_idle_minutes");
        problems.within(u64::from(self.invitation_hours), 1, 8_760, "identity.invitation_hours");
        problems.within(u64::from(self.password_chars_min), 8, 128, "identity.password_chars_min");
    }
}
