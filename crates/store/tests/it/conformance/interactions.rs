//! Interactions from their charge to their erasure.

use std::collections::BTreeMap;

use assize_store::interaction_accounts::{Charge, EntryKind, InteractionAccount, Plan, PlanTerms};
use assize_store::interaction_queue::{AuditedInteraction, FailedInteraction, Finished, PendingPage};
use assize_store::interactions::{
    ComplianceStatus, ERASE_INTERACTIONS_MAX, Interaction, InteractionFilter, InteractionState, InteractionTally,
    NewInteraction, PAGE_INTERACTION_BODIES_MAX, Parts,
};
use assize_store::{Error, OrganizationId, Store};
use jiff::Timestamp;

use crate::harness::{at, new_interaction, other, public};

const UNLIMITED: PlanTerms = PlanTerms { plan: Plan::Unlimited, monthly_grant: 0 };
const FREE: PlanTerms = PlanTerms { plan: Plan::Free, monthly_grant: 100 };
const PREMIUM: PlanTerms = PlanTerms { plan: Plan::Premium, monthly_grant: 0 };

async fn open(store: &Store, organization: &OrganizationId, terms: &PlanTerms, now: Timestamp) -> InteractionAccount {
    let mut unit = store.begin().await.unwrap();
    let account = unit.interaction_account_writer().open(organization, terms, now).await.unwrap();
    unit.commit().await.unwrap();
    account
}

async fn add_tokens(store: &Store, tokens: u64, now: Timestamp) {
    let mut unit = store.begin().await.unwrap();
    let added =
        unit.interaction_account_writer().add_tokens(&public(), tokens, ("usr_1", "bought"), now).await.unwrap();
    assert!(added.is_some());
    unit.commit().await.unwrap();
}

/// Submits for an organization in one unit; answers the first number.
async fn submit_for(store: &Store, organization: &OrganizationId, new: &[NewInteraction]) -> u64 {
    let now = new.last().unwrap().received_at;
    let mut unit = store.begin().await.unwrap();
    let charge = Charge { submissions: new.len() as u64, tokens: new.iter().map(|n| n.tokens).sum(), actor: "key_1" };
    let mut accounts = unit.interaction_account_writer();
    accounts.open(organization, &UNLIMITED, now).await.unwrap();
    let first = accounts.charge(organization, &charge, now).await.unwrap();
    unit.interaction_writer().insert(organization, first, new).await.unwrap();
    unit.commit().await.unwrap();
    first
}

async fn submit(store: &Store, new: &[NewInteraction]) -> u64 {
    submit_for(store, &public(), new).await
}

fn audited(number: u64, status: ComplianceStatus, risk: u8) -> AuditedInteraction {
    AuditedInteraction {
        key: (public(), number),
        status,
        risk,
        entities: vec!["EMAIL".to_owned(), "PERSON".to_owned()],
        regulations: vec!["gdpr".to_owned()],
        words: vec![1, 0, 255],
        result: b"found\0".to_vec(),
    }
}

fn failed(number: u64) -> FailedInteraction {
    FailedInteraction { key: (public(), number), code: "too_slow".to_owned() }
}

async fn finish(
    store: &Store,
    audited: &[AuditedInteraction],
    failed: &[FailedInteraction],
    now: Timestamp,
) -> Finished {
    let mut unit = store.begin().await.unwrap();
    let finished = unit.interaction_queue_writer().finish(audited, failed, now).await.unwrap();
    unit.commit().await.unwrap();
    finished
}

async fn account(store: &Store) -> InteractionAccount {
    store.interaction_accounts().find(&public()).await.unwrap().unwrap()
}

async fn find(store: &Store, number: u64) -> Interaction {
    store.interactions().find(&public(), number).await.unwrap().unwrap()
}

async fn pending(store: &Store) -> Vec<u64> {
    let page = PendingPage { limit: 999, ..PendingPage::default() };
    let pending = store.interaction_queue().pending(&page).await.unwrap();
    pending.into_iter().map(|one| one.interaction.number).collect()
}

