//! The log: what came, what the audits came to, narrowed down by the address; as a file of exactly what is shown; and
//! how much came since the page was made, so that nothing moves until somebody asks for it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::LOG;
use super::columns::Column;
use super::filter::{Chip, FIELDS, LogFilter, address};
use crate::api::extract::Parameters;
use crate::api::interactions::export::{FormatParameters, export};
use crate::api::interactions::log::LogParameters;
use crate::app::{
    AppError, InteractionRecord, InteractionState, InteractionTally, LogPage, LogQuery, Permission, SavedView, id_of,
};
use crate::dashboard::answers::PageAnswers;
use crate::dashboard::assets::Script;
use crate::dashboard::form::FormView;
use crate::dashboard::frame::{Page, own_page};
use crate::dashboard::visitor::Person;
use crate::dashboard::words::{Moment, count};
use crate::documents::findings::{failure_words, state_of};
use crate::state::HttpState;

/// Interactions of one page.
const PAGE_ROWS: u32 = 50;
/// New interactions that are counted; more are said to be more.
const NEWS_MAX: u32 = 99;
/// Tags of one cell.
const TAGS_MAX: usize = 3;

/// The files that a list or one interaction can be taken along as, as (value of `format`, name).
pub(super) const FILES: &[(&str, &str)] = &[("json", "JSON"), ("csv", "CSV"), ("pdf", "PDF")];

/// What the page takes beside the filter of `GET /v1/interactions`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the address; it is read pair by pair")]
pub(crate) struct LogPageParameters {
    /// Columns, with dots between; empty for the usual ones.
    #[param(example = "received.status.risk")]
    columns: Option<String>,
}

/// Types or laws in one cell.
pub(super) struct Tags {
    shown: Vec<String>,
    more: usize,
}

impl Tags {
    fn new(words: &[String]) -> Self {
        Self { shown: words.iter().take(TAGS_MAX).cloned().collect(), more: words.len().saturating_sub(TAGS_MAX) }
    }
}

/// An interaction as the table shows it.
pub(super) struct RowView {
    id: String,
    received: Moment,
    occurred: Moment,
    tone: &'static str,
    state: &'static str,
    /// Why it failed; empty when it did not.
    failure: String,
    /// Risk in tenths, when it was audited.
    risk: Option<u8>,
    entities: Tags,
    regulations: Tags,
    use_case: String,
    country: String,
    model: String,
    user: String,
    person: String,
    session: String,
    tokens: String,
}

impl RowView {
    fn new(record: InteractionRecord) -> Self {
        let (tone, state) = state_of(&record);
        let country = if record.input_country == record.output_country {
            record.input_country.clone()
        } else {
            format!("{} → {}", record.input_country, record.output_country)
        };
        Self {
            id: id_of(&record).to_string(),
            received: record.received_at.into(),
            occurred: record.occurred_at.into(),
            tone,
            state,
            failure: record.failure.as_deref().map(failure_words).unwrap_or_default(),
            risk: record.risk.filter(|_| record.state == InteractionState::Audited),
            entities: Tags::new(&record.entities),
            regulations: Tags::new(&record.regulations),
            use_case: record.use_case,
            country,
            model: record.model_version.unwrap_or_default(),
            user: record.client_user.unwrap_or_default(),
            person: record.subject.unwrap_or_default(),
            session: record.session.unwrap_or_default(),
            tokens: count(record.tokens),
        }
    }

    /// `5.4`.
    fn risk_text(&self) -> String {
        self.risk.map(|tenths| format!("{:.1}", f64::from(tenths) / 10.0)).unwrap_or_default()
    }

    /// The part of the bar that is filled, percent.
    fn risk_percent(&self) -> u8 {
        self.risk.unwrap_or_default()
    }

    /// The colour of the bar: where a status begins by the score alone.
    fn risk_tone(&self) -> &'static str {
        match self.risk.unwrap_or_default() {
            60.. => "fail",
            20.. => "unsure",
            _ => "pass",
        }
    }
}

/// A filter that a person keeps.
struct ViewLink {
    name: String,
    href: String,
    /// Whether it is the one shown.
    open: bool,
}

#[derive(Template)]
#[template(path = "interactions.html")]
struct LogTemplate<'a> {
    form: FormView,
    chips: Vec<Chip>,
    narrowed: bool,
    fields: Vec<(&'a str, &'a str)>,
    /// Columns, and whether each is shown.
    choices: Vec<(Column, bool)>,
    columns: &'a [Column],
    columns_text: String,
    rows: Vec<RowView>,
    views: Vec<ViewLink>,
    view_open: bool,
    save: FormView,
    /// What is kept under a name: the query of this page.
    query: String,
    /// Where new interactions are counted; empty where they are not.
    news: String,
    newest: bool,
    older: Option<String>,
    newest_href: String,
    all_href: &'static str,
    searched_to: Option<Moment>,
    said: String,
    public_url: &'a str,
    /// For the command that hands something in.
    now: Moment,
    kinds: Vec<&'static str>,
    csrf: &'a str,
}

