//! A multipart form, received: files go straight to disk, texts are bounded. Nothing but the text fields and one chunk
//! is ever in memory, and the files of a refused form are gone when the refusal is sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use assize_tables::source::Spool;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};

use super::limits::{DRAIN_S, FILE_NAME_CHARS_MAX, FORM_PARTS_MAX, RETRY_AFTER_FULL_DISK_S};
use crate::api::idempotency::Fingerprint;
use crate::app::{AppError, Fields, TEXT_FIELDS, Upload};
use crate::config::Limits;

/// A received form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// The text fields that the interface knows; others are dropped.
    pub(crate) fields: Fields,
    /// `dataset_file`.
    pub(crate) dataset: Option<Upload>,
    /// `model_file`.
    pub(crate) model: Option<Upload>,
    /// `csrf_token`, of the dashboard's form.
    pub(crate) csrf_token: Option<String>,
    /// SHA-256 of the files by their part's name, taken while they were received.
    sha256: BTreeMap<String, String>,
}

impl Form {
    /// What the form is known by when it is sent again: its known fields and its files' names and contents, but not the
    /// order of its parts nor what stands between them.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut all = Fingerprint::new("form");
        for (name, value) in &self.fields {
            all = all.and(name, value);
        }
        for (name, file) in [("dataset_file", &self.dataset), ("model_file", &self.model)] {
            if let (Some(file), Some(sha256)) = (file, self.sha256.get(name)) {
                all = all.and(name, &file.name).and(name, sha256);
            }
        }
        all
    }
}

/// Receives a form; files are spooled into `spool`.
pub(super) async fn receive(multipart: Multipart, limits: &Limits, spool: &Path) -> Result<Form, AppError> {
    let (form, received) = receive_keeping(multipart, limits, spool).await;
    received.map(|()| form)
}

/// Receives a form, and keeps what came before a refusal, so that a page can show it again.
pub(crate) async fn receive_keeping(
    mut multipart: Multipart,
    limits: &Limits,
    spool: &Path,
) -> (Form, Result<(), AppError>) {
    let mut form = Form::default();
    let received = receive_parts(&mut multipart, limits, spool, &mut form).await;
    if received.is_err() {
        // A client that is still sending would see a broken connection instead of the refusal.
        let rest = async { while let Ok(Some(_)) = multipart.next_field().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(DRAIN_S), rest).await;
    }
    (form, received)
}

async fn receive_parts(
    multipart: &mut Multipart,
    limits: &Limits,
    spool: &Path,
    form: &mut Form,
) -> Result<(), AppError> {
    let idle = Duration::from_secs(limits.upload_idle_s);
    for _ in 0..FORM_PARTS_MAX {
        let Some(field) = in_time(idle, multipart.next_field()).await? else { return Ok(()) };
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "dataset_file" => {
                let (file, sha256) = spooled(field, limits.dataset_bytes_max, idle, spool).await?;
                put(&mut form.dataset, &name, file)?;
                form.sha256.insert(name, sha256);
            }
            "model_file" => {
                let (file, sha256) = spooled(field, limits.model_bytes_max, idle, spool).await?;
                // Browsers send an empty part for a file input that was left empty.
                if file.bytes > 0 {
                    put(&mut form.model, &name, file)?;
                    form.sha256.insert(name, sha256);
                }
            }
            _ => {
                let value = text(field, limits.field_bytes_max, idle).await?;
                if name == "csrf_token" {
                    form.csrf_token = Some(value);
                } else if TEXT_FIELDS.contains(&name.as_str()) {
                    put_text(&mut form.fields, name, value)?;
                }
            }
        }
    }
    Err(AppError::Unprocessable(format!("the form has more than {FORM_PARTS_MAX} fields")))
}

fn put(slot: &mut Option<Upload>, name: &str, file: Upload) -> Result<(), AppError> {
    match slot.replace(file) {
        None => Ok(()),
        Some(_) => Err(AppError::Unprocessable(format!("{name}: was sent twice; send one file"))),
    }
}

