//! Who may submit how many tokens: an account per organization, and the ledger of everything that changed it.
//!
//! [`InteractionAccounts::open`] takes the account's row until the unit ends, so whoever holds it decides alone what
//! fits, and [`InteractionAccounts::charge`] takes numbers and tokens for a whole group of submissions at once. The
//! ledger is append-only: nothing here changes or deletes an entry, and, except under [`Plan::Unlimited`], the balance
//! after an entry is the balance before it and the entry's tokens. No balance is ever negative.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::AssertSqlSafe;

use crate::backend::many_rows::{ManyRows, chunks};
use crate::backend::query::{Row, Sql, sql};
use crate::backend::{On, dialect};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most entries in one page of the ledger.
pub const PAGE_ENTRIES_MAX: u32 = 1_000;

/// Most tokens of a balance or a grant: sums stay exact on every database.
pub const BALANCE_TOKENS_MAX: u64 = 1_000_000_000_000_000;

/// What an organization may submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plan {
    /// Nothing.
    None,
    /// What its balance allows; once a month the balance is brought up to the grant.
    Free,
    /// What its balance allows.
    Premium,
    /// Everything; the balance stays as it is.
    Unlimited,
}

impl Plan {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Free, Self::Premium, Self::Unlimited];

    /// The plan as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Free => "free",
            Self::Premium => "premium",
            Self::Unlimited => "unlimited",
        }
    }

    /// Reads a plan; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == text)
    }
}

/// An organization's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractionAccount {
    /// What it may submit.
    pub plan: Plan,
    /// Tokens left; means nothing under [`Plan::Unlimited`].
    pub balance: u64,
    /// Tokens charged and not refunded, ever.
    pub used: u64,
    /// Number of the next submission, from 1.
    pub next_number: u64,
    /// Number of the next ledger entry, from 1.
    pub next_entry: u64,
    /// Tokens that [`Plan::Free`] is brought up to once a month.
    pub monthly_grant: u64,
    /// Month of the last grant as `202611`, UTC; 0 before the first.
    pub granted_month: u32,
    /// When a plan, a grant, a purchase or a charge last changed it.
    pub updated_at: Timestamp,
}

impl InteractionAccount {
    /// Whether so many tokens can be charged.
    #[must_use]
    pub fn affords(&self, tokens: u64) -> bool {
        match self.plan {
            Plan::None => false,
            Plan::Free | Plan::Premium => tokens <= self.balance,
            Plan::Unlimited => true,
        }
    }
}

/// A plan and its grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanTerms {
    /// What may be submitted.
    pub plan: Plan,
    /// Tokens a month under [`Plan::Free`], at most [`BALANCE_TOKENS_MAX`].
    pub monthly_grant: u64,
}

/// Submissions that are charged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge<'a> {
    /// How many, at least 1.
    pub submissions: u64,
    /// The tokens of all of them.
    pub tokens: u64,
    /// Who, for the ledger.
    pub actor: &'a str,
}

/// Why a balance changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// The month's tokens of [`Plan::Free`].
    Grant,
    /// Submissions.
    Charge,
    /// A submission whose audit failed for good.
    Refund,
    /// Tokens were bought or given.
    Purchase,
    /// Another plan; no tokens.
    Plan,
}

impl EntryKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Grant, Self::Charge, Self::Refund, Self::Purchase, Self::Plan];

    /// The kind as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Purchase => "purchase",
            Self::Plan => "plan",
        }
    }

    /// Reads a kind; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its number, from 1, dense per organization.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub kind: EntryKind,
    /// What the organization got, or with a minus sign gave.
    pub tokens: i64,
    /// The balance after it.
    pub balance: u64,
    /// The first and the last submission that it is about.
    pub submissions: Option<(u64, u64)>,
    /// Who: an actor of the audit trail.
    pub actor: String,
    /// A word for people.
    pub note: String,
}

const ACCOUNT: &str = "plan, balance, used, next_number, next_entry, monthly_grant, granted_month, updated_at";

static INSERT_ENTRIES: ManyRows = ManyRows::new(
    "INSERT INTO ledger_entries (organization_id, entry, at, kind, tokens, balance, first_number, last_number, actor,
         note) VALUES ",
    10,
    "",
);

/// The accounts and their ledger.
pub struct InteractionAccounts<'a> {
    on: On<'a>,
}