/// The log of interactions.
#[utoipa::path(
    get,
    path = "/dashboard/interactions",
    tag = "pages",
    params(LogParameters, LogPageParameters),
    responses(PageAnswers)
)]
pub(crate) async fn interactions_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<Vec<(String, String)>>,
) -> Response {
    let filter = LogFilter::read(&asked);
    // A form sends its empty fields too; the address that is kept and shared says what narrows, once.
    let untidy = asked.iter().any(|(_, value)| value.trim().is_empty())
        || asked.iter().filter(|(name, _)| name == "columns").count() > 1;
    if untidy {
        return Redirect::to(&filter.href("")).into_response();
    }
    let said = asked.iter().find(|(name, _)| name == "said").map(|(_, said)| said_words(said)).unwrap_or_default();
    person.answer(show(&state, &person, &filter, FormView::new(super::views::FIELDS), said).await)
}

/// What has just been done, by the word that this server puts into the address.
fn said_words(said: &str) -> String {
    match said.split_once('-') {
        None if said == "kept" => "The view was kept.".to_owned(),
        None if said == "deleted" => "The view was deleted.".to_owned(),
        Some(("erased", number)) if number.parse::<u64>() == Ok(1) => "1 interaction was erased for good.".to_owned(),
        Some(("erased", number)) if number.parse::<u64>().is_ok() => {
            format!("{number} interactions were erased for good.")
        }
        _ => String::new(),
    }
}

/// The page with the form for keeping a view as it stands.
pub(super) async fn show(
    state: &HttpState,
    person: &Person,
    filter: &LogFilter,
    save: FormView,
    said: String,
) -> Result<Response, AppError> {
    person.caller().require(Permission::Read)?;
    let (app, caller) = (state.app(), person.caller());
    let good = !filter.form.is_refused();
    let (found, tally) = match filter.query(PAGE_ROWS) {
        Ok(query) => {
            let found = app.interactions(caller, &query).await?;
            let tally =
                if filter.searches() { None } else { Some(app.interaction_tally(caller, &query.filter).await?) };
            (found, tally)
        }
        Err(_) => (LogPage { rows: Vec::new(), next: None, searched_to: None }, None),
    };
    let lead = match &tally {
        Some((tally, more)) => sentence(tally, *more, filter.narrows()),
        None if good => searched(found.rows.len(), found.next.is_some()),
        None => "Nothing is shown until the filter is mended.".to_owned(),
    };
    let status = if save.is_refused() || !good { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let newest = filter.cursor.is_none();
    let query = filter.text();
    let views: Vec<ViewLink> = app.saved_views(caller).await?.into_iter().map(|view| view_link(view, &query)).collect();
    let first = found.rows.first().map_or(0, |row| row.number);
    let live = newest && good && !filter.searches();
    let body = LogTemplate {
        form: clone_of(filter),
        chips: filter.chips(),
        narrowed: filter.narrows(),
        fields: filter.fields(),
        choices: Column::ALL.into_iter().map(|column| (column, filter.columns.contains(&column))).collect(),
        columns: &filter.columns,
        columns_text: filter.columns_text(),
        news: if live { format!("{LOG}/news?after={first}&{query}") } else { String::new() },
        newest,
        older: found.next.map(|next| filter.href(&format!("cursor={next}"))),
        newest_href: filter.href(""),
        all_href: LOG,
        searched_to: found.searched_to.map(Moment),
        rows: found.rows.into_iter().map(RowView::new).collect(),
        view_open: views.iter().any(|view| view.open),
        views,
        save,
        query,
        said,
        public_url: &state.config().public_url(),
        now: state.clock().now().into(),
        kinds: kind_names(),
        csrf: &person.csrf,
    };
    let body = body.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "I/O Logs",
            lead: &lead,
            actions_html: &actions(filter),
            body_html: &body,
            path: LOG,
            scripts: &[Script::Htmx],
            ..Page::default()
        },
    ))
}

/// The form of the filter again: a page owns what it shows.
fn clone_of(filter: &LogFilter) -> FormView {
    let mut form = FormView::new(FIELDS);
    for (name, _) in FIELDS {
        form = form.with(name, filter.form.value(name));
    }
    for (name, _, problem) in filter.form.summary() {
        form.problem(name, problem);
    }
    form
}

fn view_link(view: SavedView, query: &str) -> ViewLink {
    ViewLink { open: view.query == query, href: address(&view.query), name: view.name }
}

/// The exports of exactly what the filter lets through.
fn actions(filter: &LogFilter) -> String {
    let fields = filter.fields_text().replace('&', "&amp;");
    let joint = if fields.is_empty() { "" } else { "&amp;" };
    let link = |(format, name): &(&str, &str)| {
        format!("<a class=\"button\" href=\"{LOG}/export?format={format}{joint}{fields}\" download>Export {name}</a>")
    };
    let exports: String = FILES.iter().map(link).collect();
    if filter.form.is_refused() { String::new() } else { exports }
}