pub(crate) async fn accounts_are_made_on_the_terms_given(store: Store) {
    assert_eq!(store.interaction_accounts().find(&public()).await.unwrap(), None);
    let mut unit = store.begin().await.unwrap();
    let mut accounts = unit.interaction_account_writer();
    assert_eq!(accounts.set_plan(&public(), &FREE, "usr_1", at(1)).await.unwrap(), None);
    assert_eq!(accounts.add_tokens(&public(), 5, ("usr_1", ""), at(1)).await.unwrap(), None);
    unit.commit().await.unwrap();

    let made = open(&store, &public(), &PREMIUM, at(1)).await;
    assert_eq!((made.plan, made.balance, made.used, made.next_number), (Plan::Premium, 0, 0, 1));
    assert_eq!(open(&store, &public(), &FREE, at(2)).await, made, "one that is there keeps its terms");
    let other = other(&store).await;
    assert_eq!(store.interaction_accounts().find(&other).await.unwrap(), None);
    let nobody = OrganizationId::parse("org_nobody").unwrap();
    let mut unit = store.begin().await.unwrap();
    let refused = unit.interaction_account_writer().open(&nobody, &FREE, at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

pub(crate) async fn grants_come_once_a_month_and_take_nothing_away(store: Store) {
    let november: Timestamp = "2026-11-30T23:59:59Z".parse().unwrap();
    let december: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    let january: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let first = open(&store, &public(), &FREE, november).await;
    assert_eq!((first.balance, first.granted_month), (100, 202_611));
    submit(&store, &[NewInteraction { tokens: 70, received_at: november, ..new_interaction(1) }]).await;
    assert_eq!(open(&store, &public(), &FREE, november).await.balance, 30);
    let next = open(&store, &public(), &FREE, december).await;
    assert_eq!((next.balance, next.granted_month), (100, 202_612), "brought up to the grant, not added to");
    assert_eq!(open(&store, &public(), &FREE, november).await, next, "a clock that is set back grants nothing");
    add_tokens(&store, 900, december).await;
    assert_eq!(open(&store, &public(), &FREE, january).await.balance, 1_000, "what was bought stays");

    let entries = store.interaction_accounts().entries(&public(), None, 99).await.unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (e.entry, e.kind, e.tokens, e.balance)).collect();
    use EntryKind::{Charge, Grant, Plan, Purchase};
    assert_eq!(
        seen,
        [
            (6, Grant, 0, 1_000),
            (5, Purchase, 900, 1_000),
            (4, Grant, 70, 100),
            (3, Charge, -70, 30),
            (2, Grant, 100, 100),
            (1, Plan, 0, 0)
        ]
    );
    assert_eq!(entries[3].submissions, Some((1, 1)));
    assert_eq!((entries[1].actor.as_str(), entries[1].note.as_str()), ("usr_1", "bought"));
    assert_eq!(entries[0].note, "202701");
}

pub(crate) async fn nothing_is_charged_that_is_not_there(store: Store) {
    open(&store, &public(), &PREMIUM, at(1)).await;
    add_tokens(&store, 25, at(2)).await;
    let charge = async |submissions: u64, tokens: u64| {
        let mut unit = store.begin().await.unwrap();
        let charge = Charge { submissions, tokens, actor: "key_1" };
        let charged = unit.interaction_account_writer().charge(&public(), &charge, at(3)).await;
        unit.commit().await.unwrap();
        charged
    };
    assert!(matches!(charge(1, 26).await, Err(Error::Conflict { .. })));
    assert!(matches!(charge(0, 1).await, Err(Error::NotStorable { .. })));
    assert_eq!(charge(3, 25).await.unwrap(), 1);
    assert!(matches!(charge(1, 1).await, Err(Error::Conflict { .. })));
    assert_eq!(charge(1, 0).await.unwrap(), 4);
    let left = account(&store).await;
    assert_eq!((left.balance, left.used, left.next_number), (0, 25, 5));
    assert!(left.affords(0) && !left.affords(1));

    let mut unit = store.begin().await.unwrap();
    let mut accounts = unit.interaction_account_writer();
    let none = accounts.set_plan(&public(), &PlanTerms { plan: Plan::None, ..FREE }, "usr_1", at(4)).await.unwrap();
    assert!(!none.unwrap().affords(0));
    let charge = Charge { submissions: 1, tokens: 0, actor: "key_1" };
    assert!(accounts.charge(&public(), &charge, at(5)).await.is_err());
    let unlimited = accounts.set_plan(&public(), &UNLIMITED, "usr_1", at(6)).await.unwrap().unwrap();
    assert!(unlimited.affords(u64::MAX));
    let charge = Charge { submissions: 1, tokens: 1_000, actor: "key_1" };
    assert_eq!(accounts.charge(&public(), &charge, at(7)).await.unwrap(), 5);
    let too_many = accounts.add_tokens(&public(), u64::MAX, ("usr_1", ""), at(8)).await;
    assert!(matches!(too_many, Err(Error::NotStorable { .. })), "{too_many:?}");
    unit.commit().await.unwrap();
    assert_eq!((account(&store).await.balance, account(&store).await.used), (0, 1_025));
    let newest = store.interaction_accounts().entries(&public(), None, 2).await.unwrap();
    assert_eq!((newest[0].tokens, newest[0].balance, newest[1].note.as_str()), (-1_000, 0, "unlimited"));
    let before = store.interaction_accounts().entries(&public(), Some(3), 99).await.unwrap();
    assert_eq!(before.iter().map(|e| e.entry).collect::<Vec<_>>(), [2, 1]);
}

pub(crate) async fn submissions_come_back_as_they_were_kept(store: Store) {
    let full = NewInteraction {
        subject: Some("person 1".to_owned()),
        session: Some("s".to_owned()),
        model_version: Some("m-1".to_owned()),
        ..new_interaction(5)
    };
    assert_eq!(submit(&store, &[new_interaction(4), full]).await, 1);
    let kept = find(&store, 2).await;
    assert_eq!((kept.number, kept.state, kept.attempts, kept.tokens), (2, InteractionState::Pending, 0, 10));
    assert_eq!((kept.received_at, kept.occurred_at), (at(5), at(-4)));
    assert_eq!((kept.subject.as_deref(), kept.session.as_deref()), (Some("person 1"), Some("s")));
    assert_eq!(kept.content.as_deref(), Some(&b"sealed\0"[..]));
    assert_eq!((kept.status, kept.result, kept.words, kept.audited_at), (None, None, None, None));

    let ending = audited(2, ComplianceStatus::Review, 34);
    let finished = finish(&store, &[ending], &[], at(9)).await;
    assert_eq!((finished.audited, finished.failed), (vec![(public(), 2)], vec![]));
    let kept = find(&store, 2).await;
    assert_eq!((kept.state, kept.audited_at), (InteractionState::Audited, Some(at(9))));
    assert_eq!((kept.status, kept.risk), (Some(ComplianceStatus::Review), Some(34)));
    assert_eq!((kept.entities.join(" "), kept.regulations.join(" ")), ("EMAIL PERSON".to_owned(), "gdpr".to_owned()));
    assert_eq!(kept.result.as_deref(), Some(&b"found\0"[..]));
    assert_eq!(kept.words.as_deref(), Some(&[1, 0, 255][..]));
    assert_eq!(kept.content.as_deref(), Some(&b"sealed\0"[..]));
    let other = other(&store).await;
    assert_eq!(store.interactions().find(&other, 2).await.unwrap(), None);
    let comma = AuditedInteraction { entities: vec!["A,B".to_owned()], ..audited(1, ComplianceStatus::Review, 0) };
    let mut unit = store.begin().await.unwrap();
    let refused = unit.interaction_queue_writer().finish(&[comma], &[], at(9)).await;
    assert!(matches!(refused, Err(Error::NotStorable { .. })), "{refused:?}");
}

/// Three statements of 128, 64 and some: every length of a chunk is reached.
pub(crate) async fn large_groups_are_numbered_without_gaps(store: Store) {
    let new: Vec<_> = (0..255).map(new_interaction).collect();
    assert_eq!(submit(&store, &new).await, 1);
    assert_eq!(submit(&store, &new[..1]).await, 256);
    let mut numbers = pending(&store).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=256).collect::<Vec<u64>>());
    let endings: Vec<_> = (1..=255).map(|number| audited(number, ComplianceStatus::Compliant, 1)).collect();
    assert_eq!(finish(&store, &endings, &[], at(999)).await.audited.len(), 255);
    assert_eq!(pending(&store).await, [256]);
    let refused = submit_at_taken_number(&store).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

