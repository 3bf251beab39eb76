//! Values as pages write them: times, numbers, sizes, states. The same everywhere.

use jiff::Timestamp;

use crate::app::Role;

/// A time as pages write it: UTC, ISO order; the exact one is what the browser turns into the reader's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl Moment {
    /// For programs.
    pub(super) fn iso(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// The day.
    pub(super) fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// Day and time.
    pub(super) fn minute(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A whole number with thin spaces between its thousands (ISO 80000-1 section 7.3.1).
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * '\u{2009}'.len_utf8());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the largest binary unit that leaves at least one.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut size = number as f64;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} bytes") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// What a role may do, in words.
pub(super) fn role_words(role: Role) -> &'static str {
    match role {
        Role::Submitter => "submitter: hands interactions in, sees nothing",
        Role::Viewer => "viewer: reads",
        Role::Auditor => "auditor: reads and runs audits",
        Role::Admin => "admin: also people, keys, jobs, settings",
        Role::Owner => "owner: also the organization itself",
    }
}

/// The roles that somebody may give, the least trusted first, as (value, words).
pub(super) fn role_choices(giver: Role) -> Vec<(&'static str, String)> {
    Role::ALL
        .into_iter()
        .filter(|role| *role <= giver)
        .map(|role| (role.as_str(), role_words(role).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1\u{2009}000"), (1_234_567, "1\u{2009}234\u{2009}567")]
        {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn sizes_take_the_unit_that_fits() {
        for (number, text) in [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB")] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn times_are_utc_in_iso_order() {
        let moment = Moment("2026-11-21T10:00:07.25Z".parse().unwrap());
        assert_eq!(moment.minute(), "2026-11-21 10:00 UTC");
        assert_eq!((moment.day().as_str(), moment.iso().as_str()), ("2026-11-21", "2026-11-21T10:00:07Z"));
    }
}
