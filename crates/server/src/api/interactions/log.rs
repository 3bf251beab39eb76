//! The log: listed, filtered, searched; one result; erasing a person.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::Client;
use super::answers::ClientAnswers;
use super::error::Refusal;
use super::submit::Raw;
use super::wire::{EraseRequest, ErasedBody, InteractionBody, InteractionPage, InteractionRow};
use crate::api::extract::{Parameters, PathId};
use crate::app::{
    AppError, ComplianceStatus, InteractionFilter, InteractionState, LogQuery, SubmissionId, country_code, status_name,
};
use crate::state::HttpState;

/// Rows of a page when none are asked for.
const PAGE_ROWS: u32 = 50;
/// Rows of a page at most.
const PAGE_ROWS_MAX: u32 = 500;

/// Which interactions: everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct LogParameters {
    /// Received at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
    /// Received before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    /// One submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submission_id: Option<String>,
    /// Your internal user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) your_company_user_id: Option<String>,
    /// Your session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) your_company_user_session_id: Option<String>,
    /// Your user identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    /// Version of your model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_version: Option<String>,
    /// What the assistant is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) use_case: Option<String>,
    /// Country of either side: a name, an ISO 3166-1 code, or `global`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
    /// `Fully Compliant`, `Review Needed` or `Non-Compliant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compliance_status: Option<String>,
    /// `pending`, `audited`, `failed` or `erased`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Risk score at least, 0 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) risk_min: Option<f64>,
    /// Risk score at most, 0 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) risk_max: Option<f64>,
    /// A type that was found, e.g. `EMAIL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<String>,
    /// A regulation that may be engaged, e.g. `GDPR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) regulation: Option<String>,
    /// Words that all stand in the safe versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) q: Option<String>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    /// Rows of the page, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
}

impl LogParameters {
    /// As the log is asked.
    ///
    /// # Errors
    /// `Unprocessable` naming the parameter that is wrong and what it takes.
    pub(crate) fn query(&self) -> Result<LogQuery, AppError> {
        let wrong = |name: &str, takes: &str| AppError::Unprocessable(format!("{name}: must be {takes}"));
        let texts = [
            &self.your_company_user_id,
            &self.your_company_user_session_id,
            &self.user_id,
            &self.model_version,
            &self.use_case,
            &self.entity,
            &self.regulation,
            &self.q,
        ];
        if texts.into_iter().flatten().any(|text| text.contains('\0')) {
            return Err(AppError::Unprocessable("query: a filter holds a NUL character".to_owned()));
        }
        // What is no id names a submission that does not exist: number 0.
        let nobody = || SubmissionId { number: 0, letters: String::new() };
        let id = self.submission_id.as_deref().map(|id| SubmissionId::parse(id).unwrap_or_else(nobody));
        let status = |name: &str| {
            let known = ComplianceStatus::ALL.into_iter().find(|status| status_name(*status) == name);
            known.or_else(|| ComplianceStatus::parse(name))
        };
        let status = self.compliance_status.as_deref().map(|name| {
            status(name)
                .ok_or_else(|| wrong("compliance_status", "`Fully Compliant`, `Review Needed` or `Non-Compliant`"))
        });
        let state = self.state.as_deref().map(|name| {
            InteractionState::parse(name).ok_or_else(|| wrong("state", "pending, audited, failed or erased"))
        });
        let risk = |name: &str, risk: Option<f64>, round: fn(f64) -> f64| match risk {
            None => Ok(None),
            // In tenths from 0 to 100.
            Some(risk) if (0.0..=10.0).contains(&risk) => Ok(Some(round((risk * 1e4).round() / 1e3) as u8)),
            Some(_) => Err(wrong(name, "a number from 0 to 10")),
        };
        let country = self.country.as_deref().map(|typed| {
            country_code(typed).ok_or_else(|| wrong("country", "a country's English name, its ISO code, or global"))
        });
        let before = self
            .cursor
            .as_deref()
            .map(|cursor| cursor.parse().map_err(|_| wrong("cursor", "`next` of the page before")));
        let limit = self.limit.unwrap_or(PAGE_ROWS);
        if !(1..=PAGE_ROWS_MAX).contains(&limit) {
            return Err(wrong("limit", &format!("from 1 to {PAGE_ROWS_MAX}")));
        }
        Ok(LogQuery {
            filter: InteractionFilter {
                since: self.since,
                until: self.until,
                number: id.as_ref().map(|id| id.number),
                subject: self.your_company_user_id.clone(),
                client_user: self.user_id.clone(),
                session: self.your_company_user_session_id.clone(),
                model_version: self.model_version.clone(),
                use_case: self.use_case.clone(),
                country: country.transpose()?,
                status: status.transpose()?,
                state: state.transpose()?,
                risk_min: risk("risk_min", self.risk_min, f64::ceil)?,
                risk_max: risk("risk_max", self.risk_max, f64::floor)?,
                entity: self.entity.clone(),
                regulation: self.regulation.clone(),
            },
            letters: id.map(|id| id.letters),
            words: self.q.clone().unwrap_or_default(),
            before: before.transpose()?,
            limit,
        })
    }
}

