//! The log of interactions: listed, searched, opened, erased.
//!
//! What can be filtered by lies beside the sealed texts. A search for words reads the signatures of what the filter lets
//! through and opens what may match, a bounded number of rows a page: a page may be short, and says how far it looked.

use assize_store::interactions::{Interaction, InteractionFilter, PAGE_INTERACTIONS_MAX, Parts};
use jiff::Timestamp;
use serde_json::json;

use super::super::App;
use super::super::caller::{Caller, Permission};
use super::super::error::AppError;
use super::super::vault::Place;
use super::content::{CONTENT, Content, Findings, RESULT};
use super::ids::SubmissionId;
use super::words::Question;

pub use assize_store::interactions::Interaction as InteractionRecord;

/// Rows whose signatures are read for one page of a search.
const SEARCHED_MAX: u64 = 100_000;
/// Rows that are opened for one page of a search.
const OPENED_MAX: usize = 2_000;
/// Interactions erased in one statement.
const ERASE_MAX: u64 = assize_store::interactions::ERASE_INTERACTIONS_MAX as u64;

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// By what lies beside the texts.
    pub filter: InteractionFilter,
    /// The letters of the one submission asked for.
    pub letters: Option<String>,
    /// Words that must all stand in the safe versions; empty for any.
    pub words: String,
    /// Only submissions with a smaller number.
    pub before: Option<u64>,
    /// Rows of the page.
    pub limit: u32,
}

/// A page of the log, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The rows.
    pub rows: Vec<InteractionRecord>,
    /// `before` of the next page; `None` after the last one.
    pub next: Option<u64>,
    /// How far back a search looked when it ended before its page was full.
    pub searched_to: Option<Timestamp>,
}

/// An interaction with its texts.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedInteraction {
    /// What lies beside them.
    pub record: InteractionRecord,
    /// The texts as they came, for those who may see them; `None` for others and once erased.
    pub content: Option<Content>,
    /// What was found; `None` before the audit, when it failed, and once erased.
    pub findings: Option<Findings>,
}

