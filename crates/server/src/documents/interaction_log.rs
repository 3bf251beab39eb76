//! The log of interactions as a report for print: what the audits came to, what was found most often, and the rows.

use std::collections::BTreeMap;

use assize_reports::charts::{DataTable, InteractionDay};
use assize_reports::{Report, ReportBlock, ReportFact, ReportSection};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::findings::state_of;
use super::interaction::{fact, minute};
use crate::app::{ComplianceStatus, InteractionRecord, LogQuery, id_of, status_name};

/// Rows that are printed: a table of these takes some seconds to set.
pub(crate) const LOG_ROWS_MAX: usize = 500;
/// Types and laws of the lists of what is found most often.
const LISTED_MAX: usize = 15;
/// Days that a chart can show.
const DAYS_MAX: i32 = 92;

/// The report of some rows of the log, the newest first. `more` says that older ones fit the query too.
pub(crate) fn log_report(
    query: &LogQuery,
    rows: &[InteractionRecord],
    more: bool,
    owner: &str,
    public_url: &str,
    now: Timestamp,
) -> Report {
    let mut facts = vec![fact("Made", minute(now)), fact("Interactions", counted(rows.len(), more))];
    if let (Some(first), Some(last)) = (rows.last(), rows.first()) {
        facts.push(fact("Received", format!("{} to {}", minute(first.received_at), minute(last.received_at))));
    }
    facts.extend(filter(query));
    let sections = vec![results(rows), found(rows), table(rows, more)];
    Report {
        kind: "Interaction log".to_owned(),
        id: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        title: "Interactions".to_owned(),
        owner: owner.to_owned(),
        made_at: now.to_string(),
        address: format!("{public_url}/dashboard/interactions"),
        verdict: None,
        facts,
        sections: sections.into_iter().flatten().collect(),
    }
}

fn counted(rows: usize, more: bool) -> String {
    if more { format!("the newest {rows}; the JSON and CSV files hold all") } else { rows.to_string() }
}

/// What narrows the log down, in words.
fn filter(query: &LogQuery) -> Vec<ReportFact> {
    let filter = &query.filter;
    let risk = |tenths: u8| format!("{:.1}", f64::from(tenths) / 10.0);
    let words = Some(query.words.trim()).filter(|words| !words.is_empty()).map(str::to_owned);
    let pairs = [
        ("Only from", filter.since.map(minute)),
        ("Only before", filter.until.map(minute)),
        ("Only submission", filter.number.map(|number| number.to_string())),
        ("Only person", filter.subject.clone()),
        ("Only session", filter.session.clone()),
        ("Only user", filter.client_user.clone()),
        ("Only model version", filter.model_version.clone()),
        ("Only use case", filter.use_case.clone()),
        ("Only country", filter.country.clone()),
        ("Only status", filter.status.map(|status| status_name(status).to_owned())),
        ("Only state", filter.state.map(|state| state.as_str().to_owned())),
        ("Only risk from", filter.risk_min.map(risk)),
        ("Only risk to", filter.risk_max.map(risk)),
        ("Only with", filter.entity.clone()),
        ("Only engaging", filter.regulation.clone()),
        ("Only with the words", words),
    ];
    pairs.into_iter().filter_map(|(name, value)| value.map(|value| fact(name, value))).collect()
}

fn results(rows: &[InteractionRecord]) -> Option<ReportSection> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(state_of(row).1).or_default() += 1;
    }
    if counts.is_empty() {
        return None;
    }
    let mut lines = DataTable::new(&["State", "#Interactions", "#Share"]);
    let share = |count: u64| format!("{:.1}%", count as f64 * 100.0 / rows.len() as f64);
    lines.rows =
        counts.into_iter().map(|(state, count)| vec![state.to_owned(), count.to_string(), share(count)]).collect();
    let mut blocks =
        vec![ReportBlock::Table { caption: "How they stand".to_owned(), table: lines, widths: vec![3.0, 1.0, 1.0] }];
    let days = days(rows);
    if days.len() > 1 {
        blocks.push(ReportBlock::StatusesByDay { days });
    }
    Some(ReportSection { title: "What the audits came to".to_owned(), lead: String::new(), blocks })
}

