//! The log taken along: JSON and CSV of everything a filter lets through, streamed; JSON and CSV of one interaction.

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
}

/// What to write, and of what; the filters are those of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatParameters {
    /// `json` or `csv`.
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
        (status = 200, description = "The interactions", content((Vec<InteractionBody> = "application/json"), (String = "text/csv"))),
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
    Ok(export(state.app(), caller, query, format.format).await?)
}

/// One interaction as a file.
#[utoipa::path(
    get,
    path = "/v1/interactions/{id}/export",
    tag = "interactions",
    params(("id" = String, Path, description = "The submission's id"), FormatParameters),
    responses(
        (status = 200, description = "The interaction", content((InteractionBody = "application/json"), (String = "text/csv"))),
        ClientAnswers
    )
)]
pub(crate) async fn export_interaction(
    State(state): State<HttpState>,
    Client(caller): Client,
    PathId(id): PathId,
    Parameters(format): Parameters<FormatParameters>,
) -> Result<Response, Refusal> {
    Ok(export_one(state.app(), &caller, &id, format.format).await?)
}

/// One interaction as a file.
pub(crate) async fn export_one(
    app: &App,
    caller: &Caller,
    id: &str,
    format: ExportFormat,
) -> Result<Response, AppError> {
    let opened = app.interaction(caller, id).await?;
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
    })
}

/// Everything that a query lets through, as a file. Its first page is read before anything is answered, so that what
/// cannot be read is refused and not cut short.
pub(crate) async fn export(
    app: &App,
    caller: Caller,
    query: LogQuery,
    format: ExportFormat,
) -> Result<Response, AppError> {
    let first = texts_of_page(app, &caller, &query, format).await?;
    let (head, tail, name, kind) = match format {
        ExportFormat::Json => ("[\n", "\n]\n", "interactions.json", "application/json"),
        ExportFormat::Csv => (CSV_HEAD, "", "interactions.csv", "text/csv; charset=utf-8"),
    };
    let head = futures::stream::iter([Ok(Bytes::from_static(head.as_bytes()))]);
    let tail = futures::stream::iter([Ok(Bytes::from_static(tail.as_bytes()))]);
    let pages = pages(app.clone(), caller, query, format, first);
    Ok(download(name, kind, Body::from_stream(head.chain(pages).chain(tail))))
}

fn download(name: &str, kind: &'static str, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

/// The texts of a page and where the next one begins.
type Page = (Vec<String>, Option<u64>);

async fn texts_of_page(app: &App, caller: &Caller, query: &LogQuery, format: ExportFormat) -> Result<Page, AppError> {
    let page = app.interactions(caller, query).await?;
    let mut texts = Vec::with_capacity(page.rows.len());
    for record in page.rows {
        texts.push(match format {
            ExportFormat::Csv => csv_line(&InteractionRow::from(record)),
            ExportFormat::Json => {
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
    format: ExportFormat,
    first: Page,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    let start = Some((query, Some(first), false));
    futures::stream::unfold(start, move |state| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let (query, read, begun) = state?;
            let read = match read {
                Some(page) => Ok(page),
                None => texts_of_page(&app, &caller, &query, format).await,
            };
            match read {
                Ok((texts, next)) => {
                    let (joint, empty) = (if format == ExportFormat::Json { ",\n" } else { "" }, texts.is_empty());
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
