//! The first page after signing in: what happened last, what to do next, and the four areas with what they are for. An
//! area that this version does not have has a page that says so.

use askama::Template;

use axum::extract::State;
use axum::response::Response;

use super::answers::PageAnswers;
use super::frame::Page;
use super::jobs::JobRow;
use super::visitor::Person;
use super::words::count;
use crate::api::extract::PathId;
use crate::app::{App, AppError, Job, JobFilter, JobState, Permission};
use crate::state::HttpState;

/// Jobs that the page shows.
const JOBS_SHOWN: usize = 5;
/// Jobs that the page counts.
const JOBS_COUNTED: u32 = 100;
/// Keys and people that are looked at to see whether a step was done.
const LOOKED_AT: u32 = 200;

/// Something to do once.
struct Step {
    done: bool,
    title: &'static str,
    text: &'static str,
    href: &'static str,
}

/// One of the four areas.
struct Area {
    path: &'static str,
    name: &'static str,
    /// What it answers.
    question: &'static str,
    /// Whether this version has it.
    here: bool,
}

/// The areas in the order of the user's day.
const AREAS: [Area; 4] = [
    Area {
        path: "/dashboard/interactions",
        name: "Interactions",
        question: "Does what an assistant reads and says give away personal data or secrets, or do harm?",
        here: true,
    },
    Area {
        path: "/dashboard/audits",
        name: "Certificates",
        question: "Does a model decide about people alike, whoever they are? Signed, so that anybody can check it.",
        here: true,
    },
    Area {
        path: "/dashboard/robustness",
        name: "Robustness",
        question: "Can a model be fooled, copied or poisoned, and what does a defence cost?",
        here: false,
    },
    Area {
        path: "/dashboard/governance",
        name: "Governance",
        question: "Which duties does a system have under which law, and what shows that they are met?",
        here: false,
    },
];

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    running: String,
    queued: String,
    failed: String,
    counted: String,
    jobs: Vec<JobRow>,
    steps: Vec<Step>,
    areas: &'static [Area; 4],
}

/// The dashboard's first page.
#[utoipa::path(get, path = "/dashboard", tag = "pages", responses(PageAnswers))]
pub(crate) async fn home(State(state): State<HttpState>, person: Person) -> Response {
    person.answer(show(&state, &person).await)
}

async fn show(state: &HttpState, person: &Person) -> Result<Response, AppError> {
    let caller = person.caller();
    // Who only hands interactions in sees nothing of the organization.
    let jobs = if caller.may(Permission::Read) {
        state.app().jobs(caller, &JobFilter::default(), None, JOBS_COUNTED).await?
    } else {
        Vec::new()
    };
    let counted = |state: JobState| count(jobs.iter().filter(|job| job.state == state).count() as u64);
    let now = state.clock().now();
    let page = HomePage {
        running: counted(JobState::Running),
        queued: counted(JobState::Queued),
        failed: counted(JobState::Failed),
        counted: count(jobs.len() as u64),
        steps: steps(state.app(), person, &jobs).await?,
        jobs: jobs.iter().take(JOBS_SHOWN).map(|job| JobRow::new(job, caller, now)).collect(),
        areas: &AREAS,
    };
    let body = page.render().map_err(AppError::internal)?;
    let new = "<a class=\"button primary\" href=\"/dashboard/audits/new\">New audit</a>";
    Ok(person.page(&Page {
        title: &person.signed_in.organization_name,
        lead: "What happened last, and what to do next.",
        actions_html: if caller.may(Permission::Run) { new } else { "" },
        body_html: &body,
        path: "/dashboard",
        ..Page::default()
    }))
}

/// What a new organization does first; none once all is done.
async fn steps(app: &App, person: &Person, jobs: &[Job]) -> Result<Vec<Step>, AppError> {
    let caller = person.caller();
    let mut steps = Vec::new();
    if caller.may(Permission::Run) {
        steps.push(Step {
            done: !jobs.is_empty(),
            title: "Have something audited",
            text: "Hand in data with outcomes and get a signed certificate.",
            href: "/dashboard/audits/new",
        });
    }
    if caller.may(Permission::Manage) {
        let keys = app.keys(caller, None, LOOKED_AT).await?;
        let people = app.people(caller, "", LOOKED_AT).await?;
        steps.push(Step {
            done: keys.iter().any(|key| key.last_used_at.is_some()),
            title: "Let a program use a key",
            text: "Make a key, give it to the program that trains or serves the model.",
            href: "/dashboard/keys",
        });
        steps.push(Step {
            done: people.len() > 1,
            title: "Invite the others",
            text: "An auditor reads everything, a viewer only looks.",
            href: "/dashboard/people/new",
        });
    }
    if steps.iter().all(|step| step.done) {
        steps.clear();
    }
    Ok(steps)
}

#[derive(Template)]
#[template(path = "area.html")]
struct AreaPage {
    area: &'static Area,
}

/// An area that this version does not have.
#[utoipa::path(
    get,
    path = "/dashboard/{area}",
    tag = "pages",
    params(("area" = String, Path, description = "`robustness` or `governance`", example = "robustness")),
    responses(PageAnswers)
)]
pub(crate) async fn area_page(person: Person, PathId(name): PathId) -> Response {
    let path = format!("/dashboard/{name}");
    let area = AREAS.iter().find(|area| area.path == path && !area.here);
    let shown = match area {
        Some(area) => {
            let body = AreaPage { area }.render().expect("writing to a string cannot fail");
            let page = Page {
                title: area.name,
                lead: area.question,
                body_html: &body,
                path: area.path,
                parents: &[("Home", "/dashboard")],
                ..Page::default()
            };
            Ok(person.page(&page))
        }
        None => Err(AppError::NotFound { what: "page", id: path }),
    };
    person.answer(shown)
}