async fn submit_at_taken_number(store: &Store) -> Result<(), Error> {
    let mut unit = store.begin().await.unwrap();
    unit.interaction_writer().insert(&public(), 7, &[new_interaction(1)]).await
}

pub(crate) async fn lists_filter_and_page(store: Store) {
    let one = new_interaction(1);
    let two = NewInteraction {
        subject: Some("p".to_owned()),
        session: Some("s".to_owned()),
        model_version: Some("m".to_owned()),
        ..new_interaction(2)
    };
    let three = NewInteraction {
        input_country: "FR".to_owned(),
        output_country: "DE".to_owned(),
        client_user: "user_2".to_owned(),
        use_case: "Lending".to_owned(),
        ..new_interaction(3)
    };
    submit(&store, &[one, two, three, new_interaction(4)]).await;
    let found = AuditedInteraction {
        entities: vec!["EMAIL".to_owned()],
        regulations: vec!["eu_ai_act".to_owned(), "gdpr".to_owned()],
        ..audited(2, ComplianceStatus::NonCompliant, 90)
    };
    finish(&store, &[found, audited(1, ComplianceStatus::Compliant, 10)], &[failed(4)], at(9)).await;
    let list = async |filter: InteractionFilter| -> Vec<u64> {
        let page = store.interactions().list(&public(), &filter, None, Parts::default(), 9).await.unwrap();
        page.into_iter().map(|one| one.number).collect()
    };
    let any = InteractionFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(list(any()).await, [4, 3, 2, 1]);
    assert_eq!(list(InteractionFilter { since: Some(at(2)), until: Some(at(4)), ..any() }).await, [3, 2]);
    assert_eq!(list(InteractionFilter { number: Some(3), ..any() }).await, [3]);
    assert_eq!(list(InteractionFilter { subject: text("p"), ..any() }).await, [2]);
    assert_eq!(list(InteractionFilter { client_user: text("user_2"), ..any() }).await, [3]);
    assert_eq!(list(InteractionFilter { session: text("s"), ..any() }).await, [2]);
    assert_eq!(list(InteractionFilter { model_version: text("m"), ..any() }).await, [2]);
    assert_eq!(list(InteractionFilter { use_case: text("Lending"), ..any() }).await, [3]);
    assert_eq!(list(InteractionFilter { country: text("DE"), ..any() }).await, [4, 3, 2, 1]);
    assert_eq!(list(InteractionFilter { country: text("FR"), ..any() }).await, [3]);
    assert_eq!(list(InteractionFilter { status: Some(ComplianceStatus::NonCompliant), ..any() }).await, [2]);
    assert_eq!(list(InteractionFilter { state: Some(InteractionState::Failed), ..any() }).await, [4]);
    assert_eq!(list(InteractionFilter { risk_min: Some(10), ..any() }).await, [2, 1]);
    assert_eq!(list(InteractionFilter { risk_min: Some(11), risk_max: Some(90), ..any() }).await, [2]);
    assert_eq!(list(InteractionFilter { risk_max: Some(89), ..any() }).await, [1]);
    assert_eq!(list(InteractionFilter { entity: text("EMAIL"), ..any() }).await, [2, 1]);
    assert_eq!(list(InteractionFilter { entity: text("PERSON"), ..any() }).await, [1]);
    for part in ["email", "MAIL", "E%", "EMAI_"] {
        assert_eq!(list(InteractionFilter { entity: text(part), ..any() }).await, [0; 0], "{part}");
    }
    assert_eq!(list(InteractionFilter { regulation: text("eu_ai_act"), ..any() }).await, [2]);

    let page =
        async |parts: Parts| store.interactions().list(&public(), &any(), Some(3), parts, 1).await.unwrap().remove(0);
    let light = page(Parts::default()).await;
    assert_eq!((light.number, &light.content, &light.result, &light.words), (2, &None, &None, &None));
    assert_eq!(page(Parts::ALL).await, find(&store, 2).await);
    let words = page(Parts { words: true, ..Parts::default() }).await;
    assert_eq!((words.words.is_some(), words.content), (true, None));
    let other = other(&store).await;
    assert!(store.interactions().list(&other, &any(), None, Parts::ALL, 9).await.unwrap().is_empty());
    let many: Vec<_> = (0..150).map(new_interaction).collect();
    submit(&store, &many).await;
    let longest = store.interactions().list(&public(), &any(), None, Parts::ALL, 999).await.unwrap();
    assert_eq!(longest.len(), PAGE_INTERACTION_BODIES_MAX as usize);
}

