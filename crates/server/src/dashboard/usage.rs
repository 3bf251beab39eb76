//! Usage: the plan, what is left, what was used by day, model and user, and every line of the account.

use askama::Template;
use assize_reports::charts::{Chart, InteractionDay, Medium, risk_by_day, statuses_by_day, tokens_by_day};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answers::PageAnswers;
use super::form::FormView;
use super::frame::Page;
use super::visitor::{Person, query_value};
use super::words::{Moment, count};
use crate::api::extract::Parameters;
use crate::api::interactions::usage::UsageParameters;
use crate::app::{AccountRecord, AppError, LedgerLine, Plan, UsageReport, UsageSums};
use crate::state::HttpState;

/// Its address.
const USAGE: &str = "/dashboard/usage";
/// Lines of one page of the account.
const PAGE_LINES: u32 = 50;
/// Rows of a table of models or users; the interface answers all.
const ROWS_MAX: usize = 50;
/// Spans that are offered, in days.
const SPANS: [i64; 4] = [7, 30, 90, 365];
/// The fields of the form, as (name, label).
const FIELDS: &[(&str, &str)] = &[("from", "First day"), ("to", "Last day")];

/// Which days.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct UsagePageParameters {
    /// First day, UTC; 29 days before the last one when empty.
    #[param(example = "2026-01-01")]
    from: String,
    /// Last day, UTC; today when empty.
    #[param(example = "2026-01-31")]
    to: String,
}

/// Sums of a day, a model or a user.
struct SumsRow {
    name: String,
    /// Its interactions in the log; empty where there is no filter for them.
    href: String,
    submissions: String,
    tokens: String,
    compliant: String,
    review: String,
    non_compliant: String,
    failed: String,
    risk: String,
}

/// A table of sums.
struct SumsTable {
    id: &'static str,
    title: &'static str,
    head: &'static str,
    rows: Vec<SumsRow>,
    /// Rows that are left out.
    more: usize,
}

/// The account in words.
struct AccountView {
    plan: &'static str,
    /// What the plan means.
    plan_words: String,
    /// Tokens left; empty under the plan without a limit.
    balance: String,
    used: String,
}

#[derive(Template)]
#[template(path = "usage.html")]
struct UsageTemplate {
    form: FormView,
    /// As (address, days, whether it is the one shown).
    spans: Vec<(String, i64, bool)>,
    account: AccountView,
    charts: Vec<Chart>,
    tables: Vec<SumsTable>,
    empty: bool,
}

/// What was used.
#[utoipa::path(get, path = "/dashboard/usage", tag = "pages", params(UsagePageParameters), responses(PageAnswers))]
pub(crate) async fn usage_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<UsagePageParameters>,
) -> Response {
    person.answer(show(&state, &person, &asked).await)
}

