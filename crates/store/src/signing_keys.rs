//! The public halves of the keys that ever signed, so that old signatures stay checkable after a rotation.
//!
//! Private keys are never here. Keys belong to the installation, not to an organization.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;

/// A key that signs or once signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// Its id, as signatures name it.
    pub key_id: String,
    /// The public key, PEM.
    pub public_pem: String,
    /// From when its signatures count.
    pub valid_from: Timestamp,
    /// Until when they count; `None` while in use.
    pub retired_at: Option<Timestamp>,
    /// Size of the log at its retirement: it signed nothing beyond.
    pub final_log_size: Option<u64>,
}

/// The signing keys of this installation.
pub struct SigningKeys<'a> {
    on: On<'a>,
}

impl<'a> SigningKeys<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a key unless it is known; a known id with another public key is an [`Error::Conflict`].
    pub async fn put(&mut self, key_id: &str, public_pem: &str, valid_from: Timestamp) -> Result<(), Error> {
        // The update changes nothing; it makes the statement return the row that is there.
        let upsert = sql("INSERT INTO signing_keys (key_id, public_pem, valid_from) VALUES ($1, $2, $3)
             ON CONFLICT (key_id) DO UPDATE SET key_id = excluded.key_id RETURNING public_pem");
        let row = self.on.write_one(upsert.bind(key_id).bind(public_pem).bind(valid_from)).await?;
        match row.map(|row| row.get::<String>("public_pem")).transpose()? {
            Some(kept) if kept == public_pem => Ok(()),
            _ => Err(Error::conflict(format!("key id {key_id} names another public key"))),
        }
    }

    /// Ends a key's use, at a size of the log beyond which it signed nothing. `false` if there is no such key in use.
    pub async fn retire(&mut self, key_id: &str, at: Timestamp, final_log_size: u64) -> Result<bool, Error> {
        let update = sql("UPDATE signing_keys SET retired_at = $2, final_log_size = $3
             WHERE key_id = $1 AND retired_at IS NULL RETURNING key_id");
        Ok(self.on.write_one(update.bind(key_id).bind(at).bind(final_log_size)).await?.is_some())
    }

    /// All keys, the oldest first. They are few: one a rotation.
    pub async fn list(&mut self) -> Result<Vec<SigningKeyRecord>, Error> {
        let select = sql("SELECT key_id, public_pem, valid_from, retired_at, final_log_size FROM signing_keys
             ORDER BY valid_from, key_id");
        self.on.read(select).await?.iter().map(key).collect()
    }
}

fn key(row: &Row) -> Result<SigningKeyRecord, Error> {
    Ok(SigningKeyRecord {
        key_id: row.get("key_id")?,
        public_pem: row.get("public_pem")?,
        valid_from: row.time("valid_from")?,
        retired_at: row.time_or_none("retired_at")?,
        final_log_size: row.count_or_none("final_log_size")?,
    })
}
