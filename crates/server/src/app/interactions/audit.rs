//! Auditing what was accepted: batches of pending interactions, opened, audited on all threads, and ended in one
//! transaction each. An end that is written twice counts once, so a batch may be worked by two processes, or half by one
//! that dies: the texts wait in their rows until their audit is written.
//!
//! An interaction that kills its process would kill the next one too. So what this process finds from before its start
//! is noted before it is tried, tried alone the third time, and given up after [`ATTEMPTS_MAX`], with its tokens back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use assize_interactions::document::AuditDocument;
use assize_interactions::{Engine, Interaction as Exchange, Rules, Status};
use assize_interactions::{safety::Classifiers, tagger::Tagger};
use assize_store::interaction_queue::{
    AuditedInteraction, FailedInteraction, Finished, InteractionKey, PendingInteraction, PendingPage,
};
use assize_store::interactions::ComplianceStatus;
use assize_store::{OrganizationId, Unit};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::audits::{blocking, threads};
use super::super::error::AppError;
use super::super::vault::{BatchKeys, Place};
use super::super::{App, WebhookEvent};
use super::content::{CONTENT, Content, Findings, RESULT};
use super::ids::SubmissionId;
use super::judge::Judgement;
use super::log::id_of;
use super::words::WordKey;
use super::{distinct, status_name};

/// Interactions of one transaction.
const BATCH_MAX: u32 = 256;
/// Interactions that the judge is asked about at once.
const JUDGED_AT_ONCE: usize = 16;
/// How often an audit may kill its process.
const ATTEMPTS_MAX: u32 = 3;

/// What the engine found about one interaction, before it is sealed.
pub(super) struct Found {
    pub(super) status: ComplianceStatus,
    /// Tenths.
    pub(super) risk: u8,
    pub(super) entities: Vec<String>,
    pub(super) regulations: Vec<String>,
    pub(super) findings: Findings,
    /// Placeholders and values, for a caller who wants them sealed; never kept.
    pub(super) restore: Vec<(String, String)>,
}

/// An opened interaction.
struct Opened {
    pending: PendingInteraction,
    exchange: Exchange,
    /// What the judge said of it, when there is one.
    judgement: Option<Judgement>,
}

/// Keys of one organization, for one batch.
pub(super) struct Batch {
    pub(super) keys: BatchKeys,
    pub(super) words: WordKey,
}

/// Which interaction something is of.
pub(super) struct Of<'a> {
    pub(super) organization: &'a OrganizationId,
    pub(super) id: &'a SubmissionId,
    pub(super) subject: Option<&'a str>,
}

impl App {
    /// Audits a batch of what waits. Answers how many were ended; 0 when nothing waits.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; what was not ended waits on.
    pub async fn audit_pending(&self) -> Result<u64, AppError> {
        let left_behind = self.audit_left_behind().await?;
        if left_behind > 0 {
            return Ok(left_behind);
        }
        self.audit_page(&PendingPage { limit: BATCH_MAX, ..PendingPage::default() }).await
    }

    /// What was accepted before this process started: perhaps by one that died of it.
    async fn audit_left_behind(&self) -> Result<u64, AppError> {
        let page = PendingPage { limit: BATCH_MAX, received_before: Some(self.0.started_at), ..PendingPage::default() };
        if self.0.interactions.caught_up.load(std::sync::atomic::Ordering::Acquire) {
            return Ok(0);
        }
        let pending = self.store().interaction_queue().pending(&page).await?;
        if pending.is_empty() {
            self.0.interactions.caught_up.store(true, std::sync::atomic::Ordering::Release);
            return Ok(0);
        }
        let alone = pending.iter().any(|pending| pending.interaction.attempts + 1 >= ATTEMPTS_MAX);
        let tried: Vec<_> = pending.iter().take(if alone { 1 } else { pending.len() }).map(key).collect();
        let mut unit = self.store().begin().await?;
        unit.interaction_queue_writer().note_attempts(&tried).await?;
        unit.commit().await?;
        let limit = if alone { 1 } else { BATCH_MAX };
        self.audit_page(&PendingPage { limit, ..page }).await
    }