pub(crate) async fn tallies_count_the_newest_of_a_filter(store: Store) {
    let erased = NewInteraction { subject: Some("p".to_owned()), ..new_interaction(1) };
    let rest = [2, 3, 4, 5, 6].map(new_interaction);
    submit(&store, &[[erased].as_slice(), &rest].concat()).await;
    let found = [
        audited(1, ComplianceStatus::NonCompliant, 90),
        audited(2, ComplianceStatus::Compliant, 0),
        audited(3, ComplianceStatus::Review, 30),
        audited(4, ComplianceStatus::NonCompliant, 70),
    ];
    finish(&store, &found, &[failed(5)], at(9)).await;
    store.interactions().erase_subject(&public(), "p").await.unwrap();
    let tally =
        async |filter: InteractionFilter, limit| store.interactions().tally(&public(), &filter, limit).await.unwrap();
    let any = InteractionFilter::default;
    let all =
        InteractionTally { counted: 6, pending: 1, failed: 1, erased: 1, compliant: 1, review: 1, non_compliant: 1 };
    assert_eq!(tally(any(), 9).await, all);
    let newest =
        InteractionTally { counted: 3, pending: 1, failed: 1, non_compliant: 1, ..InteractionTally::default() };
    assert_eq!(tally(any(), 3).await, newest);
    let risky = InteractionTally { counted: 1, non_compliant: 1, ..InteractionTally::default() };
    assert_eq!(tally(InteractionFilter { risk_min: Some(50), risk_max: Some(80), ..any() }, 9).await, risky);
    let other = other(&store).await;
    assert_eq!(store.interactions().tally(&other, &any(), 9).await.unwrap(), InteractionTally::default());
}

