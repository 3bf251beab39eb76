//! The filter of the log as its address says it: the parameters of `GET /v1/interactions`, where a day stands for a time
//! as well, beside the columns. Fields that a form left empty are none.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::super::form::FormView;
use super::super::visitor::query_value;
use super::LOG;
use super::columns::{Column, chosen};
use crate::api::interactions::log::LogParameters;
use crate::app::{AppError, LogQuery};

/// The fields of the form, as (name, label).
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("since", "From"),
    ("until", "To"),
    ("compliance_status", "Status"),
    ("state", "State"),
    ("risk_min", "Risk from"),
    ("risk_max", "Risk to"),
    ("entity", "Found"),
    ("regulation", "May engage"),
    ("use_case", "Use case"),
    ("country", "Country"),
    ("model_version", "Model version"),
    ("user_id", "User"),
    ("your_company_user_id", "Person"),
    ("your_company_user_session_id", "Session"),
    ("submission_id", "Submission"),
    ("q", "Words"),
];

/// Longest value of a field that is looked at, characters.
const VALUE_CHARS_MAX: usize = 300;

/// A field that narrows the list down.
pub(super) struct Chip {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// The list without it.
    pub(super) href: String,
}

/// What an address asks for.
pub(super) struct LogFilter {
    /// The fields as typed, and what is wrong with them.
    pub(super) form: FormView,
    /// The fields that are set, in the order of the form.
    set: Vec<(&'static str, &'static str, String)>,
    pub(super) columns: Vec<Column>,
    /// Where the page begins, as the address says it.
    pub(super) cursor: Option<String>,
    query: LogQuery,
}

impl LogFilter {
    /// Reads the parameters of an address; of those sent twice the last.
    pub(super) fn read(pairs: &[(String, String)]) -> Self {
        let value = |name: &str| {
            let sent = pairs.iter().rev().find(|(sent, _)| sent == name).map(|(_, value)| value.trim());
            let cut = |value: &str| value.chars().take(VALUE_CHARS_MAX).collect::<String>();
            sent.filter(|value| !value.is_empty()).map(cut)
        };
        let set: Vec<(&str, &str, String)> =
            FIELDS.iter().filter_map(|(name, label)| value(name).map(|value| (*name, *label, value))).collect();
        let empty = FormView::new(FIELDS);
        let mut form = set.iter().fold(empty, |form, (name, _, value)| form.with(name, value.clone()));
        let named = pairs.iter().filter(|(name, _)| name == "columns").map(|(_, value)| value.as_str());
        let (columns, cursor) = (chosen(named), value("cursor"));
        let query = parameters(&set, cursor.clone(), &mut form).query();
        if let Err(error) = &query {
            let text = error.to_string();
            match text.split_once(": ") {
                Some((name, problem)) if FIELDS.iter().any(|(field, _)| *field == name) => form.problem(name, problem),
                _ => form.problem("form", text),
            }
        }
        Self { form, set, columns, cursor, query: query.unwrap_or_default() }
    }

    /// The log as it is to be asked, or what is wrong with the filter.
    pub(super) fn query(&self, limit: u32) -> Result<LogQuery, AppError> {
        if self.form.is_refused() {
            let words = |(_, label, problem): &(&str, &str, &str)| format!("{label}: {problem}");
            let problems: Vec<String> = self.form.summary().iter().map(words).collect();
            return Err(AppError::Unprocessable(problems.join("; ")));
        }
        Ok(LogQuery { limit, ..self.query.clone() })
    }

    /// Whether it narrows the list down.
    pub(super) fn narrows(&self) -> bool {
        !self.set.is_empty()
    }

    /// Whether words are looked for.
    pub(super) fn searches(&self) -> bool {
        self.set.iter().any(|(name, _, _)| *name == "q")
    }

    /// The fields that are set, as (name, value).
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        self.set.iter().map(|(name, _, value)| (*name, value.as_str())).collect()
    }

    /// The fields that are set, each with the list without it.
    pub(super) fn chips(&self) -> Vec<Chip> {
        let chip = |(name, label, value): &(&'static str, &'static str, String)| Chip {
            label,
            value: value.clone(),
            href: address(&self.written(|other| other != *name)),
        };
        self.set.iter().map(chip).collect()
    }

    /// Fields and columns as the query of an address, always written alike; empty when all is as usual.
    pub(super) fn text(&self) -> String {
        self.written(|_| true)
    }

    /// The fields alone as a query: what an export takes.
    pub(super) fn fields_text(&self) -> String {
        self.set.iter().map(|(name, _, value)| pair(name, value)).collect::<Vec<_>>().join("&")
    }

    /// The address of the list, with what follows in its query.
    pub(super) fn href(&self, more: &str) -> String {
        let text = self.text();
        let joint = if text.is_empty() || more.is_empty() { "" } else { "&" };
        address(&format!("{text}{joint}{more}"))
    }

    fn written(&self, keep: impl Fn(&str) -> bool) -> String {
        let set = self.set.iter().filter(|(name, _, _)| keep(name));
        let mut pairs: Vec<String> = set.map(|(name, _, value)| pair(name, value)).collect();
        let columns = self.columns_text();
        if !columns.is_empty() {
            pairs.push(pair("columns", &columns));
        }
        pairs.join("&")
    }

    /// The columns with dots between; empty for the usual ones.
    pub(super) fn columns_text(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name()).collect();
        if self.columns == Column::USUAL { String::new() } else { names.join(".") }
    }
}

