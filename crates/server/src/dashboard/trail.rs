//! The audit trail: who changed what, newest first, narrowed down by the address; exported as exactly what is shown
//! (CSV), or whole and checkable without this server (lines of JSON).

use std::collections::BTreeMap;

use askama::Template;
use assize_store::audit_trail::{AuditFilter, AuditRow, PAGE_AUDIT_ROWS_MAX};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answers::PageAnswers;
use super::assets::Script;
use super::form::FormView;
use super::frame::Page;
use super::visitor::{Person, query_value};
use super::words::Moment;
use crate::api::extract::Parameters;
use crate::app::{App, AppError, Caller, Permission};
use crate::state::HttpState;

/// Rows of one page.
const PAGE_ROWS: u32 = 50;
/// People and keys whose names are looked up.
const NAMED_MAX: u32 = 200;

/// The fields of the filter, as (name, label).
const FIELDS: &[(&str, &str)] =
    &[("actor", "Who"), ("action", "What"), ("subject", "To what"), ("since", "From"), ("until", "To")];

/// Which rows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct TrailParameters {
    /// Only by this actor: an id, `system`, `operator` or `anonymous`.
    #[param(example = "operator")]
    actor: String,
    /// Only this action.
    #[param(example = "key.revoke")]
    action: String,
    /// Only to this subject: an id.
    #[param(example = "MP-2026-000001")]
    subject: String,
    /// Not before this day, UTC.
    #[param(example = "2026-01-01")]
    since: String,
    /// Not after this day, UTC.
    #[param(example = "2026-12-31")]
    until: String,
    /// Rows before this one.
    #[param(example = 100)]
    before: Option<u64>,
}

/// A row as the page shows it.
struct RowView {
    seq: u64,
    at: Moment,
    actor: String,
    /// The actor's name, when the reader may know it.
    actor_name: String,
    action: String,
    subject: String,
    subject_name: String,
    subject_href: Option<String>,
    /// The particulars, as (name, value).
    detail: Vec<(String, String)>,
    hash: String,
    prev_hash: String,
}

impl RowView {
    fn new(row: AuditRow, names: &BTreeMap<String, String>) -> Self {
        let name = |id: &str| names.get(id).cloned().unwrap_or_default();
        let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let detail = row.event.detail.as_object().into_iter().flatten();
        Self {
            seq: row.seq,
            at: row.event.at.into(),
            actor_name: name(&row.event.actor),
            subject_name: name(&row.event.subject),
            subject_href: page_of(&row.event.subject),
            actor: row.event.actor,
            action: row.event.action,
            subject: row.event.subject,
            detail: detail.map(|(name, value)| (name.replace('_', " "), plain(value))).collect(),
            hash: hex::encode(row.hash),
            prev_hash: hex::encode(row.prev_hash),
        }
    }
}

/// The page of a thing, by how its id begins.
fn page_of(id: &str) -> Option<String> {
    let (kind, _) = id.split_once(['_', '-'])?;
    match kind {
        "job" => Some(format!("/dashboard/jobs/{id}")),
        "key" => Some(format!("/dashboard/keys/{id}")),
        "usr" => Some(format!("/dashboard/people/{id}")),
        "VIRI" => Some(format!("/dashboard/interactions/{id}")),
        "MP" => Some(format!("/verify/{id}")),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "trail.html")]
struct TrailPage {
    form: FormView,
    rows: Vec<RowView>,
    newest: bool,
    narrowed: bool,
    older_than: Option<u64>,
    /// Query of the filter, to be followed by more.
    filter: String,
}

/// The organization's audit trail.
#[utoipa::path(get, path = "/dashboard/trail", tag = "pages", params(TrailParameters), responses(PageAnswers))]
pub(crate) async fn trail_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<TrailParameters>,
) -> Response {
    person.answer(list(&state, &person, &asked).await)
}

