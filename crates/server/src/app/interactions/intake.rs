//! Accepting submissions: one task a process commits, in one transaction, everything that arrived while the transaction
//! before was being written; who submitted is answered after the commit. So a thousand clients cost a few commits.
//!
//! What is committed together: numbers, the charge in the ledger, keys of new subjects, the sealed rows. What cannot be
//! committed is answered to each client by itself; nothing half is ever kept. At most [`WAITING_MAX`] submissions wait
//! for the task and at most `interactions.queue_max` for their audit: beyond, a clear "try again in a moment".

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use assize_store::interaction_accounts::{Charge, InteractionAccount, Plan};
use assize_store::interaction_queue::Finished;
use assize_store::interactions::NewInteraction;
use assize_store::{OrganizationId, Unit};
use jiff::Timestamp;
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::super::caller::Caller;
use super::super::error::AppError;
use super::super::once::Once;
use super::super::random::Random;
use super::super::vault::{BatchKeys, Place};
use super::super::{App, Inner};
use super::audit::{Batch, Found, Of};
use super::content::{CONTENT, Content};
use super::ids::{SubmissionId, letters};
use super::submission::Submission;
use super::{country_code, distinct};

/// Submissions that wait for the task at once.
const WAITING_MAX: usize = 4_096;
/// Submissions of one transaction.
const GROUP_MAX: usize = 256;
/// How often what waits for its audit is counted.
const COUNT_AGAIN: Duration = Duration::from_secs(1);
/// Seconds after which to try again when too much waits.
const RETRY_AFTER_S: u64 = 2;
/// Tries of a group when another process changes the same keys.
const TRIES: u32 = 3;

/// A submission that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: SubmissionId,
    /// When it was received.
    pub received_at: Timestamp,
    /// What was charged.
    pub tokens: u32,
}

/// A submission on its way.
pub(super) struct Arrival {
    pub(super) organization: OrganizationId,
    /// Who submits, for the ledger.
    pub(super) actor: String,
    pub(super) submission: Submission,
    pub(super) tokens: u32,
    pub(super) received_at: Timestamp,
    /// What was found already, while the client waited.
    pub(super) found: Option<Box<Found>>,
}

struct Waiting {
    arrival: Arrival,
    reply: oneshot::Sender<Result<Accepted, AppError>>,
}

/// The way to the task.
#[derive(Default)]
pub(in super::super) struct Intake {
    sender: OnceCell<mpsc::Sender<Waiting>>,
    backlog: Arc<Backlog>,
}

/// What waits for its audit: counted once in a while, and between two counts by what this process does itself.
#[derive(Default)]
pub(in super::super) struct Backlog {
    waiting: AtomicU64,
}

impl Backlog {
    pub(super) fn add(&self, count: u64) {
        self.waiting.fetch_add(count, Ordering::Relaxed);
    }

