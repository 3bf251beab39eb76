//! What of interactions is counted: sums per organization, day, model and client's user, written in the unit in which an
//! audit ends. So analytics read some rows a day, however many interactions there were, and go on reading them when the
//! interactions are erased or deleted.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::many_rows::{ManyRows, chunks};
use crate::backend::query::{Column, Row, Sql, sql};
use crate::error::Error;
use crate::ids::OrganizationId;
use crate::interaction_queue::Ending;
use crate::interactions::ComplianceStatus;

/// Most rows of one answer.
pub const USAGE_ROWS_MAX: u32 = 1_000;

/// Sums over interactions whose audit has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many; the sum of the four below.
    pub submissions: u64,
    /// Tokens charged and not refunded.
    pub tokens: u64,
    /// Fully compliant ones.
    pub compliant: u64,
    /// Ones that need a review.
    pub review: u64,
    /// Ones that are not compliant.
    pub non_compliant: u64,
    /// Ones that could not be audited.
    pub failed: u64,
    /// The risks of the audited ones, in tenths.
    pub risk_sum: u64,
}

impl Usage {
    /// The mean risk of the audited ones, 0 to 10; `None` without any.
    #[must_use]
    pub fn risk_mean(&self) -> Option<f64> {
        let audited = self.compliant + self.review + self.non_compliant;
        (audited > 0).then(|| self.risk_sum as f64 / audited as f64 / 10.0)
    }
}

/// The sums of an organization.
pub struct InteractionUsage<'a> {
    on: On<'a>,
}

impl<'a> InteractionUsage<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Sums per day that has any, the earliest first. Days are counted since 1970-01-01, UTC, see [`day_of`].
    pub async fn by_day(
        &mut self,
        organization: &OrganizationId,
        days: RangeInclusive<i64>,
    ) -> Result<Vec<(i64, Usage)>, Error> {
        self.by("day", "day", organization, days).await
    }

    /// Sums per model, the one with most tokens first; the empty name is that of interactions without one.
    pub async fn by_model(
        &mut self,
        organization: &OrganizationId,
        days: RangeInclusive<i64>,
    ) -> Result<Vec<(String, Usage)>, Error> {
        self.by("model_version", "tokens DESC, model_version", organization, days).await
    }

    /// Sums per user of the client, the one with most tokens first.
    pub async fn by_client_user(
        &mut self,
        organization: &OrganizationId,
        days: RangeInclusive<i64>,
    ) -> Result<Vec<(String, Usage)>, Error> {
        self.by("client_user", "tokens DESC, client_user", organization, days).await
    }

    /// Counts what was counted under a user's name under none: the sums stay, and nothing in them leads to that user.
    pub async fn forget_client_user(&mut self, organization: &OrganizationId, user: &str) -> Result<(), Error> {
        if user.is_empty() {
            return Ok(());
        }
        let (columns, sums) = (SUMS.join(", "), SUMS.map(|column| format!("SUM({column})")).join(", "));
        let add = sql(AssertSqlSafe(format!(
            "INSERT INTO interaction_days (organization_id, day, model_version, client_user, {columns})
             SELECT organization_id, day, model_version, '', {sums} FROM interaction_days
             WHERE organization_id = $1 AND client_user = $2 GROUP BY organization_id, day, model_version {ADDED}
             RETURNING day"
        )));
        self.on.write(add.bind(organization.as_str()).bind(user)).await?;
        let delete = sql("DELETE FROM interaction_days WHERE organization_id = $1 AND client_user = $2 RETURNING day");
        self.on.write(delete.bind(organization.as_str()).bind(user)).await?;
        Ok(())
    }

    async fn by<K: Column>(
        &mut self,
        key: &'static str,
        order: &'static str,
        organization: &OrganizationId,
        days: RangeInclusive<i64>,
    ) -> Result<Vec<(K, Usage)>, Error> {
        // PostgreSQL's sums of BIGINT are NUMERIC.
        let sums = SUMS.map(|column| format!("CAST(SUM({column}) AS BIGINT) AS {column}")).join(", ");
        let select = sql(AssertSqlSafe(format!(
            "SELECT {key} AS grouped, {sums} FROM interaction_days
             WHERE organization_id = $1 AND day BETWEEN $2 AND $3 GROUP BY {key} ORDER BY {order} LIMIT $4"
        )));
        let select = select.bind(organization.as_str()).bind(*days.start()).bind(*days.end()).bind(USAGE_ROWS_MAX);
        self.on.read(select).await?.iter().map(|row| Ok((row.get("grouped")?, usage(row)?))).collect()
    }
}

