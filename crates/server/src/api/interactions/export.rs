//! The log taken along: JSON and CSV of everything a filter lets through, streamed, or its newest rows as PDF; one
//! interaction as any of them.

use assize_reports::{PaperSize, Report, report_pdf};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Client;
use super::answers::ClientAnswers;
use super::error::Refusal;
use super::log::LogParameters;
use super::wire::{InteractionBody, InteractionRow};
use crate::api::extract::{Parameters, PathId};
use crate::app::{App, AppError, Caller, LogQuery, id_of};
use crate::documents::{LOG_ROWS_MAX, interaction_report, log_report};
use crate::state::HttpState;

/// Interactions read at once.
pub(crate) const PAGE_ROWS: u32 = 100;

/// What to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    /// An array of interactions with their results.
    #[default]
    Json,
    /// A line an interaction, without the details of its result.
    Csv,
    /// A report for print, with the safe versions of what was said; of the log, its newest 500 rows.
    Pdf,
}

/// What to write, and of what; the filters are those of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatParameters {
    /// `json`, `csv` or `pdf`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) format: ExportFormat,
}

/// Everything of the log that the filters let through, the newest first.
#[utoipa::path(
    get,
    path = "/v1/interactions/export",
    tag = "interactions",
    params(FormatParameters, LogParameters),
    responses(
        (status = 200, description = "The interactions", content((Vec<InteractionBody> = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf"))),
        ClientAnswers
    )
)]
pub(crate) async fn export_interactions(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(format): Parameters<FormatParameters>,
    Parameters(parameters): Parameters<LogParameters>,
) -> Result<Response, Refusal> {
    let query = LogQuery { limit: PAGE_ROWS, ..parameters.query()? };
    Ok(export(&state, caller, query, format.format).await?)
}

/// One interaction as a file.
#[utoipa::path(
    get,
    path = "/v1/interactions/{id}/export",
    tag = "interactions",
    params(("id" = String, Path, description = "The submission's id"), FormatParameters),
    responses(
        (status = 200, description = "The interaction", content((InteractionBody = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf"))),
        ClientAnswers
    )
)]
pub(crate) async fn export_interaction(
    State(state): State<HttpState>,
    Client(caller): Client,
    PathId(id): PathId,
    Parameters(format): Parameters<FormatParameters>,
) -> Result<Response, Refusal> {
    Ok(export_one(&state, &caller, &id, format.format).await?)
}

/// One interaction as a file.
pub(crate) async fn export_one(
    state: &HttpState,
    caller: &Caller,
    id: &str,
    format: ExportFormat,
) -> Result<Response, AppError> {
    let opened = state.app().interaction(caller, id).await?;
    let name = id_of(&opened.record).to_string();
    Ok(match format {
        ExportFormat::Json => {
            let body = serde_json::to_vec_pretty(&InteractionBody::from(opened)).map_err(AppError::internal)?;
            download(&format!("{name}.json"), "application/json", Body::from(body))
        }
        ExportFormat::Csv => {
            let text = format!("{CSV_HEAD}{}", csv_line(&InteractionRow::from(opened.record)));
            download(&format!("{name}.csv"), "text/csv; charset=utf-8", Body::from(text))
        }
        ExportFormat::Pdf => {
            let owner = state.app().organization(caller).await?.name;
            let report = interaction_report(&opened, &owner, &state.config().public_url());
            printed(state, &format!("{name}.pdf"), report).await?
        }
    })
}

/// Everything that a query lets through, as a file. Its first page is read before anything is answered, so that what
/// cannot be read is refused and not cut short.
pub(crate) async fn export(
    state: &HttpState,
    caller: Caller,
    query: LogQuery,
    format: ExportFormat,
) -> Result<Response, AppError> {
    let (rows, head, tail, name, kind) = match format {
        ExportFormat::Json => (RowsAs::Json, "[\n", "\n]\n", "interactions.json", "application/json"),
        ExportFormat::Csv => (RowsAs::Csv, CSV_HEAD, "", "interactions.csv", "text/csv; charset=utf-8"),
        ExportFormat::Pdf => return print_log(state, &caller, query).await,
    };
    let app = state.app();
    let first = texts_of_page(app, &caller, &query, rows).await?;
    let head = futures::stream::iter([Ok(Bytes::from_static(head.as_bytes()))]);
    let tail = futures::stream::iter([Ok(Bytes::from_static(tail.as_bytes()))]);
    let pages = pages(app.clone(), caller, query, rows, first);
    Ok(download(name, kind, Body::from_stream(head.chain(pages).chain(tail))))
}

/// The newest rows of a query as a report for print.
async fn print_log(state: &HttpState, caller: &Caller, query: LogQuery) -> Result<Response, AppError> {
    let (mut rows, mut before) = (Vec::new(), query.before);
    let more = loop {
        let page = state.app().interactions(caller, &LogQuery { before, ..query.clone() }).await?;
        rows.extend(page.rows);
        before = page.next;
        if rows.len() >= LOG_ROWS_MAX || before.is_none() {
            break rows.len() > LOG_ROWS_MAX || before.is_some();
        }
    };
    rows.truncate(LOG_ROWS_MAX);
    let owner = state.app().organization(caller).await?.name;
    let report = log_report(&query, &rows, more, &owner, &state.config().public_url(), state.clock().now());
    printed(state, "interactions.pdf", report).await
}

/// A report as PDF. It is not kept: what it says may be erased.
async fn printed(state: &HttpState, name: &str, report: Report) -> Result<Response, AppError> {
    let render = move || report_pdf(&report, PaperSize::A4).map_err(AppError::internal);
    Ok(download(name, "application/pdf", Body::from(state.rendered().once(render).await?)))
}

fn download(name: &str, kind: &'static str, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

/// How the rows of a file that grows with the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowsAs {
    Json,
    Csv,
}

/// The texts of a page and where the next one begins.
type Page = (Vec<String>, Option<u64>);

async fn texts_of_page(app: &App, caller: &Caller, query: &LogQuery, rows: RowsAs) -> Result<Page, AppError> {
    let page = app.interactions(caller, query).await?;
    let mut texts = Vec::with_capacity(page.rows.len());
    for record in page.rows {
        texts.push(match rows {
            RowsAs::Csv => csv_line(&InteractionRow::from(record)),
            RowsAs::Json => {
                let opened = app.opened(caller, &record, false).await?;
                serde_json::to_string(&InteractionBody::from(opened)).map_err(AppError::internal)?
            }
        });
    }
    Ok((texts, page.next))
}

/// Pages one after the other. An error in the middle cuts the body, which the client notices.
fn pages(
    app: App,
    caller: Caller,
    query: LogQuery,
    rows: RowsAs,
    first: Page,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    let start = Some((query, Some(first), false));
    futures::stream::unfold(start, move |state| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let (query, read, begun) = state?;
            let read = match read {
                Some(page) => Ok(page),
                None => texts_of_page(&app, &caller, &query, rows).await,
            };
            match read {
                Ok((texts, next)) => {
                    let (joint, empty) = (if rows == RowsAs::Json { ",\n" } else { "" }, texts.is_empty());
                    let between = if begun && !empty { joint } else { "" };
                    let text = format!("{between}{}", texts.join(joint));
                    let rest = next.map(|before| (LogQuery { before: Some(before), ..query }, None, begun || !empty));
                    Some((Ok(Bytes::from(text)), rest))
                }
                Err(error) => {
                    tracing::warn!("an export was cut short: {error}");
                    Some((Err(std::io::Error::other("the export was cut short")), None))
                }
            }
        }
    })
}

const CSV_HEAD: &str = "submission_id,state,received_at,audited_at,timestamp,user_id,company_name,use_case,\
    your_company_user_id,your_company_user_session_id,model_version,input_country,output_country,tokens,\
    compliance_status,risk_score,entities,regulations,failure\r\n";

/// A line of RFC 4180. A field that a spreadsheet would take for a formula is quoted with an apostrophe (OWASP, CSV
/// injection).
fn csv_line(row: &InteractionRow) -> String {
    let fields = row.fields();
    let mut line = String::new();
    for (nth, field) in fields.iter().enumerate() {
        if nth > 0 {
            line.push(',');
        }
        let guarded = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if field.contains(['"', ',', '\n', '\r']) || !guarded.is_empty() {
            line.push_str(&format!("\"{guarded}{}\"", field.replace('"', "\"\"")));
        } else {
            line.push_str(field);
        }
    }
    line.push_str("\r\n");
    line
}
