//! What assistants said, as their organization sees it: submitted, found again, listed, erased.
//!
//! A submission is a row, numbered and charged by [`crate::interaction_accounts`] in the unit that inserts it. Workers
//! audit it ([`crate::interaction_queue`]): a pending row becomes audited or failed, once. What was said and what was
//! found in it are sealed bytes to the store; what lists are filtered by stands in columns of its own.
//!
//! Erasing takes everything that a person said or that says who it was, and leaves the row, so that numbers stay dense
//! and the ledger stays explained.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::many_rows::{ManyRows, chunks};
use crate::backend::query::{Row, Sql, Value, sql};
use crate::backend::{On, Signal};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most interactions in one page of a list.
pub const PAGE_INTERACTIONS_MAX: u32 = 1_000;

/// Most of them when contents or results are asked for.
pub const PAGE_INTERACTION_BODIES_MAX: u32 = 100;

/// Most interactions that a tally counts.
pub const TALLY_INTERACTIONS_MAX: u32 = 100_000;

/// Most interactions erased or deleted at once.
pub const ERASE_INTERACTIONS_MAX: u32 = 1_000;

/// A submission to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInteraction {
    /// The random letters of its id.
    pub letters: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When it was said, as the client says.
    pub occurred_at: Timestamp,
    /// The person who spoke, by the client's id; whom an erasure names.
    pub subject: Option<String>,
    /// The conversation, by the client's id.
    pub session: Option<String>,
    /// The client's own user.
    pub client_user: String,
    /// The company that runs the assistant.
    pub company: String,
    /// What the assistant is for.
    pub use_case: String,
    /// The model that answered.
    pub model_version: Option<String>,
    /// Where the input came from.
    pub input_country: String,
    /// Where the output went.
    pub output_country: String,
    /// What was charged for it.
    pub tokens: u64,
    /// Input and output, sealed.
    pub content: Vec<u8>,
}

/// Where an interaction is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InteractionState {
    /// Waits for its audit.
    Pending,
    /// Audited.
    Audited,
    /// Could not be audited; its tokens went back.
    Failed,
    /// Its person was erased.
    Erased,
}

impl InteractionState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Audited, Self::Failed, Self::Erased];

    /// The state as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Audited => "audited",
            Self::Failed => "failed",
            Self::Erased => "erased",
        }
    }

    /// Reads a state; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What an audit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComplianceStatus {
    /// Fully Compliant.
    Compliant,
    /// Review Needed.
    Review,
    /// Non-Compliant.
    NonCompliant,
}

impl ComplianceStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Compliant, Self::Review, Self::NonCompliant];

    /// The status as stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Review => "review",
            Self::NonCompliant => "non_compliant",
        }
    }

    /// Reads a status; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// An interaction as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// Its number, from 1, dense per organization.
    pub number: u64,
    /// The random letters of its id.
    pub letters: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When it was said, as the client says.
    pub occurred_at: Timestamp,
    /// The person who spoke; `None` if unknown or erased.
    pub subject: Option<String>,
    /// The conversation; `None` if unknown or erased.
    pub session: Option<String>,
    /// The client's own user; `None` once erased.
    pub client_user: Option<String>,
    /// The company that runs the assistant.
    pub company: String,
    /// What the assistant is for.
    pub use_case: String,
    /// The model that answered.
    pub model_version: Option<String>,
    /// Where the input came from.
    pub input_country: String,
    /// Where the output went.
    pub output_country: String,
    /// What was charged for it.
    pub tokens: u64,
    /// Where it is in its life.
    pub state: InteractionState,
    /// Audits that were noted as begun, see [`crate::interaction_queue::InteractionQueue::note_attempts`].
    pub attempts: u32,
    /// When the audit ended, or failed for good.
    pub audited_at: Option<Timestamp>,
    /// What the audit came to.
    pub status: Option<ComplianceStatus>,
    /// Risk in tenths, 0 to 100.
    pub risk: Option<u8>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Types of personal data and secrets found; empty once erased.
    pub entities: Vec<String>,
    /// Regulations that it may violate; empty once erased.
    pub regulations: Vec<String>,
    /// Signature of its words for searching; only if asked for.
    pub words: Option<Vec<u8>>,
    /// Input and output, sealed; only if asked for, `None` once erased.
    pub content: Option<Vec<u8>>,
    /// What the audit found, sealed; only if asked for, `None` before the audit and once erased.
    pub result: Option<Vec<u8>>,
}

