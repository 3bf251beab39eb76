//! Plans and tokens: what an organization may submit, what it has used, and every line of its account.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::Duration;

use assize_store::interaction_accounts::{
    Charge, EntryKind, InteractionAccount, LedgerEntry, PAGE_ENTRIES_MAX, Plan, PlanTerms,
};
pub use assize_store::interaction_usage::Usage as UsageSums;
use assize_store::interaction_usage::day_of;
use assize_store::{OrganizationId, Store};
use jiff::Timestamp;
use serde_json::json;

use super::super::App;
use super::super::caller::{Caller, Permission};
use super::super::error::AppError;
use crate::config::InteractionPlan;

pub use assize_store::interaction_accounts::{InteractionAccount as AccountRecord, LedgerEntry as LedgerLine};

/// How long a plan that was read is believed where it only decides which refusal comes first; what is charged is
/// decided by the account itself.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Plans remembered at once.
const REMEMBERED_MAX: usize = 10_000;

/// Plans read lately, with the time on the stopwatch.
#[derive(Default)]
pub(super) struct KnownPlans(Mutex<HashMap<OrganizationId, (Plan, Duration)>>);

/// A change of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanChange {
    /// Another plan, with the tokens a month of the free one.
    Plan(Plan, u64),
    /// More tokens.
    Tokens(u64),
}

/// Usage of a span of days, in three ways.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageReport {
    /// First and last day, UTC.
    pub days: (jiff::civil::Date, jiff::civil::Date),
    /// By day.
    pub by_day: Vec<(jiff::civil::Date, UsageSums)>,
    /// By version of the client's model; empty when none was named.
    pub by_model: Vec<(String, UsageSums)>,
    /// By `user_id`.
    pub by_user: Vec<(String, UsageSums)>,
}

impl App {
    /// The terms of an organization that has no account yet.
    pub(super) fn terms_if_new(&self) -> PlanTerms {
        let settings = &self.config().interactions;
        let plan = match settings.default_plan {
            InteractionPlan::None => Plan::None,
            InteractionPlan::Free => Plan::Free,
            InteractionPlan::Premium => Plan::Premium,
            InteractionPlan::Unlimited => Plan::Unlimited,
        };
        PlanTerms { plan, monthly_grant: settings.free_tokens_a_month }
    }

    /// The plan of an organization, as read within the last second.
    pub(super) async fn known_plan(&self, organization: &OrganizationId) -> Result<Plan, AppError> {
        let now = self.clock().steady();
        let known = self.remembered_plans().get(organization).copied();
        if let Some((plan, read_at)) = known
            && now.saturating_sub(read_at) < BELIEVED_FOR
        {
            return Ok(plan);
        }
        let account = self.store().interaction_accounts().find(organization).await?;
        let plan = account.map_or_else(|| self.terms_if_new().plan, |account| account.plan);
        let mut remembered = self.remembered_plans();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(organization.clone(), (plan, now));
        Ok(plan)
    }

    fn remembered_plans(&self) -> std::sync::MutexGuard<'_, HashMap<OrganizationId, (Plan, Duration)>> {
        self.0.interactions.plans.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Charges what is not kept in the log.
    pub(super) async fn charge_alone(&self, caller: &Caller, submissions: u64, tokens: u64) -> Result<(), AppError> {
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let account = unit.interaction_account_writer().open(&caller.organization, &self.terms_if_new(), now).await?;
        if !account.affords(tokens) {
            // A grant that fell due with the question stays.
            unit.commit().await?;
            return Err(if account.plan == Plan::None {
                AppError::NoSubscription
            } else {
                AppError::InsufficientTokens
            });
        }
        let charge = Charge { submissions, tokens, actor: caller.actor.as_str() };
        unit.interaction_account_writer().charge(&caller.organization, &charge, now).await?;
        Ok(unit.commit().await?)
    }

