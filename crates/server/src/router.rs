//! Which path is what. Every route is added by `routes!`, which also documents it; there is no other way in, and a test
//! reads this file to keep it so.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::api::{self, administration, certification, interactions, jobs, monitoring, operations, transparency};
use crate::dashboard;
use crate::middleware;
use crate::openapi;
use crate::state::HttpState;

/// Largest body of a route that expects none or a small one, bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// All routes with their documentation.
pub(crate) fn documented_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(openapi::head())
        // Certification. The form's parts are bounded one by one as they are received.
        .routes(routes!(certification::submit_audit).layer(DefaultBodyLimit::disable()))
        .routes(routes!(certification::audit_job, certification::delete_audit))
        .routes(routes!(certification::audit_events))
        .routes(routes!(certification::cancel_audit))
        .routes(routes!(certification::certificate))
        .routes(routes!(certification::certificate_file))
        .routes(routes!(certification::certificate_pdf))
        .routes(routes!(certification::badge))
        .routes(routes!(certification::certificate_qr))
        .routes(routes!(certification::health))
        // Interactions.
        .routes(routes!(interactions::submit_interaction_at_root).layer(interaction_body()))
        .routes(routes!(interactions::submit_interaction, interactions::interactions).layer(interaction_body()))
        .routes(routes!(interactions::check_interaction).layer(interaction_body()))
        .routes(routes!(interactions::restore_text).layer(interaction_body()))
        .routes(routes!(interactions::check_batch).layer(DefaultBodyLimit::max(interactions::BATCH_BYTES_MAX)))
        .routes(routes!(interactions::export_interactions))
        .routes(routes!(interactions::erase_person))
        .routes(routes!(interactions::interaction))
        .routes(routes!(interactions::export_interaction))
        .routes(routes!(interactions::usage))
        .routes(routes!(interactions::ledger))
        // Jobs of any kind.
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::jobs_events))
        .routes(routes!(jobs::job))
        .routes(routes!(jobs::job_events))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::retry_job))
        // The log and the keys.
        .routes(routes!(transparency::checkpoint))
        .routes(routes!(transparency::certificates))
        .routes(routes!(transparency::inclusion_proof))
        .routes(routes!(transparency::consistency_proof))
        .routes(routes!(transparency::entries))
        .routes(routes!(transparency::public_keys))
        // An organization's own affairs.
        .routes(routes!(administration::keys, administration::create_key))
        .routes(routes!(administration::key, administration::revoke_key))
        .routes(routes!(administration::rotate_key))
        .routes(routes!(administration::people))
        .routes(routes!(administration::person, administration::change_role, administration::remove_person))
        .routes(routes!(administration::password_link))
        .routes(routes!(administration::invitations, administration::invite))
        .routes(routes!(administration::withdraw_invitation))
        .routes(routes!(administration::organization, administration::rename_organization))
        .routes(routes!(administration::audit_trail))
        .routes(routes!(administration::export_audit_trail))
        // Whom it tells.
        .routes(routes!(administration::webhooks, administration::create_webhook))
        .routes(routes!(administration::webhook, administration::update_webhook, administration::delete_webhook))
        .routes(routes!(administration::rotate_webhook_secret))
        .routes(routes!(administration::test_webhook))
        .routes(routes!(administration::webhook_deliveries))
        .routes(routes!(administration::redeliver))
        // Operations.
        .routes(routes!(operations::ready))
        .routes(routes!(operations::openapi_document))
        .routes(routes!(monitoring::metrics))
        // Pages.
        .routes(routes!(dashboard::landing))
        .routes(routes!(dashboard::docs))
        .routes(routes!(dashboard::log_page))
        .routes(routes!(dashboard::log_entry_page))
        .routes(routes!(dashboard::log_growth_page))
        .routes(routes!(dashboard::design))
        // Signing in and out.
        .routes(routes!(dashboard::sign_in_page, dashboard::sign_in))
        .routes(routes!(dashboard::sign_out))
        .routes(routes!(dashboard::switch_organization))
        .routes(routes!(dashboard::invitation_page, dashboard::accept_invitation))
        .routes(routes!(dashboard::account_page, dashboard::change_password))
        // The dashboard. The parts of the form for an audit are bounded one by one as they are received.
        .routes(routes!(dashboard::home))
        .routes(routes!(dashboard::area_page))
        .routes(routes!(dashboard::search_page))
        .routes(routes!(dashboard::interactions_page))
        .routes(routes!(dashboard::interactions_news))
        .routes(routes!(dashboard::interactions_file))
        .routes(routes!(dashboard::save_view))
        .routes(routes!(dashboard::delete_view))
        .routes(routes!(dashboard::playground_page, dashboard::try_playground).layer(interaction_body()))
        .routes(routes!(dashboard::erase_page, dashboard::erase_form))
        .routes(routes!(dashboard::interaction_page))
        .routes(routes!(dashboard::interaction_file))
        .routes(routes!(dashboard::usage_page))
        .routes(routes!(dashboard::ledger_page))
        .routes(routes!(dashboard::audits_page))
        .routes(routes!(dashboard::submit_audit_form).layer(DefaultBodyLimit::disable()))
        .routes(routes!(dashboard::new_audit_page))
        .routes(routes!(dashboard::jobs_page))
        .routes(routes!(dashboard::jobs_events))
        .routes(routes!(dashboard::job_page))
        .routes(routes!(dashboard::job_events))
        .routes(routes!(dashboard::cancel_job))
        .routes(routes!(dashboard::retry_job))
        .routes(routes!(dashboard::keys_page, dashboard::create_key))
        .routes(routes!(dashboard::new_key_page))
        .routes(routes!(dashboard::key_page))
        .routes(routes!(dashboard::rotate_key))
        .routes(routes!(dashboard::revoke_key))
        .routes(routes!(dashboard::people_page, dashboard::invite))
        .routes(routes!(dashboard::invite_page))
        .routes(routes!(dashboard::person_page))
        .routes(routes!(dashboard::change_role))
        .routes(routes!(dashboard::reset_password))
        .routes(routes!(dashboard::remove_person))
        .routes(routes!(dashboard::withdraw_invitation))
        .routes(routes!(dashboard::trail_page))
        .routes(routes!(dashboard::trail_csv))
        .routes(routes!(dashboard::trail_export))
        .routes(routes!(dashboard::settings_page, dashboard::save_settings))
        .routes(routes!(dashboard::save_retention))
        .routes(routes!(dashboard::asset))
}

fn interaction_body() -> DefaultBodyLimit {
    DefaultBodyLimit::max(interactions::INTERACTION_BYTES_MAX)
}

/// The whole service.
pub(crate) fn router(state: &HttpState) -> Router {
    let (routes, _) = documented_routes().split_for_parts();
    complete(routes, state)
}

/// The few routes of a worker of its own.
pub(crate) fn worker_router(state: &HttpState) -> Router {
    complete(monitoring::worker_routes(), state)
}

fn complete(routes: Router<HttpState>, state: &HttpState) -> Router {
    let routes = routes
        .fallback(api::no_such_route)
        .method_not_allowed_fallback(api::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state.clone());
    middleware::wrap(routes, state)
}
