//! Working the queue of a webhook: one delivery after the other, each attempt written down before the next is made.
//!
//! What comes of an attempt:
//!
//! | answer | the delivery | its webhook |
//! |---|---|---|
//! | 2xx | delivered | goes on |
//! | 408, 425, 429, 5xx, a redirect, none at all | waits | waits with it: the order is kept |
//! | any other | waits | goes on with the next |
//! | 410, or the secret is destroyed | failed | switched off |
//! | any failure 24 hours after the first | failed, a dead letter | switched off |
//!
//! A stopped process leaves an attempt unwritten, and it is made again: at least once.

use std::time::Duration;

use assize_store::queue::Lease;
use assize_store::webhooks::{Attempt, Delivery, DeliveryState};
use assize_store::{JobId, OrganizationId, WebhookId};
use assize_tables::Cancel;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::{PAYLOAD, RESPONSE, SECRET, WebhookRecord, place, signature};
use crate::app::App;
use crate::app::certify::Stopped;
use crate::app::error::AppError;
use crate::outgoing::{self, Client, Outgoing, Policy};

/// For one attempt, answer included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Bytes of an answer that are kept.
const HEAD_BYTES_MAX: usize = 1_024;
/// How long a delivery is tried, from its first attempt.
const TRY_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Waits after the first, second, ... failure, seconds; the last goes on. The schedule that Standard Webhooks proposes
/// (spec/standard-webhooks.md, "Delivery retries"), cut off at [`TRY_FOR`].
const WAITS_S: [i64; 6] = [5, 300, 1_800, 7_200, 18_000, 36_000];
/// Deliveries of one turn; then other webhooks have theirs.
const TURN_DELIVERIES_MAX: u32 = 500;
/// Longest turn, but for its last attempt.
const TURN_TIME: Duration = Duration::from_secs(60);

/// What an address that is not public is refused with; where it leads is nobody's business.
pub(super) const NOT_PUBLIC: &str = "leads to an address that is not public";

/// The job's arguments.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookWork {
    /// Which webhook.
    pub(crate) webhook: String,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turn {
    delivered: u32,
    failed: u32,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    verdict: Verdict,
    status: Option<u16>,
    head: Option<Bytes>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Delivered,
    /// This delivery is not wanted; others may be.
    Refused,
    /// Nothing gets through.
    Unreachable,
    /// Nothing ever will.
    Hopeless,
}

impl Outcome {
    fn hopeless(why: &str) -> Self {
        Self { verdict: Verdict::Hopeless, status: None, head: None, error: Some(why.to_owned()) }
    }

    fn of(answered: Result<outgoing::Answer, outgoing::Error>) -> Self {
        match answered {
            Ok(answer) => {
                let status = answer.status.as_u16();
                let verdict = match status {
                    200..300 => Verdict::Delivered,
                    410 => Verdict::Hopeless,
                    408 | 425 | 429 | 500.. => Verdict::Unreachable,
                    _ => Verdict::Refused,
                };
                let error = (verdict != Verdict::Delivered).then(|| format!("the answer has status {status}"));
                let head = answer.body.slice(..answer.body.len().min(HEAD_BYTES_MAX));
                Self { verdict, status: Some(status), head: Some(head), error }
            }
            Err(error) => {
                let told = match &error {
                    outgoing::Error::Private { host, .. } => format!("host '{host}' {NOT_PUBLIC}"),
                    outgoing::Error::Redirects { .. } => {
                        "the answer is a redirect; name the address that it leads to".to_owned()
                    }
                    other => other.to_string(),
                };
                Self { verdict: Verdict::Unreachable, status: None, head: None, error: Some(told) }
            }
        }
    }
}

impl App {
    /// The client that calls webhooks: no redirects, so that a signed payload goes where its owner said and nowhere else.
    pub(super) fn webhook_client(&self) -> Client {
        Client::new(Policy {
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_BYTES_MAX,
            redirects_max: 0,
            allow_private: self.config().webhooks.allow_private.clone(),
        })
    }