/// Every day from the first row to the last; none when they are too many for a chart.
fn days(rows: &[InteractionRecord]) -> Vec<InteractionDay> {
    let day_of = |row: &InteractionRecord| row.received_at.to_zoned(TimeZone::UTC).date();
    let (Some(first), Some(last)) = (rows.last().map(day_of), rows.first().map(day_of)) else { return Vec::new() };
    let span = first.until(last).map_or(DAYS_MAX, |span| span.get_days());
    if span >= DAYS_MAX {
        return Vec::new();
    }
    let mut sums: BTreeMap<Date, (InteractionDay, u64)> = BTreeMap::new();
    for row in rows {
        let date = day_of(row);
        let (day, risk) = sums.entry(date).or_insert_with(|| (empty(date), 0));
        day.submissions += 1;
        day.tokens += row.tokens;
        match row.status {
            Some(ComplianceStatus::Compliant) => day.compliant += 1,
            Some(ComplianceStatus::Review) => day.review += 1,
            Some(ComplianceStatus::NonCompliant) => day.non_compliant += 1,
            None => continue,
        }
        *risk += u64::from(row.risk.unwrap_or_default());
    }
    let mut days = Vec::new();
    let mut date = first;
    while date <= last {
        let (mut day, risk) = sums.remove(&date).unwrap_or_else(|| (empty(date), 0));
        let audited = day.compliant + day.review + day.non_compliant;
        day.risk_mean = (audited > 0).then(|| risk as f64 / 10.0 / audited as f64);
        days.push(day);
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    days
}

fn empty(date: Date) -> InteractionDay {
    InteractionDay {
        day: date.to_string(),
        submissions: 0,
        tokens: 0,
        compliant: 0,
        review: 0,
        non_compliant: 0,
        risk_mean: None,
    }
}

fn found(rows: &[InteractionRecord]) -> Option<ReportSection> {
    let entities = listed("Types found", "Type", rows, |row| &row.entities);
    let regulations = listed("Laws and frameworks that may be engaged", "Law", rows, |row| &row.regulations);
    let blocks: Vec<ReportBlock> = entities.into_iter().chain(regulations).collect();
    (!blocks.is_empty()).then(|| ReportSection {
        title: "Found most often".to_owned(),
        lead: "In how many of these interactions, the most frequent first.".to_owned(),
        blocks,
    })
}

fn listed(
    caption: &str,
    head: &str,
    rows: &[InteractionRecord],
    of: fn(&InteractionRecord) -> &Vec<String>,
) -> Option<ReportBlock> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for name in rows.iter().flat_map(of) {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let left = counts.len().saturating_sub(LISTED_MAX);
    let mut table = DataTable::new(&[head, "#Interactions"]);
    table.rows =
        counts.iter().take(LISTED_MAX).map(|(name, count)| vec![(*name).to_owned(), count.to_string()]).collect();
    let caption = if left == 0 { caption.to_owned() } else { format!("{caption}; {left} more are left out") };
    (!table.rows.is_empty()).then_some(ReportBlock::Table { caption, table, widths: vec![4.0, 1.0] })
}

fn table(rows: &[InteractionRecord], more: bool) -> Option<ReportSection> {
    let mut table =
        DataTable::new(&["Received, UTC", "Submission", "State", "#Risk", "Found", "May engage", "Use case"]);
    table.rows = rows
        .iter()
        .map(|row| {
            let risk = row.risk.filter(|_| row.status.is_some());
            vec![
                row.received_at.strftime("%Y-%m-%d %H:%M").to_string(),
                id_of(row).to_string(),
                state_of(row).1.to_owned(),
                risk.map(|tenths| format!("{:.1}", f64::from(tenths) / 10.0)).unwrap_or_default(),
                row.entities.join(", "),
                row.regulations.join(", "),
                row.use_case.clone(),
            ]
        })
        .collect();
    let title = if rows.is_empty() { "No interaction fits" } else { "The interactions" };
    let caption = if more { "The newest interactions" } else { "All interactions that fit" }.to_owned();
    let widths = vec![1.5, 1.9, 1.4, 0.5, 1.9, 1.5, 1.5];
    let blocks = if rows.is_empty() { Vec::new() } else { vec![ReportBlock::Table { caption, table, widths }] };
    Some(ReportSection { title: title.to_owned(), lead: String::new(), blocks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::InteractionState;

    fn row(number: u64, at: &str, status: Option<ComplianceStatus>) -> InteractionRecord {
        let received_at: Timestamp = at.parse().unwrap();
        InteractionRecord {
            number,
            letters: "abcde".to_owned(),
            received_at,
            occurred_at: received_at,
            subject: None,
            session: None,
            client_user: None,
            company: "Acme".to_owned(),
            use_case: "Support".to_owned(),
            model_version: None,
            input_country: String::new(),
            output_country: String::new(),
            tokens: 10,
            state: if status.is_some() { InteractionState::Audited } else { InteractionState::Pending },
            attempts: 0,
            audited_at: None,
            status,
            risk: status.map(|_| 45),
            failure: None,
            entities: vec!["EMAIL".to_owned()],
            regulations: Vec::new(),
            words: None,
            content: None,
            result: None,
        }
    }

    #[test]
    fn days_between_rows_are_shown_empty() {
        let rows = [
            row(3, "2026-11-21T10:00:00Z", Some(ComplianceStatus::Review)),
            row(2, "2026-11-21T09:00:00Z", None),
            row(1, "2026-11-19T10:00:00Z", Some(ComplianceStatus::Compliant)),
        ];
        let days = days(&rows);
        let days: Vec<_> = days.iter().map(|day| (day.day.as_str(), day.submissions, day.risk_mean)).collect();
        assert_eq!(days, [("2026-11-19", 1, Some(4.5)), ("2026-11-20", 0, None), ("2026-11-21", 2, Some(4.5))]);
    }

    #[test]
    fn years_of_rows_have_no_chart_of_days() {
        assert!(days(&[row(2, "2026-11-21T10:00:00Z", None), row(1, "2024-01-01T10:00:00Z", None)]).is_empty());
        assert!(days(&[]).is_empty());
    }

    #[test]
    fn a_report_says_what_it_leaves_out() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let rows = [row(1, "2026-11-21T10:00:00Z", None)];
        let query = LogQuery { words: " invoice ".to_owned(), ..LogQuery::default() };
        let report = |rows: &[InteractionRecord], more| {
            serde_json::to_string(&log_report(&query, rows, more, "Acme", "http://x", now)).unwrap()
        };
        let cut = report(&rows, true);
        for part in ["the newest 1; the JSON and CSV files hold all", "The newest interactions", "invoice"] {
            assert!(cut.contains(part), "{part} in {cut}");
        }
        assert!(report(&rows, false).contains("All interactions that fit"));
        assert!(report(&[], false).contains("No interaction fits"));
    }
}