    /// The organization's account as it stands; one that was never used has the terms of a new one.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn interaction_account(&self, caller: &Caller) -> Result<InteractionAccount, AppError> {
        caller.require(Permission::Read)?;
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let account = unit.interaction_account_writer().open(&caller.organization, &self.terms_if_new(), now).await?;
        unit.commit().await?;
        Ok(account)
    }

    /// Lines of the account, the newest first, before line `before`.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn ledger(&self, caller: &Caller, before: Option<u64>, limit: u32) -> Result<Vec<LedgerLine>, AppError> {
        caller.require(Permission::Read)?;
        Ok(self.store().interaction_accounts().entries(&caller.organization, before, limit).await?)
    }

    /// Changes an account: for whoever runs the installation.
    ///
    /// # Errors
    /// `Forbidden` for anybody else; `Conflict` for a balance beyond all bounds.
    pub async fn change_plan(
        &self,
        operator: &Caller,
        organization: &OrganizationId,
        change: PlanChange,
    ) -> Result<InteractionAccount, AppError> {
        super::super::installation_wide(operator)?;
        let unknown = || AppError::NotFound { what: "organization", id: organization.to_string() };
        let (now, actor) = (self.clock().now(), operator.actor.as_str());
        let mut unit = self.store().begin().await?;
        unit.organizations().find(organization).await?.ok_or_else(unknown)?;
        let before = unit.interaction_account_writer().open(organization, &self.terms_if_new(), now).await?;
        let mut accounts = unit.interaction_account_writer();
        let account = match change {
            PlanChange::Plan(plan, monthly_grant) => {
                accounts.set_plan(organization, &PlanTerms { plan, monthly_grant }, actor, now).await?
            }
            PlanChange::Tokens(tokens) => accounts.add_tokens(organization, tokens, (actor, ""), now).await?,
        };
        let account = account.ok_or_else(unknown)?;
        // A plan that grants does so at once.
        let account = match account.plan {
            Plan::Free => unit.interaction_account_writer().open(organization, &self.terms_if_new(), now).await?,
            Plan::None | Plan::Premium | Plan::Unlimited => account,
        };
        let detail = json!({
            "before": { "plan": before.plan.as_str(), "balance": before.balance },
            "after": { "plan": account.plan.as_str(), "balance": account.balance },
        });
        let event = operator.event(now, "plan.change", organization.as_str(), detail);
        unit.audit_writer().append(organization, &event).await?;
        unit.commit().await?;
        self.remembered_plans().remove(organization);
        Ok(account)
    }

    /// What was used from the first to the last of some days.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn usage(
        &self,
        caller: &Caller,
        days: (jiff::civil::Date, jiff::civil::Date),
    ) -> Result<UsageReport, AppError> {
        caller.require(Permission::Read)?;
        let span = day_number(days.0)?..=day_number(days.1)?;
        let mut usage = self.store().interaction_usage();
        let by_day = usage.by_day(&caller.organization, span.clone()).await?;
        let by_model = self.store().interaction_usage().by_model(&caller.organization, span.clone()).await?;
        let by_user = self.by_user(caller, span).await?;
        let by_day = by_day.into_iter().map(|(day, usage)| Ok((day_of_number(day)?, usage)));
        Ok(UsageReport { days, by_day: by_day.collect::<Result<_, AppError>>()?, by_model, by_user })
    }

    async fn by_user(&self, caller: &Caller, span: RangeInclusive<i64>) -> Result<Vec<(String, UsageSums)>, AppError> {
        Ok(self.store().interaction_usage().by_client_user(&caller.organization, span).await?)
    }
}

fn day_number(day: jiff::civil::Date) -> Result<i64, AppError> {
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(AppError::internal)?;
    Ok(day_of(start.timestamp()))
}

fn day_of_number(day: i64) -> Result<jiff::civil::Date, AppError> {
    let start = Timestamp::from_second(day.saturating_mul(86_400)).map_err(AppError::internal)?;
    Ok(start.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Holds every line of a ledger against the one before it and the newest against the account: numbers dense, balances and
/// sums exact, every submission charged once. Answers how many lines; `None` without an account.
pub(in super::super) async fn check_ledger(
    store: &Store,
    organization: &OrganizationId,
) -> Result<Option<u64>, String> {
    let said = |error: assize_store::Error| AppError::from(error).to_string();
    let Some(account) = store.interaction_accounts().find(organization).await.map_err(said)? else { return Ok(None) };
    let wrong = |entry: u64, what: &str| format!("ledger of {organization}, entry {entry}: {what}");
    let (mut next_entry, mut next_number, mut used) = (account.next_entry, account.next_number, 0_i128);
    let mut newer: Option<LedgerEntry> = None;
    loop {
        let page = store.interaction_accounts().entries(organization, Some(next_entry), PAGE_ENTRIES_MAX).await;
        let page = page.map_err(said)?;
        let last_page = page.len() < PAGE_ENTRIES_MAX as usize;
        for entry in page {
            if entry.entry + 1 != next_entry {
                return Err(wrong(next_entry - 1, "is missing"));
            }
            next_entry = entry.entry;
            let fits = match &newer {
                None => entry.balance == account.balance,
                Some(newer) => follows(newer, &entry),
            };
            if !fits {
                return Err(wrong(entry.entry, "its balance does not lead to what follows"));
            }
            if matches!(entry.kind, EntryKind::Charge | EntryKind::Refund) {
                used -= i128::from(entry.tokens);
            }
            if let (EntryKind::Charge, Some((first, last))) = (entry.kind, entry.submissions) {
                if last + 1 != next_number || first > last {
                    return Err(wrong(entry.entry, "its submissions are not those before the next ones"));
                }
                next_number = first;
            }
            newer = Some(entry);
        }
        if last_page {
            break;
        }
    }
    if next_entry != 1 || next_number != 1 {
        return Err(wrong(1, "the first lines are missing"));
    }
    if used != i128::from(account.used) {
        return Err(format!("ledger of {organization}: adds up to {used} tokens, the account says {}", account.used));
    }
    Ok(Some(account.next_entry.saturating_sub(1)))
}

/// Whether a line can follow another. Under the unlimited plan charges and refunds leave the balance alone.
fn follows(newer: &LedgerEntry, older: &LedgerEntry) -> bool {
    let unmetered = matches!(newer.kind, EntryKind::Charge | EntryKind::Refund) && newer.balance == older.balance;
    unmetered || i128::from(newer.balance) == i128::from(older.balance) + i128::from(newer.tokens)
}