    /// Works a webhook's queue and ends the job, in one unit with the job for what is left. A job that another has taken
    /// the place of does nothing.
    ///
    /// # Errors
    /// `Cancelled` when it was asked to stop; what was delivered until then is written down.
    pub(crate) async fn work_webhook(
        &self,
        organization: &OrganizationId,
        work: &WebhookWork,
        lease: &Lease,
        cancel: &Cancel,
    ) -> Result<(), Stopped> {
        let id = WebhookId::parse(&work.webhook).ok_or_else(|| AppError::internal("a job names no webhook"))?;
        let turn = self.take_turn(organization, &id, &lease.job, cancel).await?;
        if cancel.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        let now = self.clock().now();
        let mut unit = self.store().begin().await.map_err(AppError::from)?;
        let webhook = unit.webhook_writer().lock(organization, &id).await.map_err(AppError::from)?;
        if let Some(webhook) = webhook.filter(|webhook| webhook.active && webhook.job.as_ref() == Some(&lease.job))
            && let Some(next) = unit.webhooks().next_time(organization, &id).await.map_err(AppError::from)?
        {
            let at = webhook.paused_until.map_or(next, |until| until.max(next)).max(now);
            self.work_at(&mut unit, organization, &id, at, now).await?;
        }
        let result = json!({ "delivered": turn.delivered, "failed": turn.failed });
        unit.queue().complete(lease, result, now).await.map_err(AppError::from)?;
        unit.commit().await.map_err(AppError::from)?;
        Ok(())
    }

    async fn take_turn(
        &self,
        organization: &OrganizationId,
        id: &WebhookId,
        job: &JobId,
        cancel: &Cancel,
    ) -> Result<Turn, AppError> {
        let (mut turn, started) = (Turn::default(), self.clock().steady());
        let over = |turn: &Turn| {
            turn.delivered + turn.failed >= TURN_DELIVERIES_MAX
                || self.clock().steady().saturating_sub(started) >= TURN_TIME
        };
        while !over(&turn) && !cancel.is_cancelled() {
            let now = self.clock().now();
            let Some(webhook) = self.store().webhooks().find(organization, id).await? else { break };
            let mine = webhook.active && webhook.job.as_ref() == Some(job);
            if !mine || webhook.paused_until.is_some_and(|until| until > now) {
                break;
            }
            let Some(delivery) = self.store().webhooks().next_due(organization, id, now).await? else { break };
            let outcome = self.attempt_delivery(organization, &webhook, &delivery).await?;
            match outcome.verdict {
                Verdict::Delivered => turn.delivered += 1,
                _ => turn.failed += 1,
            }
            self.note_delivery(organization, id, &delivery, outcome).await?;
        }
        Ok(turn)
    }

    /// Signs and sends.
    async fn attempt_delivery(
        &self,
        organization: &OrganizationId,
        webhook: &WebhookRecord,
        delivery: &Delivery,
    ) -> Result<Outcome, AppError> {
        let now = self.clock().now();
        let keys = match self.signing_keys(organization, webhook, now).await {
            Err(AppError::Erased { .. }) => return Ok(Outcome::hopeless("the key of its secret is destroyed")),
            keys => keys?,
        };
        let id = delivery.id.as_str();
        let body = match self.vault().open_sealed(&place(organization, PAYLOAD, id), &delivery.payload).await {
            Err(AppError::Erased { .. }) => return Ok(Outcome::hopeless("the key of its payload is destroyed")),
            body => body?,
        };
        let Ok(url) = Url::parse(&webhook.url) else { return Ok(Outcome::hopeless("its address is none")) };
        let timestamp_s = now.as_second();
        let signature = signature::signatures(&keys, id, timestamp_s, &body);
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(concat!("Assize/", env!("CARGO_PKG_VERSION"), " webhooks"))),
        ]);
        for (name, value) in [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", signature),
        ] {
            let value = HeaderValue::try_from(value).map_err(AppError::internal)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let outgoing = Outgoing { method: Method::POST, url, headers, body: Bytes::from(body) };
        Ok(Outcome::of(self.webhook_client().send(outgoing).await))
    }

    /// What signs now: the secret, and for a while the one before it.
    async fn signing_keys(
        &self,
        organization: &OrganizationId,
        webhook: &WebhookRecord,
        now: Timestamp,
    ) -> Result<Vec<Zeroizing<Vec<u8>>>, AppError> {
        let old = webhook.old_secret.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret);
        let mut keys = Vec::with_capacity(2);
        for sealed in std::iter::once(&webhook.secret).chain(old) {
            let place = place(organization, SECRET, webhook.id.as_str());
            let secret = Zeroizing::new(self.vault().open_sealed(&place, sealed).await?);
            let text = std::str::from_utf8(&secret).map_err(AppError::internal)?;
            keys.push(signature::key_of(text).map_err(AppError::internal)?);
        }
        Ok(keys)
    }

    /// Writes an attempt down, and switches the webhook off when it was the last.
    async fn note_delivery(
        &self,
        organization: &OrganizationId,
        id: &WebhookId,
        delivery: &Delivery,
        outcome: Outcome,
    ) -> Result<(), AppError> {
        let now = self.clock().now();
        let response_head = match &outcome.head {
            Some(head) => {
                let place = place(organization, RESPONSE, delivery.id.as_str());
                Some(self.vault().seal(&place, head).await?)
            }
            None => None,
        };
        let (state, next_at) = after(outcome.verdict, delivery, now)?;
        let waits = state == DeliveryState::Queued && outcome.verdict == Verdict::Unreachable;
        let attempt = Attempt {
            state,
            next_at,
            response_status: outcome.status.map(u32::from),
            response_head,
            error: outcome.error,
            paused_until: waits.then_some(next_at),
        };
        let mut unit = self.store().begin().await?;
        if unit.webhook_writer().lock(organization, id).await?.is_none() {
            return Ok(());
        }
        unit.webhook_writer().note_attempt(organization, id, delivery.number, &attempt, now).await?;
        if state == DeliveryState::Failed
            && let Some(webhook) = unit.webhook_writer().lock(organization, id).await?
        {
            let why = format!("{}: {}", delivery.id, attempt.error.as_deref().unwrap_or("it failed"));
            self.switch_off(&mut unit, organization, webhook, &why, now).await?;
        }
        Ok(unit.commit().await?)
    }
}

