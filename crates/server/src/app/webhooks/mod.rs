//! Webhooks: an organization names an address, and is told there of what happens, signed per Standard Webhooks.
//!
//! What happens is queued in the unit in which it happens ([`App::emit`]), once for each webhook that is subscribed, and
//! one job a webhook works its queue in order ([`deliver`]): at least once, tried again for 24 hours, then given up and
//! the webhook switched off. An address that does not answer keeps its whole queue waiting; a single delivery that is
//! refused waits alone.
//!
//! Secrets, payloads and answers are sealed at rest. Addresses are called through the guarded client only
//! ([`crate::outgoing`]): https and public, unless `[webhooks] allow_private` names the host.

mod deliver;
mod signature;

use assize_store::jobs::{JobState, NewJob};
use assize_store::webhooks::{Delivery, NewDelivery};
use assize_store::{DeliveryId, OrganizationId, Unit, WebhookId};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde_json::{Value, json};

pub use assize_store::webhooks::{DeliveryState, Webhook as WebhookRecord};
pub(crate) use deliver::WebhookWork;

use super::App;
use super::caller::{Caller, Permission};
use super::error::AppError;
use super::fields::{self, FieldProblems};
use super::kinds::DELIVER_WEBHOOK;
use super::once::Once;
use super::vault::Place;
use crate::outgoing;

/// Webhooks of an organization.
pub const WEBHOOKS_MAX: u64 = 20;
/// Deliveries that wait for one webhook; when there are more, it is switched off.
const WAITING_MAX: u64 = 100_000;
/// How long the secret before a rotation signs too.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// Random bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;
/// Longest address, bytes.
const URL_BYTES_MAX: usize = 2_048;
/// Longest description, characters.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// What a secret is sealed for.
const SECRET: &str = "webhooks.secret";
/// What a payload is sealed for.
const PAYLOAD: &str = "webhook_deliveries.payload";
/// What the beginning of an answer is sealed for.
const RESPONSE: &str = "webhook_deliveries.response";

/// What webhooks are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookEvent {
    /// A model was registered.
    ModelRegistered,
    /// An assessment has come to its end.
    AssessmentCompleted,
    /// A rule was found violated.
    ViolationDetected,
    /// A policy was violated.
    PolicyViolated,
    /// A risk has risen.
    RiskElevated,
    /// The audit of an interaction has come to its end.
    InteractionAudited,
    /// Somebody tries the webhook.
    Test,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ModelRegistered,
        Self::AssessmentCompleted,
        Self::ViolationDetected,
        Self::PolicyViolated,
        Self::RiskElevated,
        Self::InteractionAudited,
        Self::Test,
    ];

    /// The event as stored, sent and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelRegistered => "model.registered",
            Self::AssessmentCompleted => "assessment.completed",
            Self::ViolationDetected => "violation.detected",
            Self::PolicyViolated => "policy.violated",
            Self::RiskElevated => "risk.elevated",
            Self::InteractionAudited => "interaction.audited",
            Self::Test => "webhook.test",
        }
    }
}

/// A webhook to be made.
#[derive(Clone)]
pub struct NewWebhook {
    /// Where it leads.
    pub url: String,
    /// Words of [`WebhookEvent`].
    pub events: Vec<String>,
    /// What its owner says of it.
    pub description: String,
    /// What signs; made when there is none.
    pub secret: Option<String>,
}

/// What of a webhook is to be changed.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where it leads.
    pub url: Option<String>,
    /// Words of [`WebhookEvent`].
    pub events: Option<Vec<String>>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Whether it is told anything.
    pub active: Option<bool>,
}

/// A webhook whose secret has just been set. The secret is shown now and never again.
#[derive(Clone)]
pub struct IssuedWebhook {
    /// What is kept of it.
    pub webhook: WebhookRecord,
    /// The secret.
    pub secret: String,
}

/// Leaves out the secret.
impl std::fmt::Debug for IssuedWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedWebhook").field("webhook", &self.webhook.id).finish_non_exhaustive()
    }
}

