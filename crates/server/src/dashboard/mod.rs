//! Pages for people, in the product's frame, from the same operations that programs call. They read without JavaScript
//! and refer to nothing outside this server.
//!
//! Two kinds: pages for anybody (the front page, the log, the reference), and those under `/dashboard`, which need a
//! session. A handler extracts, calls operations of `app`, and fills a template; `frame` puts it into the navigation.
//!
//! Invariants: every form of a session carries its token and is checked by [`visitor::Posted`]; nothing that is shown
//! once is in an address; a page for a person is never kept by anything on the way; what somebody typed is shown again
//! when it is refused, but for passwords.

mod answers;
mod assets;
mod audits;
mod design;
mod docs;
mod form;
mod frame;
mod home;
mod interactions;
mod jobs;
mod keys;
mod landing;
mod log;
mod people;
mod search;
mod session;
mod settings;
mod trail;
mod usage;
mod visitor;
mod withdrawn;
mod words;

pub(crate) use assets::{__path_asset, asset, linked_assets};
pub(crate) use audits::{
    __path_audits_page, __path_new_audit_page, __path_submit_audit_form, audits_page, new_audit_page, submit_audit_form,
};
pub(crate) use design::{__path_design, design};
pub(crate) use docs::{__path_docs, docs};
pub(crate) use frame::certificate_not_found;
pub(crate) use home::{__path_area_page, __path_home, area_page, home};
pub(crate) use interactions::{
    __path_delete_view, __path_erase_form, __path_erase_page, __path_interaction_file, __path_interaction_page,
    __path_interactions_file, __path_interactions_news, __path_interactions_page, __path_playground_page,
    __path_save_view, __path_try_playground, delete_view, erase_form, erase_page, interaction_file, interaction_page,
    interactions_file, interactions_news, interactions_page, playground_page, save_view, try_playground,
};
pub(crate) use jobs::{
    __path_cancel_job, __path_job_events, __path_job_page, __path_jobs_events, __path_jobs_page, __path_retry_job,
    cancel_job, job_events, job_page, jobs_events, jobs_page, retry_job,
};
pub(crate) use keys::{
    __path_create_key, __path_key_page, __path_keys_page, __path_new_key_page, __path_revoke_key, __path_rotate_key,
    create_key, key_page, keys_page, new_key_page, revoke_key, rotate_key,
};
pub(crate) use landing::{__path_landing, landing};
pub(crate) use log::{
    __path_log_entry_page, __path_log_growth_page, __path_log_page, log_entry_page, log_growth_page, log_page,
};
pub(crate) use people::{
    __path_change_role, __path_invite, __path_invite_page, __path_people_page, __path_person_page,
    __path_remove_person, __path_reset_password, __path_withdraw_invitation, change_role, invite, invite_page,
    people_page, person_page, remove_person, reset_password, withdraw_invitation,
};
pub(crate) use search::{__path_search_page, search_page};
pub(crate) use session::{
    __path_accept_invitation, __path_account_page, __path_change_password, __path_invitation_page, __path_sign_in,
    __path_sign_in_page, __path_sign_out, __path_switch_organization, accept_invitation, account_page, change_password,
    invitation_page, sign_in, sign_in_page, sign_out, switch_organization,
};
pub(crate) use settings::{
    __path_save_retention, __path_save_settings, __path_settings_page, save_retention, save_settings, settings_page,
};
pub(crate) use trail::{__path_trail_csv, __path_trail_export, __path_trail_page, trail_csv, trail_export, trail_page};
pub(crate) use usage::{__path_ledger_page, __path_usage_page, ledger_page, usage_page};
pub(crate) use visitor::{error_page, owns};
pub(crate) use withdrawn::withdrawn_badge;
