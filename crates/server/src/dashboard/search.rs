//! Search: submissions, certificates, jobs, keys, people and pages, by id or by a part of the name. What somebody may not see is not
//! found.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answers::PageAnswers;
use super::assets::Script;
use super::frame::{Page, pages_of};
use super::jobs::JobRow;
use super::visitor::Person;
use crate::api::extract::Parameters;
use crate::app::{AppError, JobFilter, JobId, Permission, SubmissionId, id_of};
use crate::state::HttpState;

/// Records of each kind that are looked through, the newest first.
const LOOKED_THROUGH: u32 = 100;
/// Hits of each kind that are shown.
const HITS_MAX: usize = 10;
/// Longest text that is looked for, characters.
const QUERY_CHARS_MAX: usize = 200;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParameters {
    /// An id, or a part of a name.
    #[serde(default)]
    #[param(example = "MP-2026-000001")]
    q: String,
}

/// The hits of one kind.
struct Group {
    title: &'static str,
    hits: Vec<Hit>,
}

struct Hit {
    label: String,
    detail: String,
    href: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    query: &'a str,
    groups: Vec<Group>,
    looked_through: u32,
}

/// Search the organization's things, the certificates and the pages.
#[utoipa::path(get, path = "/dashboard/search", tag = "pages", params(SearchParameters), responses(PageAnswers))]
pub(crate) async fn search_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(SearchParameters { q }): Parameters<SearchParameters>,
) -> Response {
    let query: String = q.trim().chars().take(QUERY_CHARS_MAX).collect();
    person.answer(show(&state, &person, &query).await)
}

async fn show(state: &HttpState, person: &Person, query: &str) -> Result<Response, AppError> {
    let mut groups = if query.is_empty() { Vec::new() } else { find(state, person, query).await? };
    groups.retain(|group| !group.hits.is_empty());
    groups.iter_mut().for_each(|group| group.hits.truncate(HITS_MAX));
    let body = SearchPage { query, groups, looked_through: LOOKED_THROUGH }.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: "Search",
        lead: "Submissions, certificates, jobs, keys, people and pages, by id or by a part of the name.",
        body_html: &body,
        path: "/dashboard/search",
        scripts: &[Script::Htmx],
        query,
        ..Page::default()
    }))
}

async fn find(state: &HttpState, person: &Person, query: &str) -> Result<Vec<Group>, AppError> {
    let needle = query.to_lowercase();
    let holds = |texts: &[&str]| texts.iter().any(|text| text.to_lowercase().contains(&needle));
    let (app, caller) = (state.app(), person.caller());
    let mut groups = vec![certificates(state, query, &holds).await?];
    if caller.may(Permission::Read) {
        groups.push(submission(state, person, query).await?);
        groups.push(jobs(state, person, query, &holds).await?);
    }
    if caller.may(Permission::Manage) {
        let keys = app.keys(caller, None, LOOKED_THROUGH).await?;
        let keys = keys.into_iter().filter(|key| holds(&[&key.name, key.id.as_str(), &key.last_four]));
        let keys = keys.map(|key| Hit {
            label: key.name,
            detail: format!("{}…{}", key.interface.key_prefix(), key.last_four),
            href: format!("/dashboard/keys/{}", key.id),
        });
        groups.push(Group { title: "Keys", hits: keys.collect() });
        let people = app.people(caller, "", LOOKED_THROUGH).await?;
        let people = people.into_iter().filter(|member| holds(&[&member.user.name, &member.user.email]));
        let people = people.map(|member| Hit {
            href: format!("/dashboard/people/{}", member.user.id),
            label: member.user.name,
            detail: member.user.email,
        });
        groups.push(Group { title: "People", hits: people.collect() });
    }
    let pages = pages_of(person).filter(|(label, _)| holds(&[label]));
    let pages =
        pages.map(|(label, href)| Hit { label: label.to_owned(), detail: String::new(), href: href.to_owned() });
    groups.push(Group { title: "Pages", hits: pages.collect() });
    Ok(groups)
}

/// The certificate with this id, then those whose names hold the text.
async fn certificates(
    state: &HttpState,
    query: &str,
    holds: &(impl Fn(&[&str]) -> bool + Sync),
) -> Result<Group, AppError> {
    let newest = state.app().certificates(None, LOOKED_THROUGH).await?;
    let mut hits: Vec<Hit> = newest
        .into_iter()
        .filter(|found| holds(&[found.id.as_str(), &found.model_name, &found.organization_name]))
        .map(|found| Hit {
            label: found.id.to_string(),
            detail: format!("{}, {}", found.model_name, found.organization_name),
            href: format!("/verify/{}", found.id),
        })
        .collect();
    let id = query.to_uppercase();
    if hits.iter().all(|hit| hit.label != id)
        && let Ok(found) = state.app().certificate(&id).await
    {
        hits.insert(0, Hit { href: format!("/verify/{id}"), detail: found.body.model_name.clone(), label: id });
    }
    Ok(Group { title: "Certificates", hits })
}

/// The submission with this id, however its letters were typed.
async fn submission(state: &HttpState, person: &Person, query: &str) -> Result<Group, AppError> {
    let id = query.to_uppercase();
    let id =
        id.split_once('X').map_or_else(String::new, |(number, letters)| format!("{number}X{}", letters.to_lowercase()));
    let found = match SubmissionId::parse(&id) {
        None => None,
        Some(_) => match state.app().interaction(person.caller(), &id).await {
            Ok(opened) => Some(opened.record),
            Err(AppError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        },
    };
    let hits = found.map(|record| Hit {
        label: id_of(&record).to_string(),
        detail: format!("{}, {}", record.use_case, record.state.as_str()),
        href: format!("/dashboard/interactions/{}", id_of(&record)),
    });
    Ok(Group { title: "Submissions", hits: hits.into_iter().collect() })
}

/// The job with this id, then the newest whose names hold the text.
async fn jobs(
    state: &HttpState,
    person: &Person,
    query: &str,
    holds: &(impl Fn(&[&str]) -> bool + Sync),
) -> Result<Group, AppError> {
    let (app, caller, now) = (state.app(), person.caller(), state.clock().now());
    let found = match JobId::parse(query) {
        Some(id) => app.job(caller, &id).await.into_iter().collect(),
        None => app.jobs(caller, &JobFilter::default(), None, LOOKED_THROUGH).await?,
    };
    let rows = found.iter().map(|job| JobRow::new(job, caller, now));
    let hits = rows.filter(|job| holds(&[&job.id, &job.kind, &job.about])).map(|job| Hit {
        href: format!("/dashboard/jobs/{}", job.id),
        detail: format!("{}, {}", job.state, job.id),
        label: if job.about.is_empty() { job.kind } else { format!("{} of {}", job.kind, job.about) },
    });
    Ok(Group { title: "Jobs", hits: hits.collect() })
}
