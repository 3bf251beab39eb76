//! `assize sandbox`: the hidden command under which this program reads model files behind walls, for its parent.

use anyhow::Context as _;

use crate::outcome::Outcome;

/// Serves the parent until it hangs up.
pub(crate) fn run() -> anyhow::Result<Outcome> {
    assize_models::sandbox::serve_child().context("this command is started by others, not by hand")?;
    Ok(Outcome::Done)
}