/// Which interactions to list; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InteractionFilter {
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// Only this submission.
    pub number: Option<u64>,
    /// Only this person's.
    pub subject: Option<String>,
    /// Only of this client's user.
    pub client_user: Option<String>,
    /// Only of this conversation.
    pub session: Option<String>,
    /// Only of this model.
    pub model_version: Option<String>,
    /// Only for this purpose.
    pub use_case: Option<String>,
    /// Only with this country on either side.
    pub country: Option<String>,
    /// Only what came to this.
    pub status: Option<ComplianceStatus>,
    /// Only in this state.
    pub state: Option<InteractionState>,
    /// Only audited ones of this risk or more, in tenths.
    pub risk_min: Option<u8>,
    /// Only audited ones of this risk or less, in tenths.
    pub risk_max: Option<u8>,
    /// Only those in which this type was found.
    pub entity: Option<String>,
    /// Only those that may violate this regulation.
    pub regulation: Option<String>,
}

/// What some interactions came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InteractionTally {
    /// How many were counted.
    pub counted: u64,
    /// Of these, fully compliant.
    pub compliant: u64,
    /// Of these, to be reviewed.
    pub review: u64,
    /// Of these, not compliant.
    pub non_compliant: u64,
    /// Waiting for their audit.
    pub pending: u64,
    /// Failed.
    pub failed: u64,
    /// Erased.
    pub erased: u64,
}

/// The long parts of interactions that are to be read too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// The signature of the words.
    pub words: bool,
    /// The sealed content.
    pub content: bool,
    /// The sealed result.
    pub result: bool,
}

impl Parts {
    /// All of them.
    pub const ALL: Self = Self { words: true, content: true, result: true };

    /// The columns of an interaction, with NULL for parts that are not asked for.
    pub(crate) fn columns(self) -> String {
        let parts = [(self.words, "words"), (self.content, "content"), (self.result, "result")];
        // PostgreSQL would take a bare NULL for text.
        let part = |(asked, column)| match asked {
            true => format!(", {column}"),
            false => format!(", CAST(NULL AS BYTEA) AS {column}"),
        };
        LIGHT.to_owned() + &parts.map(part).concat()
    }
}

const LIGHT: &str = "number, letters, received_at, occurred_at, subject, session, client_user, company, use_case, \
    model_version, input_country, output_country, tokens, state, attempts, audited_at, status, risk, failure, \
    entities, regulations";

static INSERT: ManyRows = ManyRows::new(
    "INSERT INTO interactions (organization_id, number, letters, received_at, occurred_at, subject, session,
         client_user, company, use_case, model_version, input_country, output_country, tokens, content, state, attempts)
     VALUES ",
    17,
    "",
);

/// The interactions of an organization.
pub struct Interactions<'a> {
    on: On<'a>,
}