    /// Notes that interactions were audited.
    pub(super) fn subtract(&self, count: u64) {
        let less = |waiting: u64| Some(waiting.saturating_sub(count));
        // Always some, so never an error.
        let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    pub(super) fn count(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl App {
    /// Keeps a submission and answers once that is durable.
    pub(super) async fn accept_submission(&self, arrival: Arrival) -> Result<Accepted, AppError> {
        let intake = &self.0.interactions.intake;
        if intake.backlog.count() >= self.config().interactions.queue_max {
            return Err(AppError::Unavailable { retry_after_s: RETRY_AFTER_S });
        }
        let sender = intake.sender.get_or_init(|| async {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            tokio::spawn(commit_arrivals(Arc::downgrade(&self.0), receiver));
            tokio::spawn(count_backlog(Arc::downgrade(&self.0)));
            sender
        });
        let (reply, answer) = oneshot::channel();
        let full = AppError::Unavailable { retry_after_s: RETRY_AFTER_S };
        sender.await.try_send(Waiting { arrival, reply }).map_err(|_| full)?;
        answer.await.unwrap_or_else(|_| Err(AppError::internal("the intake of submissions has ended")))
    }

    /// Keeps a submission whose request may be sent again: in a transaction of its own, together with the claim of the
    /// request.
    pub(super) async fn accept_once(
        &self,
        caller: &Caller,
        arrival: Arrival,
        once: &Once<'_, Accepted>,
    ) -> Result<Accepted, AppError> {
        if !once.is_named() {
            return self.accept_submission(arrival).await;
        }
        for _ in 0..TRIES {
            if let Some(mut answers) = self.try_commit(&[&arrival], Some((caller, once))).await? {
                return answers.pop().unwrap_or_else(|| Err(lost()));
            }
        }
        Err(AppError::Unavailable { retry_after_s: 1 })
    }

    /// What waits for its audit, as far as this process knows.
    pub(super) fn backlog(&self) -> &Backlog {
        &self.0.interactions.intake.backlog
    }
}

/// The task: ends when the application does.
async fn commit_arrivals(app: Weak<Inner>, mut receiver: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while receiver.recv_many(&mut group, GROUP_MAX).await > 0 {
        let Some(inner) = app.upgrade() else { return };
        let app = App(inner);
        let (arrivals, replies): (Vec<Arrival>, Vec<_>) =
            group.drain(..).map(|waiting| (waiting.arrival, waiting.reply)).unzip();
        let answers = app.commit_group(&arrivals).await;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A client that has gone finds its submission in the log.
            let _ = reply.send(answer);
        }
    }
}

async fn count_backlog(app: Weak<Inner>) {
    while let Some(inner) = app.upgrade() {
        let app = App(inner);
        if let Ok(waiting) = app.store().interaction_queue().waiting().await {
            app.backlog().waiting.store(waiting.count, Ordering::Relaxed);
        }
        drop(app);
        tokio::time::sleep(COUNT_AGAIN).await;
    }
}

impl App {
    /// Commits a group. Should the group be refused as a whole, each of it is tried by itself.
    async fn commit_group(&self, arrivals: &[Arrival]) -> Vec<Result<Accepted, AppError>> {
        let all: Vec<&Arrival> = arrivals.iter().collect();
        match self.commit(&all).await {
            Ok(answers) => answers,
            Err(AppError::Unavailable { retry_after_s }) => {
                all.iter().map(|_| Err(AppError::Unavailable { retry_after_s })).collect()
            }
            Err(error) if all.len() == 1 => vec![Err(error)],
            Err(_) => {
                let mut answers = Vec::with_capacity(all.len());
                for arrival in all {
                    let alone = self.commit(&[arrival]).await;
                    answers.push(alone.and_then(|mut answers| answers.pop().unwrap_or(Err(lost()))));
                }
                answers
            }
        }
    }

    /// One transaction. The answers stand in the order of the arrivals.
    async fn commit(&self, arrivals: &[&Arrival]) -> Result<Vec<Result<Accepted, AppError>>, AppError> {
        for _ in 0..TRIES {
            if let Some(answers) = self.try_commit(arrivals, None).await? {
                return Ok(answers);
            }
        }
        Err(AppError::Unavailable { retry_after_s: 1 })
    }

    /// `None` when another process made keys for the same subjects meanwhile.
    async fn try_commit(
        &self,
        arrivals: &[&Arrival],
        once: Option<(&Caller, &Once<'_, Accepted>)>,
    ) -> Result<Option<Vec<Result<Accepted, AppError>>>, AppError> {
        let mut groups: BTreeMap<&OrganizationId, Vec<usize>> = BTreeMap::new();
        for (index, arrival) in arrivals.iter().enumerate() {
            groups.entry(&arrival.organization).or_default().push(index);
        }
        let mut batches = Vec::with_capacity(groups.len());
        for (organization, indexes) in &groups {
            batches.push(self.batch(organization, &subjects(arrivals, indexes)).await?);
        }
        let mut answers: Vec<Option<Result<Accepted, AppError>>> = arrivals.iter().map(|_| None).collect();
        let (mut ids, mut audited, mut pending) = (Vec::new(), Vec::new(), 0);
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        for ((organization, indexes), batch) in groups.iter().zip(&mut batches) {
            let terms = self.terms_if_new();
            let account = unit.interaction_account_writer().open(organization, &terms, now).await?;
            let fitting = fitting(arrivals, indexes, &account, &mut answers);
            if fitting.is_empty() {
                continue;
            }
            let subjects = subjects(arrivals, &fitting);
            if !self.vault().make_subjects(&mut unit, &mut batch.keys, &subjects, now).await? {
                unit.rollback().await?;
                return Ok(None);
            }
            let accepted = self.insert(&mut unit, organization, batch, (arrivals, &fitting), now).await?;
            for (index, accepted) in fitting.into_iter().zip(accepted) {
                match &arrivals[index].found {
                    Some(found) => {
                        audited.push(self.sealed(batch, &of_arrival(arrivals[index], &accepted.id), found)?);
                        ids.push(accepted.id.clone());
                    }
                    None => pending += 1,
                }
                answers[index] = Some(Ok(accepted));
            }
        }
        let mut finished = Finished::default();
        if !audited.is_empty() {
            finished = unit.interaction_queue_writer().finish(&audited, &[], now).await?;
            self.announce(&mut unit, &finished, ids.iter().zip(&audited)).await?;
        }
        if let (Some((caller, once)), Some(Some(Ok(accepted)))) = (once, answers.first()) {
            once.seal(&mut unit, caller, &accepted.id.to_string(), accepted).await?;
        }
        unit.commit().await?;
        self.count_ended(&finished, &audited);
        self.backlog().add(pending);
        Ok(Some(answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(lost()))).collect()))
    }

    /// Charges an organization's submissions and writes them.
    async fn insert(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        batch: &Batch,
        (arrivals, fitting): (&[&Arrival], &[usize]),
        now: Timestamp,
    ) -> Result<Vec<Accepted>, AppError> {
        let chosen = || fitting.iter().map(|index| arrivals[*index]);
        let tokens = chosen().map(|arrival| u64::from(arrival.tokens)).sum();
        let actor = chosen().next().map_or("system", |arrival| arrival.actor.as_str());
        let charge = Charge { submissions: fitting.len() as u64, tokens, actor };
        let first = unit.interaction_account_writer().charge(organization, &charge, now).await?;
        let (mut rows, mut accepted) = (Vec::with_capacity(fitting.len()), Vec::with_capacity(fitting.len()));
        for (number, arrival) in (first..).zip(chosen()) {
            let id = SubmissionId { number, letters: letters(self.0.random.as_ref())? };
            rows.push(row(arrival, &id, &batch.keys, self.0.random.as_ref())?);
            accepted.push(Accepted { id, received_at: arrival.received_at, tokens: arrival.tokens });
        }
        unit.interaction_writer().insert(organization, first, &rows).await?;
        Ok(accepted)
    }
}

/// Which interaction an arrival became.
fn of_arrival<'a>(arrival: &'a Arrival, id: &'a SubmissionId) -> Of<'a> {
    Of { organization: &arrival.organization, id, subject: arrival.submission.subject.as_deref() }
}

fn lost() -> AppError {
    AppError::internal("a submission got no answer")
}

/// The distinct subjects of some arrivals.
fn subjects<'a>(arrivals: &[&'a Arrival], indexes: &[usize]) -> Vec<&'a str> {
    distinct(indexes.iter().filter_map(|index| arrivals[*index].submission.subject.as_deref()))
}

