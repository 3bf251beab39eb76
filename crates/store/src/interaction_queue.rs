//! The worker's side of interactions: what waits for its audit, and how an audit ends.
//!
//! There are no leases. On PostgreSQL a worker reads what is pending in the unit in which it will finish it: the rows
//! are its own until that unit ends, others pass over them, and when its process dies the connection's end gives them
//! back. On SQLite there is one process, which knows what it works on and pages on with [`PendingPage::after`].
//!
//! An audit ends once: [`InteractionQueue::finish`] touches nothing that is not pending, and what follows from an ending,
//! the day's counts and the refund, is written in the same unit for exactly those that it touched. An interaction that
//! was erased meanwhile is not pending any more.
//!
//! These calls cross organizations on purpose: workers serve all of them, and only workers call them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::many_rows::{ManyRows, chunks};
use crate::backend::query::{Row, Sql, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};
use crate::interaction_accounts::{Refund, refund};
use crate::interaction_usage::{DayCounts, count};
use crate::interactions::{ComplianceStatus, Interaction, Parts, interaction, joined};

/// Most interactions in one page of [`InteractionQueue::pending`].
pub const PAGE_PENDING_MAX: u32 = 1_000;

/// An interaction of all organizations: whose, and its number there.
pub type InteractionKey = (OrganizationId, u64);

/// Which pending interactions to read; they come in the order of their time, organization and number.
#[derive(Debug, Clone, Copy, Default)]
pub struct PendingPage<'a> {
    /// Only those after this one.
    pub after: Option<(Timestamp, &'a OrganizationId, u64)>,
    /// Only those that came before this time.
    pub received_before: Option<Timestamp>,
    /// At most so many, and [`PAGE_PENDING_MAX`].
    pub limit: u32,
}

/// An interaction that waits for its audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingInteraction {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The interaction with its content.
    pub interaction: Interaction,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Pending interactions.
    pub count: u64,
    /// When the oldest of them came.
    pub oldest_at: Option<Timestamp>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedInteraction {
    /// Whose the interaction is, and its number.
    pub key: InteractionKey,
    /// What it came to.
    pub status: ComplianceStatus,
    /// Risk in tenths, 0 to 100.
    pub risk: u8,
    /// Types of personal data and secrets found; no commas.
    pub entities: Vec<String>,
    /// Regulations that it may violate; no commas.
    pub regulations: Vec<String>,
    /// Signature of its words for searching.
    pub words: Vec<u8>,
    /// What was found, sealed.
    pub result: Vec<u8>,
}

/// An interaction that cannot be audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedInteraction {
    /// Whose the interaction is, and its number.
    pub key: InteractionKey,
    /// Why, in one stable word.
    pub code: String,
}

/// What [`InteractionQueue::finish`] did; the rest was not pending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// These are audited now.
    pub audited: Vec<InteractionKey>,
    /// These have failed now, and their tokens are back.
    pub failed: Vec<InteractionKey>,
}

// Columns of `v` are named so that none is a column of `interactions`: RETURNING sees both on PostgreSQL.
static FINISH: ManyRows = ManyRows::new(
    "WITH v (org, num, ended_at, came_to, how_risky, found, violated, signature, sealed) AS (VALUES ",
    9,
    ") UPDATE interactions SET state = 'audited', audited_at = v.ended_at, status = v.came_to, risk = v.how_risky,
         entities = v.found, regulations = v.violated, words = v.signature, result = v.sealed
     FROM v WHERE organization_id = v.org AND number = v.num AND state = 'pending'
     RETURNING organization_id, number, received_at, tokens, model_version, client_user, status, risk, failure",
);

static FAIL: ManyRows = ManyRows::new(
    "WITH v (org, num, ended_at, code) AS (VALUES ",
    4,
    ") UPDATE interactions SET state = 'failed', audited_at = v.ended_at, failure = v.code
     FROM v WHERE organization_id = v.org AND number = v.num AND state = 'pending'
     RETURNING organization_id, number, received_at, tokens, model_version, client_user, status, risk, failure",
);

static NOTE_ATTEMPTS: ManyRows = ManyRows::new(
    "WITH v (org, num) AS (VALUES ",
    2,
    ") UPDATE interactions SET attempts = attempts + 1
     FROM v WHERE organization_id = v.org AND number = v.num AND state = 'pending'",
);

/// The interactions of all organizations that wait for their audit.
pub struct InteractionQueue<'a> {
    on: On<'a>,
}