/// The names of everything that can be found, sorted.
fn kind_names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = assize_interactions::kinds().iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The answer to what the page is asked.
fn sentence(tally: &InteractionTally, more: bool, narrowed: bool) -> String {
    if tally.counted == 0 {
        return if narrowed { "No interaction fits." } else { "Nothing was handed in yet." }.to_owned();
    }
    let all = match tally.counted {
        1 => "1 interaction".to_owned(),
        counted if more => format!("The newest {} interactions", count(counted)),
        counted => format!("{} interactions", count(counted)),
    };
    let verb = |number: u64, one: &str, many: &str| if number == 1 { one.to_owned() } else { many.to_owned() };
    let mut parts = vec![
        format!("{} {} review", count(tally.review), verb(tally.review, "needs", "need")),
        format!("{} {} non-compliant", count(tally.non_compliant), verb(tally.non_compliant, "is", "are")),
    ];
    for (number, words) in [(tally.pending, "pending"), (tally.failed, "failed"), (tally.erased, "erased")] {
        if number > 0 {
            parts.push(format!("{} {words}", count(number)));
        }
    }
    format!("{all}: {}.", parts.join(", "))
}

fn searched(rows: usize, more: bool) -> String {
    match (rows, more) {
        (0, false) => "No interaction holds all of these words.".to_owned(),
        (1, false) => "1 interaction holds all of these words.".to_owned(),
        (rows, false) => format!("{rows} interactions hold all of these words."),
        (rows, true) => format!("{rows} interactions of this page hold all of these words; there may be older ones."),
    }
}

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the address; it is read pair by pair")]
pub(crate) struct NewsParameters {
    /// Number of the newest interaction that is shown.
    #[param(example = 1234)]
    after: u64,
    /// How many new ones the page says already: when it is as many there is nothing to say.
    #[param(example = 2)]
    known: Option<usize>,
}

#[derive(Template)]
#[template(path = "interactions_news.html")]
struct NewsTemplate {
    words: String,
    new: usize,
    href: String,
}

/// How many interactions of a filter came since a page was made: a piece of HTML with a link to them.
#[utoipa::path(
    get,
    path = "/dashboard/interactions/news",
    tag = "pages",
    params(NewsParameters, LogParameters),
    responses(PageAnswers)
)]
pub(crate) async fn interactions_news(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<Vec<(String, String)>>,
) -> Response {
    person.answer(news(&state, &person, &asked).await)
}

async fn news(state: &HttpState, person: &Person, asked: &[(String, String)]) -> Result<Response, AppError> {
    let filter = LogFilter::read(asked);
    let after = asked.iter().find(|(name, _)| name == "after").and_then(|(_, number)| number.parse::<u64>().ok());
    let after = after.ok_or_else(|| AppError::Unprocessable("after: must be a number".to_owned()))?;
    let query = LogQuery { before: None, words: String::new(), ..filter.query(NEWS_MAX + 1)? };
    let rows = state.app().interactions(person.caller(), &query).await?.rows;
    let new = rows.iter().take_while(|row| row.number > after).count();
    let known = asked.iter().find(|(name, _)| name == "known").and_then(|(_, number)| number.parse::<usize>().ok());
    if new == known.unwrap_or_default() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let words = match new {
        1 => "1 new: show".to_owned(),
        new if new > NEWS_MAX as usize => format!("More than {NEWS_MAX} new: show"),
        new => format!("{new} new: show"),
    };
    let html = NewsTemplate { words, new, href: filter.href("") }.render().map_err(AppError::internal)?;
    Ok(own_page(StatusCode::OK, html))
}

/// Everything that the filter lets through, as a file.
#[utoipa::path(
    get,
    path = "/dashboard/interactions/export",
    tag = "pages",
    params(FormatParameters, LogParameters),
    responses(PageAnswers)
)]
pub(crate) async fn interactions_file(
    State(state): State<HttpState>,
    person: Person,
    Parameters(format): Parameters<FormatParameters>,
    Parameters(asked): Parameters<Vec<(String, String)>>,
) -> Response {
    let query = LogFilter::read(&asked).query(crate::api::interactions::export::PAGE_ROWS);
    let file = match query {
        Ok(query) => export(&state, person.caller().clone(), query, format.format).await,
        Err(error) => Err(error),
    };
    person.answer(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_answers() {
        let tally = InteractionTally { counted: 1_204, review: 12, non_compliant: 1, pending: 3, ..Default::default() };
        assert_eq!(
            sentence(&tally, false, true),
            "1\u{2009}204 interactions: 12 need review, 1 is non-compliant, 3 pending."
        );
        assert!(sentence(&tally, true, false).starts_with("The newest 1\u{2009}204 interactions: "));
        assert_eq!(sentence(&InteractionTally::default(), false, true), "No interaction fits.");
        assert_eq!(searched(0, false), "No interaction holds all of these words.");
    }

    #[test]
    fn only_our_own_words_are_said() {
        assert_eq!(said_words("erased-1"), "1 interaction was erased for good.");
        assert_eq!(said_words("kept"), "The view was kept.");
        for other in ["", "erased-x", "erased-<b>", "hello"] {
            assert_eq!(said_words(other), "");
        }
    }
}