/// Those that the account affords, first come first served; the others get their refusal.
fn fitting(
    arrivals: &[&Arrival],
    indexes: &[usize],
    account: &InteractionAccount,
    answers: &mut [Option<Result<Accepted, AppError>>],
) -> Vec<usize> {
    let (mut tokens, mut fitting) = (0, Vec::with_capacity(indexes.len()));
    for index in indexes {
        let with = tokens + u64::from(arrivals[*index].tokens);
        if account.affords(with) {
            tokens = with;
            fitting.push(*index);
        } else {
            answers[*index] = Some(Err(match account.plan {
                Plan::None => AppError::NoSubscription,
                Plan::Free | Plan::Premium | Plan::Unlimited => AppError::InsufficientTokens,
            }));
        }
    }
    fitting
}

/// The row of a submission, its texts sealed.
fn row(
    arrival: &Arrival,
    id: &SubmissionId,
    keys: &BatchKeys,
    random: &dyn Random,
) -> Result<NewInteraction, AppError> {
    let submission = &arrival.submission;
    let named = id.to_string();
    let place = Place {
        organization: &arrival.organization,
        purpose: CONTENT,
        id: &named,
        subject: submission.subject.as_deref(),
    };
    let content = keys.seal(random, &place, &Content::of(submission).to_bytes())?;
    Ok(NewInteraction {
        letters: id.letters.clone(),
        received_at: arrival.received_at,
        occurred_at: submission.occurred_at,
        subject: submission.subject.clone(),
        session: submission.session.clone(),
        client_user: submission.client_user.clone(),
        company: submission.company.clone(),
        use_case: submission.use_case.clone(),
        model_version: submission.model_version.clone(),
        input_country: country_code(&submission.input.country).unwrap_or_default(),
        output_country: country_code(&submission.output.country).unwrap_or_default(),
        tokens: u64::from(arrival.tokens),
        content,
    })
}