async fn show(state: &HttpState, person: &Person, asked: &UsagePageParameters) -> Result<Response, AppError> {
    let (app, caller) = (state.app(), person.caller());
    let account = app.interaction_account(caller).await?;
    let mut form = FormView::new(FIELDS);
    let now = state.clock().now();
    let (parameters, mut good) = (parse(asked, &mut form), true);
    let days = match parameters.days(now) {
        Ok(days) if !form.is_refused() => days,
        other => {
            if let (Err(error), false) = (other, form.is_refused()) {
                form.problem("from", error.to_string());
            }
            good = false;
            UsageParameters::default().days(now)?
        }
    };
    let (from, to) = if good { days } else { (days.0, days.1) };
    form = match good {
        true => form.with("from", from.to_string()).with("to", to.to_string()),
        false => form.with("from", &asked.from).with("to", &asked.to),
    };
    let report = app.usage(caller, (from, to)).await?;
    let filled = filled(&report);
    let charts = [
        statuses_by_day(&filled, Medium::Screen),
        tokens_by_day(&filled, Medium::Screen),
        risk_by_day(&filled, Medium::Screen),
    ];
    let lead = sentence(&report);
    let today = UsageParameters::default().days(now)?.1;
    let body = UsageTemplate {
        form,
        spans: spans(today, (from, to)),
        account: account_view(&account),
        charts: charts.into_iter().flatten().collect(),
        empty: report.by_day.is_empty(),
        tables: tables(report),
    };
    let body = body.render().map_err(AppError::internal)?;
    let status = if good { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(person.page_with(
        status,
        &Page {
            title: "Usage",
            lead: &lead,
            actions_html: "<a class=\"button\" href=\"/dashboard/usage/ledger\">Account, line by line</a>",
            body_html: &body,
            path: USAGE,
            ..Page::default()
        },
    ))
}

/// The span as the interface takes it; notes what is wrong with it.
fn parse(asked: &UsagePageParameters, form: &mut FormView) -> UsageParameters {
    let mut day = |name: &str, written: &str| -> Option<Date> {
        let written = written.trim();
        if written.is_empty() {
            return None;
        }
        let day = written.parse().ok();
        if day.is_none() {
            form.problem(name, "write a day as 2026-01-31");
        }
        day
    };
    UsageParameters { from: day("from", &asked.from), to: day("to", &asked.to) }
}

/// The spans that are offered, up to today.
fn spans(today: Date, shown: (Date, Date)) -> Vec<(String, i64, bool)> {
    let span = |days: i64| {
        let from = today.checked_sub((days - 1).days()).ok()?;
        Some((format!("{USAGE}?from={from}&to={today}"), days, shown == (from, today)))
    };
    SPANS.into_iter().filter_map(span).collect()
}

fn account_view(account: &AccountRecord) -> AccountView {
    let (plan, plan_words) = match account.plan {
        Plan::None => ("None", "nothing can be submitted".to_owned()),
        Plan::Free => ("Free", format!("{} tokens a month", count(account.monthly_grant))),
        Plan::Premium => ("Premium", "tokens as bought".to_owned()),
        Plan::Unlimited => ("Unlimited", "nothing is deducted".to_owned()),
    };
    let limited = account.plan != Plan::Unlimited;
    AccountView {
        plan,
        plan_words,
        balance: if limited { count(account.balance) } else { String::new() },
        used: count(account.used),
    }
}

/// The answer to what the page is asked.
fn sentence(report: &UsageReport) -> String {
    let sum = |of: fn(&UsageSums) -> u64| report.by_day.iter().map(|(_, sums)| of(sums)).sum::<u64>();
    let (submissions, tokens) = (sum(|sums| sums.submissions), sum(|sums| sums.tokens));
    match submissions {
        0 => format!("Nothing was submitted from {} to {}.", report.days.0, report.days.1),
        1 => format!("1 interaction with {} tokens from {} to {}.", count(tokens), report.days.0, report.days.1),
        all => format!(
            "{} interactions with {} tokens from {} to {}.",
            count(all),
            count(tokens),
            report.days.0,
            report.days.1
        ),
    }
}

/// Every day of the span, those without anything too.
fn filled(report: &UsageReport) -> Vec<InteractionDay> {
    let (first, last) = report.days;
    let mut days = Vec::new();
    let mut known = report.by_day.iter().peekable();
    let mut day = first;
    while day <= last {
        while known.peek().is_some_and(|(date, _)| *date < day) {
            known.next();
        }
        let sums = known.peek().filter(|(date, _)| *date == day).map(|(_, sums)| *sums).unwrap_or_default();
        days.push(InteractionDay {
            day: day.to_string(),
            submissions: sums.submissions,
            tokens: sums.tokens,
            compliant: sums.compliant,
            review: sums.review,
            non_compliant: sums.non_compliant,
            risk_mean: sums.risk_mean(),
        });
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    days
}

fn tables(report: UsageReport) -> Vec<SumsTable> {
    let (from, to) = report.days;
    let log = |field: &str, value: &str| {
        let name = query_value(value);
        format!("/dashboard/interactions?since={from}&until={to}&{field}={name}")
    };
    let days = report.by_day.iter().rev().map(|(day, sums)| {
        let href = format!("/dashboard/interactions?since={day}&until={day}");
        row(day.to_string(), href, sums)
    });
    let days: Vec<SumsRow> = days.collect();
    let named = |rows: Vec<(String, UsageSums)>, field: &'static str, unnamed: &str| {
        let mut rows = rows;
        rows.sort_by(|(a, left), (b, right)| right.tokens.cmp(&left.tokens).then_with(|| a.cmp(b)));
        let more = rows.len().saturating_sub(ROWS_MAX);
        let row = |(name, sums): &(String, UsageSums)| match name.as_str() {
            "" => row(unnamed.to_owned(), String::new(), sums),
            name => row(name.to_owned(), log(field, name), sums),
        };
        (rows.iter().take(ROWS_MAX).map(row).collect::<Vec<_>>(), more)
    };
    let (models, more_models) = named(report.by_model, "model_version", "no version named");
    let (users, more_users) = named(report.by_user, "user_id", "nobody named");
    vec![
        SumsTable { id: "by-day", title: "By day", head: "Day", rows: days, more: 0 },
        SumsTable { id: "by-model", title: "By model version", head: "Model version", rows: models, more: more_models },
        SumsTable { id: "by-user", title: "By user", head: "User", rows: users, more: more_users },
    ]
}

fn row(name: String, href: String, sums: &UsageSums) -> SumsRow {
    SumsRow {
        name,
        href,
        submissions: count(sums.submissions),
        tokens: count(sums.tokens),
        compliant: count(sums.compliant),
        review: count(sums.review),
        non_compliant: count(sums.non_compliant),
        failed: count(sums.failed),
        risk: sums.risk_mean().map(|risk| format!("{risk:.2}")).unwrap_or_default(),
    }
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerPageParameters {
    /// Lines before this one.
    #[param(example = 100)]
    before: Option<u64>,
}

/// A line of the account.
struct LineView {
    entry: u64,
    at: Moment,
    kind: &'static str,
    /// With its sign.
    tokens: String,
    balance: String,
    submissions: String,
    actor: String,
    note: String,
}

impl From<LedgerLine> for LineView {
    fn from(line: LedgerLine) -> Self {
        let sign = match line.tokens {
            0 => "",
            tokens if tokens < 0 => "\u{2212}",
            _ => "+",
        };
        let submissions = match line.submissions {
            None => String::new(),
            Some((first, last)) if first == last => format!("{first:07}"),
            Some((first, last)) => format!("{first:07} to {last:07}"),
        };
        Self {
            entry: line.entry,
            at: line.at.into(),
            kind: line.kind.as_str(),
            tokens: format!("{sign}{}", count(line.tokens.unsigned_abs())),
            balance: count(line.balance),
            submissions,
            actor: line.actor,
            note: line.note,
        }
    }
}

#[derive(Template)]
#[template(path = "usage_ledger.html")]
struct LedgerTemplate {
    lines: Vec<LineView>,
    newest: bool,
    older_than: Option<u64>,
}

/// Every line of the account, the newest first.
#[utoipa::path(
    get,
    path = "/dashboard/usage/ledger",
    tag = "pages",
    params(LedgerPageParameters),
    responses(PageAnswers)
)]
pub(crate) async fn ledger_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<LedgerPageParameters>,
) -> Response {
    person.answer(lines(&state, &person, asked.before).await)
}

