//! `[storage]`: where everything durable lives.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Database, objects, local files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Folder of the embedded database, stored files, keys and the upload spool.
    pub home: PathBuf,
    /// `postgres://...` for a shared database; without it SQLite in the home.
    pub database_url: Option<Secret>,
    /// Where stored files go: `file:///srv/assize`, `s3://bucket/prefix`, `gs://bucket/prefix`,
    /// `az://container/prefix`; without it the home.
    pub objects_url: Option<String>,
    /// `[storage.s3]`: how to reach an S3 store.
    pub s3: S3,
    /// What the environment says about object stores under the names of their own tools (`AWS_ACCESS_KEY_ID`,
    /// `GOOGLE_SERVICE_ACCOUNT`, ...), lowercase. Read by `cli`, never written to a file; `[storage.s3]` wins.
    #[serde(skip)]
    pub object_environment: Vec<(String, Secret)>,
}

/// An S3 store. What is not set here is taken from the environment, and after that from the machine's role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// Address of a store that is not Amazon's, e.g. `https://minio.internal:9000`.
    pub endpoint: Option<String>,
    /// Region; without it the environment's, or `us-east-1`.
    pub region: Option<String>,
    /// Access key.
    pub access_key_id: Option<Secret>,
    /// Its secret half.
    pub secret_access_key: Option<Secret>,
    /// Token that temporary keys come with.
    pub session_token: Option<Secret>,
    /// Whether the endpoint may be reached without TLS.
    pub allow_http: bool,
    /// Whether the bucket is part of the host name; without it it is part of the path, which every store understands.
    pub virtual_hosted: bool,
    /// Whether the store is told a SHA-256 of every part and checks it. Some stores that are not Amazon's refuse that.
    pub checksums: bool,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            allow_http: false,
            virtual_hosted: false,
            checksums: true,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            home: PathBuf::from("./assize-home"),
            database_url: None,
            objects_url: None,
            s3: S3::default(),
            object_environment: Vec::new(),
        }
    }
}

impl Storage {
    /// Settings of the object store by object_store's names; later ones win.
    #[must_use]
    pub fn object_options(&self) -> Vec<(String, String)> {
        // A token belongs to the keys it came with.
        let foreign = |name: &str| self.s3.access_key_id.is_some() && name == "aws_session_token";
        let environment = self.object_environment.iter().filter(|(name, _)| !foreign(name));
        let environment = environment.map(|(name, value)| (name.clone(), value.expose().to_owned()));
        environment.chain(self.s3.options()).collect()
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(!self.home.as_os_str().is_empty(), "storage.home", "must name a folder");
        if let Some(url) = &self.database_url {
            let known =
                ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| url.expose().starts_with(scheme));
            problems.require(known, "storage.database_url", "must start with postgres:// or sqlite:");
        }
        if let Some(url) = &self.objects_url {
            let scheme = url.split_once("://").map_or("file", |(scheme, _)| scheme);
            let known = ["file", "s3", "gs", "az"].contains(&scheme) && !url.is_empty();
            problems.require(
                known,
                "storage.objects_url",
                "must be a folder, or start with file://, s3://, gs:// or az://",
            );
        }
        self.s3.validate(problems);
    }
}

impl S3 {
    fn options(&self) -> impl Iterator<Item = (String, String)> {
        let secret = |value: &Option<Secret>| value.as_ref().map(|secret| secret.expose().to_owned());
        let set = [
            ("aws_endpoint_url_s3", self.endpoint.clone()),
            ("aws_region", self.region.clone()),
            ("aws_access_key_id", secret(&self.access_key_id)),
            ("aws_secret_access_key", secret(&self.secret_access_key)),
            ("aws_session_token", secret(&self.session_token)),
            ("aws_allow_http", self.allow_http.then(|| "true".to_owned())),
            ("aws_virtual_hosted_style_request", self.virtual_hosted.then(|| "true".to_owned())),
            ("aws_checksum_algorithm", self.checksums.then(|| "sha256".to_owned())),
        ];
        set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }

    fn validate(&self, problems: &mut Problems) {
        if let Some(endpoint) = &self.endpoint {
            problems.http_url(endpoint, "storage.s3.endpoint");
            problems.require(
                self.allow_http || !endpoint.starts_with("http://"),
                "storage.s3.endpoint",
                "is not protected by TLS; set storage.s3.allow_http = true if that is meant",
            );
        }
        problems.require(
            self.access_key_id.is_some() == self.secret_access_key.is_some(),
            "storage.s3.access_key_id",
            "and storage.s3.secret_access_key belong together: set both or none",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_win_over_the_environment() {
        let storage = Storage {
            object_environment: vec![("aws_region".to_owned(), Secret::new("eu-west-1"))],
            s3: S3 { region: Some("eu-central-1".to_owned()), ..S3::default() },
            ..Storage::default()
        };
        let regions: Vec<_> = storage.object_options().into_iter().filter(|(name, _)| name == "aws_region").collect();
        assert_eq!(regions.last().unwrap().1, "eu-central-1");
    }

    #[test]
    fn halves_and_plain_endpoints_are_refused() {
        let s3 = S3 {
            endpoint: Some("http://minio:9000".to_owned()),
            access_key_id: Some(Secret::new("hunter2")),
            ..S3::default()
        };
        let mut problems = Problems::default();
        Storage { objects_url: Some("ftp://a/b".to_owned()), s3, ..Storage::default() }.validate(&mut problems);
        assert_eq!(problems.0.len(), 3, "{:?}", problems.0);
        assert!(!problems.0.concat().contains("hunter2"), "{:?}", problems.0);
    }
}
