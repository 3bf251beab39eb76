//! One file a command: arguments to an operation of `assize_server::app`, its result to the terminal.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod certificate;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
mod demo;
pub(crate) mod doctor;
mod installation;
pub(crate) mod master_key;
pub(crate) mod migrate;
mod model_file;
pub(crate) mod openapi;
pub(crate) mod people;
pub(crate) mod predict;
pub(crate) mod retention;
pub(crate) mod sandbox;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod signing_key;
pub(crate) mod verify;
pub(crate) mod worker;
