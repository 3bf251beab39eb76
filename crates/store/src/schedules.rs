//! Recurring work: what is enqueued again and again, and when next.
//!
//! A schedule's due times are a grid: the multiples of its period since 1970, UTC, moved by its offset. "Every 15
//! minutes" is a period of 15 minutes; "every day at 03:30" a period of a day with an offset of 3.5 hours. So due times
//! follow from the definition alone, whoever asks and however often it was changed.
//!
//! Workers of all processes look for what is due. [`Schedules::take`] moves a schedule on only if nobody else has, so
//! one unit that takes and enqueues wins and the others leave it. Due times that passed while nobody worked are made up
//! for once, not once each. The time is [`crate::Store::shared_time`], the same for all processes.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most schedules in one page of a list, and most due ones in one look.
pub const PAGE_SCHEDULES_MAX: u32 = 100;

/// Shortest period. It is also the CHECK of the table.
pub const PERIOD_MIN: SignedDuration = SignedDuration::from_secs(1);

/// When a schedule is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrence {
    every_ms: i64,
    offset_ms: i64,
}

impl Recurrence {
    /// Every so often.
    pub fn every(period: SignedDuration) -> Result<Self, Error> {
        Self::new(period, SignedDuration::ZERO)
    }

    /// Once a day, at a time of day in UTC.
    pub fn daily(time_of_day: SignedDuration) -> Result<Self, Error> {
        Self::new(SignedDuration::from_hours(24), time_of_day)
    }

    /// Every `period`, `offset` after its multiples since 1970.
    pub fn new(period: SignedDuration, offset: SignedDuration) -> Result<Self, Error> {
        let refused = || Error::NotStorable { what: format!("a recurrence every {period} at {offset}") };
        if period < PERIOD_MIN || offset.is_negative() || offset >= period {
            return Err(refused());
        }
        let millis = |duration: SignedDuration| i64::try_from(duration.as_millis()).map_err(|_| refused());
        Ok(Self { every_ms: millis(period)?, offset_ms: millis(offset)? })
    }

    /// The period.
    #[must_use]
    pub fn period(self) -> SignedDuration {
        SignedDuration::from_millis(self.every_ms)
    }

    /// The first due time after `now`.
    pub fn next_after(self, now: Timestamp) -> Result<Timestamp, Error> {
        let since = now.as_millisecond() - self.offset_ms;
        let next = (since.div_euclid(self.every_ms) + 1).saturating_mul(self.every_ms).saturating_add(self.offset_ms);
        Timestamp::from_millisecond(next).map_err(|e| Error::NotStorable { what: format!("the next due time: {e}") })
    }
}

/// Work that recurs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSchedule {
    /// Its name, the only one of the organization.
    pub name: String,
    /// Kind of the jobs it enqueues.
    pub kind: String,
    /// What each of them is told: a JSON object or array.
    pub args: Json,
    /// When.
    pub recurrence: Recurrence,
}

/// A schedule as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Its name, the only one of the organization.
    pub name: String,
    /// Kind of the jobs it enqueues.
    pub kind: String,
    /// What each of them is told.
    pub args: Json,
    /// When.
    pub recurrence: Recurrence,
    /// When it is due next.
    pub next_at: Timestamp,
    /// The due time that was last enqueued.
    pub last_at: Option<Timestamp>,
}

/// What became of a due schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is this unit's to enqueue; the due time is the schedule's `next_at`.
    Ours,
    /// Its next time was further off than its period, because the clock was set back: it waits for the right one now.
    Realigned,
    /// Somebody else has taken it.
    Others,
}

const COLUMNS: &str = "organization_id, name, kind, args, every_ms, offset_ms, next_at, last_at";

/// The schedules.
pub struct Schedules<'a> {
    on: On<'a>,
}