/// A delivery, opened.
#[derive(Debug, Clone)]
pub struct DeliveryRecord {
    /// As it stands.
    pub delivery: Delivery,
    /// What is sent; `None` when its key was destroyed.
    pub request: Option<Value>,
    /// How the last answer began.
    pub response: Option<String>,
}

impl App {
    /// Makes a webhook.
    ///
    /// # Errors
    /// `Forbidden` for whom may not; `Fields` for an address that may not be called, unknown events or a bad secret;
    /// `Conflict` when the organization has [`WEBHOOKS_MAX`]; `Repeated` when the request was worked already.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        new: NewWebhook,
        once: &Once<'_, IssuedWebhook>,
    ) -> Result<IssuedWebhook, AppError> {
        caller.require(Permission::Manage)?;
        let mut problems = FieldProblems::default();
        let url = problems.take("url", self.webhook_url(&new.url).await);
        let events = problems.take("events", known_events(&new.events));
        let description = problems.take("description", fields::line(&new.description, DESCRIPTION_CHARS_MAX));
        let secret = match new.secret {
            Some(given) => problems.take("secret", signature::key_of(&given).map(|_| given)),
            None => Some(self.new_webhook_secret()?),
        };
        problems.finish()?;
        let (now, secret) = (self.clock().now(), secret.unwrap_or_default());
        let id = WebhookId::new(now, self.id_bytes()?);
        let webhook = WebhookRecord {
            secret: self.seal_secret(caller, &id, &secret).await?,
            id,
            url: url.unwrap_or_default(),
            events: events.unwrap_or_default(),
            description: description.unwrap_or_default(),
            old_secret: None,
            active: true,
            failing_since: None,
            paused_until: None,
            last_error: None,
            waiting: 0,
            job: None,
            created_by: caller.actor.as_str().to_owned(),
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.store().begin().await?;
        if unit.webhooks().count(&caller.organization).await? >= WEBHOOKS_MAX {
            return Err(AppError::Conflict(format!("there are {WEBHOOKS_MAX} webhooks already; delete one first")));
        }
        unit.webhook_writer().insert(&caller.organization, &webhook).await?;
        self.note_webhook(&mut unit, caller, "webhook.create", &webhook, now).await?;
        let issued = IssuedWebhook { webhook, secret };
        once.seal(&mut unit, caller, issued.webhook.id.as_str(), &issued).await?;
        unit.commit().await?;
        Ok(issued)
    }

    /// The organization's webhooks, newest first, older than `before`.
    ///
    /// # Errors
    /// `Forbidden` for whom may not read.
    pub async fn webhooks(
        &self,
        caller: &Caller,
        before: Option<&WebhookId>,
        limit: u32,
    ) -> Result<Vec<WebhookRecord>, AppError> {
        caller.require(Permission::Read)?;
        Ok(self.store().webhooks().list(&caller.organization, before, limit).await?)
    }

    /// One webhook of the organization.
    ///
    /// # Errors
    /// `Forbidden` for whom may not read; `NotFound` for an unknown id or another organization's.
    pub async fn webhook(&self, caller: &Caller, id: &str) -> Result<WebhookRecord, AppError> {
        caller.require(Permission::Read)?;
        let parsed = WebhookId::parse(id).ok_or_else(|| unknown(id))?;
        self.store().webhooks().find(&caller.organization, &parsed).await?.ok_or_else(|| unknown(id))
    }

    /// Changes a webhook. Another address, and switching it on, try what waits at once.
    ///
    /// # Errors
    /// As [`App::create_webhook`]; `NotFound` for an unknown id or another organization's.
    pub async fn update_webhook(
        &self,
        caller: &Caller,
        id: &str,
        change: &WebhookChange,
    ) -> Result<WebhookRecord, AppError> {
        caller.require(Permission::Manage)?;
        let id = self.webhook(caller, id).await?.id;
        let mut problems = FieldProblems::default();
        let url = match &change.url {
            Some(url) => problems.take("url", self.webhook_url(url).await),
            None => None,
        };
        let events = change.events.as_ref().and_then(|events| problems.take("events", known_events(events)));
        let description = change
            .description
            .as_ref()
            .and_then(|text| problems.take("description", fields::line(text, DESCRIPTION_CHARS_MAX)));
        problems.finish()?;
        let now = self.clock().now();
        let (mut unit, mut webhook) = self.locked(caller, &id).await?;
        let try_again = url.is_some() || (change.active == Some(true) && !webhook.active);
        webhook.url = url.unwrap_or(webhook.url);
        webhook.events = events.unwrap_or(webhook.events);
        webhook.description = description.unwrap_or(webhook.description);
        webhook.active = change.active.unwrap_or(webhook.active);
        webhook.updated_at = now;
        if try_again {
            (webhook.failing_since, webhook.last_error) = (None, None);
        }
        unit.webhook_writer().update(&caller.organization, &webhook).await?;
        if try_again {
            self.try_now(&mut unit, &caller.organization, &mut webhook, now).await?;
        }
        self.note_webhook(&mut unit, caller, "webhook.update", &webhook, now).await?;
        unit.commit().await?;
        Ok(webhook)
    }

    /// Deletes a webhook with its deliveries.
    ///
    /// # Errors
    /// `Forbidden` for whom may not; `NotFound` for an unknown id or another organization's.
    pub async fn delete_webhook(&self, caller: &Caller, id: &str) -> Result<(), AppError> {
        caller.require(Permission::Manage)?;
        let webhook = self.webhook(caller, id).await?;
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        if !unit.webhook_writer().delete(&caller.organization, &webhook.id).await? {
            return Err(unknown(id));
        }
        self.note_webhook(&mut unit, caller, "webhook.delete", &webhook, now).await?;
        Ok(unit.commit().await?)
    }

    /// Gives a webhook another secret. For 24 hours the one before signs too.
    ///
    /// # Errors
    /// As [`App::delete_webhook`]; `Repeated` when the request was worked already.
    pub async fn rotate_webhook_secret(
        &self,
        caller: &Caller,
        id: &str,
        once: &Once<'_, IssuedWebhook>,
    ) -> Result<IssuedWebhook, AppError> {
        caller.require(Permission::Manage)?;
        let id = self.webhook(caller, id).await?.id;
        let (now, secret) = (self.clock().now(), self.new_webhook_secret()?);
        let sealed = self.seal_secret(caller, &id, &secret).await?;
        let until = now.checked_add(OVERLAP).map_err(AppError::internal)?;
        let (mut unit, mut webhook) = self.locked(caller, &id).await?;
        webhook.old_secret = Some((std::mem::replace(&mut webhook.secret, sealed), until));
        webhook.updated_at = now;
        unit.webhook_writer().update(&caller.organization, &webhook).await?;
        self.note_webhook(&mut unit, caller, "webhook.rotate_secret", &webhook, now).await?;
        let issued = IssuedWebhook { webhook, secret };
        // Each rotation is a thing of its own: two answers under one name would share a key.
        let made = format!("{id} {}", hex::encode(self.id_bytes()?));
        once.seal(&mut unit, caller, &made, &issued).await?;
        unit.commit().await?;
        Ok(issued)
    }

    /// Queues a delivery that only says that it is a test, and tries what waits at once.
    ///
    /// # Errors
    /// As [`App::delete_webhook`]; `Conflict` when the webhook is switched off; `Repeated` when the request was worked
    /// already.
    pub async fn test_webhook(
        &self,
        caller: &Caller,
        id: &str,
        once: &Once<'_, DeliveryRecord>,
    ) -> Result<DeliveryRecord, AppError> {
        caller.require(Permission::Manage)?;
        let id = self.webhook(caller, id).await?.id;
        let data = json!({ "webhook_id": id.as_str(), "message": "This is a test." });
        let now = self.clock().now();
        let (mut unit, mut webhook) = self.locked_active(caller, &id).await?;
        self.try_now(&mut unit, &caller.organization, &mut webhook, now).await?;
        let told = vec![data];
        self.tell(&mut unit, &caller.organization, std::slice::from_ref(&id), WebhookEvent::Test, &told).await?;
        let newest = unit.webhooks().deliveries(&caller.organization, &id, None, 1).await?.pop();
        let new = newest.filter(|delivery| delivery.created_at.as_millisecond() >= now.as_millisecond());
        let delivery = new.ok_or(AppError::Erased { what: "the webhook's secret" })?;
        self.note_webhook(&mut unit, caller, "webhook.test", &webhook, now).await?;
        let request = Some(payload(WebhookEvent::Test, delivery.created_at, &told[0]));
        let record = DeliveryRecord { delivery, request, response: None };
        once.seal(&mut unit, caller, record.delivery.id.as_str(), &record).await?;
        unit.commit().await?;
        Ok(record)
    }

    /// A webhook's deliveries, newest first, older than delivery `before`.
    ///
    /// # Errors
    /// As [`App::webhook`]; `NotFound` when there is no such delivery.
    pub async fn webhook_deliveries(
        &self,
        caller: &Caller,
        id: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, AppError> {
        let webhook = self.webhook(caller, id).await?;
        let before = match before {
            Some(before) => Some(self.delivery(caller, &webhook.id, before).await?.number),
            None => None,
        };
        let found = self.store().webhooks().deliveries(&caller.organization, &webhook.id, before, limit).await?;
        let keys = self.vault().batch_keys(&caller.organization).await?;
        let open = async |purpose: &str, delivery: &Delivery, sealed: &[u8]| {
            let place = place(&caller.organization, purpose, delivery.id.as_str());
            match self.vault().open_of_batch(&keys, &place, sealed).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(AppError::Erased { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let mut records = Vec::with_capacity(found.len());
        for delivery in found {
            let request = open(PAYLOAD, &delivery, &delivery.payload).await?;
            let request = request.map(|body| serde_json::from_slice(&body).map_err(AppError::internal)).transpose()?;
            let response = match &delivery.response_head {
                Some(sealed) => open(RESPONSE, &delivery, sealed).await?,
                None => None,
            };
            let response = response.map(|head| String::from_utf8_lossy(&head).into_owned());
            records.push(DeliveryRecord { delivery, request, response });
        }
        Ok(records)
    }

    /// Queues a delivery that has ended again, and tries what waits at once. One that is queued stays as it is.
    ///
    /// # Errors
    /// As [`App::delete_webhook`]; `NotFound` when there is no such delivery; `Conflict` when the webhook is switched
    /// off.
    pub async fn redeliver(&self, caller: &Caller, id: &str, delivery: &str) -> Result<Delivery, AppError> {
        caller.require(Permission::Manage)?;
        let id = self.webhook(caller, id).await?.id;
        let delivery = self.delivery(caller, &id, delivery).await?;
        let now = self.clock().now();
        let (mut unit, mut webhook) = self.locked_active(caller, &id).await?;
        if unit.webhook_writer().requeue(&caller.organization, &id, &delivery.id, now).await? {
            webhook.waiting += 1;
            let about = json!({ "webhook": id.as_str() });
            let event = caller.event(now, "webhook.redeliver", delivery.id.as_str(), about);
            unit.audit_writer().append(&caller.organization, &event).await?;
        }
        self.try_now(&mut unit, &caller.organization, &mut webhook, now).await?;
        unit.commit().await?;
        self.delivery(caller, &id, delivery.id.as_str()).await
    }

    /// Queues what happened for every webhook that is told of it, in the unit in which it happens: one delivery for each
    /// of `data`, an object that holds no customers' texts. Call it after everything but the audit trail and the
    /// request's own claim, so that no two units wait for each other.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn emit(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        event: WebhookEvent,
        data: &[Value],
    ) -> Result<(), AppError> {
        let webhooks = unit.webhooks().subscribed(organization, event.as_str()).await?;
        self.tell(unit, organization, &webhooks, event, data).await
    }

    /// As [`App::emit`], for whom has already asked which webhooks there are.
    pub(crate) async fn tell(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        webhooks: &[WebhookId],
        event: WebhookEvent,
        data: &[Value],
    ) -> Result<(), AppError> {
        if webhooks.is_empty() || data.is_empty() {
            return Ok(());
        }
        let Some(sealing) = self.vault().sealing_in(unit, organization).await? else {
            tracing::warn!(
                "webhooks of {organization} are told nothing: its keys are destroyed, their secrets with them"
            );
            return Ok(());
        };
        let now = self.clock().now();
        let bodies: Vec<Vec<u8>> = data.iter().map(|data| payload(event, now, data).to_string().into_bytes()).collect();
        let mut overflown = Vec::new();
        for id in webhooks {
            let mut new = Vec::with_capacity(bodies.len());
            for body in &bodies {
                let id = DeliveryId::new(now, self.id_bytes()?);
                let place = place(organization, PAYLOAD, id.as_str());
                let payload = sealing.seal(self.0.random.as_ref(), &place, body)?;
                new.push(NewDelivery { id, event: event.as_str().to_owned(), payload });
            }
            match unit.webhook_writer().enqueue(organization, id, &new, now).await? {
                Some(webhook) if webhook.waiting > WAITING_MAX => overflown.push(webhook),
                Some(webhook) => self.wake(unit, organization, &webhook, now).await?,
                None => {}
            }
        }
        for webhook in overflown {
            let why = format!("more than {WAITING_MAX} deliveries wait");
            self.switch_off(unit, organization, webhook, &why, now).await?;
        }
        Ok(())
    }

    /// Sees to it that a job works a webhook's queue, now or once its pause is over. The unit holds the webhook's row.
    async fn wake(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        webhook: &WebhookRecord,
        now: Timestamp,
    ) -> Result<(), AppError> {
        if !webhook.active || webhook.waiting == 0 {
            return Ok(());
        }
        let at = webhook.paused_until.map_or(now, |until| until.max(now));
        if let Some(id) = &webhook.job
            && let Some(job) = unit.jobs().find(organization, id).await?
            && (job.state == JobState::Running || (job.state == JobState::Queued && job.run_at <= at))
        {
            return Ok(());
        }
        self.work_at(unit, organization, &webhook.id, at, now).await
    }

    /// Enqueues the job that works a webhook's queue; one that is enqueued already ends without doing anything.
    async fn work_at(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        webhook: &WebhookId,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let work = WebhookWork { webhook: webhook.to_string() };
        let job = NewJob { run_at: at, ..self.new_job(&DELIVER_WEBHOOK, &work, now)? };
        unit.jobs().enqueue(organization, &job, now).await?;
        Ok(unit.webhook_writer().set_job(organization, webhook, &job.id).await?)
    }

    /// Tries everything that waits at once, whatever went wrong before.
    async fn try_now(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        webhook: &mut WebhookRecord,
        now: Timestamp,
    ) -> Result<(), AppError> {
        unit.webhook_writer().resume(organization, &webhook.id, now).await?;
        webhook.paused_until = None;
        self.wake(unit, organization, webhook, now).await
    }

    /// Switches a webhook off because it cannot be told anything; what waits goes on waiting.
    async fn switch_off(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        mut webhook: WebhookRecord,
        why: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        webhook.active = false;
        webhook.last_error = Some(format!("switched off: {why}"));
        webhook.updated_at = now;
        unit.webhook_writer().update(organization, &webhook).await?;
        let caller = Caller::system(organization.clone());
        let event = caller.event(now, "webhook.switch_off", webhook.id.as_str(), json!({ "why": why }));
        unit.audit_writer().append(organization, &event).await?;
        tracing::warn!(webhook.id = webhook.id.as_str(), "a webhook was switched off: {why}");
        Ok(())
    }

    /// A row of the audit trail. Of the address only the host: the rest may be a secret.
    async fn note_webhook(
        &self,
        unit: &mut Unit,
        caller: &Caller,
        action: &str,
        webhook: &WebhookRecord,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let url = Url::parse(&webhook.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let about = json!({ "host": host, "events": webhook.events, "active": webhook.active });
        let event = caller.event(now, action, webhook.id.as_str(), about);
        unit.audit_writer().append(&caller.organization, &event).await?;
        Ok(())
    }

    async fn locked(&self, caller: &Caller, id: &WebhookId) -> Result<(Unit, WebhookRecord), AppError> {
        let mut unit = self.store().begin().await?;
        let webhook = unit.webhook_writer().lock(&caller.organization, id).await?;
        Ok((unit, webhook.ok_or_else(|| unknown(id.as_str()))?))
    }

    async fn locked_active(&self, caller: &Caller, id: &WebhookId) -> Result<(Unit, WebhookRecord), AppError> {
        let (unit, webhook) = self.locked(caller, id).await?;
        if webhook.active {
            return Ok((unit, webhook));
        }
        Err(AppError::Conflict(format!("webhook '{id}' is switched off; switch it on first")))
    }

    async fn delivery(&self, caller: &Caller, webhook: &WebhookId, id: &str) -> Result<Delivery, AppError> {
        let unknown = || AppError::NotFound { what: "delivery", id: id.to_owned() };
        let parsed = DeliveryId::parse(id).ok_or_else(unknown)?;
        self.store().webhooks().delivery(&caller.organization, webhook, &parsed).await?.ok_or_else(unknown)
    }

    async fn seal_secret(&self, caller: &Caller, id: &WebhookId, secret: &str) -> Result<Vec<u8>, AppError> {
        self.vault().seal(&place(&caller.organization, SECRET, id.as_str()), secret.as_bytes()).await
    }

    fn new_webhook_secret(&self) -> Result<String, AppError> {
        let mut key = [0; SECRET_BYTES];
        self.fill_random(&mut key)?;
        Ok(signature::secret_of(&key))
    }

    /// An address that may be called, as it will be. A name that does not resolve now may do so later.
    async fn webhook_url(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX {
            return Err(format!("has {} bytes, at most {URL_BYTES_MAX} are taken", text.len()));
        }
        let wrong = || "must be an absolute https address without user name, e.g. https://example.org/hooks".to_owned();
        let url = Url::parse(text).map_err(|_| wrong())?;
        let host = url.host_str().ok_or_else(wrong)?;
        let allowed = self.config().webhooks.allow_private.iter().any(|named| named.eq_ignore_ascii_case(host));
        if url.scheme() != "https" && !(url.scheme() == "http" && allowed) {
            return Err(wrong());
        }
        match self.webhook_client().check(&url).await {
            Err(outgoing::Error::Private { .. }) => Err(deliver::NOT_PUBLIC.to_owned()),
            Err(outgoing::Error::Url { .. }) => Err(wrong()),
            _ => Ok(url.into()),
        }
    }
}

/// What is sent. Its moment is that of the delivery, which is kept to the millisecond.
fn payload(event: WebhookEvent, at: Timestamp, data: &Value) -> Value {
    let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    json!({ "event": event.as_str(), "timestamp": at.to_string(), "data": data })
}

fn place<'a>(organization: &'a OrganizationId, purpose: &'a str, id: &'a str) -> Place<'a> {
    Place { organization, purpose, id, subject: None }
}

/// Events that there are, each once, in their order.
fn known_events(words: &[String]) -> Result<Vec<String>, String> {
    let known = WebhookEvent::ALL.map(WebhookEvent::as_str);
    let listed = || known.join(", ");
    if words.is_empty() {
        return Err(format!("must name at least one of {}", listed()));
    }
    if let Some(unknown) = words.iter().find(|word| !known.contains(&word.as_str())) {
        let named: String = unknown.chars().take(60).collect();
        return Err(format!("'{named}' is no event; known are {}", listed()));
    }
    let chosen = known.into_iter().filter(|event| words.iter().any(|word| word == event));
    Ok(chosen.map(str::to_owned).collect())
}

fn unknown(id: &str) -> AppError {
    AppError::NotFound { what: "webhook", id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_events_are_told_which_there_are() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let chosen = known_events(&words(&["webhook.test", "model.registered", "webhook.test"])).unwrap();
        assert_eq!(chosen, ["model.registered", "webhook.test"]);
        for bad in [&[][..], &["model.deleted"], &["risk.elevated", "*"]] {
            let told = known_events(&words(bad)).unwrap_err();
            assert!(WebhookEvent::ALL.iter().all(|event| told.contains(event.as_str())), "{told}");
        }
    }
}
