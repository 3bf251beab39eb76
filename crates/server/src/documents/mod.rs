//! What `app` knows, rendered by `reports`: certificates as a served page, as a page that is kept as a file and as PDF;
//! one interaction and the log of interactions as PDF.

mod certificate;
pub(crate) mod findings;
mod interaction;
mod interaction_log;

pub(crate) use self::certificate::with_view;
pub use self::certificate::{pdf, self_contained_page};
pub(crate) use self::interaction::interaction_report;
pub(crate) use self::interaction_log::{LOG_ROWS_MAX, log_report};
