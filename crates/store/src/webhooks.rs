//! Webhooks: whom an organization tells of what happens, and what was to be told.
//!
//! What is to be told stands in a queue per webhook, numbered without gaps, and is told in that order. Who adds to a
//! queue or ends something of it holds the webhook's row until its unit ends ([`WebhookWriter::lock`],
//! [`WebhookWriter::enqueue`]), so that a job that finds its queue empty and ends, and a unit that adds to the queue
//! and finds a job at work, cannot miss each other.
//!
//! Secrets, payloads and answers come sealed; nothing here can read them.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::many_rows::{ManyRows, chunks};
use crate::backend::query::{Row, Sql, sql};
use crate::error::Error;
use crate::ids::{DeliveryId, JobId, OrganizationId, WebhookId, stored};

/// Most webhooks in one page of a list.
pub const PAGE_WEBHOOKS_MAX: u32 = 200;
/// Most deliveries in one page of a list.
pub const PAGE_DELIVERIES_MAX: u32 = 200;
/// Most ended deliveries deleted at once.
pub const DELETE_DELIVERIES_MAX: u32 = 1_000;

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where it leads.
    pub url: String,
    /// What it is told of: words of the application.
    pub events: Vec<String>,
    /// What its owner says of it.
    pub description: String,
    /// What signs, sealed.
    pub secret: Vec<u8>,
    /// What signed before, sealed, and until when it signs too.
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
    /// Whether it is told anything.
    pub active: bool,
    /// Since when nothing has come through.
    pub failing_since: Option<Timestamp>,
    /// Until when nothing is tried.
    pub paused_until: Option<Timestamp>,
    /// What went wrong last; `None` once something has come through.
    pub last_error: Option<String>,
    /// Deliveries in its queue.
    pub waiting: u64,
    /// The job that works its queue, or did.
    pub job: Option<JobId>,
    /// Who made it: an actor of the audit trail.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waits for its time or its turn.
    Queued,
    /// Was taken.
    Delivered,
    /// Was tried in vain until its time was over.
    Failed,
}

impl DeliveryState {
    /// The state as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads a state; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id, new.
    pub id: DeliveryId,
    /// What happened.
    pub event: String,
    /// What is sent, sealed.
    pub payload: Vec<u8>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its place in the webhook's queue, from 1.
    pub number: u64,
    /// What happened.
    pub event: String,
    /// What is sent, sealed.
    pub payload: Vec<u8>,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_tried_at: Option<Timestamp>,
    /// Not to be tried before this time.
    pub next_at: Timestamp,
    /// When it was taken or given up.
    pub ended_at: Option<Timestamp>,
    /// HTTP status of the last answer.
    pub response_status: Option<u32>,
    /// How the last answer began, sealed.
    pub response_head: Option<Vec<u8>>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was queued first.
    pub created_at: Timestamp,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How the delivery stands now.
    pub state: DeliveryState,
    /// When it is to be tried again, if it is still queued.
    pub next_at: Timestamp,
    /// HTTP status of the answer, if there was one.
    pub response_status: Option<u32>,
    /// How the answer began, sealed.
    pub response_head: Option<Vec<u8>>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Until when nothing else of the webhook is tried.
    pub paused_until: Option<Timestamp>,
}

const WEBHOOK: &str = "webhook_id, url, events, description, secret, old_secret, old_secret_until, active, \
    failing_since, paused_until, last_error, waiting, next_number, job_id, created_by, created_at, updated_at";
const DELIVERY: &str = "delivery_id, number, event, payload, state, attempts, first_tried_at, next_at, ended_at, \
    response_status, response_head, last_error, created_at";

static INSERT: ManyRows = ManyRows::new(
    "INSERT INTO webhook_deliveries (organization_id, webhook_id, number, delivery_id, event, payload, state, attempts,
         next_at, created_at) VALUES ",
    10,
    "",
);

/// The webhooks and their deliveries, to be read.
pub struct Webhooks<'a> {
    on: On<'a>,
}