impl<'a> InteractionAccounts<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The organization's account; `None` before it was first opened.
    pub async fn find(&mut self, organization: &OrganizationId) -> Result<Option<InteractionAccount>, Error> {
        let select =
            sql(AssertSqlSafe(format!("SELECT {ACCOUNT} FROM interaction_accounts WHERE organization_id = $1")));
        self.on.read_one(select.bind(organization.as_str())).await?.as_ref().map(account).transpose()
    }

    /// The ledger, the newest entry first, before entry `before`; at most `limit` and [`PAGE_ENTRIES_MAX`].
    pub async fn entries(
        &mut self,
        organization: &OrganizationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, Error> {
        let select = sql("SELECT entry, at, kind, tokens, balance, first_number, last_number, actor, note
             FROM ledger_entries WHERE organization_id = $1 AND ($2 IS NULL OR entry < $2)
             ORDER BY entry DESC LIMIT $3");
        let select = select.bind(organization.as_str()).bind(before).bind(limit.min(PAGE_ENTRIES_MAX));
        self.on.read(select).await?.iter().map(ledger_entry).collect()
    }
}

/// The accounts, to be changed; only to be had inside a unit.
pub struct InteractionAccountWriter<'a> {
    on: On<'a>,
}

impl<'a> InteractionAccountWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The organization's account, kept from all other units until this one ends. One that is not there yet is made on
    /// the terms given, and a grant that is due is made.
    pub async fn open(
        &mut self,
        organization: &OrganizationId,
        terms_if_new: &PlanTerms,
        now: Timestamp,
    ) -> Result<InteractionAccount, Error> {
        let account = match self.lock(organization).await? {
            Some(account) => account,
            None => self.make(organization, terms_if_new, now).await?,
        };
        let month = month_of(now);
        if account.plan == Plan::Free && account.granted_month < month {
            return self.grant(organization, &account, month, now).await;
        }
        Ok(account)
    }

    /// Takes numbers and tokens for submissions that follow each other, with one entry of the ledger. Answers the first
    /// number. An account that does not afford it is an [`Error::Conflict`]: ask [`InteractionAccount::affords`] first.
    pub async fn charge(
        &mut self,
        organization: &OrganizationId,
        charge: &Charge<'_>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        if charge.submissions == 0 {
            return Err(Error::NotStorable { what: "a charge for no submission".to_owned() });
        }
        let update = sql("UPDATE interaction_accounts SET next_number = next_number + $2, next_entry = next_entry + 1,
                 used = used + $3, balance = CASE WHEN plan = 'unlimited' THEN balance ELSE balance - $3 END,
                 updated_at = $4
             WHERE organization_id = $1 AND (plan = 'unlimited' OR (plan <> 'none' AND balance >= $3))
             RETURNING next_number, next_entry, balance")
        .bind(organization.as_str())
        .bind(charge.submissions)
        .bind(tokens_checked(charge.tokens)?)
        .bind(now);
        let row = self.on.write_one(update).await?;
        let row = row.ok_or_else(|| Error::conflict(format!("{organization} does not afford what is charged")))?;
        let next = row.count("next_number")?;
        let entry = LedgerEntry {
            entry: row.count("next_entry")?.saturating_sub(1),
            at: now,
            kind: EntryKind::Charge,
            tokens: -i64::try_from(charge.tokens).unwrap_or(i64::MAX),
            balance: row.count("balance")?,
            submissions: Some((next.saturating_sub(charge.submissions), next.saturating_sub(1))),
            actor: charge.actor.to_owned(),
            note: String::new(),
        };
        append(&mut self.on, organization, &[entry]).await?;
        Ok(next - charge.submissions)
    }

    /// Puts the account on other terms; the balance stays. `None` if there is no account.
    pub async fn set_plan(
        &mut self,
        organization: &OrganizationId,
        terms: &PlanTerms,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<InteractionAccount>, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE interaction_accounts SET plan = $2, monthly_grant = $3, next_entry = next_entry + 1, updated_at = $4
             WHERE organization_id = $1 RETURNING {ACCOUNT}"
        )))
        .bind(organization.as_str())
        .bind(terms.plan.as_str())
        .bind(tokens_checked(terms.monthly_grant)?)
        .bind(now);
        let Some(row) = self.on.write_one(update).await? else { return Ok(None) };
        let account = account(&row)?;
        self.note(organization, &account, EntryKind::Plan, 0, (actor, terms.plan.as_str())).await?;
        Ok(Some(account))
    }

    /// Adds tokens that were bought or given. `None` if there is no account; a balance beyond [`BALANCE_TOKENS_MAX`] is
    /// an [`Error::Conflict`].
    pub async fn add_tokens(
        &mut self,
        organization: &OrganizationId,
        tokens: u64,
        (actor, note): (&str, &str),
        now: Timestamp,
    ) -> Result<Option<InteractionAccount>, Error> {
        let Some(account) = self.lock(organization).await? else { return Ok(None) };
        let tokens = tokens_checked(tokens)?;
        if account.balance.saturating_add(tokens) > BALANCE_TOKENS_MAX {
            return Err(Error::conflict(format!("a balance of more than {BALANCE_TOKENS_MAX} tokens")));
        }
        let account = self.set_balance(organization, account.balance + tokens, account.granted_month, now).await?;
        let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
        self.note(organization, &account, EntryKind::Purchase, tokens, (actor, note)).await?;
        Ok(Some(account))
    }

    async fn lock(&mut self, organization: &OrganizationId) -> Result<Option<InteractionAccount>, Error> {
        let keep = dialect::keep_row_from_others(self.on.is_postgres());
        let select =
            sql(AssertSqlSafe(format!("SELECT {ACCOUNT} FROM interaction_accounts WHERE organization_id = $1{keep}")));
        self.on.read_one(select.bind(organization.as_str())).await?.as_ref().map(account).transpose()
    }

    /// Makes the account, or waits for another unit that makes it.
    async fn make(
        &mut self,
        organization: &OrganizationId,
        terms: &PlanTerms,
        now: Timestamp,
    ) -> Result<InteractionAccount, Error> {
        let insert = sql(AssertSqlSafe(format!(
            "INSERT INTO interaction_accounts (organization_id, plan, balance, used, next_number, next_entry,
                 monthly_grant, granted_month, updated_at)
             VALUES ($1, $2, 0, 0, 1, 2, $3, 0, $4) ON CONFLICT (organization_id) DO NOTHING RETURNING {ACCOUNT}"
        )))
        .bind(organization.as_str())
        .bind(terms.plan.as_str())
        .bind(tokens_checked(terms.monthly_grant)?)
        .bind(now);
        if let Some(row) = self.on.write_one(insert).await? {
            let account = account(&row)?;
            self.note(organization, &account, EntryKind::Plan, 0, ("system", terms.plan.as_str())).await?;
            return Ok(account);
        }
        self.lock(organization).await?.ok_or_else(|| Error::corrupt("an account that is there was not found"))
    }

    /// Brings the balance up to the month's grant. What is left of purchases is not taken away.
    async fn grant(
        &mut self,
        organization: &OrganizationId,
        account: &InteractionAccount,
        month: u32,
        now: Timestamp,
    ) -> Result<InteractionAccount, Error> {
        let balance = account.balance.max(account.monthly_grant);
        let granted = i64::try_from(balance - account.balance).unwrap_or(i64::MAX);
        let account = self.set_balance(organization, balance, month, now).await?;
        self.note(organization, &account, EntryKind::Grant, granted, ("system", &month.to_string())).await?;
        Ok(account)
    }

    /// Sets the balance of an account that this unit has locked, and takes an entry's number for it.
    async fn set_balance(
        &mut self,
        organization: &OrganizationId,
        balance: u64,
        granted_month: u32,
        now: Timestamp,
    ) -> Result<InteractionAccount, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE interaction_accounts SET balance = $2, granted_month = $3, next_entry = next_entry + 1,
                 updated_at = $4
             WHERE organization_id = $1 RETURNING {ACCOUNT}"
        )));
        let update = update.bind(organization.as_str()).bind(balance).bind(granted_month).bind(now);
        let row = self.on.write_one(update).await?;
        account(&row.ok_or_else(|| Error::corrupt("a locked account is gone"))?)
    }

    /// Writes the entry whose number was just taken.
    async fn note(
        &mut self,
        organization: &OrganizationId,
        account: &InteractionAccount,
        kind: EntryKind,
        tokens: i64,
        (actor, note): (&str, &str),
    ) -> Result<(), Error> {
        let entry = LedgerEntry {
            entry: account.next_entry.saturating_sub(1),
            at: account.updated_at,
            kind,
            tokens,
            balance: account.balance,
            submissions: None,
            actor: actor.to_owned(),
            note: note.to_owned(),
        };
        append(&mut self.on, organization, &[entry]).await
    }
}

