//! Model files that were handed in: opened in a child process, never in this one.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use assize_models::sandbox::{Sandbox, SandboxedModel};
use assize_models::{Error, Predictor};
use assize_tables::Cancel;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::audits::threads;
use super::certify::Stopped;
use super::error::AppError;
use super::{App, Upload};

/// Seconds after which to ask again when no child could be started.
const RETRY_AFTER_NO_PROCESS_S: u64 = 5;
/// Bytes read at a time for the digest.
const DIGEST_BYTES: usize = 1 << 20;

/// How many models may be looked at before their audits are accepted: each look is a process.
#[derive(Debug)]
pub(super) struct ModelFiles {
    looks: Arc<Semaphore>,
}

impl ModelFiles {
    pub(super) fn new(looks_max: usize) -> Self {
        Self { looks: Arc::new(Semaphore::new(looks_max)) }
    }

    /// The right to look, held while one looks.
    pub(super) async fn look(&self) -> Result<OwnedSemaphorePermit, AppError> {
        Arc::clone(&self.looks).acquire_owned().await.map_err(AppError::internal)
    }
}

/// An opened model with what a certificate says of its file.
pub(super) struct OpenModel {
    pub(super) model: SandboxedModel,
    pub(super) name: String,
    pub(super) sha256: String,
}

/// Opens a model file; the child ends when the answer is dropped.
pub(super) fn open_model(app: &App, path: &Path, name: &str, cancel: &Cancel) -> Result<OpenModel, Stopped> {
    let mut file = File::open(path).map_err(AppError::internal)?;
    let sha256 = digest(&mut file, cancel)?;
    let sandbox = Sandbox::of_this_program(threads(app)).map_err(AppError::internal)?;
    let model = sandbox.open(file, name, cancel).map_err(refused)?;
    if model.classes().is_empty() {
        let message =
            format!("model_file: {name} is a regressor ({}); an audit needs a classifier", model.description());
        return Err(AppError::Unprocessable(message).into());
    }
    Ok(OpenModel { model, name: name.to_owned(), sha256 })
}

/// Opens an upload only to see that it can be.
pub(super) fn look_at(app: &App, upload: &Upload) -> Result<OpenModel, AppError> {
    open_model(app, &upload.path, &upload.name, &Cancel::new()).map_err(|stopped| match stopped {
        Stopped::Failed(error) => error,
        Stopped::Cancelled => AppError::internal("a look at a model was cancelled, which nobody can do"),
    })
}

/// What the file is to blame for is for the user to mend; a machine without processes is not.
pub(super) fn refused(error: Error) -> Stopped {
    match error {
        Error::Cancelled(_) => Stopped::Cancelled,
        Error::Unavailable(why) => {
            tracing::error!("a model could not be opened: {why}");
            AppError::Unavailable { retry_after_s: RETRY_AFTER_NO_PROCESS_S }.into()
        }
        error => AppError::Unprocessable(format!("model_file: {error}")).into(),
    }
}

fn digest(file: &mut File, cancel: &Cancel) -> Result<String, Stopped> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; DIGEST_BYTES];
    loop {
        cancel.check().map_err(|_| Stopped::Cancelled)?;
        match file.read(&mut buffer).map_err(AppError::internal)? {
            0 => break,
            read => digest.update(&buffer[..read]),
        }
    }
    file.rewind().map_err(AppError::internal)?;
    Ok(hex::encode(digest.finalize()))
}
