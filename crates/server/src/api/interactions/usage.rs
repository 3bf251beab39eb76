//! What was used: the account, its lines, and sums by day, model and user.

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Client;
use super::answers::ClientAnswers;
use super::error::Refusal;
use super::log::private;
use super::wire::LedgerRow;
use crate::api::extract::Parameters;
use crate::app::{AppError, UsageSums};
use crate::state::HttpState;

/// Days of a report when none are asked for, and at most.
const DAYS: i64 = 30;
const DAYS_MAX: i64 = 366;
/// Lines of a page of the account when none are asked for, and at most.
const PAGE_LINES: u32 = 50;
const PAGE_LINES_MAX: u32 = 500;

/// Which days.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParameters {
    /// First day, UTC; 29 days before the last one when not given.
    #[param(value_type = Option<String>, format = Date)]
    pub(crate) from: Option<Date>,
    /// Last day, UTC; today when not given. At most 366 days.
    #[param(value_type = Option<String>, format = Date)]
    pub(crate) to: Option<Date>,
}

impl UsageParameters {
    /// The span of days.
    ///
    /// # Errors
    /// `Unprocessable` for a span that ends before it begins or is too long.
    pub(crate) fn days(&self, now: Timestamp) -> Result<(Date, Date), AppError> {
        let to = self.to.unwrap_or_else(|| now.to_zoned(TimeZone::UTC).date());
        let from = self.from.map_or_else(|| to.checked_sub((DAYS - 1).days()), Ok).map_err(AppError::internal)?;
        let days = from.until(to).map_err(AppError::internal)?.get_days();
        if days < 0 || i64::from(days) >= DAYS_MAX {
            return Err(AppError::Unprocessable(format!("from, to: must span from 1 to {DAYS_MAX} days")));
        }
        Ok((from, to))
    }
}

/// Sums.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SumsBody {
    submissions: u64,
    tokens: u64,
    fully_compliant: u64,
    review_needed: u64,
    non_compliant: u64,
    /// Audits that failed; their tokens went back.
    failed: u64,
    /// Mean risk score of the audited ones.
    mean_risk_score: Option<f64>,
}

/// Sums of a day, a model or a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageRow {
    /// The day, the model's version (empty when none was named), or `user_id`.
    #[schema(example = "2026-01-31")]
    name: String,
    #[serde(flatten)]
    sums: SumsBody,
}

/// What was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageBody {
    /// `none`, `free`, `premium` or `unlimited`.
    #[schema(example = "unlimited")]
    plan: &'static str,
    /// Tokens left; `null` under the plan `unlimited`.
    balance: Option<u64>,
    /// Tokens charged and not refunded, ever.
    used: u64,
    /// Tokens a month under the plan `free`.
    monthly_grant: Option<u64>,
    #[schema(value_type = String, format = Date)]
    from: Date,
    #[schema(value_type = String, format = Date)]
    to: Date,
    by_day: Vec<UsageRow>,
    by_model_version: Vec<UsageRow>,
    by_user: Vec<UsageRow>,
}

fn row(name: String, sums: UsageSums) -> UsageRow {
    let mean_risk_score = sums.risk_mean().map(|risk| (risk * 100.0).round() / 100.0);
    let sums = SumsBody {
        submissions: sums.submissions,
        tokens: sums.tokens,
        fully_compliant: sums.compliant,
        review_needed: sums.review,
        non_compliant: sums.non_compliant,
        failed: sums.failed,
        mean_risk_score,
    };
    UsageRow { name, sums }
}

/// Tokens and audits of your organization, by day, model and user.
#[utoipa::path(
    get,
    path = "/v1/usage",
    tag = "interactions",
    params(UsageParameters),
    responses((status = 200, description = "What was used", body = UsageBody), ClientAnswers)
)]
pub(crate) async fn usage(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(parameters): Parameters<UsageParameters>,
) -> Result<Response, Refusal> {
    let (from, to) = parameters.days(state.clock().now())?;
    let account = state.app().interaction_account(&caller).await?;
    let report = state.app().usage(&caller, (from, to)).await?;
    let named = |rows: Vec<(String, UsageSums)>| rows.into_iter().map(|(name, sums)| row(name, sums)).collect();
    let (limited, free) = (account.plan.as_str() != "unlimited", account.plan.as_str() == "free");
    Ok(private(UsageBody {
        plan: account.plan.as_str(),
        balance: limited.then_some(account.balance),
        used: account.used,
        monthly_grant: free.then_some(account.monthly_grant),
        from,
        to,
        by_day: report.by_day.into_iter().map(|(day, sums)| row(day.to_string(), sums)).collect(),
        by_model_version: named(report.by_model),
        by_user: named(report.by_user),
    }))
}

/// Which lines of the account.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerParameters {
    /// `next` of the page before.
    cursor: Option<u64>,
    /// Lines of the page, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lines of the account, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerPage {
    entries: Vec<LedgerRow>,
    /// Value of `cursor` for the next page; `null` on the last one.
    next: Option<u64>,
}

/// Every change of your organization's balance of tokens, the newest first.
#[utoipa::path(
    get,
    path = "/v1/usage/ledger",
    tag = "interactions",
    params(LedgerParameters),
    responses((status = 200, description = "A page", body = LedgerPage), ClientAnswers)
)]
pub(crate) async fn ledger(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(parameters): Parameters<LedgerParameters>,
) -> Result<Response, Refusal> {
    let limit = parameters.limit.unwrap_or(PAGE_LINES);
    if !(1..=PAGE_LINES_MAX).contains(&limit) {
        return Err(AppError::Unprocessable(format!("limit: must be from 1 to {PAGE_LINES_MAX}")).into());
    }
    let mut lines = state.app().ledger(&caller, parameters.cursor, limit + 1).await?;
    let more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let next = lines.last().filter(|_| more).map(|line| line.entry);
    Ok(private(LedgerPage { entries: lines.into_iter().map(LedgerRow::from).collect(), next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bounded() {
        let now = "2026-11-21T23:30:00Z".parse().unwrap();
        let days = |from: Option<&str>, to: Option<&str>| {
            let day = |text: &str| text.parse().unwrap();
            UsageParameters { from: from.map(day), to: to.map(day) }
                .days(now)
                .map(|(a, b)| (a.to_string(), b.to_string()))
        };
        assert_eq!(days(None, None).unwrap(), ("2026-10-23".to_owned(), "2026-11-21".to_owned()));
        assert!(days(Some("2026-11-22"), None).is_err());
        assert!(days(Some("2025-11-21"), None).is_ok() && days(Some("2025-11-20"), None).is_err());
    }
}
