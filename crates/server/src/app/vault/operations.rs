//! What people do with the vault: give it new keys, and erase by destroying keys. Every step writes the audit trail.

use std::path::Path;

use assize_store::OrganizationId;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::caller::{Caller, Permission};
use super::super::error::AppError;
use super::super::random::Random;
use super::super::{App, installation_wide};
use super::{PAGE_KEYS, master, unwrap_data_key, wrap_data_key};

/// Bytes of a subject's id.
const SUBJECT_BYTES_MAX: usize = 1_024;

impl App {
    /// Puts a new master key in force and wraps every data key with it; the sealed texts and files stay as they are.
    /// `new` names a file with the next key, which is made when there is none. Answers the new key's id.
    ///
    /// # Errors
    /// `Forbidden` unless the caller commands the installation; `Conflict` when another rotation is under way. If
    /// anything fails the old key stays in force.
    pub async fn rotate_master_key(&self, caller: &Caller, new: Option<&Path>) -> Result<String, AppError> {
        installation_wide(caller)?;
        let vault = self.vault();
        let old = vault.master().await?;
        let next = vault.master.prepare_rotation(new, self.0.random.as_ref())?;
        if next.id == old.id {
            return Err(AppError::Unprocessable("the new master key is the one in force".to_owned()));
        }
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        if !unit.data_key_writer().retire_master(&old.id, now).await? {
            return Err(AppError::Conflict("the master key was rotated by another process meanwhile".to_owned()));
        }
        unit.data_key_writer().put_master(&next.id, now).await?;
        let mut wrapped_anew = 0_u64;
        let mut after: Option<(OrganizationId, u32)> = None;
        loop {
            let page = unit.data_keys().all(after.as_ref().map(|(of, version)| (of, *version)), PAGE_KEYS).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.organization.clone(), last.version));
            for record in page.iter().filter(|record| record.wrapped.is_some()) {
                let key = unwrap_data_key(&old, record)?;
                let random = self.0.random.as_ref();
                let wrapped = wrap_data_key(&next, &record.organization, record.version, &key, random)?;
                let mut keys = unit.data_key_writer();
                keys.rewrap(&record.organization, record.version, &next.id, &wrapped).await?;
                wrapped_anew += 1;
            }
        }
        let detail = json!({ "retired": old.id, "data_keys": wrapped_anew });
        let event = caller.event(now, "master_key.rotate", &next.id, detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        let id = next.id.clone();
        vault.master.finish_rotation(next)?;
        tracing::info!(key.id = id, "the master key was rotated, {wrapped_anew} data keys were wrapped anew");
        Ok(id)
    }

    /// Writes a fresh master key into a file that must not exist, and answers its id. It is not in force.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn generate_master_key(path: &Path, random: &dyn Random) -> Result<String, AppError> {
        master::generate_file(path, random)
    }

    /// Seals what comes from now on with a new key of the caller's organization; what older keys sealed still opens.
    /// Answers the version.
    ///
    /// # Errors
    /// `Forbidden` below the role admin.
    pub async fn rotate_data_key(&self, caller: &Caller) -> Result<u32, AppError> {
        caller.require(Permission::Manage)?;
        let vault = self.vault();
        // Makes the first one, if there is none yet: a rotation leaves two.
        let (before, _) = vault.newest(&caller.organization).await?;
        if !vault.add_version(&caller.organization, before).await? {
            return Err(AppError::Conflict("the data key was rotated by somebody else meanwhile".to_owned()));
        }
        let version = before + 1;
        let event = caller.event(
            self.clock().now(),
            "data_key.rotate",
            &format!("{} v{version}", caller.organization),
            json!({ "before": before }),
        );
        let mut unit = self.store().begin().await?;
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        Ok(version)
    }

    /// Destroys every key of the caller's organization: all texts and files it has handed in are unreadable from now
    /// on, for good, also in copies of the files. Answers how many keys went.
    ///
    /// # Errors
    /// `Forbidden` below the role owner.
    pub async fn erase_organization_data(&self, caller: &Caller) -> Result<u64, AppError> {
        caller.require(Permission::Own)?;
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let destroyed = unit.data_key_writer().destroy_all(&caller.organization, now).await?;
        let detail = json!({ "data_keys_destroyed": destroyed });
        let event = caller.event(now, "organization.erase_data", caller.organization.as_str(), detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        self.store().settle().await?;
        Ok(destroyed)
    }

    /// Destroys every key of one subject (a person) of the caller's organization. Answers how many went; 0 when there
    /// was none.
    ///
    /// # Errors
    /// `Forbidden` below the role owner; `Unprocessable` for an id that cannot be one.
    pub async fn erase_subject_data(&self, caller: &Caller, subject: &str) -> Result<u64, AppError> {
        caller.require(Permission::Own)?;
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
            return Err(AppError::Unprocessable(format!("subject: must have 1 to {SUBJECT_BYTES_MAX} bytes")));
        }
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let destroyed = unit.data_key_writer().destroy_subject(&caller.organization, subject, now).await?;
        let detail = json!({ "keys_destroyed": destroyed });
        let event = caller.event(now, "subject.erase_data", &subject_name(caller, subject), detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        self.store().settle().await?;
        Ok(destroyed)
    }
}

/// How the audit trail names a subject: by a digest, because the trail is kept when the person is erased, and whoever
/// has the id can still show that it was.
fn subject_name(caller: &Caller, subject: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"assize subject v1\0")
        .chain_update(caller.organization.as_str().as_bytes())
        .chain_update(b"\0")
        .chain_update(subject.as_bytes())
        .finalize();
    format!("subject_{}", hex::encode(&digest[..16]))
}
