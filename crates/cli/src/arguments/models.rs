//! Commands about model files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct PredictOptions {
    /// Model file: scikit-learn in joblib or pickle; read as data, never executed
    pub(crate) model: PathBuf,
    /// Rows to ask about: CSV or Parquet, columns by header, only an empty cell is missing; or one numpy array (.npy, .npz)
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Print the probabilities too, in the order of the model's classes
    #[arg(long)]
    pub(crate) proba: bool,
    /// Write there instead of to standard output; a name that ends in .npz gets numpy arrays: out_label, out_classes
    /// and, with --proba, out_proba; of a model with several targets out_label_0, out_label_1 and so on
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Threads that answer [default: all cores]; no answer depends on it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct ScanOptions {
    /// Files: pickle, joblib, zip, tar, PyTorch, Keras, ONNX, numpy, safetensors, GGUF, sources; nothing is executed
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Exit with 3 when a finding is at least this grave
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub(crate) fail_on: Threshold,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the findings as a SARIF 2.1.0 log
    #[arg(long, conflicts_with = "json")]
    pub(crate) sarif: bool,
}

/// From which severity on a scan does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Threshold {
    Low,
    Medium,
    High,
    Critical,
}