    async fn audit_page(&self, page: &PendingPage<'_>) -> Result<u64, AppError> {
        if self.store().is_shared() {
            // The rows are this unit's until it ends; other workers pass over them.
            let mut unit = self.store().begin().await?;
            let pending = unit.interaction_queue().pending(page).await?;
            return self.end(Some(unit), pending).await;
        }
        // One process: nobody else takes them, and a unit would keep new submissions waiting meanwhile.
        let pending = self.store().interaction_queue().pending(page).await?;
        self.end(None, pending).await
    }

    async fn end(&self, unit: Option<Unit>, pending: Vec<PendingInteraction>) -> Result<u64, AppError> {
        if pending.is_empty() {
            return Ok(0);
        }
        let (given_up, pending): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|pending| pending.interaction.attempts >= ATTEMPTS_MAX);
        let mut failed: Vec<FailedInteraction> = given_up.iter().map(|pending| failure(pending, "gave_up")).collect();
        let mut batches = BTreeMap::new();
        for organization in distinct(pending.iter().map(|pending| pending.organization.clone())) {
            let batch = self.batch(&organization, &subjects(&organization, &pending)).await?;
            batches.insert(organization, batch);
        }
        let mut opened = self.open_pending(&batches, pending, &mut failed).await?;
        if self.has_judge() {
            opened = self.judged(opened).await?;
        }
        let (ids, audited): (Vec<_>, Vec<_>) = self.audit_all(batches, opened, &mut failed).await?.into_iter().unzip();
        let mut unit = match unit {
            Some(unit) => unit,
            None => self.store().begin().await?,
        };
        let now = self.clock().now();
        let finished = unit.interaction_queue_writer().finish(&audited, &failed, now).await?;
        self.announce(&mut unit, &finished, ids.iter().zip(&audited)).await?;
        unit.commit().await?;
        self.count_ended(&finished, &audited);
        let ended = (finished.audited.len() + finished.failed.len()) as u64;
        self.backlog().subtract(ended);
        Ok(ended.max(1))
    }

    /// The keys of an organization and of those of its subjects that have one.
    pub(super) async fn batch(&self, organization: &OrganizationId, subjects: &[&str]) -> Result<Batch, AppError> {
        let mut keys = self.vault().batch_keys(organization).await?;
        if !subjects.is_empty() {
            self.vault().add_subjects(&mut keys, subjects).await?;
        }
        let words = WordKey::new(self.vault().derived(&keys, "interactions.words").await?);
        Ok(Batch { keys, words })
    }

    /// Opens the texts. What does not open has failed: its key was destroyed, or its bytes were changed.
    async fn open_pending(
        &self,
        batches: &BTreeMap<OrganizationId, Batch>,
        pending: Vec<PendingInteraction>,
        failed: &mut Vec<FailedInteraction>,
    ) -> Result<Vec<Opened>, AppError> {
        let mut opened = Vec::with_capacity(pending.len());
        for pending in pending {
            let keys = &batches[&pending.organization].keys;
            let id = id_of(&pending.interaction).to_string();
            let subject = pending.interaction.subject.as_deref();
            let place = Place { organization: &pending.organization, purpose: CONTENT, id: &id, subject };
            let sealed = pending.interaction.content.as_deref().unwrap_or_default();
            let content = match self.vault().open_of_batch(keys, &place, sealed).await {
                Ok(text) => Content::read(&text),
                Err(error) => Err(error),
            };
            match content {
                Ok(content) => {
                    let exchange = Exchange {
                        input: content.input.text(),
                        output: content.output.text(),
                        use_case: pending.interaction.use_case.clone(),
                        date: pending.interaction.occurred_at.to_zoned(TimeZone::UTC).date().to_string(),
                    };
                    opened.push(Opened { pending, exchange, judgement: None });
                }
                Err(AppError::Unavailable { retry_after_s }) => return Err(AppError::Unavailable { retry_after_s }),
                Err(AppError::Erased { .. }) => failed.push(failure(&pending, "erased")),
                Err(error) => {
                    tracing::error!(submission.id = id, "an interaction cannot be opened: {error}");
                    failed.push(failure(&pending, "unreadable"));
                }
            }
        }
        Ok(opened)
    }

    /// Audits on all threads and seals what was found.
    async fn audit_all(
        &self,
        batches: BTreeMap<OrganizationId, Batch>,
        opened: Vec<Opened>,
        failed: &mut Vec<FailedInteraction>,
    ) -> Result<Vec<(SubmissionId, AuditedInteraction)>, AppError> {
        let (batches, share) = (Arc::new(batches), opened.len().div_ceil(threads(self)).max(1));
        let mut opened = opened.into_iter().peekable();
        let mut working = Vec::new();
        while opened.peek().is_some() {
            let (app, batches, part) =
                (self.clone(), Arc::clone(&batches), opened.by_ref().take(share).collect::<Vec<_>>());
            working.push(blocking(move || app.audit_part(&batches, &part)));
        }
        let mut audited = Vec::new();
        for part in futures::future::try_join_all(working).await? {
            for ended in part {
                match ended {
                    Ok(one) => audited.push(one),
                    Err(one) => failed.push(one),
                }
            }
        }
        Ok(audited)
    }

    fn audit_part(
        &self,
        batches: &BTreeMap<OrganizationId, Batch>,
        part: &[Opened],
    ) -> Vec<Result<(SubmissionId, AuditedInteraction), FailedInteraction>> {
        let audit = |opened: &Opened| {
            let batch = &batches[&opened.pending.organization];
            let found = self.examine(&opened.exchange, false, opened.judgement.as_ref());
            let (id, pending) = (id_of(&opened.pending.interaction), &opened.pending);
            let (organization, subject) = (&pending.organization, pending.interaction.subject.as_deref());
            let audited = self.sealed(batch, &Of { organization, id: &id, subject }, &found)?;
            Ok((id, audited))
        };
        part.iter()
            .map(|opened| match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| audit(opened))) {
                Ok(Ok(audited)) => Ok(audited),
                Ok(Err(AppError::Erased { .. })) => Err(failure(&opened.pending, "erased")),
                Ok(Err(error)) => {
                    tracing::error!(submission.id = %id_of(&opened.pending.interaction), "an audit could not be sealed: {error}");
                    Err(failure(&opened.pending, "not_sealed"))
                }
                Err(_) => {
                    tracing::error!(submission.id = %id_of(&opened.pending.interaction), "the audit of an interaction panicked");
                    Err(failure(&opened.pending, "panicked"))
                }
            })
            .collect()
    }

    /// What was found, ready to be written.
    pub(super) fn sealed(&self, batch: &Batch, of: &Of<'_>, found: &Found) -> Result<AuditedInteraction, AppError> {
        let named = of.id.to_string();
        let place = Place { organization: of.organization, purpose: RESULT, id: &named, subject: of.subject };
        let document = &found.findings.document;
        let words = batch.words.sign(&[&document.safe_input, &document.safe_output]);
        let result = serde_json::to_vec(&found.findings).map_err(AppError::internal)?;
        let result = batch.keys.seal(self.0.random.as_ref(), &place, &result)?;
        Ok(AuditedInteraction {
            key: (of.organization.clone(), of.id.number),
            status: found.status,
            risk: found.risk,
            entities: found.entities.clone(),
            regulations: found.regulations.clone(),
            words,
            result,
        })
    }

    /// Asks the judge about each, some at once. What the engine cannot read is not asked about; it fails later.
    async fn judged(&self, opened: Vec<Opened>) -> Result<Vec<Opened>, AppError> {
        let asked = opened.into_iter().map(|mut opened| async move {
            let (app, exchange) = (self.clone(), opened.exchange.clone());
            let examine = std::panic::AssertUnwindSafe(move || app.examine(&exchange, false, None));
            let found = blocking(move || std::panic::catch_unwind(examine)).await?;
            if let Ok(found) = found {
                opened.judgement = self.judgement(&found.findings.document, &opened.exchange.use_case).await;
            }
            Ok(opened)
        });
        futures::stream::iter(asked).buffered(JUDGED_AT_ONCE).try_collect().await
    }

    /// Runs the engine over one exchange; on the blocking pool.
    pub(super) fn examine(&self, exchange: &Exchange, scores: bool, judgement: Option<&Judgement>) -> Found {
        let rules = self.interaction_rules();
        let engine = Engine::new(Some(Tagger::embedded()), Some(Classifiers::embedded()));
        let before = self.clock().steady();
        let audit = engine.audit_with(exchange, rules, judgement.map_or(&[], |said| &said.opinions[..]));
        let took = self.clock().steady().saturating_sub(before);
        let status = match audit.status {
            Status::FullyCompliant => ComplianceStatus::Compliant,
            Status::ReviewNeeded => ComplianceStatus::Review,
            Status::NonCompliant => ComplianceStatus::NonCompliant,
        };
        let found = audit.pii.iter().chain(&audit.secrets).chain(&audit.special);
        let entities = distinct(found.map(|finding| finding.kind.name.to_owned()));
        let violated = audit.violations.iter().filter(|violation| !violation.recommendation);
        let regulations = distinct(violated.map(|violation| violation.regulation.to_owned()));
        let mut document = AuditDocument::new(&audit, exchange, rules, scores);
        document.judge = judgement.map(|said| said.entry.clone());
        Found {
            status,
            // A score lies from 0 to 10 with one decimal.
            risk: (audit.risk.score * 10.0).round().clamp(0.0, 100.0) as u8,
            entities,
            regulations,
            findings: Findings { document, audit_us: micros(took) },
            restore: audit.restore,
        }
    }

    /// What the configuration asks of the engine.
    pub(super) fn interaction_rules(&self) -> &Rules {
        self.0.interactions.rules.get_or_init(|| self.config().interactions.rules())
    }

    /// Counts for monitoring what audits came to, once that is durable.
    pub(super) fn count_ended(&self, finished: &Finished, audited: &[AuditedInteraction]) {
        let ended: BTreeSet<&InteractionKey> = finished.audited.iter().collect();
        let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
        for audited in audited.iter().filter(|audited| ended.contains(&audited.key)) {
            *outcomes.entry(audited.status.as_str()).or_default() += 1;
        }
        if !finished.failed.is_empty() {
            outcomes.insert("failed", finished.failed.len() as u64);
        }
        outcomes.into_iter().for_each(|(outcome, count)| self.metrics().interactions(outcome, count));
    }

    /// Tells webhooks, in the unit of the ends, of those audits that did end in it.
    pub(super) async fn announce<'a>(
        &self,
        unit: &mut Unit,
        finished: &Finished,
        audited: impl Iterator<Item = (&'a SubmissionId, &'a AuditedInteraction)>,
    ) -> Result<(), AppError> {
        let ended: BTreeSet<&InteractionKey> = finished.audited.iter().collect();
        let mut told: BTreeMap<&OrganizationId, Vec<_>> = BTreeMap::new();
        for (id, audited) in audited.filter(|(_, audited)| ended.contains(&audited.key)) {
            told.entry(&audited.key.0).or_default().push((id, audited));
        }
        let event = WebhookEvent::InteractionAudited;
        for (organization, mut told) in told {
            let webhooks = unit.webhooks().subscribed(organization, event.as_str()).await?;
            if webhooks.is_empty() {
                continue;
            }
            told.sort_unstable_by_key(|(id, _)| id.number);
            let data: Vec<Value> = told.into_iter().map(|(id, audited)| self.announcement(id, audited)).collect();
            self.tell(unit, organization, &webhooks, event, &data).await?;
        }
        Ok(())
    }

    /// What webhooks are told of an audited interaction: what was found, and nothing of what was said.
    fn announcement(&self, id: &SubmissionId, audited: &AuditedInteraction) -> Value {
        json!({
            "submission_id": id.to_string(),
            "compliance_status": status_name(audited.status),
            "risk_score": f64::from(audited.risk) / 10.0,
            "entities": audited.entities,
            "regulations": audited.regulations,
            "url": format!("{}/v1/interactions/{id}", self.config().public_url()),
        })
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn key(pending: &PendingInteraction) -> (OrganizationId, u64) {
    (pending.organization.clone(), pending.interaction.number)
}

fn subjects<'a>(organization: &OrganizationId, pending: &'a [PendingInteraction]) -> Vec<&'a str> {
    let of_it = pending.iter().filter(|pending| pending.organization == *organization);
    distinct(of_it.filter_map(|pending| pending.interaction.subject.as_deref()))
}

fn failure(pending: &PendingInteraction, code: &str) -> FailedInteraction {
    FailedInteraction { key: key(pending), code: code.to_owned() }
}
