//! The certificate of a real audit, rendered: page, PDF, badge, code, frame.

mod page;
mod pdf;
mod pieces;
mod sample;
