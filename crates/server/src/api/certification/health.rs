//! `GET /health`: is the process alive. Readiness, which also asks the database, is `/ready`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Alive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: a dead process does not answer.
    #[schema(example = "ok")]
    status: &'static str,
    /// Version of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Liveness: status and version.
#[utoipa::path(
    get,
    path = "/health",
    tag = "certification",
    responses((status = 200, description = "The process is alive", body = Health))
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