async fn list(state: &HttpState, person: &Person, asked: &TrailParameters) -> Result<Response, AppError> {
    let mut form = FormView::new(FIELDS)
        .with("actor", &asked.actor)
        .with("action", &asked.action)
        .with("subject", &asked.subject)
        .with("since", &asked.since)
        .with("until", &asked.until);
    let wanted = filter(asked, &mut form);
    let rows = if form.is_refused() {
        person.caller().require(Permission::Run)?;
        Vec::new()
    } else {
        state.app().audit_trail(person.caller(), &wanted, asked.before, PAGE_ROWS).await?
    };
    let full = rows.len() == PAGE_ROWS as usize;
    let names = names(state.app(), person.caller()).await?;
    let page = TrailPage {
        older_than: rows.last().filter(|_| full).map(|row| row.seq),
        rows: rows.into_iter().map(|row| RowView::new(row, &names)).collect(),
        newest: asked.before.is_none(),
        narrowed: wanted != AuditFilter::default(),
        filter: query(asked),
        form,
    };
    let exports = format!(
        "<a class=\"button\" href=\"/dashboard/trail/rows.csv?{}\">Export this list (CSV)</a>\
         <a class=\"button\" href=\"/dashboard/trail/export\">Export all, checkable</a>",
        page.filter.replace('&', "&amp;")
    );
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: "Audit trail",
        lead: "Every change, by whom and from where. Each row holds the hash of the one before, so none can be changed or taken out unnoticed.",
        actions_html: &exports,
        body_html: &body,
        path: "/dashboard/trail",
        scripts: &[Script::Htmx],
        ..Page::default()
    }))
}

/// The filter that the address asks for; notes what is wrong with it.
fn filter(asked: &TrailParameters, form: &mut FormView) -> AuditFilter {
    let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut day = |field: &str, written: &str, days: i64| -> Option<Timestamp> {
        let written = written.trim();
        if written.is_empty() {
            return None;
        }
        let start = start_of(written, days);
        if start.is_none() {
            form.problem(field, "write a day as 2026-01-31");
        }
        start
    };
    AuditFilter {
        since: day("since", &asked.since, 0),
        until: day("until", &asked.until, 1),
        actor: text(&asked.actor),
        action: text(&asked.action),
        subject: text(&asked.subject),
    }
}

/// The start of the day that comes `days` after a written one, UTC.
fn start_of(day: &str, days: i64) -> Option<Timestamp> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let day = day.checked_add(jiff::SignedDuration::from_hours(24 * days)).ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// The filter as a query, without the place in the list.
fn query(asked: &TrailParameters) -> String {
    let fields = [
        ("actor", &asked.actor),
        ("action", &asked.action),
        ("subject", &asked.subject),
        ("since", &asked.since),
        ("until", &asked.until),
    ];
    let set = fields.iter().filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| format!("{name}={}", query_value(value))).collect::<Vec<_>>().join("&")
}

/// Names of people and keys by id, for who may know them.
async fn names(app: &App, caller: &Caller) -> Result<BTreeMap<String, String>, AppError> {
    let mut names = BTreeMap::new();
    if caller.may(Permission::Manage) {
        let people = app.people(caller, "", NAMED_MAX).await?;
        names.extend(people.into_iter().map(|member| (member.user.id.to_string(), member.user.name)));
        let keys = app.keys(caller, None, NAMED_MAX).await?;
        names.extend(keys.into_iter().map(|key| (key.id.to_string(), key.name)));
    }
    Ok(names)
}