pub(crate) async fn pending_ones_come_by_their_time(store: Store) {
    let other = other(&store).await;
    submit(&store, &[new_interaction(5), new_interaction(7)]).await;
    submit_for(&store, &other, &[new_interaction(6)]).await;
    let page = async |page: PendingPage<'_>| {
        let mut unit = store.begin().await.unwrap();
        let read = unit.interaction_queue().pending(&page).await.unwrap();
        unit.rollback().await.unwrap();
        assert!(read.iter().all(|one| one.interaction.content.as_deref() == Some(&b"sealed\0"[..])));
        read.into_iter().map(|one| (one.organization, one.interaction.number)).collect::<Vec<_>>()
    };
    let all = PendingPage { limit: 9, ..PendingPage::default() };
    assert_eq!(page(all).await, [(public(), 1), (other.clone(), 1), (public(), 2)]);
    assert_eq!(page(PendingPage { limit: 1, ..all }).await, [(public(), 1)]);
    assert_eq!(page(PendingPage { after: Some((at(6), &other, 1)), ..all }).await, [(public(), 2)]);
    assert_eq!(page(PendingPage { received_before: Some(at(6)), ..all }).await, [(public(), 1)]);
    let both = PendingPage { after: Some((at(5), &public(), 1)), received_before: Some(at(7)), limit: 9 };
    assert_eq!(page(both).await, [(other.clone(), 1)]);
    let waiting = store.interaction_queue().waiting().await.unwrap();
    assert_eq!((waiting.count, waiting.oldest_at), (3, Some(at(5))));
    let mut unit = store.begin().await.unwrap();
    unit.interaction_queue_writer().note_attempts(&[(public(), 1), (public(), 9)]).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!((find(&store, 1).await.attempts, find(&store, 2).await.attempts), (1, 0));
    finish(&store, &[audited(1, ComplianceStatus::Review, 0), audited(2, ComplianceStatus::Review, 0)], &[], at(8))
        .await;
    assert_eq!(store.interaction_queue().waiting().await.unwrap().oldest_at, Some(at(6)));
}