/// How a delivery stands after an attempt, and when it is to be tried again.
fn after(verdict: Verdict, delivery: &Delivery, now: Timestamp) -> Result<(DeliveryState, Timestamp), AppError> {
    let last = delivery.first_tried_at.unwrap_or(now).checked_add(TRY_FOR).map_err(AppError::internal)?;
    let wait = WAITS_S[(delivery.attempts as usize).min(WAITS_S.len() - 1)];
    let next = now.checked_add(SignedDuration::from_secs(wait)).map_err(AppError::internal)?;
    Ok(match verdict {
        Verdict::Delivered => (DeliveryState::Delivered, now),
        Verdict::Hopeless => (DeliveryState::Failed, now),
        Verdict::Refused | Verdict::Unreachable if now >= last => (DeliveryState::Failed, now),
        Verdict::Refused | Verdict::Unreachable => (DeliveryState::Queued, next.min(last)),
    })
}

#[cfg(test)]
mod tests {
    use assize_store::DeliveryId;
    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn attempts_go_on_for_a_day_and_end() {
        let start = Timestamp::UNIX_EPOCH;
        let mut delivery = Delivery {
            id: DeliveryId::new(start, [0; 10]),
            number: 1,
            event: "webhook.test".to_owned(),
            payload: Vec::new(),
            state: DeliveryState::Queued,
            attempts: 0,
            first_tried_at: None,
            next_at: start,
            ended_at: None,
            response_status: None,
            response_head: None,
            last_error: None,
            created_at: start,
        };
        let (mut tried_at_s, mut now) = (Vec::new(), start);
        let ended_at = loop {
            tried_at_s.push(now.as_second());
            let (state, next_at) = after(Verdict::Unreachable, &delivery, now).unwrap();
            if state == DeliveryState::Failed {
                break now;
            }
            delivery.first_tried_at.get_or_insert(now);
            delivery.attempts += 1;
            now = next_at;
        };
        assert_eq!(tried_at_s, [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 86_400]);
        assert_eq!(ended_at.as_second(), 86_400);
        assert_eq!(after(Verdict::Delivered, &delivery, ended_at).unwrap().0, DeliveryState::Delivered);
        assert_eq!(after(Verdict::Hopeless, &delivery, start).unwrap().0, DeliveryState::Failed);
    }

    #[test]
    fn answers_say_whether_others_go_on() {
        let of = |status: u16| {
            let body = Bytes::from(vec![b'x'; 2 * HEAD_BYTES_MAX]);
            Outcome::of(Ok(outgoing::Answer { status: StatusCode::from_u16(status).unwrap(), body }))
        };
        for (status, verdict) in [
            (200, Verdict::Delivered),
            (204, Verdict::Delivered),
            (400, Verdict::Refused),
            (404, Verdict::Refused),
            (410, Verdict::Hopeless),
            (429, Verdict::Unreachable),
            (503, Verdict::Unreachable),
        ] {
            let outcome = of(status);
            assert_eq!((outcome.verdict, outcome.error.is_none()), (verdict, status < 300), "{status}");
            assert_eq!(outcome.head.unwrap().len(), HEAD_BYTES_MAX);
        }
        let private = outgoing::Error::Private { host: "db.internal".to_owned(), address: [10, 0, 0, 7].into() };
        let told = Outcome::of(Err(private)).error.unwrap();
        assert!(told.contains("db.internal") && !told.contains("10.0.0.7"), "{told}");
    }
}