impl<'a> InteractionQueue<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Pending interactions with their contents, the longest waiting first. On PostgreSQL, in a unit, they are this
    /// unit's until it ends, and what other units have is passed over.
    pub async fn pending(&mut self, page: &PendingPage<'_>) -> Result<Vec<PendingInteraction>, Error> {
        let columns = Parts { content: true, ..Parts::default() }.columns();
        let mut text =
            format!("SELECT organization_id AS organization, {columns} FROM interactions WHERE state = 'pending'");
        let mut values = 0;
        if page.after.is_some() {
            text += " AND (received_at, organization_id, number) > ($1, $2, $3)";
            values = 3;
        }
        if page.received_before.is_some() {
            text += &format!(" AND received_at < ${}", values + 1);
        }
        text += " ORDER BY received_at, organization_id, number";
        text += &format!(" LIMIT {}{}", page.limit.min(PAGE_PENDING_MAX), self.on.for_this_unit());
        let mut select = sql(AssertSqlSafe(text));
        if let Some((at, organization, number)) = page.after {
            select = select.bind(at).bind(organization.as_str()).bind(number);
        }
        if let Some(before) = page.received_before {
            select = select.bind(before);
        }
        let pending = |row: &Row| {
            let organization = stored(OrganizationId::parse, &row.get::<String>("organization")?)?;
            Ok(PendingInteraction { organization, interaction: interaction(row)? })
        };
        self.on.read(select).await?.iter().map(pending).collect()
    }

    /// How much waits now.
    pub async fn waiting(&mut self) -> Result<Waiting, Error> {
        let select =
            sql("SELECT COUNT(*) AS n, MIN(received_at) AS oldest_at FROM interactions WHERE state = 'pending'");
        let row = self.on.read_one(select).await?.ok_or_else(|| Error::corrupt("COUNT answered no row"))?;
        Ok(Waiting { count: row.count("n")?, oldest_at: row.time_or_none("oldest_at")? })
    }
}

/// How audits go and end; only to be had inside a unit.
pub struct InteractionQueueWriter<'a> {
    on: On<'a>,
}

impl<'a> InteractionQueueWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Notes that pending interactions are about to be audited, so that one that kills its process is known by its
    /// [`Interaction::attempts`]. Commit before the audit begins.
    pub async fn note_attempts(&mut self, keys: &[InteractionKey]) -> Result<(), Error> {
        self.on.plan_again().await?;
        for chunk in chunks(keys) {
            let update = chunk.iter().fold(NOTE_ATTEMPTS.sql(&self.on, chunk.len()), bind_key);
            self.on.write(update).await?;
        }
        Ok(())
    }

    /// Ends audits: what they found is kept, failed ones are refunded, and the days count both. Answers for which of
    /// them that was done; the others are not pending, and nothing was done. Once a unit, with everything that ends in
    /// it: rows are locked in one order, so that no two units wait for each other.
    pub async fn finish(
        &mut self,
        audited: &[AuditedInteraction],
        failed: &[FailedInteraction],
        now: Timestamp,
    ) -> Result<Finished, Error> {
        self.on.plan_again().await?;
        let mut ended = Vec::with_capacity(audited.len() + failed.len());
        for chunk in chunks(audited) {
            let update =
                chunk.iter().try_fold(FINISH.sql(&self.on, chunk.len()), |sql, one| bind_audited(sql, one, now))?;
            ended.extend(self.on.write(update).await?);
        }
        for chunk in chunks(failed) {
            let update = chunk.iter().fold(FAIL.sql(&self.on, chunk.len()), |sql, one| {
                bind_key(sql, &one.key).bind(now).bind(one.code.as_str())
            });
            ended.extend(self.on.write(update).await?);
        }
        let mut finished = Finished::default();
        let (mut days, mut refunds) = (DayCounts::default(), BTreeMap::<OrganizationId, Vec<Refund>>::new());
        for row in &ended {
            let ending = ending(row)?;
            days.add(&ending);
            match ending.failure {
                None => finished.audited.push((ending.organization, ending.number)),
                Some(code) => {
                    let back = Refund { number: ending.number, tokens: ending.tokens, code };
                    refunds.entry(ending.organization.clone()).or_default().push(back);
                    finished.failed.push((ending.organization, ending.number));
                }
            }
        }
        for (organization, refunds) in &refunds {
            refund(&mut self.on, organization, refunds, now).await?;
        }
        count(&mut self.on, &days).await?;
        Ok(finished)
    }
}

/// An interaction whose audit has just ended.
pub(crate) struct Ending {
    pub(crate) organization: OrganizationId,
    pub(crate) number: u64,
    pub(crate) received_at: Timestamp,
    pub(crate) tokens: u64,
    pub(crate) model_version: Option<String>,
    pub(crate) client_user: Option<String>,
    /// What it came to and the risk, unless it failed.
    pub(crate) outcome: Option<(ComplianceStatus, u64)>,
    failure: Option<String>,
}

fn ending(row: &Row) -> Result<Ending, Error> {
    let status = row.get::<Option<String>>("status")?;
    let status = status.map(|status| stored(ComplianceStatus::parse, &status)).transpose()?;
    Ok(Ending {
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        number: row.count("number")?,
        received_at: row.time("received_at")?,
        tokens: row.count("tokens")?,
        model_version: row.get("model_version")?,
        client_user: row.get("client_user")?,
        outcome: status.zip(row.count_or_none("risk")?),
        failure: row.get("failure")?,
    })
}

fn bind_key(sql: Sql, (organization, number): &InteractionKey) -> Sql {
    sql.bind(organization.as_str()).bind(*number)
}

fn bind_audited(sql: Sql, audited: &AuditedInteraction, now: Timestamp) -> Result<Sql, Error> {
    Ok(bind_key(sql, &audited.key)
        .bind(now)
        .bind(audited.status.as_str())
        .bind(u32::from(audited.risk))
        .bind(joined(&audited.entities)?.as_deref())
        .bind(joined(&audited.regulations)?.as_deref())
        .bind(audited.words.as_slice())
        .bind(audited.result.as_slice()))
}
