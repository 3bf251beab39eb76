//! Commands about model files.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct PredictOptions {
    /// Model file: scikit-learn in joblib or pickle; read as data, never executed
    pub(crate) model: PathBuf,
    /// Rows to ask about: CSV or Parquet, columns by header; only an empty cell is missing
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Print the probabilities too, in the order of the model's classes
    #[arg(long)]
    pub(crate) proba: bool,
    /// Write there instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Threads that answer [default: all cores]; no answer depends on it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}
