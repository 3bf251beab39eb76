//! Operations of the product, HTTP-agnostic: the faces under `api/` and the dashboard call these and nothing else.

mod error;

pub use error::AppError;
