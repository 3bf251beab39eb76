//! Countries as people type them.

use super::catalogue::{CATALOGUES, CountryRow};
use super::iso3166::COUNTRIES;

/// A country of the interaction: ISO code, and the state or province when it was named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Country {
    /// ISO 3166-1 alpha-2; `None` for `global` and for nothing.
    pub code: Option<String>,
    /// ISO 3166-2 code of a state whose law the catalogues know, such as `US-CA`.
    pub region: Option<String>,
    /// What was typed is no country: treated as `global`, with a warning.
    pub unknown: bool,
}

/// States, provinces and cities with catalogued law, and how they are typed.
const REGIONS: &[(&str, &str, &[&str])] = &[
    ("US-CA", "US", &["california", "calif.", "us-ca"]),
    ("US-CO", "US", &["colorado", "us-co"]),
    ("US-IL", "US", &["illinois", "us-il"]),
    ("US-NY-NYC", "US", &["new york city", "nyc", "us-ny-nyc"]),
    ("US-NY", "US", &["new york", "us-ny"]),
    ("US-UT", "US", &["utah", "us-ut"]),
    ("US-ME", "US", &["maine", "us-me"]),
    ("US-TX", "US", &["texas", "us-tx"]),
    ("CA-QC", "CA", &["quebec", "québec", "ca-qc"]),
];

impl Country {
    /// Reads a name (English or native), an alpha-2 or alpha-3 code, a state with or without its country, `global` or
    /// nothing.
    pub fn parse(typed: &str) -> Country {
        let folded = typed.trim().to_lowercase();
        if folded.is_empty() || matches!(folded.as_str(), "global" | "worldwide" | "world" | "international") {
            return Country::default();
        }
        if let Some(code) = code(&folded) {
            return Country { code: Some(code.to_owned()), ..Country::default() };
        }
        if let Some((region, country, _)) = REGIONS.iter().find(|(_, _, names)| {
            names.iter().any(|name| folded.split([',', '(', ')', '/']).any(|part| part.trim() == *name))
        }) {
            return Country { code: Some((*country).to_owned()), region: Some((*region).to_owned()), unknown: false };
        }
        // "Berlin, Germany"
        let last = folded.rsplit(',').next().map(str::trim).unwrap_or_default();
        match code(last) {
            Some(code) if folded.contains(',') => Country { code: Some(code.to_owned()), ..Country::default() },
            _ => Country { unknown: true, ..Country::default() },
        }
    }

    fn row(&self) -> Option<&'static CountryRow> {
        let code = self.code.as_deref()?;
        CATALOGUES.countries.iter().find(|row| row.code == code)
    }

    /// In the European Economic Area.
    pub(crate) fn in_eea(&self) -> bool {
        self.row().is_some_and(|row| row.groups.iter().any(|group| group == "EEA"))
    }

    /// Recognised as adequate by the European Commission (from the table; to be checked by counsel).
    pub(crate) fn adequate(&self) -> bool {
        self.in_eea() || self.row().is_some_and(|row| row.eea_adequate)
    }
}

fn code(folded: &str) -> Option<&'static str> {
    let iso = COUNTRIES.iter().find(|(two, three, name)| {
        two.eq_ignore_ascii_case(folded) || three.eq_ignore_ascii_case(folded) || *name == folded
    });
    let known = || CATALOGUES.countries.iter().find(|row| row.names.iter().any(|name| name.to_lowercase() == folded));
    iso.map(|(two, _, _)| *two).or_else(|| known().map(|row| row.code.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_and_aliases_mean_one_country() {
        for typed in ["Germany", "DE", "deu", "Deutschland", " germany ", "Berlin, Germany"] {
            assert_eq!(Country::parse(typed).code.as_deref(), Some("DE"), "{typed}");
        }
        for typed in ["UK", "United Kingdom", "GBR", "England"] {
            assert_eq!(Country::parse(typed).code.as_deref(), Some("GB"), "{typed}");
        }
        assert_eq!(Country::parse("California, USA").region.as_deref(), Some("US-CA"));
        assert_eq!(Country::parse("global"), Country::default());
        assert!(Country::parse("Atlantis").unknown);
        assert_eq!(Country::parse("Iceland").code.as_deref(), Some("IS"));
    }

    #[test]
    fn adequacy_follows_the_table() {
        assert!(Country::parse("Norway").in_eea() && Country::parse("Japan").adequate());
        assert!(!Country::parse("USA").adequate() && !Country::parse("global").adequate());
    }
}