pub(crate) async fn audits_end_once(store: Store) {
    open(&store, &public(), &PREMIUM, at(0)).await;
    add_tokens(&store, 30, at(0)).await;
    submit(&store, &[new_interaction(1), new_interaction(2), new_interaction(3)]).await;
    assert_eq!((account(&store).await.balance, account(&store).await.used), (0, 30));
    let first = finish(&store, &[audited(1, ComplianceStatus::Compliant, 5)], &[failed(2), failed(3)], at(9)).await;
    assert_eq!((first.audited.len(), first.failed.len()), (1, 2));
    let after = account(&store).await;
    assert_eq!((after.balance, after.used), (20, 10));
    for _ in 0..2 {
        let audits = [1, 2, 3, 9].map(|number| audited(number, ComplianceStatus::NonCompliant, 99));
        let again = finish(&store, &audits, &[1, 2, 3, 9].map(failed), at(10)).await;
        assert_eq!(again, Finished::default());
    }
    assert_eq!(account(&store).await, after);
    assert_eq!((find(&store, 1).await.risk, find(&store, 2).await.failure.as_deref()), (Some(5), Some("too_slow")));
    let entries = store.interaction_accounts().entries(&public(), None, 3).await.unwrap();
    let mut refunds: Vec<_> = entries[..2].iter().map(|e| (e.submissions, e.tokens, e.note.as_str())).collect();
    refunds.sort_unstable();
    assert_eq!(refunds, [(Some((2, 2)), 10, "too_slow"), (Some((3, 3)), 10, "too_slow")]);
    assert_eq!((entries[0].balance, entries[1].balance, entries[2].balance), (20, 10, 0));
    let days = store.interaction_usage().by_day(&public(), i64::MIN..=i64::MAX).await.unwrap();
    assert_eq!((days[0].1.submissions, days[0].1.failed, days[0].1.tokens, days[0].1.risk_sum), (3, 2, 10, 5));

    // What was rolled back did not end.
    submit_for(&store, &public(), &[NewInteraction { tokens: 0, ..new_interaction(4) }]).await;
    let mut unit = store.begin().await.unwrap();
    let ended = unit.interaction_queue_writer().finish(&[audited(4, ComplianceStatus::Review, 1)], &[], at(11)).await;
    assert_eq!(ended.unwrap().audited.len(), 1);
    unit.rollback().await.unwrap();
    assert_eq!(pending(&store).await, [4]);
}

pub(crate) async fn erased_ones_hold_nothing_and_are_not_audited(store: Store) {
    let theirs = |millis| NewInteraction {
        subject: Some("p".to_owned()),
        session: Some("s".to_owned()),
        ..new_interaction(millis)
    };
    submit(&store, &[theirs(1), new_interaction(2), theirs(3)]).await;
    let other = other(&store).await;
    submit_for(&store, &other, &[theirs(1)]).await;
    finish(&store, &[audited(1, ComplianceStatus::Review, 50)], &[], at(4)).await;
    assert_eq!(store.interactions().erase_subject(&public(), "nobody").await.unwrap(), 0);
    assert_eq!(store.interactions().erase_subject(&public(), "p").await.unwrap(), 2);
    assert_eq!(store.interactions().erase_subject(&public(), "p").await.unwrap(), 0);
    for number in [1, 3] {
        let erased = find(&store, number).await;
        assert_eq!(erased.state, InteractionState::Erased);
        assert_eq!((erased.subject, erased.session, erased.client_user), (None, None, None));
        assert_eq!((erased.content, erased.result, erased.words), (None, None, None));
        assert!(erased.entities.is_empty() && erased.regulations.is_empty());
        assert_eq!(erased.tokens, 10, "the ledger stays explained");
    }
    assert!(find(&store, 2).await.content.is_some());
    assert!(store.interactions().find(&other, 1).await.unwrap().unwrap().content.is_some());
    let late = finish(&store, &[audited(3, ComplianceStatus::Review, 5)], &[failed(3)], at(5)).await;
    assert_eq!(late, Finished::default());
    assert_eq!(find(&store, 3).await.result, None);
    assert_eq!(account(&store).await.used, 30);

    let many: Vec<_> = (0..=i64::from(ERASE_INTERACTIONS_MAX)).map(theirs).collect();
    submit(&store, &many).await;
    assert_eq!(store.interactions().erase_subject(&public(), "p").await.unwrap(), u64::from(ERASE_INTERACTIONS_MAX));
    assert_eq!(store.interactions().erase_subject(&public(), "p").await.unwrap(), 1);
}

