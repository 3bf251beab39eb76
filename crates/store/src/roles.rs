//! What a person or a key may do in an organization, in one word; what each word allows is decided where it is asked.

/// A role in an organization. The order is that of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Writes interactions and sees nothing.
    Submitter,
    /// Reads.
    Viewer,
    /// Reads, writes interactions, runs audits, analyses and assessments.
    Auditor,
    /// All of that, and people, keys, jobs and settings.
    Admin,
    /// All of that, and the organization itself, its owners, and erasure.
    Owner,
}

impl Role {
    /// All of them, the least trusted first.
    pub const ALL: [Self; 5] = [Self::Submitter, Self::Viewer, Self::Auditor, Self::Admin, Self::Owner];

    /// The role as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitter => "submitter",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads a role; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// The interface that an API key is for; it decides how the key looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyInterface {
    /// Model registry, assessments, policies: `ak_live_...`.
    Governance,
    /// Attacks and defences: `ak_live_...`.
    Robustness,
    /// What assistants say: `sk-viri-...`.
    Interactions,
}

impl KeyInterface {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Governance, Self::Robustness, Self::Interactions];

    /// The interface as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "governance",
            Self::Robustness => "robustness",
            Self::Interactions => "interactions",
        }
    }

    /// Reads an interface; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interface| interface.as_str() == text)
    }

    /// How its keys begin.
    #[must_use]
    pub fn key_prefix(self) -> &'static str {
        match self {
            Self::Governance | Self::Robustness => "ak_live_",
            Self::Interactions => "sk-viri-",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_interfaces_parse_as_they_print() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert!(Role::parse("Owner").is_none() && Role::parse("").is_none());
        for interface in KeyInterface::ALL {
            assert_eq!(KeyInterface::parse(interface.as_str()), Some(interface));
        }
        assert!(Role::Owner > Role::Admin && Role::Viewer > Role::Submitter);
    }
}