/// The rows that the filter finds, as CSV (RFC 4180), newest first.
#[utoipa::path(get, path = "/dashboard/trail/rows.csv", tag = "pages", params(TrailParameters), responses(PageAnswers))]
pub(crate) async fn trail_csv(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<TrailParameters>,
) -> Response {
    let mut form = FormView::new(FIELDS);
    let wanted = filter(&asked, &mut form);
    if form.is_refused() {
        return person.answer(Err(AppError::Unprocessable("since, until: write a day as 2026-01-31".to_owned())));
    }
    let (app, caller) = (state.app().clone(), person.caller().clone());
    // Asked once before anything is sent, so that a refusal is a page and not a broken file.
    if let Err(error) = app.audit_trail(&caller, &wanted, asked.before, 1).await {
        return person.answer(Err(error));
    }
    let pages = stream::try_unfold(Some(asked.before), move |place| {
        let (app, caller, wanted) = (app.clone(), caller.clone(), wanted.clone());
        async move {
            let Some(before) = place else { return Ok::<_, AppError>(None) };
            let rows = app.audit_trail(&caller, &wanted, before, PAGE_AUDIT_ROWS_MAX).await?;
            let last = rows.last().filter(|_| rows.len() == PAGE_AUDIT_ROWS_MAX as usize).map(|row| Some(row.seq));
            Ok(Some((Bytes::from(rows.iter().map(csv_line).collect::<String>()), last)))
        }
    });
    let head = stream::iter([Ok(Bytes::from_static(b"seq,at,actor,action,subject,detail,hash\r\n"))]);
    download(
        "audit-trail.csv",
        "text/csv; charset=utf-8",
        Body::from_stream(head.chain(pages.map_err(|error| broken(&error)))),
    )
}

/// The whole trail with everything needed to check it elsewhere, as lines of JSON.
#[utoipa::path(get, path = "/dashboard/trail/export", tag = "pages", responses(PageAnswers))]
pub(crate) async fn trail_export(State(state): State<HttpState>, person: Person) -> Response {
    match state.app().export_audit_trail(person.caller()).await {
        Ok(lines) => {
            download("audit-trail.jsonl", "application/jsonl", Body::from_stream(lines.map_err(|error| broken(&error))))
        }
        Err(error) => person.answer(Err(error)),
    }
}

fn download(name: &'static str, content_type: &'static str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).expect("the names are ASCII")),
    ];
    (headers, body).into_response()
}

/// An export that breaks off: the cause belongs to the log, the client sees a body that ends too early.
fn broken(error: &AppError) -> std::io::Error {
    tracing::error!("an export of the audit trail broke off: {error}");
    std::io::Error::other("the export broke off")
}

fn csv_line(row: &AuditRow) -> String {
    let event = &row.event;
    let fields = [
        row.seq.to_string(),
        event.at.to_string(),
        event.actor.clone(),
        event.action.clone(),
        event.subject.clone(),
        event.detail.to_string(),
        hex::encode(row.hash),
    ];
    let mut line = fields.map(|field| csv_field(&field)).join(",");
    line.push_str("\r\n");
    line
}

/// A field of CSV. What a spreadsheet would run as a formula is made a text (OWASP, CSV injection).
fn csv_field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_fields_are_quoted_and_never_formulas() {
        assert_eq!(csv_field("plain"), "plain");
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_field("=1+1"), "'=1+1");
    }

    #[test]
    fn a_filter_holds_whole_days() {
        let asked = TrailParameters {
            since: "2026-02-28".to_owned(),
            until: "2026-02-28".to_owned(),
            actor: " operator ".to_owned(),
            ..TrailParameters::default()
        };
        let mut form = FormView::new(FIELDS);
        let found = filter(&asked, &mut form);
        assert_eq!(found.since.unwrap().to_string(), "2026-02-28T00:00:00Z");
        assert_eq!(found.until.unwrap().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(found.actor.as_deref(), Some("operator"));
        assert!(!form.is_refused());
        filter(&TrailParameters { since: "soon".to_owned(), ..TrailParameters::default() }, &mut form);
        assert_eq!(form.error("since"), "write a day as 2026-01-31");
    }

    #[test]
    fn ids_lead_to_their_pages() {
        assert_eq!(page_of("MP-2026-000001").as_deref(), Some("/verify/MP-2026-000001"));
        assert_eq!(page_of("key_1").as_deref(), Some("/dashboard/keys/key_1"));
        assert_eq!((page_of("org_x"), page_of("")), (None, None));
    }
}