/// The log of your organization, the newest first.
#[utoipa::path(
    get,
    path = "/v1/interactions",
    tag = "interactions",
    params(LogParameters),
    responses((status = 200, description = "A page", body = InteractionPage), ClientAnswers)
)]
pub(crate) async fn interactions(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(parameters): Parameters<LogParameters>,
) -> Result<Response, Refusal> {
    let page = state.app().interactions(&caller, &parameters.query()?).await?;
    Ok(private(InteractionPage {
        interactions: page.rows.into_iter().map(InteractionRow::from).collect(),
        next: page.next.map(|number| number.to_string()),
        searched_to: page.searched_to,
    }))
}

/// An interaction with its result.
#[utoipa::path(
    get,
    path = "/v1/interactions/{id}",
    tag = "interactions",
    params(("id" = String, Path, description = "The submission's id")),
    responses((status = 200, description = "The interaction", body = InteractionBody), ClientAnswers)
)]
pub(crate) async fn interaction(
    State(state): State<HttpState>,
    Client(caller): Client,
    PathId(id): PathId,
) -> Result<Response, Refusal> {
    Ok(private(InteractionBody::from(state.app().interaction(&caller, &id).await?)))
}

/// Erase everything that one of your users said (GDPR article 17).
///
/// Their key is destroyed, so that copies and backups cannot be read either; the rows keep nothing that leads to them.
/// Needs the role owner.
#[utoipa::path(
    post,
    path = "/v1/interactions/erase",
    tag = "interactions",
    request_body(content = EraseRequest, description = "Whose data"),
    responses((status = 200, description = "What was erased", body = ErasedBody), ClientAnswers)
)]
pub(crate) async fn erase_person(
    State(state): State<HttpState>,
    Client(caller): Client,
    Raw(body): Raw,
) -> Result<Response, Refusal> {
    #[derive(Deserialize)]
    struct Body {
        your_company_user_id: String,
    }
    let body: Body = serde_json::from_slice(&body).map_err(|error| {
        AppError::Unprocessable(format!("the body must be {{\"your_company_user_id\": \"...\"}}: {error}"))
    })?;
    let erased = state.app().erase_person(&caller, &body.your_company_user_id).await?;
    Ok(private(ErasedBody { erased }))
}

/// An answer that nobody keeps.
pub(super) fn private<T: Serialize>(body: T) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_say_what_they_take() {
        let query = |parameters: LogParameters| parameters.query();
        let good = LogParameters {
            compliance_status: Some("Review Needed".to_owned()),
            risk_min: Some(2.05),
            risk_max: Some(5.94),
            country: Some("Germany".to_owned()),
            ..LogParameters::default()
        };
        let filter = query(good).unwrap().filter;
        assert_eq!((filter.risk_min, filter.risk_max), (Some(21), Some(59)));
        assert_eq!((filter.status, filter.country.as_deref()), (Some(ComplianceStatus::Review), Some("DE")));
        let text = |text: &str| Some(text.to_owned());
        let bad = [
            (LogParameters { state: text("done"), ..LogParameters::default() }, "state"),
            (LogParameters { compliance_status: text("ok"), ..LogParameters::default() }, "compliance_status"),
            (LogParameters { risk_min: Some(11.0), ..LogParameters::default() }, "risk_min"),
            (LogParameters { risk_max: Some(f64::NAN), ..LogParameters::default() }, "risk_max"),
            (LogParameters { country: text("Atlantis"), ..LogParameters::default() }, "country"),
            (LogParameters { cursor: text("x"), ..LogParameters::default() }, "cursor"),
            (LogParameters { limit: Some(0), ..LogParameters::default() }, "limit"),
            (LogParameters { q: text("a\0"), ..LogParameters::default() }, "query"),
        ];
        for (parameters, name) in bad {
            assert!(query(parameters).unwrap_err().to_string().starts_with(name), "{name}");
        }
    }

    #[test]
    fn whole_tenths_are_not_rounded_away() {
        for tenths in 0..=100_u8 {
            let risk = Some(f64::from(tenths) / 10.0);
            let parameters = LogParameters { risk_min: risk, risk_max: risk, ..LogParameters::default() };
            let filter = parameters.query().unwrap().filter;
            assert_eq!((filter.risk_min, filter.risk_max), (Some(tenths), Some(tenths)));
        }
    }
}