impl<'a> Webhooks<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// A webhook of the organization.
    pub async fn find(&mut self, organization: &OrganizationId, id: &WebhookId) -> Result<Option<Webhook>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {WEBHOOK} FROM webhooks WHERE organization_id = $1 AND webhook_id = $2"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(id.as_str())).await?;
        row.as_ref().map(webhook).transpose()
    }

    /// The organization's webhooks, newest first, older than `before`, at most `limit` and [`PAGE_WEBHOOKS_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        before: Option<&WebhookId>,
        limit: u32,
    ) -> Result<Vec<Webhook>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {WEBHOOK} FROM webhooks WHERE organization_id = $1 AND ($2 IS NULL OR webhook_id < $2)
             ORDER BY webhook_id DESC LIMIT $3"
        )));
        let select = select.bind(organization.as_str()).bind(before.map(WebhookId::as_str));
        self.on.read(select.bind(limit.min(PAGE_WEBHOOKS_MAX))).await?.iter().map(webhook).collect()
    }

    /// How many webhooks the organization has.
    pub async fn count(&mut self, organization: &OrganizationId) -> Result<u64, Error> {
        let select = sql("SELECT COUNT(*) AS n FROM webhooks WHERE organization_id = $1");
        self.on.read_one(select.bind(organization.as_str())).await?.map_or(Ok(0), |row| row.count("n"))
    }

    /// The active webhooks that are told of an event, in the order in which they are to be locked.
    pub async fn subscribed(&mut self, organization: &OrganizationId, event: &str) -> Result<Vec<WebhookId>, Error> {
        let select = sql("SELECT webhook_id, events FROM webhooks WHERE organization_id = $1 AND active
             ORDER BY webhook_id");
        let mut subscribed = Vec::new();
        for row in self.on.read(select.bind(organization.as_str())).await? {
            if words(&row)?.iter().any(|word| word == event) {
                subscribed.push(stored(WebhookId::parse, &row.get::<String>("webhook_id")?)?);
            }
        }
        Ok(subscribed)
    }

    /// A delivery of the organization.
    pub async fn delivery(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        id: &DeliveryId,
    ) -> Result<Option<Delivery>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {DELIVERY} FROM webhook_deliveries
             WHERE organization_id = $1 AND webhook_id = $2 AND delivery_id = $3"
        )));
        let select = select.bind(organization.as_str()).bind(webhook.as_str()).bind(id.as_str());
        self.on.read_one(select).await?.as_ref().map(delivery).transpose()
    }

    /// A webhook's deliveries, newest first, before number `before`, at most `limit` and [`PAGE_DELIVERIES_MAX`].
    pub async fn deliveries(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {DELIVERY} FROM webhook_deliveries
             WHERE organization_id = $1 AND webhook_id = $2 AND ($3 IS NULL OR number < $3)
             ORDER BY number DESC LIMIT $4"
        )))
        .bind(organization.as_str())
        .bind(webhook.as_str())
        .bind(before)
        .bind(limit.min(PAGE_DELIVERIES_MAX));
        self.on.read(select).await?.iter().map(delivery).collect()
    }

    /// The first in the queue whose time has come.
    pub async fn next_due(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {DELIVERY} FROM webhook_deliveries
             WHERE organization_id = $1 AND webhook_id = $2 AND state = 'queued' AND next_at <= $3
             ORDER BY number LIMIT 1"
        )));
        let select = select.bind(organization.as_str()).bind(webhook.as_str()).bind(now);
        self.on.read_one(select).await?.as_ref().map(delivery).transpose()
    }

    /// When the next in the queue may be tried; `None` when the queue is empty.
    pub async fn next_time(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
    ) -> Result<Option<Timestamp>, Error> {
        let select = sql("SELECT MIN(next_at) AS next_at FROM webhook_deliveries
             WHERE organization_id = $1 AND webhook_id = $2 AND state = 'queued'");
        let row = self.on.read_one(select.bind(organization.as_str()).bind(webhook.as_str())).await?;
        row.map_or(Ok(None), |row| row.time_or_none("next_at"))
    }
}

