//! Times the durable half of interactions: `cargo run --release -p assize-store --example accepts -- TARGET`, where TARGET
//! is a folder that does not exist yet (SQLite) or the URL of an empty PostgreSQL database.
//!
//! First submissions are accepted in groups of 64 with sealed contents of 400 bytes, one committed unit a group, as the
//! server's group commit does; then their audits are finished in batches of 256 with results of 1,500 bytes; then both at
//! once. Prints rows a second, and how long the slowest unit of each took.

#![expect(clippy::print_stdout, reason = "prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::time::{Duration, Instant};

use assize_store::interaction_accounts::{Charge, Plan, PlanTerms};
use assize_store::interaction_queue::{AuditedInteraction, PendingPage};
use assize_store::interactions::{ComplianceStatus, NewInteraction};
use assize_store::{Error, OrganizationId, Store, StoreSettings};
use jiff::{SignedDuration, Timestamp};

const GROUP: u64 = 64;
const BATCH: u32 = 256;
const CONTENT_BYTES: usize = 400;
const RESULT_BYTES: usize = 1_500;
const SUBMISSIONS: u64 = 200_000;
const TERMS: PlanTerms = PlanTerms { plan: Plan::Unlimited, monthly_grant: 0 };

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "accepts-data".to_owned());
    let postgres = target.contains("://");
    let database_url = if postgres { target.clone() } else { format!("sqlite://{target}/assize.db") };
    let objects_url = match postgres {
        true => std::env::temp_dir().join("accepts-objects").display().to_string(),
        false => format!("{target}/objects"),
    };
    let settings = StoreSettings { database_url, objects_url, object_options: Vec::new(), migrate: true };
    let store = Store::open(&settings, at(0)).await?;

    report("accepted", SUBMISSIONS, accept(&store, SUBMISSIONS).await?);
    report("audited", SUBMISSIONS, audit(&store, SUBMISSIONS).await?);
    let half = SUBMISSIONS / 2;
    let accepting = {
        let store = store.clone();
        tokio::spawn(async move { accept(&store, half).await })
    };
    report("audited beside", half, audit(&store, half).await?);
    match accepting.await {
        Ok(took) => report("accepted beside", half, took?),
        Err(stopped) => println!("accepting stopped: {stopped}"),
    }
    store.close().await;
    Ok(())
}

/// How long it took, and the longest of its units.
#[derive(Clone, Copy)]
struct Took {
    all: Duration,
    longest: Duration,
}

fn report(what: &str, count: u64, took: Took) {
    let rate = count as f64 / took.all.as_secs_f64();
    println!("{what:>16}: {rate:>9.0} a second, longest unit {:.1} ms{}", took.longest.as_secs_f64() * 1e3, cpu());
}

/// CPU time of this process so far, where the system tells it: what a busy machine does not distort much.
fn cpu() -> String {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return String::new() };
    // After the name in brackets, fields 12 and 13 are user and system time in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let seconds = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    format!(", CPU so far {:.2} s user, {:.2} s system", seconds(11), seconds(12))
}

async fn accept(store: &Store, count: u64) -> Result<Took, Error> {
    let public = OrganizationId::public();
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    for group in 0..count / GROUP {
        let unit_begun = Instant::now();
        let now = at(group * 4);
        let new: Vec<_> = (0..GROUP).map(|n| submission(group * GROUP + n, now)).collect();
        let mut unit = store.begin().await?;
        let account = unit.interaction_account_writer().open(&public, &TERMS, now).await?;
        assert!(account.affords(GROUP * 60));
        let charge = Charge { submissions: GROUP, tokens: GROUP * 60, actor: "key_1" };
        let first = unit.interaction_account_writer().charge(&public, &charge, now).await?;
        unit.interaction_writer().insert(&public, first, &new).await?;
        unit.commit().await?;
        longest = longest.max(unit_begun.elapsed());
    }
    Ok(Took { all: begun.elapsed(), longest })
}

async fn audit(store: &Store, count: u64) -> Result<Took, Error> {
    let (begun, mut longest, mut done) = (Instant::now(), Duration::ZERO, 0);
    let page = PendingPage { limit: BATCH, ..PendingPage::default() };
    while done < count / GROUP * GROUP {
        let unit_begun = Instant::now();
        // On PostgreSQL they are read in the unit, so that they are this worker's; on SQLite beside it.
        let mut unit = if store.is_shared() { Some(store.begin().await?) } else { None };
        let pending = match &mut unit {
            Some(unit) => unit.interaction_queue().pending(&page).await?,
            None => store.interaction_queue().pending(&page).await?,
        };
        if pending.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let audited: Vec<_> =
            pending.into_iter().map(|one| audited((one.organization, one.interaction.number))).collect();
        let mut unit = match unit {
            Some(unit) => unit,
            None => store.begin().await?,
        };
        done += unit.interaction_queue_writer().finish(&audited, &[], at(done)).await?.audited.len() as u64;
        unit.commit().await?;
        longest = longest.max(unit_begun.elapsed());
    }
    Ok(Took { all: begun.elapsed(), longest })
}

fn at(millis: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_millis(1_790_000_000_000 + i64::try_from(millis).unwrap_or(0))
}

/// Bytes that no compression shortens.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(count).collect()
}

fn submission(n: u64, now: Timestamp) -> NewInteraction {
    NewInteraction {
        letters: "abcde".to_owned(),
        received_at: now,
        occurred_at: now,
        subject: Some(format!("internal_user_{:05}", n % 5_000)),
        session: Some(format!("session_{:06}", n % 50_000)),
        client_user: "user_12345".to_owned(),
        company: "Example Corp".to_owned(),
        use_case: "Customer Support".to_owned(),
        model_version: Some("gpt-4-turbo".to_owned()),
        input_country: "DE".to_owned(),
        output_country: "global".to_owned(),
        tokens: 60,
        content: noise(n, CONTENT_BYTES),
    }
}

fn audited(key: (OrganizationId, u64)) -> AuditedInteraction {
    let n = key.1;
    AuditedInteraction {
        key,
        status: ComplianceStatus::Review,
        risk: 34,
        entities: vec!["EMAIL".to_owned(), "PERSON".to_owned()],
        regulations: vec!["gdpr".to_owned(), "eu_ai_act".to_owned()],
        words: noise(n, 64),
        result: noise(n + 1, RESULT_BYTES),
    }
}