pub(crate) async fn old_ones_are_deleted_and_stay_counted(store: Store) {
    submit(&store, &[1, 2, 3, 4].map(new_interaction)).await;
    let audits = [1, 2, 4].map(|number| audited(number, ComplianceStatus::Compliant, 20));
    finish(&store, &audits, &[], at(9)).await;
    let other = other(&store).await;
    assert_eq!(store.interactions().delete_older_than(&other, at(9), 9).await.unwrap(), 0);
    assert_eq!(store.interactions().delete_older_than(&public(), at(4), 1).await.unwrap(), 1);
    assert_eq!(store.interactions().find(&public(), 1).await.unwrap(), None);
    assert_eq!(store.interactions().delete_older_than(&public(), at(4), 9).await.unwrap(), 1);
    assert_eq!(find(&store, 3).await.state, InteractionState::Pending, "what waits for its audit stays");
    assert_eq!(find(&store, 4).await.state, InteractionState::Audited);
    assert_eq!(submit(&store, &[new_interaction(5)]).await, 5, "numbers are not given again");
    let days = store.interaction_usage().by_day(&public(), i64::MIN..=i64::MAX).await.unwrap();
    assert_eq!(days[0].1.submissions, 3);
}

pub(crate) async fn usage_is_counted_by_day_model_and_user(store: Store) {
    let day_ms = 24 * 60 * 60 * 1_000;
    let of = |millis, model: Option<&str>, user: &str| NewInteraction {
        model_version: model.map(str::to_owned),
        client_user: user.to_owned(),
        ..new_interaction(millis)
    };
    let new = [of(1, Some("m"), "a"), of(2, None, "a"), of(3, Some("m"), "b"), of(day_ms, Some("m"), "a")];
    submit(&store, &new).await;
    use ComplianceStatus::{Compliant, NonCompliant, Review};
    // In two units, so that counts are added to what is there.
    finish(&store, &[audited(1, Compliant, 0), audited(3, NonCompliant, 95)], &[], at(9)).await;
    finish(&store, &[audited(4, Review, 40)], &[failed(2)], at(9)).await;
    let today = assize_store::interaction_usage::day_of(at(1));
    let mut usage = store.interaction_usage();
    let days = usage.by_day(&public(), today..=today + 1).await.unwrap();
    assert_eq!(
        days.iter().map(|(day, usage)| (*day, usage.submissions)).collect::<Vec<_>>(),
        [(today, 3), (today + 1, 1)]
    );
    let first = days[0].1;
    assert_eq!((first.compliant, first.review, first.non_compliant, first.failed), (1, 0, 1, 1));
    assert_eq!((first.tokens, first.risk_sum, first.risk_mean()), (20, 95, Some(4.75)));
    assert_eq!(usage.by_day(&public(), today + 1..=today + 9).await.unwrap().len(), 1);
    let sums = |rows: Vec<(String, assize_store::interaction_usage::Usage)>| {
        rows.into_iter().map(|(key, usage)| (key, usage.tokens)).collect::<BTreeMap<_, _>>()
    };
    let models = sums(usage.by_model(&public(), today..=today + 1).await.unwrap());
    assert_eq!(models, BTreeMap::from([(String::new(), 0), ("m".to_owned(), 30)]));
    let users = usage.by_client_user(&public(), today..=today + 1).await.unwrap();
    assert_eq!((users[0].0.as_str(), users[0].1.tokens, users[1].0.as_str()), ("a", 20, "b"));
    let other = other(&store).await;
    assert!(usage.by_day(&other, i64::MIN..=i64::MAX).await.unwrap().is_empty());
}

pub(crate) async fn usage_forgets_a_user_and_keeps_the_sums(store: Store) {
    let of = |model: Option<&str>, user: &str| NewInteraction {
        model_version: model.map(str::to_owned),
        client_user: user.to_owned(),
        ..new_interaction(1)
    };
    submit(&store, &[of(Some("m"), "a"), of(None, "a"), of(Some("m"), ""), of(Some("m"), "b")]).await;
    let all: Vec<_> = (1..=4).map(|number| audited(number, ComplianceStatus::Review, 40)).collect();
    finish(&store, &all, &[], at(9)).await;
    let days = 0..=i64::MAX;
    let before = store.interaction_usage().by_model(&public(), days.clone()).await.unwrap();
    for _ in 0..2 {
        let mut unit = store.begin().await.unwrap();
        unit.interaction_usage().forget_client_user(&public(), "a").await.unwrap();
        unit.interaction_usage().forget_client_user(&public(), "").await.unwrap();
        unit.commit().await.unwrap();
        let users = store.interaction_usage().by_client_user(&public(), days.clone()).await.unwrap();
        let users: Vec<_> = users.iter().map(|(name, usage)| (name.as_str(), usage.submissions)).collect();
        assert_eq!(users, [("", 3), ("b", 1)]);
        assert_eq!(store.interaction_usage().by_model(&public(), days.clone()).await.unwrap(), before);
    }
}

