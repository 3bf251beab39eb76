//! How much everybody has asked lately, shared by all processes of a PostgreSQL database.
//!
//! A bucket is a generic cell rate algorithm (ITU-T I.371): one time, at which it is full again. One statement takes
//! tokens from it, atomically, and answers how it stands. PostgreSQL goes by its own clock, because the processes that
//! share it do not share theirs; a clock set back, whoever's it is, locks nobody out: no bucket is ever further from
//! full than empty.
//!
//! Buckets belong to no accessor's organization: their names are the caller's, and some are client addresses. What is
//! full is forgotten by [`RateLimits::forget_full`].

use std::time::Duration;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::query::sql;
use crate::backend::{On, dialect};
use crate::error::Error;

/// Most full buckets forgotten by one call.
pub const FORGET_BUCKETS_MAX: u32 = 10_000;

/// What a bucket holds and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSize {
    /// Tokens of a full bucket, at least 1.
    pub tokens_max: u32,
    /// Microseconds in which one token comes back, at least 1.
    pub token_us: u64,
}

/// How a bucket stands after a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Tokens taken: as many as asked for or as there were.
    pub tokens: u32,
    /// Time until the bucket is full again.
    pub full_in: Duration,
}

/// The buckets.
pub struct RateLimits<'a> {
    on: On<'a>,
}

impl<'a> RateLimits<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Takes up to `tokens` from a bucket; one that nobody has used is full. `now` counts on SQLite alone.
    pub async fn take(
        &mut self,
        bucket: &str,
        size: BucketSize,
        tokens: u32,
        now: Timestamp,
    ) -> Result<Granted, Error> {
        let time = dialect::time_us(self.on.is_postgres(), "$2");
        // `base` is when the bucket was full before this take, never before now nor further off than an empty one's.
        let base = format!(
            "CASE WHEN rate_limits.full_at_us < {time} THEN {time}
                 WHEN rate_limits.full_at_us > {time} + $3 THEN {time} + $3 ELSE rate_limits.full_at_us END"
        );
        let granted =
            format!("CASE WHEN ({time} + $3 - {base}) / $4 < $5 THEN ({time} + $3 - {base}) / $4 ELSE $5 END");
        let upsert = sql(AssertSqlSafe(format!(
            "INSERT INTO rate_limits (bucket, full_at_us, granted)
             VALUES ($1, {time} + $4 * CASE WHEN $3 / $4 < $5 THEN $3 / $4 ELSE $5 END,
                 CASE WHEN $3 / $4 < $5 THEN $3 / $4 ELSE $5 END)
             ON CONFLICT (bucket) DO UPDATE SET full_at_us = {base} + $4 * ({granted}), granted = {granted}
             RETURNING granted, full_at_us - {time} AS full_in_us"
        )))
        .bind(bucket)
        .bind(now.as_microsecond())
        .bind(size.token_us.saturating_mul(size.tokens_max.into()))
        .bind(size.token_us)
        .bind(tokens);
        let row = self.on.write_one(upsert).await?.ok_or_else(|| Error::corrupt("a bucket was not returned"))?;
        let tokens =
            u32::try_from(row.count("granted")?).map_err(|e| Error::corrupt(format!("column granted: {e}")))?;
        Ok(Granted { tokens, full_in: Duration::from_micros(row.count("full_in_us")?) })
    }

    /// Forgets full buckets, at most [`FORGET_BUCKETS_MAX`]. Answers how many; call again while that is the maximum.
    pub async fn forget_full(&mut self, now: Timestamp) -> Result<u32, Error> {
        let time = dialect::time_us(self.on.is_postgres(), "$1");
        let delete = sql(AssertSqlSafe(format!(
            "DELETE FROM rate_limits WHERE full_at_us <= {time} AND bucket IN (
                 SELECT bucket FROM rate_limits WHERE full_at_us <= {time} ORDER BY full_at_us LIMIT $2)
             RETURNING bucket"
        )));
        let gone = self.on.write(delete.bind(now.as_microsecond()).bind(FORGET_BUCKETS_MAX)).await?.len();
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}