impl<'a> Interactions<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The interaction with this number, with all its parts.
    pub async fn find(&mut self, organization: &OrganizationId, number: u64) -> Result<Option<Interaction>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {LIGHT}, words, content, result FROM interactions WHERE organization_id = $1 AND number = $2"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(number)).await?;
        row.as_ref().map(interaction).transpose()
    }

    /// Interactions that the filter lets through, the newest first, before number `before`; at most `limit` and
    /// [`PAGE_INTERACTIONS_MAX`], with contents or results [`PAGE_INTERACTION_BODIES_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        filter: &InteractionFilter,
        before: Option<u64>,
        parts: Parts,
        limit: u32,
    ) -> Result<Vec<Interaction>, Error> {
        let limit_max = if parts.content || parts.result { PAGE_INTERACTION_BODIES_MAX } else { PAGE_INTERACTIONS_MAX };
        let select = filtered(organization, filter, before, parts, limit.min(limit_max));
        self.on.read(select).await?.iter().map(interaction).collect()
    }

    /// What the newest interactions that the filter lets through came to, of at most `limit` and
    /// [`TALLY_INTERACTIONS_MAX`]. An erased one counts as erased alone.
    pub async fn tally(
        &mut self,
        organization: &OrganizationId,
        filter: &InteractionFilter,
        limit: u32,
    ) -> Result<InteractionTally, Error> {
        let (conditions, values) = conditions(organization, filter, None);
        let limit = limit.min(TALLY_INTERACTIONS_MAX);
        let select = sql(AssertSqlSafe(format!(
            "SELECT state, status, COUNT(*) AS n FROM (
                 SELECT state, status FROM interactions WHERE {conditions} ORDER BY number DESC LIMIT {limit}) AS newest
             GROUP BY state, status"
        )));
        let mut tally = InteractionTally::default();
        for row in self.on.read(select.bind_all(values)).await? {
            let count = row.count("n")?;
            let status: Option<String> = row.get("status")?;
            tally.counted += count;
            let state = stored(InteractionState::parse, &row.get::<String>("state")?)?;
            match (state, status.map(|status| stored(ComplianceStatus::parse, &status)).transpose()?) {
                (InteractionState::Pending, _) => tally.pending += count,
                (InteractionState::Failed, _) => tally.failed += count,
                (InteractionState::Erased, _) => tally.erased += count,
                (InteractionState::Audited, Some(ComplianceStatus::Compliant)) => tally.compliant += count,
                (InteractionState::Audited, Some(ComplianceStatus::Review)) => tally.review += count,
                (InteractionState::Audited, Some(ComplianceStatus::NonCompliant)) => tally.non_compliant += count,
                (InteractionState::Audited, None) => {
                    return Err(Error::corrupt("an audited interaction has no status"));
                }
            }
        }
        Ok(tally)
    }

    /// Erases what a person said and what says who it was, at most [`ERASE_INTERACTIONS_MAX`] interactions; those that
    /// are pending will not be audited. Answers how many; call again while that is the maximum.
    pub async fn erase_subject(&mut self, organization: &OrganizationId, subject: &str) -> Result<u64, Error> {
        let update =
            sql("UPDATE interactions SET state = 'erased', subject = NULL, session = NULL, client_user = NULL,
                 entities = NULL, regulations = NULL, words = NULL, content = NULL, result = NULL
             WHERE organization_id = $1 AND subject = $2 AND number IN (
                 SELECT number FROM interactions WHERE organization_id = $1 AND subject = $2 ORDER BY number LIMIT $3)
             RETURNING number");
        let update = update.bind(organization.as_str()).bind(subject).bind(ERASE_INTERACTIONS_MAX);
        Ok(self.on.write(update).await?.len() as u64)
    }

    /// Deletes interactions that came before `cutoff` and are not pending, the oldest first, at most `limit` and
    /// [`ERASE_INTERACTIONS_MAX`]. Answers how many; call again while that is the maximum.
    pub async fn delete_older_than(
        &mut self,
        organization: &OrganizationId,
        cutoff: Timestamp,
        limit: u32,
    ) -> Result<u64, Error> {
        let delete = sql("DELETE FROM interactions WHERE organization_id = $1 AND state <> 'pending' AND number IN (
                 SELECT number FROM interactions WHERE organization_id = $1 AND received_at < $2
                     AND state <> 'pending' ORDER BY received_at LIMIT $3)
             RETURNING number");
        let delete = delete.bind(organization.as_str()).bind(cutoff).bind(limit.min(ERASE_INTERACTIONS_MAX));
        Ok(self.on.write(delete).await?.len() as u64)
    }
}

/// New interactions; only to be had inside the unit that charges for them.
pub struct InteractionWriter<'a> {
    on: On<'a>,
}

impl<'a> InteractionWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps submissions under `first_number` and those that follow it, which
    /// [`crate::interaction_accounts::InteractionAccountWriter::charge`] gave. Who waits for interactions is woken when
    /// the unit commits.
    pub async fn insert(
        &mut self,
        organization: &OrganizationId,
        first_number: u64,
        new: &[NewInteraction],
    ) -> Result<(), Error> {
        let mut number = first_number;
        for chunk in chunks(new) {
            let insert = (number..).zip(chunk).fold(INSERT.sql(&self.on, chunk.len()), |sql: Sql, (number, new)| {
                sql.bind(organization.as_str())
                    .bind(number)
                    .bind(new.letters.as_str())
                    .bind(new.received_at)
                    .bind(new.occurred_at)
                    .bind(new.subject.as_deref())
                    .bind(new.session.as_deref())
                    .bind(new.client_user.as_str())
                    .bind(new.company.as_str())
                    .bind(new.use_case.as_str())
                    .bind(new.model_version.as_deref())
                    .bind(new.input_country.as_str())
                    .bind(new.output_country.as_str())
                    .bind(new.tokens)
                    .bind(new.content.as_slice())
                    .bind(InteractionState::Pending.as_str())
                    .bind(0_i64)
            });
            self.on.write(insert).await?;
            number += chunk.len() as u64;
        }
        self.on.signal(Signal::Interactions).await
    }
}

/// The statement of a list.
fn filtered(
    organization: &OrganizationId,
    filter: &InteractionFilter,
    before: Option<u64>,
    parts: Parts,
    limit: u32,
) -> Sql {
    let (conditions, values) = conditions(organization, filter, before);
    let columns = parts.columns();
    let text = format!("SELECT {columns} FROM interactions WHERE {conditions} ORDER BY number DESC LIMIT {limit}");
    sql(AssertSqlSafe(text)).bind_all(values)
}

