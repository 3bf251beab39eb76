//! Interactions: what an assistant was asked and answered, accepted, audited, kept and shown.
//!
//! [`submission`] reads what is handed in; `tokens` counts it; [`intake`] commits it in groups; [`audit`] works off what
//! was committed; [`log`] finds it again, with `words` for searching sealed texts, and `views` for people's filters;
//! [`ledger`] holds plans and tokens;
//! [`content`] is the sealed form, [`restore`] undoes a safe version for who holds the key.

mod audit;
mod content;
mod ids;
mod intake;
mod judge;
mod ledger;
mod log;
mod restore;
mod submission;
mod tokens;
mod views;
mod words;

use std::collections::BTreeSet;

use assize_interactions::document::AuditDocument;
use assize_interactions::{Country, Interaction as Exchange, Status, Text};
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

pub use assize_store::interactions::{ComplianceStatus, InteractionFilter, InteractionState};
pub use content::{Content, Findings, Side};
pub use ids::SubmissionId;
pub use intake::Accepted;
pub(super) use intake::Intake;
pub(super) use judge::Judge;
pub(super) use ledger::check_ledger;
pub use ledger::{AccountRecord, LedgerLine, PlanChange, UsageReport, UsageSums};
pub use log::{InteractionRecord, LogPage, LogQuery, OpenedInteraction, id_of};
pub use restore::RestoreKey;
pub use submission::{LABEL_CHARS_MAX, Submission};
pub use views::{InteractionTally, SavedView};

use super::App;
use super::audits::blocking;
use super::caller::{Caller, Permission};
use super::error::AppError;
use super::once::Once;
pub use assize_store::interaction_accounts::Plan;
use intake::Arrival;

/// Lines of a batch that are worked at once.
const LINES_AT_ONCE: usize = 64;

/// An interaction that was audited while its client waited.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its id in the log, when it was to be kept.
    pub accepted: Option<Accepted>,
    /// What was found.
    pub findings: Findings,
    /// What was counted.
    pub tokens: u32,
    /// What the placeholders of the safe versions stand for, sealed, when a key was given.
    pub restore_blob: Option<String>,
}

/// How to check.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckOptions<'a> {
    /// Whether the interaction is kept in the log.
    pub keep: bool,
    /// Whether every category's score is told.
    pub scores: bool,
    /// Seals what the placeholders stand for.
    pub restore: Option<&'a RestoreKey>,
}

/// What a line of a batch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchLine {
    /// A whole interaction.
    Interaction(Box<Submission>),
    /// A text, audited as input.
    Text {
        /// The text.
        text: String,
        /// Country of who wrote it, as typed; empty when not given.
        country: String,
    },
}

/// A line of a batch with the name its sender gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedLine {
    /// `id`, to be repeated in the answer; whatever JSON it was.
    pub id: Option<Value>,
    /// What it holds.
    pub line: BatchLine,
}

impl NamedLine {
    /// Reads a line: an interaction body, or `{"id", "text", "lang"?, "country"?}`.
    ///
    /// # Errors
    /// `Unprocessable` with what is wrong.
    pub fn parse(line: &[u8]) -> Result<Self, (Option<Value>, AppError)> {
        let body = submission::object(line).map_err(|error| (None, error))?;
        let id = body.get("id").cloned();
        let read = if body.contains_key("text") && !body.contains_key("input") {
            text_line(&body)
        } else {
            Submission::from_object(&body).map(|submission| BatchLine::Interaction(Box::new(submission)))
        };
        match read {
            Ok(line) => Ok(Self { id, line }),
            Err(error) => Err((id, error)),
        }
    }
}

fn text_line(body: &Map<String, Value>) -> Result<BatchLine, AppError> {
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(AppError::Unprocessable(format!("{name} must be a string"))),
    };
    Ok(BatchLine::Text { text: text("text")?, country: text("country")? })
}

impl App {
    /// Refuses who may not submit, or has no plan.
    ///
    /// # Errors
    /// `Forbidden`, `NoSubscription`.
    pub async fn check_may_submit(&self, caller: &Caller) -> Result<(), AppError> {
        caller.require(Permission::Submit)?;
        match self.known_plan(&caller.organization).await? {
            Plan::None => Err(AppError::NoSubscription),
            Plan::Free | Plan::Premium | Plan::Unlimited => Ok(()),
        }
    }

