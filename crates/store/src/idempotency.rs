//! Requests that were answered once: who sends one again gets the same answer, and nothing happens twice.
//!
//! A request names itself with an `Idempotency-Key`. Its *slot* is a digest of route, caller and key, its *fingerprint*
//! one of everything that was sent. The row is inserted by [`IdempotencyWriter::claim`] in the transaction of the
//! request's effect, so there is never one without the other: a process that dies before the commit leaves neither, and
//! a concurrent request with the same slot waits for the transaction and then finds the row. There is no reservation
//! that somebody would have to take over.
//!
//! The row holds the *subject*, the seed of the answer: the id of what the request made. An answer that is known before
//! the commit is kept in the same unit by [`IdempotencyWriter::keep_answer`]; one that comes later (the certificate that
//! a job will issue) is kept when it is there, and until then is made again from the subject.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{Digest, OrganizationId};

/// Largest body of a kept answer, bytes. A longer one must be made again from the subject.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Most expired rows forgotten by one call.
pub const FORGET_KEYS_MAX: u32 = 10_000;

/// A request that wants to be worked once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Digest of route, caller and key.
    pub slot: Digest,
    /// Digest of all that was sent.
    pub fingerprint: Digest,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the answer, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// A request that was worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRequest {
    /// Digest of all that was sent.
    pub fingerprint: Digest,
    /// The id of what it made.
    pub subject: String,
    /// What was answered, once it is known.
    pub answer: Option<Answer>,
}

/// Requests that were answered once, to be looked up.
pub struct Idempotency<'a> {
    on: On<'a>,
}

impl<'a> Idempotency<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The request that was worked in a slot.
    pub async fn find(
        &mut self,
        organization: &OrganizationId,
        slot: &Digest,
        now: Timestamp,
    ) -> Result<Option<KnownRequest>, Error> {
        let select = sql("SELECT fingerprint, subject, status, headers, body FROM idempotency_keys
             WHERE organization_id = $1 AND slot = $2 AND expires_at > $3");
        let select = select.bind(organization.as_str()).bind(slot.to_string().as_str()).bind(now);
        self.on.read_one(select).await?.as_ref().map(known).transpose()
    }

    /// Keeps an answer that came after the effect, unless one is kept already.
    pub async fn keep_answer(
        &mut self,
        organization: &OrganizationId,
        slot: &Digest,
        answer: &Answer,
    ) -> Result<(), Error> {
        keep_answer(&mut self.on, organization, slot, answer).await
    }

    /// Forgets requests of all organizations whose time is over, at most [`FORGET_KEYS_MAX`]. Answers how many; call
    /// again while that is the maximum.
    pub async fn forget_expired(&mut self, now: Timestamp) -> Result<u32, Error> {
        let delete = sql("DELETE FROM idempotency_keys WHERE expires_at <= $1 AND (organization_id, slot) IN (
                 SELECT organization_id, slot FROM idempotency_keys WHERE expires_at <= $1
                 ORDER BY expires_at LIMIT $2)
             RETURNING slot");
        let gone = self.on.write(delete.bind(now).bind(FORGET_KEYS_MAX)).await?.len();
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}

/// Requests that are being worked; only to be had inside the unit of their effect.
pub struct IdempotencyWriter<'a> {
    on: On<'a>,
}

impl<'a> IdempotencyWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Notes that this unit works the request, and what it makes. `false` when it was worked already: roll back and
    /// look it up. Another unit that works the same request is waited for, so call it last: what it waits for then holds
    /// the same locks.
    pub async fn claim(
        &mut self,
        organization: &OrganizationId,
        request: &NewRequest,
        subject: &str,
    ) -> Result<bool, Error> {
        let upsert = sql("INSERT INTO idempotency_keys (organization_id, slot, fingerprint, subject, created_at,
                 expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (organization_id, slot) DO UPDATE SET fingerprint = excluded.fingerprint,
                 subject = excluded.subject, status = NULL, headers = NULL, body = NULL,
                 created_at = excluded.created_at, expires_at = excluded.expires_at
             WHERE idempotency_keys.expires_at <= excluded.created_at
             RETURNING slot")
        .bind(organization.as_str())
        .bind(request.slot.to_string().as_str())
        .bind(&request.fingerprint.0[..])
        .bind(subject)
        .bind(request.asked_at)
        .bind(request.expires_at);
        Ok(self.on.write_one(upsert).await?.is_some())
    }

    /// Keeps the answer together with the effect.
    pub async fn keep_answer(
        &mut self,
        organization: &OrganizationId,
        slot: &Digest,
        answer: &Answer,
    ) -> Result<(), Error> {
        keep_answer(&mut self.on, organization, slot, answer).await
    }
}

async fn keep_answer(
    on: &mut On<'_>,
    organization: &OrganizationId,
    slot: &Digest,
    answer: &Answer,
) -> Result<(), Error> {
    if answer.body.len() > ANSWER_BYTES_MAX {
        return Err(Error::NotStorable { what: format!("an answer of {} bytes", answer.body.len()) });
    }
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
    let update = sql("UPDATE idempotency_keys SET status = $3, headers = $4, body = $5
         WHERE organization_id = $1 AND slot = $2 AND status IS NULL")
    .bind(organization.as_str())
    .bind(slot.to_string().as_str())
    .bind(i64::from(answer.status))
    .bind(Json::Object(headers))
    .bind(&answer.body[..]);
    on.write(update).await.map(drop)
}

fn known(row: &Row) -> Result<KnownRequest, Error> {
    let answer = row.get::<Option<i64>>("status")?.map(|status| {
        let status = u16::try_from(status).map_err(|e| Error::corrupt(format!("column status: {e}")))?;
        let Some(Json::Object(headers)) = row.get::<Option<Json>>("headers")? else {
            return Err(Error::corrupt("an answer without headers"));
        };
        let text = |(name, value): (String, Json)| match value {
            Json::String(value) => Ok((name, value)),
            _ => Err(Error::corrupt(format!("the header {name} of an answer is no text"))),
        };
        let body = row.get::<Option<Vec<u8>>>("body")?.unwrap_or_default();
        Ok(Answer { status, headers: headers.into_iter().map(text).collect::<Result<_, _>>()?, body })
    });
    Ok(KnownRequest {
        fingerprint: Digest(row.hash("fingerprint")?),
        subject: row.get("subject")?,
        answer: answer.transpose()?,
    })
}