/// Only conditions that were asked for, so that the database can use an index for them, and the values they bind.
fn conditions(organization: &OrganizationId, filter: &InteractionFilter, before: Option<u64>) -> (String, Vec<Value>) {
    let mut conditions = String::from("organization_id = $1");
    let mut values = vec![Value::from(organization.as_str())];
    let mut only = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            conditions.push_str(" AND ");
            conditions.push_str(&condition.replace('?', &format!("${}", values.len())));
        }
    };
    let text = |value: &Option<String>| value.as_deref().map(Value::from);
    only("number < ?", before.map(Value::from));
    only("number = ?", filter.number.map(Value::from));
    only("received_at >= ?", filter.since.map(Value::from));
    only("received_at < ?", filter.until.map(Value::from));
    only("subject = ?", text(&filter.subject));
    only("client_user = ?", text(&filter.client_user));
    only("session = ?", text(&filter.session));
    only("model_version = ?", text(&filter.model_version));
    only("use_case = ?", text(&filter.use_case));
    only("(input_country = ? OR output_country = ?)", text(&filter.country));
    only("status = ?", filter.status.map(|status| Value::from(status.as_str())));
    only("state = ?", filter.state.map(|state| Value::from(state.as_str())));
    only("risk >= ?", filter.risk_min.map(|risk| Value::from(u32::from(risk))));
    only("risk <= ?", filter.risk_max.map(|risk| Value::from(u32::from(risk))));
    // What is left when the word is taken out; LIKE ignores case on one database only.
    let word = |value: &Option<String>| value.as_ref().map(|word| Value::from(format!(",{word},").as_str()));
    only("REPLACE(entities, ?, '') <> entities", word(&filter.entity));
    only("REPLACE(regulations, ?, '') <> regulations", word(&filter.regulation));
    (conditions, values)
}

/// Words as one text that can be searched for one of them: `,EMAIL,PERSON,`; `None` without words.
pub(crate) fn joined(words: &[String]) -> Result<Option<String>, Error> {
    if let Some(bad) = words.iter().find(|word| word.is_empty() || word.contains(',')) {
        return Err(Error::NotStorable { what: format!("{bad:?} as one word of several") });
    }
    Ok((!words.is_empty()).then(|| format!(",{},", words.join(","))))
}

fn split(text: Option<&str>) -> Vec<String> {
    text.into_iter().flat_map(|text| text.split(',')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

pub(crate) fn interaction(row: &Row) -> Result<Interaction, Error> {
    let (attempts, risk) = (row.count("attempts")?, row.count_or_none("risk")?);
    let status: Option<String> = row.get("status")?;
    Ok(Interaction {
        number: row.count("number")?,
        letters: row.get("letters")?,
        received_at: row.time("received_at")?,
        occurred_at: row.time("occurred_at")?,
        subject: row.get("subject")?,
        session: row.get("session")?,
        client_user: row.get("client_user")?,
        company: row.get("company")?,
        use_case: row.get("use_case")?,
        model_version: row.get("model_version")?,
        input_country: row.get("input_country")?,
        output_country: row.get("output_country")?,
        tokens: row.count("tokens")?,
        state: stored(InteractionState::parse, &row.get::<String>("state")?)?,
        attempts: u32::try_from(attempts).map_err(|_| Error::corrupt(format!("column attempts: {attempts}")))?,
        audited_at: row.time_or_none("audited_at")?,
        status: status.map(|status| stored(ComplianceStatus::parse, &status)).transpose()?,
        risk: risk.map(u8::try_from).transpose().map_err(|_| Error::corrupt(format!("column risk: {risk:?}")))?,
        failure: row.get("failure")?,
        entities: split(row.get::<Option<String>>("entities")?.as_deref()),
        regulations: split(row.get::<Option<String>>("regulations")?.as_deref()),
        words: row.get("words")?,
        content: row.get("content")?,
        result: row.get("result")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parse_as_they_print() {
        assert!(InteractionState::ALL.into_iter().all(|state| InteractionState::parse(state.as_str()) == Some(state)));
        assert!(ComplianceStatus::ALL.into_iter().all(|s| ComplianceStatus::parse(s.as_str()) == Some(s)));
        assert_eq!((InteractionState::parse("done"), ComplianceStatus::parse("Review Needed")), (None, None));
    }

    #[test]
    fn joined_words_come_apart_again() {
        let words = ["EMAIL", "PERSON"].map(str::to_owned);
        assert_eq!(joined(&words).unwrap().as_deref(), Some(",EMAIL,PERSON,"));
        assert_eq!(split(joined(&words).unwrap().as_deref()), words);
        assert_eq!(split(None), [""; 0]);
        for bad in ["", "A,B"] {
            assert!(matches!(joined(&[bad.to_owned()]), Err(Error::NotStorable { .. })), "{bad}");
        }
    }
}
