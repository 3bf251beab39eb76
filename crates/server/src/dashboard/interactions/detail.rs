//! One interaction: how it stands, what was said with what was found in it, which laws it may engage and what to do. The
//! texts as they came are for those who may run audits; others read the safe versions.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::LOG;
use super::log::FILES;
use super::places::places;
use super::text::{TextPart, marked, parts, safe};
use crate::api::extract::{Parameters, PathId};
use crate::api::interactions::export::{FormatParameters, export_one};
use crate::app::{AppError, Findings, InteractionRecord, InteractionState, OpenedInteraction, Permission, id_of};
use crate::dashboard::answers::PageAnswers;
use crate::dashboard::frame::Page;
use crate::dashboard::visitor::{Person, query_value};
use crate::dashboard::words::{Moment, count};
use crate::documents::findings::{FindingsView, failure_words, state_of, without_result};
use crate::state::HttpState;

/// Which part of long texts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartParameters {
    /// The part, from 1.
    #[serde(default = "first")]
    #[param(example = 1, minimum = 1)]
    part: usize,
}

fn first() -> usize {
    1
}

/// One side of an interaction.
pub(super) struct SideView {
    pub(super) title: &'static str,
    /// Country and format, in words; empty where they are not known.
    pub(super) about: String,
    /// As it came, marked; `None` for who may not see it.
    pub(super) original: Option<TextPart>,
    pub(super) safe: TextPart,
}

/// Facts as (name, value), and whether the value is an id.
type Fact = (&'static str, String, bool);

#[derive(Template)]
#[template(path = "interaction.html")]
struct DetailTemplate<'a> {
    tone: &'static str,
    state: &'static str,
    pending: bool,
    erased: bool,
    failure: String,
    received: Moment,
    audited: Option<Moment>,
    occurred: Moment,
    findings: Option<FindingsView>,
    sides: Vec<SideView>,
    /// Whether the reader may see the texts as they came.
    sees_original: bool,
    part: usize,
    parts: usize,
    address: &'a str,
    facts: Vec<Fact>,
    audit_ms: String,
    erase_href: Option<String>,
}

/// One interaction with everything that was found in it.
#[utoipa::path(
    get,
    path = "/dashboard/interactions/{id}",
    tag = "pages",
    params(("id" = String, Path, description = "The submission's id"), PartParameters),
    responses(PageAnswers)
)]
pub(crate) async fn interaction_page(
    State(state): State<HttpState>,
    person: Person,
    PathId(id): PathId,
    Parameters(asked): Parameters<PartParameters>,
) -> Response {
    person.answer(show(&state, &person, &id, asked.part).await)
}

async fn show(state: &HttpState, person: &Person, id: &str, part: usize) -> Result<Response, AppError> {
    let opened = state.app().interaction(person.caller(), id).await?;
    let OpenedInteraction { record, content, findings } = opened;
    let id = id_of(&record).to_string();
    let address = format!("{LOG}/{id}");
    let (tone, word) = state_of(&record);
    let view = findings.as_ref().map(|findings| FindingsView::new(&findings.document));
    let lead = match &view {
        Some(view) => view.summary.clone(),
        None => without_result(&record).to_owned(),
    };
    let texts = content.as_ref().map(|content| (content.input.value.as_str(), content.output.value.as_str()));
    let (sides, parts) = sides(&record, texts, findings.as_ref(), part);
    let body = DetailTemplate {
        tone,
        state: word,
        pending: record.state == InteractionState::Pending,
        erased: record.state == InteractionState::Erased
            || record.state == InteractionState::Audited && findings.is_none(),
        failure: record.failure.as_deref().map(failure_words).unwrap_or_default(),
        received: record.received_at.into(),
        audited: record.audited_at.map(Moment),
        occurred: record.occurred_at.into(),
        sees_original: person.caller().may(Permission::Run),
        part: part.clamp(1, parts),
        parts,
        address: &address,
        audit_ms: findings.as_ref().map(|f| format!("{:.2}", f.audit_us as f64 / 1_000.0)).unwrap_or_default(),
        erase_href: erase_href(person, &record),
        facts: facts(&record),
        findings: view,
        sides,
    };
    let body = body.render().map_err(AppError::internal)?;
    let file = |(format, name): &(&str, &str)| {
        format!("<a class=\"button\" href=\"{address}/export?format={format}\" download>{name}</a>")
    };
    let files: String = FILES.iter().map(file).collect();
    Ok(person.page(&Page {
        title: &id,
        lead: &lead,
        actions_html: &files,
        body_html: &body,
        path: LOG,
        parents: &[("I/O Logs", LOG)],
        ..Page::default()
    }))
}

/// Both sides with the part of them that was asked for, and how many parts there are.
fn sides(
    record: &InteractionRecord,
    texts: Option<(&str, &str)>,
    findings: Option<&Findings>,
    part: usize,
) -> (Vec<SideView>, usize) {
    let document = findings.map(|findings| &findings.document);
    let safe_of = |side: &str| {
        document.map_or("", |document| if side == "input" { &document.safe_input } else { &document.safe_output })
    };
    let (input, output) = texts.unzip();
    let all = [input, output, Some(safe_of("input")), Some(safe_of("output"))];
    let count = all.into_iter().flatten().map(parts).max().unwrap_or(1);
    let at = part.clamp(1, count) - 1;
    let side = |side: &'static str, title, country: &str, text: Option<&str>| {
        let found = document.map(|document| places(document, side)).unwrap_or_default();
        SideView {
            title,
            about: if country.is_empty() { String::new() } else { format!("Country: {country}") },
            original: text.map(|text| marked(text, &found, at)),
            safe: safe(safe_of(side), at),
        }
    };
    if texts.is_none() && document.is_none() {
        return (Vec::new(), 1);
    }
    let sides = vec![
        side("input", "Input", &record.input_country, input),
        side("output", "Output", &record.output_country, output),
    ];
    (sides, count)
}

fn facts(record: &InteractionRecord) -> Vec<Fact> {
    let optional = |name, value: &Option<String>| value.clone().map(|value| (name, value, true));
    let mut facts: Vec<Fact> =
        vec![("Company", record.company.clone(), false), ("Use case", record.use_case.clone(), false)];
    facts.extend(optional("User (user_id)", &record.client_user));
    facts.extend(optional("Person (your_company_user_id)", &record.subject));
    facts.extend(optional("Session (your_company_user_session_id)", &record.session));
    facts.extend(optional("Model version", &record.model_version));
    facts.push(("Tokens charged", count(record.tokens), false));
    if record.attempts > 1 {
        facts.push(("Attempts", record.attempts.to_string(), false));
    }
    facts
}

/// The page where the person who spoke is erased, for who may.
fn erase_href(person: &Person, record: &InteractionRecord) -> Option<String> {
    let subject = record.subject.as_deref().filter(|_| person.caller().may(Permission::Own))?;
    Some(format!("{LOG}/erase?person={}", query_value(subject)))
}

/// One interaction as a file.
#[utoipa::path(
    get,
    path = "/dashboard/interactions/{id}/export",
    tag = "pages",
    params(("id" = String, Path, description = "The submission's id"), FormatParameters),
    responses(PageAnswers)
)]
pub(crate) async fn interaction_file(
    State(state): State<HttpState>,
    person: Person,
    PathId(id): PathId,
    Parameters(format): Parameters<FormatParameters>,
) -> Response {
    person.answer(export_one(&state, person.caller(), &id, format.format).await)
}
