//! `GET /internal/metrics`: for Prometheus, of servers and workers. Who may not read it finds nothing there, as on a path that nothing serves.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::config::Metrics as Settings;
use crate::metrics::{Page, write_process};
use crate::middleware::Peer;
use crate::state::HttpState;

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Headers by which a proxy says that it passes a request on.
const FORWARDED: [HeaderName; 2] = [HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("forwarded")];

/// What a worker of its own answers: whether it lives, whether it can work, and what it counts.
pub(crate) fn worker_routes() -> Router<HttpState> {
    Router::new()
        .route("/health", get(super::certification::health))
        .route("/ready", get(super::operations::ready))
        .route("/internal/metrics", get(metrics))
}

/// Metrics in Prometheus' text format, for `metrics.allow` and bearers of `metrics.token`.
#[utoipa::path(
    get,
    path = "/internal/metrics",
    tag = "operations",
    responses(
        (status = 200, description = "Counters and gauges", body = String, content_type = "text/plain"),
        (status = 404, description = "Not for this client", content_type = "application/problem+json", body = super::problem::ProblemBody),
    )
)]
pub(crate) async fn metrics(State(state): State<HttpState>, request: Request) -> Response {
    let settings = &state.config().metrics;
    if !settings.enabled || !may_read(settings, &state, &request) {
        return super::no_such_route(request).await;
    }
    let text = page(state.app()).await;
    ([(CONTENT_TYPE, TEXT_FORMAT), (CACHE_CONTROL, "no-store")], text).into_response()
}

fn may_read(settings: &Settings, state: &HttpState, request: &Request) -> bool {
    if let Some(token) = &settings.token
        && bearer(request.headers()).is_some_and(|sent| same(sent, token.expose()))
    {
        return true;
    }
    let Some(peer) = request.extensions().get::<Peer>() else { return false };
    // A proxy on this machine that nobody declared would make the whole world local.
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let declared = connection
        .is_some_and(|address| state.config().server.trusted_proxies.iter().any(|network| network.contains(address)));
    let passed_on = FORWARDED.iter().any(|name| request.headers().contains_key(name));
    (declared || !passed_on) && settings.allow.iter().any(|network| network.contains(peer.address))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares digests, so that the time it takes tells nothing about the token.
fn same(sent: &str, token: &str) -> bool {
    Sha256::digest(sent) == Sha256::digest(token)
}

/// Everything there is to know. A database that is away takes its own gauges with it and nothing else.
async fn page(app: &App) -> String {
    let mut page = Page::default();
    page.family("assize_build_info", "gauge", "Always 1; the version is a label.");
    page.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    app.metrics().write(&mut page);
    let figures = app.figures().await;
    let up = if figures.is_ok() { 1.0 } else { 0.0 };
    page.single("assize_database_up", "gauge", "Whether the database answered just now.", up);
    if let Ok(figures) = figures {
        page.family("assize_jobs", "gauge", "Jobs of all organizations; state dead is failed with no attempt left.");
        for count in &figures.jobs {
            let state = if count.dead { "dead" } else { count.state.as_str() };
            page.sample("", &[("kind", &count.kind), ("state", state)], count.count as f64);
        }
        let since = |time: Timestamp| app.clock().now().duration_since(time).as_secs_f64().max(0.0);
        let age = figures.oldest_due.map_or(0.0, since);
        page.single("assize_queue_age_seconds", "gauge", "How long the job has waited that waits longest.", age);
        let pending = figures.interactions_pending as f64;
        page.single("assize_interactions_pending", "gauge", "Interactions that wait for their audit.", pending);
        let age = figures.oldest_interaction.map_or(0.0, since);
        page.single("assize_interactions_age_seconds", "gauge", "How long the one has waited that waits longest.", age);
        let entries = figures.log_entries as f64;
        page.single("assize_log_entries", "gauge", "Entries of the transparency log.", entries);
    }
    let pool = app.pool();
    page.family("assize_database_connections", "gauge", "Connections of this process to the database.");
    for (state, count) in [("idle", pool.idle), ("used", pool.open.saturating_sub(pool.idle))] {
        page.sample("", &[("state", state)], f64::from(count));
    }
    let most = f64::from(pool.open_max);
    page.single("assize_database_connections_max", "gauge", "Most connections of this process.", most);
    write_process(&mut page, app.started_at());
    page.into_text()
}
