//! `assize verify`: a certificate file offline with only a public key; a certificate of this installation by its id; or
//! one behind an address. One line a check; exit code 3 when any fails.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use assize_attestation::certificate::{self, Outcome as CheckOutcome, Verification, VerifyOptions};
use assize_attestation::{Envelope, TrustedKeys};
use assize_server::app::verify_trail_file;
use assize_server::clock::{Clock, SystemClock};
use assize_server::config::Config;
use assize_server::outgoing::Client;
use serde_json::json;

use super::installation;
use crate::arguments::{Shared, VerifyOptions as Options};
use crate::outcome::{BadInput, Outcome};
use crate::settings;

/// Bytes of a certificate file.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// How an exported audit trail begins.
const TRAIL_START: &[u8; 15] = b"{\"line\":\"head\",";

/// What is verified, and whose signature counts.
struct Evidence {
    document: Vec<u8>,
    trusted: TrustedKeys,
    revocations: Vec<Envelope>,
    /// The whole log agrees with its checkpoint, where it is at hand.
    log: Option<Result<u64, String>>,
}

/// Checks and prints.
pub(crate) fn run(shared: &Shared, options: &Options) -> anyhow::Result<Outcome> {
    let now = options.at.unwrap_or_else(|| SystemClock.now());
    let config = settings::load(shared, Vec::new())?.config;
    if is_trail(Path::new(&options.target)) {
        return verify_trail(&config, options);
    }
    let evidence = gather(&config, options)?;
    let verify_options = VerifyOptions { revocations: &evidence.revocations, ..VerifyOptions::default() };
    let verification = certificate::verify(&evidence.document, &evidence.trusted, now, &verify_options);
    let valid = verification.valid && !matches!(evidence.log, Some(Err(_)));
    print(options.json, &verification, evidence.log.as_ref(), valid)?;
    Ok(if valid { Outcome::Done } else { Outcome::DoesNotPass })
}

/// Whether a file is an exported audit trail, by its first bytes.
fn is_trail(path: &Path) -> bool {
    let mut start = [0; TRAIL_START.len()];
    std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok() && start == *TRAIL_START)
}

/// Checks an exported audit trail: its chain of hashes, and that the heads it names are signed and in the log.
fn verify_trail(config: &Config, options: &Options) -> anyhow::Result<Outcome> {
    let trusted = match &options.public_key {
        Some(path) => read_keys(path)?,
        None if has_home(config) => installation::runtime()?.block_on(async {
            let app = installation::open(config.clone()).await?;
            let trusted = app.public_keys().await;
            app.close().await;
            trusted.map_err(anyhow::Error::from)
        })?,
        None => TrustedKeys::default(),
    };
    let file = std::fs::File::open(&options.target).with_context(|| format!("{} cannot be read", options.target))?;
    match verify_trail_file(std::io::BufReader::new(file), &trusted) {
        Ok(report) if options.json => {
            println!("{}", serde_json::to_string_pretty(&json!({ "valid": true, "trail": report }))?);
            Ok(Outcome::Done)
        }
        Ok(report) => {
            println!("chain        passed       {} rows of {}", report.rows, report.organization);
            println!(
                "log          passed       {} heads are in the log; it vouches for the rows up to {}",
                report.checkpoints, report.logged_rows
            );
            println!("the audit trail is whole");
            Ok(Outcome::Done)
        }
        Err(error) => {
            if options.json {
                println!("{}", serde_json::to_string_pretty(&json!({ "valid": false, "detail": error.to_string() }))?);
            } else {
                println!("chain        failed       {error}");
                println!("the audit trail is NOT whole");
            }
            Ok(Outcome::DoesNotPass)
        }
    }
}

fn gather(config: &Config, options: &Options) -> anyhow::Result<Evidence> {
    let target = options.target.as_str();
    let named = options.public_key.as_deref().map(read_keys).transpose()?;
    if Path::new(target).exists() {
        let document = read_file(Path::new(target))?;
        return match named {
            Some(trusted) => Ok(Evidence { document, trusted, revocations: Vec::new(), log: None }),
            None => of_home(config, Some(document), None),
        };
    }
    if target.starts_with("http://") || target.starts_with("https://") {
        return installation::runtime()?.block_on(from_address(target, named));
    }
    if target.starts_with("MP-") {
        if !has_home(config) {
            return Err(BadInput(format!(
                "{target}: there is no installation at {} to look it up in; name one with --home",
                config.storage.home.display()
            ))
            .into());
        }
        return of_home(config, None, Some(target))
            .map(|evidence| Evidence { trusted: named.unwrap_or(evidence.trusted), ..evidence });
    }
    Err(BadInput(format!("{target}: no such file, and neither a certificate id nor an address")).into())
}