impl<'a> Schedules<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Makes a schedule or changes it. Its next time stays unless the recurrence changes.
    pub async fn put(
        &mut self,
        organization: &OrganizationId,
        schedule: &NewSchedule,
        now: Timestamp,
    ) -> Result<(), Error> {
        let upsert = sql("INSERT INTO schedules (organization_id, name, kind, args, every_ms, offset_ms, next_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (organization_id, name) DO UPDATE SET kind = excluded.kind, args = excluded.args,
                 every_ms = excluded.every_ms, offset_ms = excluded.offset_ms,
                 next_at = CASE WHEN schedules.every_ms = excluded.every_ms
                     AND schedules.offset_ms = excluded.offset_ms THEN schedules.next_at ELSE excluded.next_at END")
        .bind(organization.as_str())
        .bind(schedule.name.as_str())
        .bind(schedule.kind.as_str())
        .bind(schedule.args.clone())
        .bind(schedule.recurrence.every_ms)
        .bind(schedule.recurrence.offset_ms)
        .bind(schedule.recurrence.next_after(now)?);
        self.on.write(upsert).await.map(drop)
    }

    /// Ends a schedule. Jobs that it has enqueued stay. Answers whether there was one.
    pub async fn remove(&mut self, organization: &OrganizationId, name: &str) -> Result<bool, Error> {
        let delete = sql("DELETE FROM schedules WHERE organization_id = $1 AND name = $2 RETURNING name");
        Ok(self.on.write_one(delete.bind(organization.as_str()).bind(name)).await?.is_some())
    }

    /// An organization's schedules by name, those after `after`, at most [`PAGE_SCHEDULES_MAX`].
    pub async fn list(&mut self, organization: &OrganizationId, after: &str) -> Result<Vec<Schedule>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM schedules WHERE organization_id = $1 AND name > $2 ORDER BY name LIMIT $3"
        )));
        let select = select.bind(organization.as_str()).bind(after).bind(PAGE_SCHEDULES_MAX);
        self.on.read(select).await?.iter().map(schedule).collect()
    }

    /// What is due, of all organizations, the longest due first, at most [`PAGE_SCHEDULES_MAX`]: for workers. Schedules
    /// whose next time is further off than their period are among them, see [`Turn::Realigned`].
    pub async fn due(&mut self, now: Timestamp) -> Result<Vec<Schedule>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM schedules WHERE next_at <= $1 OR next_at - every_ms > $1
             ORDER BY next_at LIMIT $2"
        )));
        self.on.read(select.bind(now).bind(PAGE_SCHEDULES_MAX)).await?.iter().map(schedule).collect()
    }

    /// Moves a schedule on from the time at which it was seen. When the turn is ours, enqueue in the same unit.
    pub async fn take(&mut self, seen: &Schedule, now: Timestamp) -> Result<Turn, Error> {
        let due = seen.next_at <= now;
        let update = sql("UPDATE schedules SET next_at = $4, last_at = CASE WHEN $5 THEN next_at ELSE last_at END
             WHERE organization_id = $1 AND name = $2 AND next_at = $3 AND every_ms = $6 AND offset_ms = $7
             RETURNING name")
        .bind(seen.organization.as_str())
        .bind(seen.name.as_str())
        .bind(seen.next_at)
        .bind(seen.recurrence.next_after(now)?)
        .bind(due)
        .bind(seen.recurrence.every_ms)
        .bind(seen.recurrence.offset_ms);
        Ok(match (self.on.write_one(update).await?, due) {
            (None, _) => Turn::Others,
            (Some(_), true) => Turn::Ours,
            (Some(_), false) => Turn::Realigned,
        })
    }
}

fn schedule(row: &Row) -> Result<Schedule, Error> {
    Ok(Schedule {
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        args: row.get("args")?,
        recurrence: Recurrence { every_ms: row.get("every_ms")?, offset_ms: row.get("offset_ms")? },
        next_at: row.time("next_at")?,
        last_at: row.time_or_none("last_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_follow_from_the_definition() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let daily = Recurrence::daily(SignedDuration::from_mins(210)).unwrap();
        assert_eq!(daily.next_after(at("2026-03-01T03:29:59Z")).unwrap(), at("2026-03-01T03:30:00Z"));
        assert_eq!(daily.next_after(at("2026-03-01T03:30:00Z")).unwrap(), at("2026-03-02T03:30:00Z"));
        let quarter = Recurrence::every(SignedDuration::from_mins(15)).unwrap();
        assert_eq!(quarter.next_after(at("2026-03-01T23:50:00Z")).unwrap(), at("2026-03-02T00:00:00Z"));
        assert_eq!(quarter.next_after(at("1969-12-31T23:59:00Z")).unwrap(), at("1970-01-01T00:00:00Z"));
    }

    #[test]
    fn recurrences_that_cannot_be_are_refused() {
        let hour = SignedDuration::from_hours(1);
        for (period, offset) in [
            (SignedDuration::ZERO, SignedDuration::ZERO),
            (SignedDuration::from_millis(999), SignedDuration::ZERO),
            (hour, hour),
            (hour, SignedDuration::from_secs(-1)),
        ] {
            let refused = Recurrence::new(period, offset);
            assert!(matches!(refused, Err(Error::NotStorable { .. })), "{period} {offset}");
        }
        assert!(Recurrence::every(PERIOD_MIN).is_ok());
    }
}