/// Many writers at once: no number twice, none left out, and the ledger adds up.
pub(crate) async fn concurrent_groups_share_numbers_and_tokens_exactly(store: Store) {
    open(&store, &public(), &PREMIUM, at(0)).await;
    add_tokens(&store, 600, at(0)).await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                for turn in 0..10 {
                    let size = (writer + turn) % 3 + 1;
                    let mut unit = store.begin().await.unwrap();
                    let mut accounts = unit.interaction_account_writer();
                    let account = accounts.open(&public(), &PREMIUM, at(1)).await.unwrap();
                    if !account.affords(size * 10) {
                        continue;
                    }
                    let charge = Charge { submissions: size, tokens: size * 10, actor: "key_1" };
                    let first = accounts.charge(&public(), &charge, at(1)).await.unwrap();
                    let new = vec![new_interaction(1); usize::try_from(size).unwrap()];
                    unit.interaction_writer().insert(&public(), first, &new).await.unwrap();
                    unit.commit().await.unwrap();
                    taken.extend(first..first + size);
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for writer in writers {
        taken.extend(writer.await.unwrap());
    }
    taken.sort_unstable();
    assert_eq!(taken, (1..=taken.len() as u64).collect::<Vec<_>>());
    let account = account(&store).await;
    assert_eq!((account.next_number, account.used), (taken.len() as u64 + 1, taken.len() as u64 * 10));
    assert_eq!(account.balance + account.used, 600);
    assert!(account.balance < 30, "they stopped only when it was used up");
    let mut entries = store.interaction_accounts().entries(&public(), None, 999).await.unwrap();
    entries.reverse();
    let mut balance = 0;
    for (place, entry) in (1..).zip(&entries) {
        balance += entry.tokens;
        assert_eq!((entry.entry, i64::try_from(entry.balance).unwrap()), (place, balance));
    }
    assert_eq!(u64::try_from(balance).unwrap(), account.balance);
}

/// Several workers, some of which end what another has ended: each interaction counts once.
pub(crate) async fn concurrent_workers_end_each_audit_once(store: Store) {
    let new: Vec<_> = (0..300).map(new_interaction).collect();
    submit(&store, &new).await;
    let workers: Vec<_> = (0..3_u8)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                let (mut ended, mut empty) = (0, 0);
                while empty < 3 {
                    let mut unit = store.begin().await.unwrap();
                    let page = PendingPage { limit: 40, ..PendingPage::default() };
                    let pending = unit.interaction_queue().pending(&page).await.unwrap();
                    empty = if pending.is_empty() { empty + 1 } else { 0 };
                    let (mut audits, mut failures) = (Vec::new(), Vec::new());
                    for one in pending {
                        match one.interaction.number % 10 {
                            0 => failures.push(failed(one.interaction.number)),
                            _ => audits.push(audited(one.interaction.number, ComplianceStatus::Review, worker)),
                        }
                    }
                    let finished = unit.interaction_queue_writer().finish(&audits, &failures, at(999)).await.unwrap();
                    assert_eq!((finished.audited.len(), finished.failed.len()), (audits.len(), failures.len()));
                    unit.commit().await.unwrap();
                    ended += audits.len() + failures.len();
                }
                ended
            })
        })
        .collect();
    let mut ended = 0;
    for worker in workers {
        ended += worker.await.unwrap();
    }
    assert_eq!(ended, 300);
    let usage = store.interaction_usage().by_day(&public(), i64::MIN..=i64::MAX).await.unwrap()[0].1;
    assert_eq!((usage.submissions, usage.review, usage.failed, usage.tokens), (300, 270, 30, 2_700));
    assert_eq!(account(&store).await.used, 2_700);
}

pub(crate) async fn submissions_wake_their_workers_alone(store: Store) {
    let mut submitted = store.subscribe_interactions().await.unwrap();
    let mut jobs = store.subscribe_jobs().await.unwrap();
    submit(&store, &[new_interaction(1)]).await;
    submitted.submitted().await.unwrap();
    assert!(!jobs.take_changed(), "workers of jobs sleep on");
    crate::harness::enqueue(&store, &crate::harness::new_job(1)).await;
    jobs.changed().await.unwrap();
}