/// The webhooks and their deliveries, to be changed, in a unit.
pub struct WebhookWriter<'a> {
    on: On<'a>,
}

impl<'a> WebhookWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a new webhook.
    pub async fn insert(&mut self, organization: &OrganizationId, new: &Webhook) -> Result<(), Error> {
        let insert = sql("INSERT INTO webhooks (organization_id, webhook_id, url, events, description, secret,
                 old_secret, old_secret_until, active, failing_since, paused_until, last_error, waiting, next_number,
                 job_id, created_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 1, NULL, $13, $14, $15)");
        let insert = settings(insert.bind(organization.as_str()).bind(new.id.as_str()), new);
        let insert = insert.bind(new.created_by.as_str()).bind(new.created_at).bind(new.updated_at);
        self.on.write(insert).await.map(drop)
    }

    /// Keeps the settings of a webhook that this unit has locked; its queue, its job and its origin stay.
    pub async fn update(&mut self, organization: &OrganizationId, changed: &Webhook) -> Result<bool, Error> {
        let update = sql("UPDATE webhooks SET url = $3, events = $4, description = $5, secret = $6, old_secret = $7,
                 old_secret_until = $8, active = $9, failing_since = $10, paused_until = $11, last_error = $12,
                 updated_at = $13
             WHERE organization_id = $1 AND webhook_id = $2 RETURNING webhook_id");
        let update = settings(update.bind(organization.as_str()).bind(changed.id.as_str()), changed);
        Ok(self.on.write_one(update.bind(changed.updated_at)).await?.is_some())
    }

    /// Takes the webhook's row until the unit ends; `None` if there is none.
    pub async fn lock(&mut self, organization: &OrganizationId, id: &WebhookId) -> Result<Option<Webhook>, Error> {
        // Changes nothing: an update is what takes a row on both databases.
        let update = sql(AssertSqlSafe(format!(
            "UPDATE webhooks SET waiting = waiting WHERE organization_id = $1 AND webhook_id = $2 RETURNING {WEBHOOK}"
        )));
        let row = self.on.write_one(update.bind(organization.as_str()).bind(id.as_str())).await?;
        row.as_ref().map(webhook).transpose()
    }

    /// Deletes a webhook with its deliveries. `false` if there is none.
    pub async fn delete(&mut self, organization: &OrganizationId, id: &WebhookId) -> Result<bool, Error> {
        if self.lock(organization, id).await?.is_none() {
            return Ok(false);
        }
        let deliveries = sql("DELETE FROM webhook_deliveries WHERE organization_id = $1 AND webhook_id = $2");
        self.on.write(deliveries.bind(organization.as_str()).bind(id.as_str())).await?;
        let delete = sql("DELETE FROM webhooks WHERE organization_id = $1 AND webhook_id = $2 RETURNING webhook_id");
        Ok(self.on.write_one(delete.bind(organization.as_str()).bind(id.as_str())).await?.is_some())
    }

    /// Puts deliveries at the end of the queue and takes the webhook's row until the unit ends. Answers the webhook as
    /// it is now, `None` if there is none.
    pub async fn enqueue(
        &mut self,
        organization: &OrganizationId,
        id: &WebhookId,
        new: &[NewDelivery],
        now: Timestamp,
    ) -> Result<Option<Webhook>, Error> {
        let count = new.len() as u64;
        let update = sql(AssertSqlSafe(format!(
            "UPDATE webhooks SET waiting = waiting + $3, next_number = next_number + $3
             WHERE organization_id = $1 AND webhook_id = $2 RETURNING {WEBHOOK}"
        )));
        let update = update.bind(organization.as_str()).bind(id.as_str()).bind(count);
        let Some(row) = self.on.write_one(update).await? else { return Ok(None) };
        let mut number = row.count("next_number")?.saturating_sub(count);
        for chunk in chunks(new) {
            let insert = (number..).zip(chunk).fold(INSERT.sql(&self.on, chunk.len()), |sql: Sql, (number, new)| {
                sql.bind(organization.as_str())
                    .bind(id.as_str())
                    .bind(number)
                    .bind(new.id.as_str())
                    .bind(new.event.as_str())
                    .bind(&new.payload[..])
                    .bind(DeliveryState::Queued.as_str())
                    .bind(0_u64)
                    .bind(now)
                    .bind(now)
            });
            self.on.write(insert).await?;
            number += chunk.len() as u64;
        }
        webhook(&row).map(Some)
    }

    /// Puts a delivery that has ended into the queue again, in its old place, as if it had never been tried. `false`
    /// when it has not ended or is not there.
    pub async fn requeue(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let update = sql("UPDATE webhook_deliveries SET state = 'queued', attempts = 0, first_tried_at = NULL,
                 next_at = $4, ended_at = NULL
             WHERE organization_id = $1 AND webhook_id = $2 AND delivery_id = $3 AND state <> 'queued'
             RETURNING number");
        let update = update.bind(organization.as_str()).bind(webhook.as_str()).bind(id.as_str()).bind(now);
        if self.on.write_one(update).await?.is_none() {
            return Ok(false);
        }
        self.count_waiting(organization, webhook, 1).await?;
        Ok(true)
    }

    /// Lets everything in the queue be tried now, whatever went wrong before.
    pub async fn resume(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let update = sql("UPDATE webhook_deliveries SET next_at = $3
             WHERE organization_id = $1 AND webhook_id = $2 AND state = 'queued' AND next_at > $3");
        self.on.write(update.bind(organization.as_str()).bind(webhook.as_str()).bind(now)).await?;
        let update = sql("UPDATE webhooks SET paused_until = NULL WHERE organization_id = $1 AND webhook_id = $2");
        self.on.write(update.bind(organization.as_str()).bind(webhook.as_str())).await.map(drop)
    }

    /// Notes which job works the queue.
    pub async fn set_job(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        job: &JobId,
    ) -> Result<(), Error> {
        let update = sql("UPDATE webhooks SET job_id = $3 WHERE organization_id = $1 AND webhook_id = $2");
        self.on.write(update.bind(organization.as_str()).bind(webhook.as_str()).bind(job.as_str())).await.map(drop)
    }

    /// Writes down how an attempt at a queued delivery went, in the delivery and in its webhook, which this unit has
    /// locked. `false` when the delivery is not queued any more.
    pub async fn note_attempt(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        number: u64,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ended = attempt.state != DeliveryState::Queued;
        let update = sql("UPDATE webhook_deliveries SET state = $4, attempts = attempts + 1,
                 first_tried_at = COALESCE(first_tried_at, $5), next_at = $6, ended_at = $7, response_status = $8,
                 response_head = $9, last_error = $10
             WHERE organization_id = $1 AND webhook_id = $2 AND number = $3 AND state = 'queued' RETURNING number")
        .bind(organization.as_str())
        .bind(webhook.as_str())
        .bind(number)
        .bind(attempt.state.as_str())
        .bind(now)
        .bind(attempt.next_at)
        .bind(ended.then_some(now))
        .bind(attempt.response_status.map(u64::from))
        .bind(attempt.response_head.as_deref())
        .bind(attempt.error.as_deref());
        if self.on.write_one(update).await?.is_none() {
            return Ok(false);
        }
        if ended {
            self.count_waiting(organization, webhook, -1).await?;
        }
        let failing_since = (attempt.state != DeliveryState::Delivered).then_some(now);
        // The first failure since something came through stays the first.
        let update = sql("UPDATE webhooks SET paused_until = $3, last_error = $4,
                 failing_since = CASE WHEN $6 THEN NULL ELSE COALESCE(failing_since, $5) END
             WHERE organization_id = $1 AND webhook_id = $2")
        .bind(organization.as_str())
        .bind(webhook.as_str())
        .bind(attempt.paused_until)
        .bind(attempt.error.as_deref())
        .bind(failing_since)
        .bind(attempt.state == DeliveryState::Delivered);
        self.on.write(update).await?;
        Ok(true)
    }

    /// Deletes deliveries that ended before `cutoff`, at most [`DELETE_DELIVERIES_MAX`]. Answers how many went; call
    /// again while that is the maximum.
    pub async fn delete_ended(&mut self, organization: &OrganizationId, cutoff: Timestamp) -> Result<u64, Error> {
        let delete = sql("DELETE FROM webhook_deliveries WHERE organization_id = $1 AND state <> 'queued'
                 AND delivery_id IN (SELECT delivery_id FROM webhook_deliveries
                     WHERE organization_id = $1 AND ended_at < $2 ORDER BY ended_at LIMIT $3)
             RETURNING delivery_id");
        let delete = delete.bind(organization.as_str()).bind(cutoff).bind(DELETE_DELIVERIES_MAX);
        Ok(self.on.write(delete).await?.len() as u64)
    }

    async fn count_waiting(
        &mut self,
        organization: &OrganizationId,
        webhook: &WebhookId,
        change: i64,
    ) -> Result<(), Error> {
        let update = sql("UPDATE webhooks SET waiting = waiting + $3 WHERE organization_id = $1 AND webhook_id = $2");
        self.on.write(update.bind(organization.as_str()).bind(webhook.as_str()).bind(change)).await.map(drop)
    }
}

/// Binds `$3` to `$12`: what people set and what is known of failures.
fn settings(statement: Sql, webhook: &Webhook) -> Sql {
    let (old_secret, until) =
        webhook.old_secret.as_ref().map_or((None, None), |(secret, at)| (Some(secret), Some(*at)));
    statement
        .bind(webhook.url.as_str())
        .bind(json!(webhook.events))
        .bind(webhook.description.as_str())
        .bind(&webhook.secret[..])
        .bind(old_secret.map(Vec::as_slice))
        .bind(until)
        .bind(webhook.active)
        .bind(webhook.failing_since)
        .bind(webhook.paused_until)
        .bind(webhook.last_error.as_deref())
}

fn words(row: &Row) -> Result<Vec<String>, Error> {
    let words: Option<Vec<String>> = match row.get::<Json>("events")? {
        Json::Array(words) => words.into_iter().map(|word| word.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    words.ok_or_else(|| Error::corrupt("column events: not a list of words"))
}

fn webhook(row: &Row) -> Result<Webhook, Error> {
    let old_secret = row.get::<Option<Vec<u8>>>("old_secret")?.zip(row.time_or_none("old_secret_until")?);
    let job = row.get::<Option<String>>("job_id")?;
    Ok(Webhook {
        id: stored(WebhookId::parse, &row.get::<String>("webhook_id")?)?,
        url: row.get("url")?,
        events: words(row)?,
        description: row.get("description")?,
        secret: row.get("secret")?,
        old_secret,
        active: row.get("active")?,
        failing_since: row.time_or_none("failing_since")?,
        paused_until: row.time_or_none("paused_until")?,
        last_error: row.get("last_error")?,
        waiting: row.count("waiting")?,
        job: job.map(|job| stored(JobId::parse, &job)).transpose()?,
        created_by: row.get("created_by")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn delivery(row: &Row) -> Result<Delivery, Error> {
    let small = |column: &str, count: u64| {
        u32::try_from(count).map_err(|_| Error::corrupt(format!("column {column}: {count}")))
    };
    let status = row.count_or_none("response_status")?.map(|status| small("response_status", status)).transpose()?;
    Ok(Delivery {
        id: stored(DeliveryId::parse, &row.get::<String>("delivery_id")?)?,
        number: row.count("number")?,
        event: row.get("event")?,
        payload: row.get("payload")?,
        state: stored(DeliveryState::parse, &row.get::<String>("state")?)?,
        attempts: small("attempts", row.count("attempts")?)?,
        first_tried_at: row.time_or_none("first_tried_at")?,
        next_at: row.time("next_at")?,
        ended_at: row.time_or_none("ended_at")?,
        response_status: status,
        response_head: row.get("response_head")?,
        last_error: row.get("last_error")?,
        created_at: row.time("created_at")?,
    })
}