async fn lines(state: &HttpState, person: &Person, before: Option<u64>) -> Result<Response, AppError> {
    let lines = state.app().ledger(person.caller(), before, PAGE_LINES).await?;
    let full = lines.len() == PAGE_LINES as usize;
    let body = LedgerTemplate {
        older_than: lines.last().filter(|line| full && line.entry > 1).map(|line| line.entry),
        newest: before.is_none(),
        lines: lines.into_iter().map(LineView::from).collect(),
    };
    let body = body.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: "Account",
        lead: "Every change of the balance of tokens. No line is ever changed or taken out.",
        body_html: &body,
        path: USAGE,
        parents: &[("Usage", USAGE)],
        ..Page::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(tokens: u64, compliant: u64) -> UsageSums {
        UsageSums { submissions: compliant, tokens, compliant, ..UsageSums::default() }
    }

    fn report() -> UsageReport {
        let day = |text: &str| text.parse().unwrap();
        UsageReport {
            days: (day("2026-11-19"), day("2026-11-21")),
            by_day: vec![(day("2026-11-19"), sums(10, 1)), (day("2026-11-21"), sums(20, 2))],
            by_model: vec![(String::new(), sums(5, 1)), ("m&1".to_owned(), sums(25, 2))],
            by_user: Vec::new(),
        }
    }

    #[test]
    fn days_without_anything_are_there() {
        let days = filled(&report());
        let tokens: Vec<u64> = days.iter().map(|day| day.tokens).collect();
        assert_eq!(tokens, [10, 0, 20]);
        assert_eq!(sentence(&report()), "3 interactions with 30 tokens from 2026-11-19 to 2026-11-21.");
    }

    #[test]
    fn rows_lead_to_their_interactions() {
        let tables = tables(report());
        assert_eq!(tables[0].rows[0].name, "2026-11-21");
        assert_eq!(
            tables[1].rows[0].href,
            "/dashboard/interactions?since=2026-11-19&until=2026-11-21&model_version=m%261"
        );
        assert_eq!((tables[1].rows[1].name.as_str(), tables[1].rows[1].href.as_str()), ("no version named", ""));
    }
}