/// Whether there is an installation; verifying must not make one.
fn has_home(config: &Config) -> bool {
    config.storage.database_url.is_some() || config.storage.home.join("assize.db").is_file()
}

/// Keys, revocation and log of this installation; the document too, when only its id is known.
fn of_home(config: &Config, document: Option<Vec<u8>>, id: Option<&str>) -> anyhow::Result<Evidence> {
    if !has_home(config) {
        // Nobody is trusted: the checks run, and `signer` says what is missing.
        let document = document.context("a document without an installation")?;
        return Ok(Evidence { document, trusted: TrustedKeys::default(), revocations: Vec::new(), log: None });
    }
    installation::runtime()?.block_on(async {
        let app = installation::open(config.clone()).await?;
        let id = match (id, &document) {
            (Some(id), _) => Some(id.to_owned()),
            (None, Some(document)) => serde_json::from_slice::<serde_json::Value>(document)
                .ok()
                .and_then(|value| value.get("certificate_id")?.as_str().map(str::to_owned)),
            (None, None) => None,
        };
        let stored = match id {
            Some(id) => app.certificate(&id).await,
            None => Err(assize_server::app::AppError::NotFound { what: "certificate", id: String::new() }),
        };
        let trusted = app.public_keys().await?;
        let log = Some(app.check_log().await.map_err(|error| format!("{error:#}")));
        app.close().await;
        let (document, revocations) = match (document, stored) {
            (Some(document), Ok(stored)) => (document, stored.revocation_envelope.iter().cloned().collect()),
            (Some(document), Err(_)) => (document, Vec::new()),
            (None, stored) => {
                let stored = stored?;
                (stored.document.to_vec(), stored.revocation_envelope.iter().cloned().collect())
            }
        };
        Ok(Evidence { document, trusted, revocations, log })
    })
}

/// A certificate behind an address, by the keys that were named or else those that its server publishes.
async fn from_address(target: &str, named: Option<TrustedKeys>) -> anyhow::Result<Evidence> {
    let fetch = async |address: &str| {
        let bytes = Client::fetch_for_person(address).await;
        bytes.map(Vec::from).with_context(|| format!("{address} cannot be read"))
    };
    let document = fetch(target).await?;
    let trusted = match named {
        Some(trusted) => trusted,
        None => {
            let (scheme, rest) = target.split_once("://").unwrap_or(("https", target));
            let host = rest.split('/').next().unwrap_or_default();
            let keys = format!("{scheme}://{host}/.well-known/assize-keys.json");
            let bytes = fetch(&keys).await?;
            eprintln!("assize: trusting the keys that {host} publishes; pass --public-key to trust only your own copy");
            parse_keys(&keys, &bytes)?
        }
    };
    Ok(Evidence { document, trusted, revocations: Vec::new(), log: None })
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size = path.metadata().with_context(|| format!("{} cannot be read", path.display()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(
            BadInput(format!("{}: {size} bytes, a certificate has at most {FILE_BYTES_MAX}", path.display())).into()
        );
    }
    std::fs::read(path).map_err(|error| BadInput(format!("{} cannot be read: {error}", path.display())).into())
}

fn read_keys(path: &Path) -> anyhow::Result<TrustedKeys> {
    let bytes = read_file(path)?;
    parse_keys(&PathBuf::from(path).display().to_string(), &bytes)
}

fn parse_keys(source: &str, bytes: &[u8]) -> anyhow::Result<TrustedKeys> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadInput(format!("{source}: not text, so no public key")))?;
    TrustedKeys::parse(text).map_err(|error| BadInput(format!("{source}: {error}")).into())
}

fn print(
    json: bool,
    verification: &Verification,
    log: Option<&Result<u64, String>>,
    valid: bool,
) -> anyhow::Result<()> {
    if json {
        let log = log.map(|log| match log {
            Ok(size) => json!({ "outcome": "passed", "size": size }),
            Err(detail) => json!({ "outcome": "failed", "detail": detail }),
        });
        let answer = json!({
            "certificate_id": verification.certificate_id,
            "valid": valid,
            "checks": verification.checks,
            "log": log,
        });
        println!("{}", serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    for check in &verification.checks {
        let word = match check.outcome {
            CheckOutcome::Passed => "passed",
            CheckOutcome::Failed => "failed",
            CheckOutcome::NotChecked => "not checked",
        };
        println!("{:<11}  {word:<11}  {}", check.name, check.detail);
    }
    match log {
        Some(Ok(size)) => {
            println!("{:<11}  {:<11}  all {size} entries agree with the newest checkpoint", "log", "passed");
        }
        Some(Err(detail)) => println!("{:<11}  {:<11}  {detail}", "log", "failed"),
        None => {}
    }
    let id = verification.certificate_id.as_deref().unwrap_or("the file");
    println!("{id} is {}", if valid { "valid" } else { "NOT valid" });
    Ok(())
}