/// Keeps a text field. `protected_attributes` may come as one field an attribute.
fn put_text(fields: &mut Fields, name: String, value: String) -> Result<(), AppError> {
    match fields.get_mut(&name) {
        None => {
            fields.insert(name, value);
            Ok(())
        }
        Some(earlier) if name == "protected_attributes" => {
            earlier.push(',');
            earlier.push_str(&value);
            Ok(())
        }
        Some(_) => Err(AppError::Unprocessable(format!("{name}: was sent twice; send one value"))),
    }
}

/// Writes a file part to the spool.
async fn spooled(
    mut field: Field<'_>,
    bytes_max: u64,
    idle: Duration,
    spool: &Path,
) -> Result<(Upload, String), AppError> {
    let part = field.name().unwrap_or_default().to_owned();
    let name = file_name(field.file_name().unwrap_or_default(), &part);
    let unwritable = |error| refused(&part, error);
    let mut spool = Spool::new(spool, bytes_max).await.map_err(unwritable)?;
    while let Some(chunk) = in_time(idle, field.chunk()).await? {
        spool.write(&chunk).await.map_err(unwritable)?;
    }
    let file = spool.finish(&name).await.map_err(unwritable)?;
    let sha256 = file.sha256.clone();
    Ok((Upload { name, bytes: file.bytes, path: file.into_path() }, sha256))
}

/// Reads a text part.
async fn text(mut field: Field<'_>, bytes_max: u64, idle: Duration) -> Result<String, AppError> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut text = Vec::new();
    while let Some(chunk) = in_time(idle, field.chunk()).await? {
        if (text.len() + chunk.len()) as u64 > bytes_max {
            return Err(AppError::TooLarge { what: name, bytes_max });
        }
        text.extend_from_slice(&chunk);
    }
    String::from_utf8(text).map_err(|_| AppError::Unprocessable(format!("{name}: is not UTF-8 text")))
}

/// The next piece of the form, or a refusal when the client stops sending.
async fn in_time<T>(idle: Duration, piece: impl Future<Output = Result<T, MultipartError>>) -> Result<T, AppError> {
    match tokio::time::timeout(idle, piece).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) => Err(AppError::Unprocessable(format!("the form could not be read: {}", error.body_text()))),
        Err(_) => Err(AppError::Unprocessable(format!("the upload stood still for {} seconds", idle.as_secs()))),
    }
}

/// The name that a file goes by: without folders and control characters, bounded, never empty.
fn file_name(sent: &str, part: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: Vec<char> = last.chars().filter(|c| !c.is_control()).collect();
    let start = clean.len().saturating_sub(FILE_NAME_CHARS_MAX);
    let name: String = clean[start..].iter().collect();
    if name.trim().is_empty() { part.to_owned() } else { name }
}

/// A file that cannot be spooled: it is too large, the disk is full for now, or something is ours to mend.
fn refused(part: &str, error: assize_tables::Error) -> AppError {
    match error {
        assize_tables::Error::TooLarge { limit } => AppError::TooLarge { what: part.to_owned(), bytes_max: limit },
        assize_tables::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            tracing::error!("the spool's disk is full");
            AppError::Unavailable { retry_after_s: RETRY_AFTER_FULL_DISK_S }
        }
        error => AppError::Internal(anyhow::Error::new(error).context("the upload could not be spooled")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_lose_folders_and_control_characters() {
        assert_eq!(file_name("adult.csv", "dataset_file"), "adult.csv");
        assert_eq!(file_name("../../etc/passwd", "dataset_file"), "passwd");
        assert_eq!(file_name("C:\\data\\adult.csv", "dataset_file"), "adult.csv");
        assert_eq!(file_name("a\u{0}\nb.csv", "dataset_file"), "ab.csv");
        assert_eq!(file_name("", "dataset_file"), "dataset_file");
        assert_eq!(file_name("folder/", "model_file"), "model_file");
        let long = format!("{}.csv", "é".repeat(FILE_NAME_CHARS_MAX));
        let cut = file_name(&long, "dataset_file");
        assert_eq!(cut.chars().count(), FILE_NAME_CHARS_MAX);
        assert!(cut.ends_with(".csv"));
    }
}
