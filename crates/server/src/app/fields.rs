//! Fields that people and programs fill in, parsed with all that is wrong reported together.

use super::error::{AppError, FieldProblem};

/// Longest name of a person, key or organization, characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Longest e-mail address, bytes (RFC 5321 section 4.5.3.1.3: a path has at most 256, two of them brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Collects what is wrong with a body, field by field.
#[derive(Debug, Default)]
pub(crate) struct FieldProblems(Vec<FieldProblem>);

impl FieldProblems {
    /// Notes a problem of a field.
    pub(crate) fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.0.push(FieldProblem { field: field.to_owned(), problem: problem.into() });
    }

    /// Takes the value, or notes what is wrong with it.
    pub(crate) fn take<T>(&mut self, field: &str, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|problem| self.add(field, problem)).ok()
    }

    /// Everything that is wrong as one error; fine when nothing is.
    pub(crate) fn finish(self) -> Result<(), AppError> {
        if self.0.is_empty() { Ok(()) } else { Err(AppError::Fields(self.0)) }
    }
}

/// A name as shown to people: trimmed, not empty, without control characters.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let name = line(text, NAME_CHARS_MAX)?;
    if name.is_empty() { Err("must not be empty".to_owned()) } else { Ok(name) }
}

/// A text of one line: trimmed, bounded, without control characters.
pub(crate) fn line(text: &str, chars_max: usize) -> Result<String, String> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(format!("has {chars} characters, at most {chars_max} are taken"));
    }
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// An e-mail address in lower case. Only what mail servers in use take: one `@`, a dotless local host or a domain, no
/// quoting. Whether mail arrives is not for a pattern to say.
pub(crate) fn email(text: &str) -> Result<String, String> {
    let text = text.trim();
    let wrong = || "must be an e-mail address such as ada@example.org".to_owned();
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let local_good = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(|c| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let domain_good = !domain.is_empty()
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
    if local_good && domain_good && text.len() <= EMAIL_BYTES_MAX { Ok(text.to_lowercase()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(name("  Ada Lovelace ").unwrap(), "Ada Lovelace");
        assert_eq!(name(&"é".repeat(NAME_CHARS_MAX)).unwrap().chars().count(), NAME_CHARS_MAX);
        for bad in ["", "   ", "a\u{0}b", "line\nbreak", &"x".repeat(NAME_CHARS_MAX + 1)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (good, kept) in [
            ("Ada@Example.org", "ada@example.org"),
            (" a.b+c@sub.example.co.uk ", "a.b+c@sub.example.co.uk"),
            ("owner@localhost", "owner@localhost"),
            ("jürgen@büro.example", "jürgen@büro.example"),
        ] {
            assert_eq!(email(good).unwrap(), kept);
        }
        for bad in
            ["", "ada", "@example.org", "ada@", "a b@example.org", "a..b@x.org", "ada@-x.org", "a@b@c", "a\n@b.c"]
        {
            assert!(email(bad).is_err(), "{bad}");
        }
        assert!(email(&format!("{}@{}.org", "a".repeat(64), "b".repeat(190))).is_err());
    }
}
