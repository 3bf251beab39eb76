//! The words of the command line. Every command carries an example; names are those of `docs/cli.md`.

mod interactions;
mod models;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use interactions::{CheckOptions, FailOn, PlanName};
pub(crate) use models::{PredictOptions, ScanOptions, Threshold};

/// Puts AI systems to the test and signs what it finds.
#[derive(Debug, Parser)]
#[command(name = "assize", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where an installation lives: the same for every command.
#[derive(Debug, Args)]
pub(crate) struct Shared {
    /// Folder of the embedded installation: database, files, keys [default: ./assize-home]
    #[arg(long, global = true, env = "ASSIZE_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Shared database instead of the embedded one, e.g. postgres://user@host/assize
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Where stored files go instead of the home, e.g. file:///srv/assize
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) objects: Option<String>,
    /// Configuration file [default: ./assize.toml when it is there]
    #[arg(long, global = true, env = "ASSIZE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: interfaces, pages, workers
    #[command(after_help = "Example: assize serve --listen 127.0.0.1:8080 --demo")]
    Serve(ServeOptions),
    /// Work jobs only, against a shared database and shared files
    #[command(
        after_help = "Example: assize worker --database postgres://assize@db/assize --objects file:///srv/assize"
    )]
    Worker(WorkerOptions),
    /// Audit a data file for bias and certify the result, without a server
    #[command(
        after_help = "Example: assize audit adult.csv --target income --protected race,sex,age --domain employment --out result"
    )]
    Audit(Box<AuditOptions>),
    /// Audit what an assistant is asked or answers: personal data, secrets, hazards, law, risk; or make it safe
    #[command(
        after_help = "Examples:\n  assize check \"my card is 4111 1111 1111 1111\" --country DE\n  assize check --jsonl interactions.jsonl > results.jsonl\n  tail -f chat.log | assize check --lines --redact"
    )]
    Check(Box<CheckOptions>),
    /// Ask a model file about rows, one answer a line: how to check that it was read right
    #[command(after_help = "Example: assize predict model.joblib --data rows.csv --proba")]
    Predict(PredictOptions),
    /// Is this model file safe to load? Looks at the bytes, executes nothing
    #[command(
        after_help = "Examples:\n  assize scan model.joblib weights.zip\n  assize scan model.pkl --sarif > scan.sarif"
    )]
    Scan(ScanOptions),
    /// Check a certificate: format, hash, signature, log inclusion, validity
    #[command(
        after_help = "Examples:\n  assize verify result/certificate.json --public-key result/public-key.pem\n  assize verify MP-2026-000001\n  assize verify https://assize.example.org/verify/MP-2026-000001 --public-key key.pem"
    )]
    Verify(VerifyOptions),
    /// List or revoke certificates of this installation
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Create and list organizations
    #[command(subcommand)]
    Org(OrgCommand),
    /// Create, list and lock people, set passwords
    #[command(subcommand)]
    User(UserCommand),
    /// Create, list, rotate and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show, export or rotate the signing key of this installation
    #[command(subcommand)]
    SigningKey(SigningKeyCommand),
    /// Make or rotate the key that wraps the keys of stored texts and files
    #[command(subcommand)]
    MasterKey(MasterKeyCommand),
    /// How long an organization keeps uploads and jobs
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Write everything into one file, also while the installation serves
    #[command(after_help = "Example: assize backup /srv/backups")]
    Backup(BackupOptions),
    /// Put a backup into an empty home or database
    #[command(
        after_help = "Examples:\n  assize restore backup.tar --home new-home\n  assize restore backup.tar --database postgres://assize@db/new"
    )]
    Restore(RestoreOptions),
    /// Check everything: database, clock, keys, log, certificates, audit trail, stored files, disk, and a built-in audit
    #[command(after_help = "Example: assize doctor --home ./assize-home")]
    Doctor(DoctorOptions),
    /// Bring the database to this version's schema
    #[command(after_help = "Example: assize migrate --database postgres://assize@db/assize")]
    Migrate,
    /// Print the OpenAPI 3.1 document of the server
    #[command(after_help = "Example: assize openapi > openapi.json")]
    Openapi,
    /// Show the effective configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    #[command(after_help = "Example: assize completions bash > /etc/bash_completion.d/assize")]
    Completions(CompletionsOptions),
    /// Read a model file behind walls, for the process that started this one
    #[command(hide = true)]
    Sandbox,
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address under which clients reach this server, as printed in certificates
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Serve only; jobs are worked by `assize worker`
    #[arg(long)]
    pub(crate) no_worker: bool,
    /// Fill a new home with a tour: the Adult census data, audited and certified
    #[arg(long)]
    pub(crate) demo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerOptions {
    /// Jobs worked at once
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
    /// Address that answers /health, /ready and /internal/metrics
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditOptions {
    /// Data file: CSV or Parquet; a path, file://, s3://, gs:// or az:// address
    pub(crate) data: String,
    /// Column with the binary outcome
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: String,
    /// Columns to audit for fairness
    #[arg(long, value_name = "A,B", value_delimiter = ',', required = true)]
    pub(crate) protected: Vec<String>,
    /// Model file to ask; without it (and without --prediction) a random forest is trained
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Column with the decisions
    #[arg(long, value_name = "COLUMN")]
    pub(crate) prediction: Option<String>,
    /// Column with scores in 0 to 1
    #[arg(long, value_name = "COLUMN")]
    pub(crate) score: Option<String>,
    /// Column with row weights
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// Favourable value of the outcome [default: 1, true, yes, or the rarer value]
    #[arg(long, value_name = "VALUE")]
    pub(crate) positive: Option<String>,
    /// Where the model decides: hiring, loan, healthcare, benefits, or any other word
    #[arg(long, default_value = "custom")]
    pub(crate) domain: String,
    /// Name of the audited model [default: the name of the data file]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Who has it audited
    #[arg(long, default_value = "not stated")]
    pub(crate) organization: String,
    /// Cut points of numeric protected columns
    #[arg(long, value_name = "25,40,65")]
    pub(crate) age_bins: Option<String>,
    /// Reference groups
    #[arg(long, value_name = "race=White,sex=Male")]
    pub(crate) reference: Option<String>,
    /// Thresholds that differ from the domain's, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) thresholds: Option<String>,
    /// Columns within whose values disparity is compared
    #[arg(long, value_name = "A,B")]
    pub(crate) strata: Option<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Threads to use [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Folder to write the certificate into
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What to write there
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,html,pdf")]
    pub(crate) formats: Vec<Format>,
    /// Exit with 3 when the overall score is below this
    #[arg(long, value_name = "SCORE")]
    pub(crate) fail_under: Option<f64>,
    /// Print the certificate as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A file that `assize audit` can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The signed certificate
    Json,
    /// The certificate page, self-contained
    Html,
    /// The certificate on paper
    Pdf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// Certificate file, certificate id of this installation, or address of a certificate
    #[arg(value_name = "FILE|MP-ID|URL")]
    pub(crate) target: String,
    /// Whose signature counts: a PEM file, or the key list of a server
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    /// Judge validity at this moment instead of now (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<jiff::Timestamp>,
    /// Print the checks as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// List certificates, newest first
    #[command(after_help = "Example: assize certificate list --limit 20")]
    List {
        /// At most this many
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a certificate, for good and in public
    #[command(
        after_help = "Example: assize certificate revoke MP-2026-000001 --reason \"trained on mislabelled data\""
    )]
    Revoke {
        /// Certificate id
        id: String,
        /// Why, as everybody may read it
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Make an organization
    #[command(after_help = "Example: assize org create acme --name \"Acme GmbH\"")]
    Create {
        /// Its id: lower-case letters, digits, - and _; `acme` stands for `org_acme`
        org: String,
        /// What it is called [default: the id]
        #[arg(long)]
        name: Option<String>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show or change an organization's plan for interactions, or give it tokens
    #[command(
        after_help = "Examples:\n  assize org plan acme\n  assize org plan acme --set free --monthly 100000\n  assize org plan acme --set premium --tokens 5000000"
    )]
    Plan {
        /// Its id; `acme` stands for `org_acme`
        org: String,
        /// The new plan
        #[arg(long, value_name = "PLAN")]
        set: Option<PlanName>,
        /// Tokens a month under the free plan [default: interactions.free_tokens_a_month]
        #[arg(long, value_name = "TOKENS", requires = "set")]
        monthly: Option<u64>,
        /// Tokens to add to the balance
        #[arg(long, value_name = "TOKENS")]
        tokens: Option<u64>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List all organizations
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account with a random password, or give an existing one a place
    #[command(after_help = "Example: assize user create --org acme --email ada@example.org --role admin")]
    Create {
        /// Organization; made when it is new
        #[arg(long)]
        org: String,
        /// What they sign in with
        #[arg(long)]
        email: String,
        /// What they are called [default: the e-mail address]
        #[arg(long)]
        name: Option<String>,
        /// owner, admin, auditor, submitter or viewer
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List all accounts
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a random password, print it once, end all sessions
    #[command(after_help = "Example: assize user password ada@example.org")]
    Password {
        /// What they sign in with
        email: String,
    },
    /// Lock an account out
    Lock {
        /// What they sign in with
        email: String,
    },
    /// Let an account in again
    Unlock {
        /// What they sign in with
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an API key and print it once
    #[command(after_help = "Example: assize key create --org acme --role owner --interface governance --json")]
    Create {
        /// Organization; made when it is new
        #[arg(long)]
        org: String,
        /// owner, admin, auditor, submitter or viewer
        #[arg(long)]
        role: String,
        /// governance, robustness or interactions
        #[arg(long)]
        interface: String,
        /// What it is called
        #[arg(long, default_value = "made at the command line")]
        name: String,
        /// Days after which it stops working [default: never]
        #[arg(long, value_name = "N")]
        expires_in_days: Option<u32>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List an organization's keys, newest first
    List {
        /// Organization
        #[arg(long)]
        org: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key like this one and let this one end
    Rotate {
        /// Organization
        #[arg(long)]
        org: String,
        /// The key's id, key_...
        id: String,
        /// Hours in which both work
        #[arg(long, value_name = "N", default_value_t = 0)]
        overlap_hours: u32,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key, for good
    #[command(after_help = "Example: assize key revoke --org acme key_019aa3e0a0b07cc2a1b2c3d4e5f60718")]
    Revoke {
        /// Organization
        #[arg(long)]
        org: String,
        /// The key's id, key_...
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyCommand {
    /// Print the public keys, current and retired
    Show {
        /// Print as JSON, as served at /.well-known/assize-keys.json
        #[arg(long)]
        json: bool,
    },
    /// Retire the key and make a new one; old certificates still verify
    #[command(after_help = "Example: assize signing-key rotate")]
    Rotate {
        /// Put the key in force that `signing-key prepare` made and that every machine has by now
        #[arg(long)]
        prepared: bool,
    },
    /// Make the next key beside the one in force without using it, for several machines: copy it to each, then rotate
    #[command(after_help = "Example: assize signing-key prepare, copy the file, assize signing-key rotate --prepared")]
    Prepare,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Write a fresh master key into a new file; it is not in force
    #[command(after_help = "Example: assize master-key generate next.key")]
    Generate {
        /// The file to make
        file: PathBuf,
    },
    /// Put a new master key in force and wrap every data key with it; stored texts and files stay as they are
    #[command(after_help = "Example: assize master-key rotate")]
    Rotate {
        /// File with the next key [default: a fresh one, in the place of the old]
        #[arg(long, value_name = "FILE")]
        new_key: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Print how long an organization keeps what
    #[command(after_help = "Example: assize retention show --org org_acme")]
    Show {
        /// The organization
        #[arg(long, default_value = "org_public", value_name = "ID")]
        org: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Set how long an organization keeps uploads or jobs
    #[command(after_help = "Example: assize retention set uploads 30 --org org_acme")]
    Set {
        /// uploads or jobs
        kind: String,
        /// Days, or `default`
        days: String,
        /// The organization
        #[arg(long, default_value = "org_public", value_name = "ID")]
        org: String,
    },
    /// Delete what is kept longer than it may be, now
    Enforce,
}

#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// The file to make, or a folder to make one in
    #[arg(value_name = "FILE|DIR")]
    pub(crate) target: PathBuf,
    /// Put the signing key and the master key into it: whoever has the file can then sign and read everything
    #[arg(long)]
    pub(crate) include_keys: bool,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// The backup
    pub(crate) archive: PathBuf,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Print the checks as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting with where its value comes from; secrets masked
    Show {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
