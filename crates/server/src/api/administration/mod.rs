//! `/v1`: an organization's own affairs, for programs with a key: its keys, its people, its webhooks, itself. People do the same on
//! the dashboard, through the same operations.

mod answers;
mod keys;
mod organization;
mod people;
mod trail;
mod webhooks;
mod wire;

pub(crate) use keys::{
    __path_create_key, __path_key, __path_keys, __path_revoke_key, __path_rotate_key, create_key, key, keys,
    revoke_key, rotate_key,
};
pub(crate) use organization::{__path_organization, __path_rename_organization, organization, rename_organization};
pub(crate) use people::{
    __path_change_role, __path_invitations, __path_invite, __path_password_link, __path_people, __path_person,
    __path_remove_person, __path_withdraw_invitation, change_role, invitations, invite, password_link, people, person,
    remove_person, withdraw_invitation,
};
pub(crate) use trail::{__path_audit_trail, __path_export_audit_trail, audit_trail, export_audit_trail};
pub(crate) use webhooks::{
    __path_create_webhook, __path_delete_webhook, __path_redeliver, __path_rotate_webhook_secret, __path_test_webhook,
    __path_update_webhook, __path_webhook, __path_webhook_deliveries, __path_webhooks, create_webhook, delete_webhook,
    redeliver, rotate_webhook_secret, test_webhook, update_webhook, webhook, webhook_deliveries, webhooks,
};

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::api::idempotency::json_answer;
use crate::app::Answer;

/// Rows of a page when none are asked for.
const PAGE_ROWS: u32 = 50;
/// Rows of a page at most.
const PAGE_ROWS_MAX: u32 = 200;

/// An answer that nobody keeps: it shows secrets, or what may change while one looks.
fn private<T: Serialize>(status: StatusCode, body: T) -> Response {
    (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

/// What was made, as an answer that can be given again.
fn created<T: Serialize>(body: &T) -> Answer {
    json_answer(StatusCode::CREATED, &[(CACHE_CONTROL, "no-store")], body)
}

/// The rows of a page, and what to ask for the next one: of one row more than asked for, the last of the page.
fn page<T, C>(mut rows: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> (Vec<T>, Option<C>) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = if more { rows.last().map(cursor) } else { None };
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_say_whether_there_is_more() {
        assert_eq!(page(vec![1, 2, 3], 2, |row| *row), (vec![1, 2], Some(2)));
        assert_eq!(page(vec![1, 2], 2, |row| *row), (vec![1, 2], None));
        assert_eq!(page(Vec::<i32>::new(), 2, |row| *row), (vec![], None));
    }
}