    /// Tokens of an interaction.
    ///
    /// # Errors
    /// `Unprocessable` with the documented text when they are more than one interaction may have.
    pub async fn count_tokens(&self, input: &str, output: &str) -> Result<u32, AppError> {
        let settings = &self.config().interactions;
        let (vocabulary, max) = (settings.vocabulary, settings.tokens_max);
        let tokens = if tokens::is_quick(input.len() + output.len()) {
            tokens::count(vocabulary, input, output, max)
        } else {
            let (input, output) = (input.to_owned(), output.to_owned());
            blocking(move || tokens::count(vocabulary, &input, &output, max)).await?
        };
        tokens.ok_or_else(|| above_the_limit(max))
    }

    /// The refusal of a body that no number of tokens makes small enough.
    #[must_use]
    pub fn above_the_token_limit(&self) -> AppError {
        above_the_limit(self.config().interactions.tokens_max)
    }

    /// Accepts an interaction: once this answers, it is audited and charged once, whatever process dies.
    ///
    /// # Errors
    /// `Forbidden`, `NoSubscription`; `Unprocessable` for too many tokens; `InsufficientTokens`; `Unavailable` when too
    /// many wait already.
    pub async fn submit_interaction(&self, caller: &Caller, submission: Submission) -> Result<Accepted, AppError> {
        let tokens = self.count_tokens(&submission.input.value, &submission.output.value).await?;
        self.accept_submission(self.arrival(caller, submission, tokens, None)).await
    }

    /// Accepts an interaction, for a request that may be sent again.
    ///
    /// # Errors
    /// As [`App::submit_interaction`]; `Repeated` when the request was worked already.
    pub async fn submit_interaction_once(
        &self,
        caller: &Caller,
        submission: Submission,
        once: &Once<'_, Accepted>,
    ) -> Result<Accepted, AppError> {
        let tokens = self.count_tokens(&submission.input.value, &submission.output.value).await?;
        let arrival = self.arrival(caller, submission, tokens, None);
        self.accept_once(caller, arrival, once).await
    }

    /// Audits an interaction while its client waits, charges it, and, unless told otherwise, keeps it in the log.
    ///
    /// # Errors
    /// As [`App::submit_interaction`].
    pub async fn check_interaction(
        &self,
        caller: &Caller,
        submission: Submission,
        options: CheckOptions<'_>,
    ) -> Result<Checked, AppError> {
        let tokens = self.count_tokens(&submission.input.value, &submission.output.value).await?;
        let found = self.examine_later(submission.interaction(), options.scores).await?;
        let seal = |key: &RestoreKey| key.seal(&found.restore, self.0.random.as_ref());
        let restore_blob = options.restore.map(seal).transpose()?;
        let findings = found.findings.clone();
        if !options.keep {
            self.charge_alone(caller, 1, u64::from(tokens)).await?;
            return Ok(Checked { accepted: None, findings, tokens, restore_blob });
        }
        let arrival = self.arrival(caller, submission, tokens, Some(Box::new(found)));
        let accepted = self.accept_submission(arrival).await?;
        Ok(Checked { accepted: Some(accepted), findings, tokens, restore_blob })
    }

