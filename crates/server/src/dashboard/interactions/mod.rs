//! Interactions for people: the log of what assistants said, one interaction with everything that was found in it, a
//! playground that keeps nothing, and erasing a person.
//!
//! The address of the log is its filter: [`filter`] reads it, links are made of it again, saved views and exports are
//! that same text. Texts of customers are hostile: [`text`] is the only place that writes them, a bounded part at a
//! time, with what cannot be seen made visible.

mod columns;
mod detail;
mod erase;
mod filter;
mod log;
mod places;
mod playground;
mod text;
mod views;

pub(crate) use detail::{__path_interaction_file, __path_interaction_page, interaction_file, interaction_page};
pub(crate) use erase::{__path_erase_form, __path_erase_page, erase_form, erase_page};
pub(crate) use log::{
    __path_interactions_file, __path_interactions_news, __path_interactions_page, interactions_file, interactions_news,
    interactions_page,
};
pub(crate) use playground::{__path_playground_page, __path_try_playground, playground_page, try_playground};
pub(crate) use views::{__path_delete_view, __path_save_view, delete_view, save_view};

/// Address of the log.
pub(super) const LOG: &str = "/dashboard/interactions";
