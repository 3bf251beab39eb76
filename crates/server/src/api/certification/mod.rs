//! The certification interface (ModelPassport): submit an audit, follow it, look a certificate up and check it.
//! Its document fixes paths, field names, statuses and `{"detail"}`; extras are ours and additive.

mod audit;
mod error;
mod health;
mod jobs;
mod limits;
mod rendered;
pub(crate) mod upload;
mod verify;
mod view;
mod wire;

pub(crate) use audit::{__path_submit_audit, submit_audit};
pub(crate) use error::{Detail, detail};
pub(crate) use health::{__path_health, health};
pub(crate) use jobs::{
    __path_audit_events, __path_audit_job, __path_cancel_audit, __path_delete_audit, audit_events, audit_job,
    cancel_audit, delete_audit,
};
pub(crate) use rendered::RenderedCache;
pub(crate) use verify::{
    __path_badge, __path_certificate, __path_certificate_file, __path_certificate_pdf, __path_certificate_qr, badge,
    certificate, certificate_file, certificate_pdf, certificate_qr,
};

/// Whether a path belongs to this interface, errors included.
pub(crate) fn owns(path: &str) -> bool {
    ["/audit", "/verify", "/health"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_its_own_paths_wear_its_face() {
        for path in ["/audit/full", "/audit", "/audit/nothing", "/verify/MP-2026-000001", "/health"] {
            assert!(super::owns(path), "{path}");
        }
        for path in ["/", "/auditor", "/healthy", "/log/checkpoint", "/v1/comply/models"] {
            assert!(!super::owns(path), "{path}");
        }
    }
}