/// A submission whose tokens go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) number: u64,
    pub(crate) tokens: u64,
    /// Why.
    pub(crate) code: String,
}

/// Gives tokens back, with an entry for each submission. The caller sees to it that each comes once.
pub(crate) async fn refund(
    on: &mut On<'_>,
    organization: &OrganizationId,
    refunds: &[Refund],
    now: Timestamp,
) -> Result<(), Error> {
    let tokens: u64 = refunds.iter().map(|refund| refund.tokens).sum();
    let update = sql("UPDATE interaction_accounts SET next_entry = next_entry + $2, used = used - $3,
             balance = CASE WHEN plan = 'unlimited' THEN balance ELSE balance + $3 END, updated_at = $4
         WHERE organization_id = $1 RETURNING plan, next_entry, balance")
    .bind(organization.as_str())
    .bind(refunds.len() as u64)
    .bind(tokens)
    .bind(now);
    let row = on.write_one(update).await?.ok_or_else(|| Error::corrupt("an interaction without an account"))?;
    let bounded = stored(Plan::parse, &row.get::<String>("plan")?)? != Plan::Unlimited;
    let mut balance = row.count("balance")?;
    if bounded {
        balance = balance.saturating_sub(tokens);
    }
    let first = row.count("next_entry")?.saturating_sub(refunds.len() as u64);
    let entries = (first..).zip(refunds).map(|(entry, refund)| {
        if bounded {
            balance += refund.tokens;
        }
        LedgerEntry {
            entry,
            at: now,
            kind: EntryKind::Refund,
            tokens: i64::try_from(refund.tokens).unwrap_or(i64::MAX),
            balance,
            submissions: Some((refund.number, refund.number)),
            actor: "system".to_owned(),
            note: refund.code.clone(),
        }
    });
    append(on, organization, &entries.collect::<Vec<_>>()).await
}

async fn append(on: &mut On<'_>, organization: &OrganizationId, entries: &[LedgerEntry]) -> Result<(), Error> {
    for chunk in chunks(entries) {
        let insert = chunk.iter().fold(INSERT_ENTRIES.sql(on, chunk.len()), |sql: Sql, entry| {
            sql.bind(organization.as_str())
                .bind(entry.entry)
                .bind(entry.at)
                .bind(entry.kind.as_str())
                .bind(entry.tokens)
                .bind(entry.balance)
                .bind(entry.submissions.map(|(first, _)| first))
                .bind(entry.submissions.map(|(_, last)| last))
                .bind(entry.actor.as_str())
                .bind(entry.note.as_str())
        });
        on.write(insert).await?;
    }
    Ok(())
}

fn tokens_checked(tokens: u64) -> Result<u64, Error> {
    if tokens > BALANCE_TOKENS_MAX {
        return Err(Error::NotStorable { what: format!("{tokens} tokens") });
    }
    Ok(tokens)
}

/// The month as `202611`, UTC.
fn month_of(now: Timestamp) -> u32 {
    let date = now.to_zoned(TimeZone::UTC).date();
    u32::try_from(date.year()).unwrap_or(0) * 100 + u32::from(date.month().unsigned_abs())
}

fn account(row: &Row) -> Result<InteractionAccount, Error> {
    let month = row.count("granted_month")?;
    Ok(InteractionAccount {
        plan: stored(Plan::parse, &row.get::<String>("plan")?)?,
        balance: row.count("balance")?,
        used: row.count("used")?,
        next_number: row.count("next_number")?,
        next_entry: row.count("next_entry")?,
        monthly_grant: row.count("monthly_grant")?,
        granted_month: u32::try_from(month).map_err(|_| Error::corrupt(format!("column granted_month: {month}")))?,
        updated_at: row.time("updated_at")?,
    })
}

fn ledger_entry(row: &Row) -> Result<LedgerEntry, Error> {
    Ok(LedgerEntry {
        entry: row.count("entry")?,
        at: row.time("at")?,
        kind: stored(EntryKind::parse, &row.get::<String>("kind")?)?,
        tokens: row.get("tokens")?,
        balance: row.count("balance")?,
        submissions: row.count_or_none("first_number")?.zip(row.count_or_none("last_number")?),
        actor: row.get("actor")?,
        note: row.get("note")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parse_as_they_print() {
        assert!(Plan::ALL.into_iter().all(|plan| Plan::parse(plan.as_str()) == Some(plan)));
        assert!(EntryKind::ALL.into_iter().all(|kind| EntryKind::parse(kind.as_str()) == Some(kind)));
        assert_eq!((Plan::parse("gold"), EntryKind::parse("")), (None, None));
    }

    #[test]
    fn months_end_at_midnight_utc() {
        assert_eq!(month_of("2026-11-30T23:59:59Z".parse().unwrap()), 202_611);
        assert_eq!(month_of("2026-12-01T00:00:00Z".parse().unwrap()), 202_612);
    }
}