/// The address of the list with a query.
pub(super) fn address(query: &str) -> String {
    if query.is_empty() { LOG.to_owned() } else { format!("{LOG}?{query}") }
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", query_value(value))
}

/// The fields as the interface's own parameters; notes what is wrong with them.
fn parameters(
    set: &[(&'static str, &'static str, String)],
    cursor: Option<String>,
    form: &mut FormView,
) -> LogParameters {
    let text = |name: &str| set.iter().find(|(field, _, _)| *field == name).map(|(_, _, value)| value.clone());
    let mut time = |name: &'static str, days: i64| {
        let written = text(name)?;
        let read = time_of(&written, days);
        if read.is_none() {
            form.problem(name, "write a day as 2026-01-31");
        }
        read
    };
    let (since, until) = (time("since", 0), time("until", 1));
    let mut number = |name: &'static str| {
        let written = text(name)?;
        let read = written.replace(',', ".").parse::<f64>().ok();
        if read.is_none() {
            form.problem(name, "must be a number from 0 to 10");
        }
        read
    };
    let (risk_min, risk_max) = (number("risk_min"), number("risk_max"));
    LogParameters {
        since,
        until,
        submission_id: text("submission_id"),
        your_company_user_id: text("your_company_user_id"),
        your_company_user_session_id: text("your_company_user_session_id"),
        user_id: text("user_id"),
        model_version: text("model_version"),
        use_case: text("use_case"),
        country: text("country"),
        compliance_status: text("compliance_status"),
        state: text("state"),
        risk_min,
        risk_max,
        entity: text("entity"),
        regulation: text("regulation"),
        q: text("q"),
        cursor,
        limit: None,
    }
}

/// A time, or the start of the day that comes `days` after a written one, UTC.
fn time_of(written: &str, days: i64) -> Option<Timestamp> {
    if let Ok(time) = written.parse::<Timestamp>() {
        return Some(time);
    }
    let day: Date = written.parse().ok()?;
    Some(day.checked_add(days.days()).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> LogFilter {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        LogFilter::read(&pairs)
    }

    #[test]
    fn empty_fields_are_none_and_days_are_whole() {
        let filter = read(&[("since", "2026-02-28"), ("until", "2026-02-28"), ("q", " "), ("risk_min", "2.5")]);
        let query = filter.query(10).unwrap();
        assert_eq!(query.filter.since.unwrap().to_string(), "2026-02-28T00:00:00Z");
        assert_eq!(query.filter.until.unwrap().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!((query.filter.risk_min, query.words.as_str(), query.limit), (Some(25), "", 10));
        assert!(filter.narrows() && !filter.searches());
        assert_eq!(filter.text(), "since=2026-02-28&until=2026-02-28&risk_min=2.5");
        let exact = read(&[("since", "2026-02-28T10:00:00Z")]).query(1).unwrap();
        assert_eq!(exact.filter.since.unwrap().to_string(), "2026-02-28T10:00:00Z");
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        let filter = read(&[("since", "soon"), ("risk_max", "high")]);
        assert_eq!(filter.form.error("since"), "write a day as 2026-01-31");
        assert_eq!(filter.form.error("risk_max"), "must be a number from 0 to 10");
        assert_eq!(filter.form.value("since"), "soon");
        let error = filter.query(1).unwrap_err().to_string();
        assert!(error.contains("From: write a day"), "{error}");
        for (name, value) in [("country", "Atlantis"), ("state", "done"), ("risk_min", "11")] {
            let filter = read(&[(name, value)]);
            assert!(filter.form.error(name).starts_with("must be"), "{name}: {}", filter.form.error(name));
        }
        assert!(read(&[("cursor", "x")]).form.is_refused());
    }

    #[test]
    fn addresses_come_back_as_they_were() {
        let filter = read(&[("q", "a&b=c"), ("entity", "EMAIL"), ("columns", "risk"), ("columns", "status")]);
        assert_eq!(filter.text(), "entity=EMAIL&q=a%26b%3Dc&columns=status.risk");
        assert_eq!(filter.fields_text(), "entity=EMAIL&q=a%26b%3Dc");
        let chips: Vec<String> = filter.chips().into_iter().map(|chip| chip.href).collect();
        assert_eq!(chips[0], "/dashboard/interactions?q=a%26b%3Dc&columns=status.risk");
        assert_eq!(read(&[]).href(""), "/dashboard/interactions");
        assert_eq!(read(&[("state", "failed")]).href("cursor=3"), "/dashboard/interactions?state=failed&cursor=3");
    }
}