    /// Audits lines in their order: interactions are charged and kept, mere texts are charged. A line that is refused
    /// does not keep the others from being worked.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; what a line is refused with stands in its place.
    pub async fn check_batch(
        &self,
        caller: &Caller,
        lines: Vec<Result<BatchLine, AppError>>,
        scores: bool,
    ) -> Result<Vec<Result<Checked, AppError>>, AppError> {
        let checks = lines.into_iter().map(|line| async move {
            match line? {
                BatchLine::Interaction(submission) => {
                    let options = CheckOptions { keep: true, scores, restore: None };
                    self.check_interaction(caller, *submission, options).await
                }
                BatchLine::Text { text, country } => {
                    let tokens = self.count_tokens(&text, "").await?;
                    let input = Text { value: text, country, ..Text::default() };
                    let exchange = Exchange { input, ..Exchange::default() };
                    let findings = self.examine_later(exchange, scores).await?.findings;
                    Ok(Checked { accepted: None, findings, tokens, restore_blob: None })
                }
            }
        });
        let mut checked: Vec<Result<Checked, AppError>> =
            futures::stream::iter(checks).buffered(LINES_AT_ONCE).collect().await;
        let unkept = |line: &Result<Checked, AppError>| line.as_ref().is_ok_and(|checked| checked.accepted.is_none());
        let texts: Vec<usize> = (0..checked.len()).filter(|at| unkept(&checked[*at])).collect();
        let tokens = texts.iter().filter_map(|at| checked[*at].as_ref().ok()).map(|line| u64::from(line.tokens)).sum();
        if !texts.is_empty() {
            match self.charge_alone(caller, texts.len() as u64, tokens).await {
                Ok(()) => {}
                Err(AppError::InsufficientTokens) => {
                    texts.into_iter().for_each(|at| checked[at] = Err(AppError::InsufficientTokens));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(checked)
    }

    async fn examine_later(&self, exchange: Exchange, scores: bool) -> Result<audit::Found, AppError> {
        let app = self.clone();
        let (exchange, found) = blocking(move || {
            let found = app.examine(&exchange, scores, None);
            (exchange, found)
        })
        .await?;
        let Some(judgement) = self.judgement(&found.findings.document, &exchange.use_case).await else {
            return Ok(found);
        };
        let app = self.clone();
        blocking(move || app.examine(&exchange, scores, Some(&judgement))).await
    }

    fn arrival(
        &self,
        caller: &Caller,
        submission: Submission,
        tokens: u32,
        found: Option<Box<audit::Found>>,
    ) -> Arrival {
        Arrival {
            organization: caller.organization.clone(),
            actor: caller.actor.as_str().to_owned(),
            submission,
            tokens,
            received_at: self.clock().now(),
            found,
        }
    }

    /// Audits a text as the playground shows it: nothing is kept and nothing charged.
    ///
    /// # Errors
    /// `Forbidden`; `Unprocessable` for too many tokens.
    pub async fn try_interaction(
        &self,
        caller: &Caller,
        input: Text,
        output: Text,
        use_case: String,
    ) -> Result<AuditDocument, AppError> {
        caller.require(Permission::Read)?;
        self.count_tokens(&input.value, &output.value).await?;
        let date = self.clock().now().to_zoned(TimeZone::UTC).date().to_string();
        let exchange = Exchange { input, output, use_case, date };
        Ok(self.examine_later(exchange, true).await?.findings.document)
    }

    /// Waits until interactions arrive.
    pub(crate) async fn interactions_arrive(&self) -> Result<assize_store::InteractionsSubmitted, AppError> {
        Ok(self.store().subscribe_interactions().await?)
    }
}

/// A country as the log keeps it: its ISO 3166-1 code, or `global`; `None` for what is no country.
#[must_use]
pub fn country_code(typed: &str) -> Option<String> {
    let country = Country::parse(typed);
    (!country.unknown).then(|| country.code.unwrap_or_else(|| "global".to_owned()))
}

/// A status as the document spells it.
#[must_use]
pub fn status_name(status: ComplianceStatus) -> &'static str {
    match status {
        ComplianceStatus::Compliant => Status::FullyCompliant,
        ComplianceStatus::Review => Status::ReviewNeeded,
        ComplianceStatus::NonCompliant => Status::NonCompliant,
    }
    .name()
}

/// Each once, sorted.
fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<T>>().into_iter().collect()
}

/// `2k` as the document spells its limit.
fn above_the_limit(max: u32) -> AppError {
    let spelled = if max.is_multiple_of(1_000) { format!("{}k", max / 1_000) } else { max.to_string() };
    AppError::Unprocessable(format!("Tokens above the limit of {spelled}"))
}

/// What the process keeps of interactions in memory.
#[derive(Default)]
pub(super) struct Interactions {
    intake: Intake,
    plans: ledger::KnownPlans,
    rules: std::sync::OnceLock<assize_interactions::Rules>,
    /// Whether what was accepted before this process started is worked off.
    caught_up: std::sync::atomic::AtomicBool,
}

impl std::fmt::Debug for Interactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interactions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_spelled_as_documented() {
        assert_eq!(above_the_limit(2_000).to_string(), "Tokens above the limit of 2k");
        assert_eq!(above_the_limit(2_500).to_string(), "Tokens above the limit of 2500");
    }

    #[test]
    fn lines_of_a_batch_are_bodies_or_texts() {
        let line = NamedLine::parse(br#"{"id": 7, "text": "call me", "lang": "en"}"#).unwrap();
        assert_eq!(line.id, Some(Value::from(7)));
        assert_eq!(line.line, BatchLine::Text { text: "call me".to_owned(), country: String::new() });
        let (id, error) = NamedLine::parse(br#"{"id": "a", "text": 3}"#).unwrap_err();
        assert_eq!((id, error.to_string()), (Some(Value::from("a")), "text must be a string".to_owned()));
        let (id, error) = NamedLine::parse(br#"{"id": "b"}"#).unwrap_err();
        assert_eq!((id.is_some(), error.to_string()), (true, "user_id required in request body".to_owned()));
    }
}