/// The day of a moment, counted since 1970-01-01, UTC.
#[must_use]
pub fn day_of(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(24 * 60 * 60 * 1_000)
}

const SUMS: [&str; 7] = ["submissions", "tokens", "compliant", "review", "non_compliant", "failed", "risk_sum"];

/// What follows the rows of an insert so that they are added to those that are there.
const ADDED: &str = " ON CONFLICT (organization_id, day, model_version, client_user) DO UPDATE SET
         submissions = interaction_days.submissions + excluded.submissions,
         tokens = interaction_days.tokens + excluded.tokens,
         compliant = interaction_days.compliant + excluded.compliant,
         review = interaction_days.review + excluded.review,
         non_compliant = interaction_days.non_compliant + excluded.non_compliant,
         failed = interaction_days.failed + excluded.failed,
         risk_sum = interaction_days.risk_sum + excluded.risk_sum";

static ADD: ManyRows = ManyRows::new(
    "INSERT INTO interaction_days (organization_id, day, model_version, client_user, submissions, tokens, compliant,
         review, non_compliant, failed, risk_sum)
     VALUES ",
    11,
    ADDED,
);

/// What is to be added, by organization, day, model and client's user: in the order in which rows are locked.
#[derive(Default)]
pub(crate) struct DayCounts(BTreeMap<(OrganizationId, i64, String, String), Usage>);

impl DayCounts {
    pub(crate) fn add(&mut self, ending: &Ending) {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let (model, user) = (name(&ending.model_version), name(&ending.client_user));
        let sums = self.0.entry((ending.organization.clone(), day_of(ending.received_at), model, user)).or_default();
        sums.submissions += 1;
        let Some((status, risk)) = ending.outcome else {
            sums.failed += 1;
            return;
        };
        sums.tokens += ending.tokens;
        sums.risk_sum += risk;
        match status {
            ComplianceStatus::Compliant => sums.compliant += 1,
            ComplianceStatus::Review => sums.review += 1,
            ComplianceStatus::NonCompliant => sums.non_compliant += 1,
        }
    }
}

/// Adds to the sums.
pub(crate) async fn count(on: &mut On<'_>, days: &DayCounts) -> Result<(), Error> {
    let rows: Vec<_> = days.0.iter().collect();
    for chunk in chunks(&rows) {
        let upsert =
            chunk.iter().fold(ADD.sql(on, chunk.len()), |sql: Sql, ((organization, day, model, user), sums)| {
                sql.bind(organization.as_str())
                    .bind(*day)
                    .bind(model.as_str())
                    .bind(user.as_str())
                    .bind(sums.submissions)
                    .bind(sums.tokens)
                    .bind(sums.compliant)
                    .bind(sums.review)
                    .bind(sums.non_compliant)
                    .bind(sums.failed)
                    .bind(sums.risk_sum)
            });
        on.write(upsert).await?;
    }
    Ok(())
}

fn usage(row: &Row) -> Result<Usage, Error> {
    Ok(Usage {
        submissions: row.count("submissions")?,
        tokens: row.count("tokens")?,
        compliant: row.count("compliant")?,
        review: row.count("review")?,
        non_compliant: row.count("non_compliant")?,
        failed: row.count("failed")?,
        risk_sum: row.count("risk_sum")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        let day = |text: &str| day_of(text.parse().unwrap());
        assert_eq!(day("1970-01-01T23:59:59.999Z"), 0);
        assert_eq!(day("1970-01-02T00:00:00Z"), 1);
        assert_eq!(day("1969-12-31T23:59:59Z"), -1);
    }

    #[test]
    fn failed_ones_have_no_risk() {
        let usage = Usage { submissions: 3, compliant: 1, review: 1, failed: 1, risk_sum: 25, ..Usage::default() };
        assert_eq!(usage.risk_mean(), Some(1.25));
        assert_eq!(Usage { submissions: 1, failed: 1, ..Usage::default() }.risk_mean(), None);
    }
}