impl App {
    /// A page of the log.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn interactions(&self, caller: &Caller, query: &LogQuery) -> Result<LogPage, AppError> {
        caller.require(Permission::Read)?;
        if !query.words.trim().is_empty() {
            return self.search_interactions(caller, query).await;
        }
        let (organization, limit) = (&caller.organization, query.limit.clamp(1, PAGE_INTERACTIONS_MAX - 1));
        let mut interactions = self.store().interactions();
        let rows = interactions.list(organization, &query.filter, query.before, Parts::default(), limit + 1).await?;
        let mut page = page(rows, limit);
        if let Some(letters) = &query.letters {
            page.rows.retain(|row| row.letters == *letters);
        }
        Ok(page)
    }

    async fn search_interactions(&self, caller: &Caller, query: &LogQuery) -> Result<LogPage, AppError> {
        let organization = &caller.organization;
        let batch = self.batch(organization, &[]).await?;
        let Some(question) = Question::new(&batch.words, &query.words) else {
            return Ok(LogPage { rows: Vec::new(), next: None, searched_to: None });
        };
        let (mut found, mut before, mut searched, mut opened) = (Vec::new(), query.before, 0, 0);
        let parts = Parts { words: true, ..Parts::default() };
        loop {
            let rows = self
                .store()
                .interactions()
                .list(organization, &query.filter, before, parts, PAGE_INTERACTIONS_MAX)
                .await?;
            let last_page = rows.len() < PAGE_INTERACTIONS_MAX as usize;
            for row in rows {
                (before, searched) = (Some(row.number), searched + 1);
                if query.letters.as_ref().is_some_and(|letters| *letters != row.letters)
                    || !row.words.as_deref().is_some_and(|signature| question.may_match(signature))
                {
                    continue;
                }
                opened += 1;
                let findings = self.opened(caller, &row, false).await?.findings;
                let matches = |findings: &Findings| {
                    question.matches(&[&findings.document.safe_input, &findings.document.safe_output])
                };
                if findings.as_ref().is_some_and(matches) {
                    found.push(InteractionRecord { words: None, ..row.clone() });
                }
                if found.len() >= query.limit.max(1) as usize {
                    return Ok(LogPage { rows: found, next: before, searched_to: None });
                }
                if opened >= OPENED_MAX {
                    return Ok(LogPage { rows: found, next: before, searched_to: Some(row.received_at) });
                }
            }
            if last_page {
                return Ok(LogPage { rows: found, next: None, searched_to: None });
            }
            if searched >= SEARCHED_MAX {
                let number = before.unwrap_or_default();
                let last = self.store().interactions().find(organization, number).await?;
                let searched_to = last.map(|row| row.received_at);
                return Ok(LogPage { rows: found, next: before, searched_to });
            }
        }
    }

    /// One interaction. The texts as they came are for those who may run audits; others see the safe versions.
    ///
    /// # Errors
    /// `NotFound` for an unknown id or another organization's, `Forbidden` when the caller may not read.
    pub async fn interaction(&self, caller: &Caller, id: &str) -> Result<OpenedInteraction, AppError> {
        caller.require(Permission::Read)?;
        let unknown = || AppError::NotFound { what: "submission", id: id.to_owned() };
        let parsed = SubmissionId::parse(id).ok_or_else(unknown)?;
        let record = self.store().interactions().find(&caller.organization, parsed.number).await?;
        let record = record.filter(|record| record.letters == parsed.letters).ok_or_else(unknown)?;
        self.opened(caller, &record, true).await
    }

    /// Opens what is sealed of an interaction. What was erased since is not there any more.
    pub(crate) async fn opened(
        &self,
        caller: &Caller,
        record: &InteractionRecord,
        with_content: bool,
    ) -> Result<OpenedInteraction, AppError> {
        let id = id_of(record).to_string();
        let (mut content, mut result) = (record.content.clone(), record.result.clone());
        if result.is_none() && record.audited_at.is_some() || with_content && content.is_none() {
            let whole = self.store().interactions().find(&caller.organization, record.number).await?;
            (content, result) = whole.map(|whole| (whole.content, whole.result)).unwrap_or_default();
        }
        let open = async |purpose: &'static str, sealed: Option<Vec<u8>>| -> Result<Option<Vec<u8>>, AppError> {
            let Some(sealed) = sealed else { return Ok(None) };
            let (organization, subject) = (&caller.organization, record.subject.as_deref());
            match self.vault().open_sealed(&Place { organization, purpose, id: &id, subject }, &sealed).await {
                Ok(text) => Ok(Some(text)),
                Err(AppError::Erased { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let content = if with_content && caller.may(Permission::Run) { open(CONTENT, content).await? } else { None };
        let findings = open(RESULT, result).await?;
        Ok(OpenedInteraction {
            record: InteractionRecord { words: None, content: None, result: None, ..record.clone() },
            content: content.map(|text| Content::read(&text)).transpose()?,
            findings: findings.map(|text| serde_json::from_slice(&text)).transpose().map_err(AppError::internal)?,
        })
    }

    /// Erases everything that one of the client's users said (GDPR article 17): their key is destroyed, so that what
    /// copies and backups hold of it cannot be read either, and the rows keep nothing that leads to them. Answers how
    /// many interactions that were.
    ///
    /// # Errors
    /// `Forbidden` below the role owner; `Unprocessable` for an id that cannot be one.
    pub async fn erase_person(&self, caller: &Caller, subject: &str) -> Result<u64, AppError> {
        self.erase_subject_data(caller, subject).await?;
        let mut erased = 0;
        loop {
            let gone = self.store().interactions().erase_subject(&caller.organization, subject).await?;
            erased += gone;
            if gone < ERASE_MAX {
                break;
            }
        }
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        unit.interaction_usage().forget_client_user(&caller.organization, subject).await?;
        self.forget_views_of(&mut unit, caller, subject).await?;
        let event = caller.event(now, "interactions.erase", "subject", json!({ "interactions": erased }));
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        self.store().settle().await?;
        Ok(erased)
    }
}

/// The id of a record.
#[must_use]
pub fn id_of(record: &InteractionRecord) -> SubmissionId {
    SubmissionId { number: record.number, letters: record.letters.clone() }
}

/// A page of rows of which one more than asked for were read.
fn page(mut rows: Vec<Interaction>, limit: u32) -> LogPage {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.number);
    LogPage { rows, next, searched_to: None }
}
