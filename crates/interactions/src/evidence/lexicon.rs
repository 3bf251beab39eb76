//! What phrases of evidence stand for. Each rule's file holds its phrases; this one numbers them for the automaton.

use super::{advice, conduct, crisis, decision, disclosure, rights, special};
use crate::words::Tag;

/// What a phrase says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub(crate) enum Says {
    AsksAccess,
    AsksErasure,
    AsksRectification,
    AsksPortability,
    AsksObjection,
    AsksOptOut,
    AsksExplanation,
    AsksHuman,
    RightRefused,
    RightAnswered,
    AsksIfAi,
    DeniesAi,
    IsAi,
    Marked,
    Crisis,
    CrisisHelp,
    AdviceMedical,
    AdviceLegal,
    AdviceFinancial,
    Caveat,
    ClaimsLicence,
    Adverse,
    Favourable,
    Reason,
    HumanRoute,
    ProtectedGround,
    Stereotype,
    Refusal,
    Pressure,
    Child,
    ChildAge,
    PromptAsked,
    PromptShown,
    Injection,
    OfPerson,
    FirstPerson,
    Health,
    Ethnicity,
    Religion,
    PoliticalOpinion,
    TradeUnion,
    SexualOrientation,
    CriminalRecord,
    Biometric,
    Genetic,
}

/// Phrases of one meaning.
pub(crate) type Phrases = (Says, &'static [&'static str]);

fn all() -> impl Iterator<Item = &'static Phrases> {
    [
        rights::PHRASES,
        disclosure::PHRASES,
        crisis::PHRASES,
        advice::PHRASES,
        decision::PHRASES,
        conduct::PHRASES,
        special::PHRASES,
    ]
    .into_iter()
    .flatten()
}

/// How many meanings there are.
pub(crate) const SAYS: usize = Says::Genetic as usize + 1;

/// Words of instructions as ROT13 spells them: ignore, disregard, forget, previous, instructions, system, prompt, jailbreak.
const ROT13: &[&str] = &["vtaber", "qvfertneq", "sbetrg", "cerivbhf", "vafgehpgvbaf", "flfgrz", "cebzcg", "wnvyoernx"];

pub(crate) fn words(words: &mut Vec<(&'static str, Tag)>) {
    words.extend(ROT13.iter().map(|&word| (word, Tag::Rot13)));
    for (says, phrases) in all() {
        words.extend(phrases.iter().map(|&phrase| (phrase, Tag::Phrase(*says as u16))));
    }
}
