//! Object stores over the network: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.
//!
//! What must hold: nothing waits for ever (every read and every attempt has a bound, attempts are few and end within
//! [`ATTEMPTS_TIME_MAX`]), and what arrives is what was sent (S3 checks a SHA-256 of every part before it answers).
//! Opening asks nobody: a store that is away at start is found by the readiness check, and comes back by itself.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Location;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::error::Error;

/// Longest wait for a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest silence within an answer, or before it.
const READ_TIME_MAX: Duration = Duration::from_secs(30);
/// Attempts after the first. With the pauses below they take about three seconds when nobody listens.
const RETRIES_MAX: usize = 5;
/// No attempt starts later than this after the first.
const ATTEMPTS_TIME_MAX: Duration = Duration::from_secs(30);
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The store behind an address: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`. `options` are
/// object_store's own (`aws_endpoint`, `google_service_account`, ...); what another kind of store reads is left alone.
pub(super) fn open(address: &str, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>, Error> {
    let unusable = |why: &dyn std::fmt::Display| {
        Error::settings(format!("the objects URL {:?} cannot be used: {why}", without_secrets(address)))
    };
    let parsed = Url::parse(address).map_err(|e| unusable(&e))?;
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
        return Err(unusable(&"credentials and parameters belong into the settings, not into the address"));
    }
    let (scheme, prefix) = ObjectStoreScheme::parse(&parsed).map_err(|e| unusable(&e))?;
    let prefix = Location::parse(prefix).map_err(|e| unusable(&e))?;
    // An error says that a provider is installed, which is what is needed. Without one the client could not be made.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One expression a kind: their builders have the same words and no common trait.
    macro_rules! build {
        ($builder:expr) => {{
            let builder = $builder.with_url(address).with_retry(retries()).with_client_options(client());
            let builder = options.iter().fold(builder, |builder, (key, value)| match key.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            });
            builder.build().map(|store| Arc::new(PrefixStore::new(store, prefix)) as Arc<dyn ObjectStore>)
        }};
    }
    let built = match scheme {
        ObjectStoreScheme::AmazonS3 => build!(AmazonS3Builder::new()),
        ObjectStoreScheme::GoogleCloudStorage => build!(GoogleCloudStorageBuilder::new()),
        ObjectStoreScheme::MicrosoftAzure => build!(MicrosoftAzureBuilder::new()),
        _ => {
            return Err(unusable(
                &"use file://FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX",
            ));
        }
    };
    built.map_err(|e| unusable(&e))
}

fn client() -> ClientOptions {
    // No bound on a whole answer: a large object takes its time as long as bytes keep coming.
    ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT_TIME_MAX).with_read_timeout(READ_TIME_MAX)
}

fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, base: 2.0 },
        max_retries: RETRIES_MAX,
        retry_timeout: ATTEMPTS_TIME_MAX,
    }
}

/// The address as it may be shown.
fn without_secrets(address: &str) -> String {
    let Ok(mut parsed) = Url::parse(address) else { return address.to_owned() };
    // A host allows both; failing to clear what is not there is no loss.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(address: &str) -> String {
        match open(address, &[]) {
            Ok(store) => panic!("{address} was taken: {store}"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn addresses_of_all_three_kinds_are_taken() {
        let options: Vec<(String, String)> = [
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "secret"),
            ("google_skip_signature", "true"),
            ("azure_storage_account_name", "account"),
            ("azure_skip_signature", "true"),
            ("aws_pager", "less"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for address in ["s3://bucket", "s3://bucket/a/b", "gs://bucket/a", "az://container/a"] {
            open(address, &options).unwrap();
        }
    }

    #[test]
    fn refused_addresses_are_shown_without_their_secrets() {
        for address in ["s3://key:hunter2@bucket/a", "s3://bucket/a?token=hunter2", "ftp://a:hunter2@b/c"] {
            let refused = refusal(address);
            assert!(!refused.contains("hunter2"), "{refused}");
        }
        assert!(refusal("memory:///a").contains("use file://"));
        assert!(refusal("s3://bucket/a//b").contains("cannot be used"));
    }
}
