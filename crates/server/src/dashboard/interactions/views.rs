//! The filters that a person keeps under a name: kept, replaced, deleted. What is kept is the address of the list,
//! written anew from what was read of it.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::filter::{LogFilter, address};
use super::log::show;
use crate::app::AppError;
use crate::dashboard::answers::FormAnswers;
use crate::dashboard::form::FormView;
use crate::dashboard::visitor::{Person, Posted};
use crate::state::HttpState;

/// The fields of the form, as (name, label).
pub(super) const FIELDS: &[(&str, &str)] = &[("name", "Name of the view")];

/// A view to keep, as its form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct ViewForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// What it is called.
    name: String,
    /// The query of the list's address.
    query: String,
}

/// Keep the filter under a name. The answer is the list's address.
#[utoipa::path(
    post,
    path = "/dashboard/interactions/views",
    tag = "pages",
    request_body(content = ViewForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn save_view(State(state): State<HttpState>, posted: Posted<ViewForm>) -> Response {
    posted.person.answer(save(&state, &posted.person, &posted.form).await)
}

async fn save(state: &HttpState, person: &Person, sent: &ViewForm) -> Result<Response, AppError> {
    let filter = LogFilter::read(&pairs(&sent.query));
    filter.query(1)?;
    match state.app().save_view(person.caller(), &sent.name, &filter.text()).await {
        Ok(()) => Ok(Redirect::to(&filter.href("said=kept")).into_response()),
        Err(error @ AppError::Forbidden) => Err(error),
        Err(error) => {
            let form = FormView::new(FIELDS).with("name", &sent.name).refused(error)?;
            show(state, person, &filter, form, String::new()).await
        }
    }
}

/// A view to delete, as its form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct DeleteViewForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// What it is called.
    name: String,
}

/// Forget a view.
#[utoipa::path(
    post,
    path = "/dashboard/interactions/views/delete",
    tag = "pages",
    request_body(content = DeleteViewForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn delete_view(State(state): State<HttpState>, posted: Posted<DeleteViewForm>) -> Response {
    let deleted = state.app().delete_view(posted.person.caller(), &posted.form.name).await;
    posted.person.answer(deleted.map(|()| Redirect::to(&address("said=deleted")).into_response()))
}

/// The pairs of a query; none of one that is none.
fn pairs(query: &str) -> Vec<(String, String)> {
    let address: Option<axum::http::Uri> = format!("/?{query}").parse().ok();
    address
        .and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok())
        .map_or_else(Vec::new, |axum::extract::Query(pairs)| pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_come_apart() {
        assert_eq!(
            pairs("q=a%26b&risk_min=2"),
            [("q", "a&b"), ("risk_min", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
        assert!(pairs("").is_empty() && pairs("\u{0} bad").is_empty());
    }
}
