//! The transparency log to be looked through: its newest signed head, its entries in words, the proof of each, and the
//! proof that it only grew. The server shows what it would have a reader believe; the page's script computes it again
//! from the public addresses, and `assize verify` does so without this server.

use askama::Template;
use assize_attestation::{Envelope, SignedCheckpoint, Statement, predicate_type};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::assets::Script;
use super::frame::{Page, open_page};
use super::visitor::Visitor;
use super::words::{Moment, count};
use crate::api::extract::{Parameters, PathId};
use crate::api::problem::{Problem, ProblemBody};
use crate::app::{App, AppError, LogEntryView};
use crate::state::HttpState;

/// Entries of one page.
const PAGE_ENTRIES: u64 = 20;

/// The newest head of the log, as pages show it.
struct Head {
    origin: String,
    size: u64,
    /// `size` as people read it.
    entries: String,
    root_hex: String,
    root_base64: String,
    note: String,
}

impl Head {
    /// The newest one; `None` while the log is empty.
    async fn read(app: &App) -> Result<Option<Self>, AppError> {
        let Some(note) = app.checkpoint().await? else { return Ok(None) };
        let checkpoint = SignedCheckpoint::parse(&note).map_err(AppError::internal)?.checkpoint;
        Ok(Some(Self {
            entries: count(checkpoint.size),
            origin: checkpoint.origin,
            size: checkpoint.size,
            root_hex: checkpoint.root.to_hex(),
            root_base64: checkpoint.root.to_base64(),
            note,
        }))
    }
}

/// An entry in words.
struct Entry {
    index: u64,
    /// What kind of statement it is.
    kind: &'static str,
    /// What it is about: a certificate, a file, a key.
    about: String,
    /// Address of what it is about, when there is a page of it.
    href: Option<String>,
    /// What it says of it.
    says: String,
    /// When, as the statement says.
    at: Option<Moment>,
    /// Key id of the signer; empty when there is not exactly one.
    key_id: String,
    leaf_hash: String,
}

impl Entry {
    fn read(view: &LogEntryView) -> Self {
        let envelope = serde_json::from_value::<Envelope>(view.entry.clone()).ok();
        let statement = envelope.as_ref().and_then(|envelope| envelope.statement_unverified().ok());
        let described = statement.as_ref().map(described).unwrap_or_default();
        Self {
            index: view.leaf_index,
            kind: described.kind,
            about: described.about,
            href: described.href,
            says: described.says,
            at: described.at,
            key_id: envelope.and_then(|envelope| envelope.key_id().ok().map(str::to_owned)).unwrap_or_default(),
            leaf_hash: view.leaf_hash.clone(),
        }
    }
}

struct Described {
    kind: &'static str,
    about: String,
    href: Option<String>,
    says: String,
    at: Option<Moment>,
}

impl Default for Described {
    fn default() -> Self {
        Self { kind: "Other", about: String::new(), href: None, says: String::new(), at: None }
    }
}

/// A statement in words. What it says of times and names is the signer's word.
fn described(statement: &Statement) -> Described {
    let text = |name: &str| statement.predicate.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let time = |name: &str| text(name).parse::<Timestamp>().ok().map(Moment);
    let file = statement.subject.first().map(|subject| subject.name.clone()).unwrap_or_default();
    let certificate = text("certificate_id");
    let page = (!certificate.is_empty()).then(|| format!("/verify/{certificate}"));
    match statement.predicate_type.as_str() {
        predicate_type::COMMITMENT => Described {
            kind: "Commitment",
            about: file,
            href: None,
            says: "data, parameters and seed, fixed before the audit ran".to_owned(),
            at: time("committed_at"),
        },
        predicate_type::CERTIFICATE => {
            let score = statement.predicate.get("overall_score").and_then(Value::as_f64);
            let score = score.map(|score| format!(", {score:.1} of 100")).unwrap_or_default();
            let status = text("certification_status").to_lowercase();
            Described {
                kind: "Certificate",
                about: certificate,
                href: page,
                says: format!("issued over {file}: {status}{score}"),
                at: time("issued_at"),
            }
        }
        predicate_type::REVOCATION => Described {
            kind: "Revocation",
            about: certificate,
            href: page,
            says: text("reason"),
            at: time("revoked_at"),
        },
        predicate_type::KEY_ROTATION => Described {
            kind: "Key rotation",
            about: text("new_key_id"),
            href: None,
            says: "signs from here on".to_owned(),
            at: time("rotated_at"),
        },
        predicate_type::TRAIL_HEAD => Described {
            kind: "Audit trail",
            about: text("pseudonym"),
            href: None,
            says: format!(
                "ends after row {}: no row before can be changed any more",
                statement.predicate.get("seq").and_then(Value::as_u64).unwrap_or_default()
            ),
            at: None,
        },
        other => Described { about: other.to_owned(), ..Described::default() },
    }
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogParameters {
    /// Entries before this one.
    #[param(example = 40)]
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage<'a> {
    head: Option<Head>,
    entries: Vec<Entry>,
    newest: bool,
    /// Index before which the next page ends.
    older_than: Option<u64>,
    public_url: &'a str,
}

/// The transparency log: its newest head and its entries.
#[utoipa::path(
    get,
    path = "/log",
    tag = "pages",
    params(LogParameters),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 422, description = "Not a number", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log_page(
    State(state): State<HttpState>,
    Parameters(LogParameters { before }): Parameters<LogParameters>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let head = Head::read(state.app()).await?;
    let size = head.as_ref().map_or(0, |head| head.size);
    let end = before.unwrap_or(size).min(size);
    let start = end.saturating_sub(PAGE_ENTRIES);
    let entries = state.app().log_entries(start, u32::try_from(end - start).unwrap_or(0)).await?;
    let page = LogPage {
        head,
        entries: entries.iter().rev().map(Entry::read).collect(),
        newest: before.is_none(),
        older_than: (start > 0).then_some(start),
        public_url: &state.config().public_url(),
    };
    let body = page.render().map_err(AppError::internal)?;
    let page = Page {
        title: "Public log",
        lead: "Everything this server ever signed, in order. Entries can be added, never changed or taken out unnoticed.",
        actions_html: "<a class=\"button\" href=\"/log/growth\">Check growth</a>",
        body_html: &body,
        path: "/log",
        parents: if visitor.person().is_some() { &[] } else { &[("Certificates", "/")] },
        scripts: &[Script::Verify],
        ..Page::default()
    };
    Ok(open_page(&headers, &visitor, &page))
}

#[derive(Template)]
#[template(path = "log_entry.html")]
struct EntryPage<'a> {
    entry: Entry,
    head: Head,
    proof: Vec<String>,
    json: String,
    statement: String,
    public_url: &'a str,
}

/// An entry of the log with the proof that it is there.
#[utoipa::path(
    get,
    path = "/log/entries/{index}",
    tag = "pages",
    params(("index" = String, Path, description = "Zero-based index of the entry", example = "0")),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such entry", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an index", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log_entry_page(
    State(state): State<HttpState>,
    PathId(index): PathId,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || AppError::NotFound { what: "log entry", id: index.clone() };
    let wanted: u64 = index.parse().map_err(|_| unknown())?;
    let head = Head::read(state.app()).await?.filter(|head| wanted < head.size).ok_or_else(unknown)?;
    let found = state.app().log_entries(wanted, 1).await?.pop().ok_or_else(unknown)?;
    let proof = state.app().inclusion_proof(wanted, Some(head.size)).await?;
    let envelope = serde_json::from_value::<Envelope>(found.entry.clone()).ok();
    let statement = envelope.and_then(|envelope| envelope.statement_unverified().ok());
    let entry = Entry::read(&found);
    let title = format!("Entry {}: {} {}", entry.index, entry.kind.to_lowercase(), entry.about);
    let page = EntryPage {
        proof: proof.proof,
        json: serde_json::to_string_pretty(&found.entry).map_err(AppError::internal)?,
        statement: serde_json::to_string_pretty(&statement).map_err(AppError::internal)?,
        entry,
        head,
        public_url: &state.config().public_url(),
    };
    let body = page.render().map_err(AppError::internal)?;
    let page = Page {
        title: &title,
        lead: "One signed statement, its place in the log, and the proof that it is there.",
        body_html: &body,
        path: "/log",
        parents: &[("Public log", "/log")],
        scripts: &[Script::Verify],
        ..Page::default()
    };
    Ok(open_page(&headers, &visitor, &page))
}

/// Between which sizes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GrowthParameters {
    /// The smaller size; the whole log but its last entry when left out.
    #[param(example = "1")]
    from: Option<String>,
    /// The larger size; the log's present size when left out.
    #[param(example = "2")]
    to: Option<String>,
    /// Root that the reader kept of the smaller size, base64 or hex.
    #[param(example = "")]
    root: Option<String>,
}

#[derive(Template)]
#[template(path = "log_growth.html")]
struct GrowthPage<'a> {
    /// `None` while the log is empty.
    head: Option<Head>,
    from: String,
    to: String,
    root: String,
    errors: Vec<(&'static str, String)>,
    proved: Option<Proved>,
    public_url: &'a str,
}

impl GrowthPage<'_> {
    /// What is wrong with a field; empty when nothing is.
    fn error(&self, field: &str) -> &str {
        self.errors.iter().find(|(name, _)| *name == field).map_or("", |(_, error)| error)
    }
}

/// A consistency proof, shown.
struct Proved {
    from: u64,
    to: u64,
    from_root: String,
    to_root: String,
    proof: Vec<String>,
    /// Whether the root that the reader kept is the log's; `None` when none was given.
    kept: Option<bool>,
}

/// That the log only grew between two sizes.
#[utoipa::path(
    get,
    path = "/log/growth",
    tag = "pages",
    params(GrowthParameters),
    responses(
        (status = 200, description = "The page; what is wrong with the sizes stands on it", body = String, content_type = "text/html"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 422, description = "A parameter was given twice", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log_growth_page(
    State(state): State<HttpState>,
    Parameters(parameters): Parameters<GrowthParameters>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let head = Head::read(state.app()).await?;
    let public_url = state.config().public_url();
    let page = growth(state.app(), head, parameters, &public_url).await?;
    let body = page.render().map_err(AppError::internal)?;
    let page = Page {
        title: "Check growth",
        lead: "A log that was rewritten cannot prove that what it shows now continues what it showed before.",
        body_html: &body,
        path: "/log",
        parents: &[("Public log", "/log")],
        scripts: &[Script::Verify],
        ..Page::default()
    };
    Ok(open_page(&headers, &visitor, &page))
}

async fn growth<'a>(
    app: &App,
    head: Option<Head>,
    asked: GrowthParameters,
    public_url: &'a str,
) -> Result<GrowthPage<'a>, AppError> {
    let size = head.as_ref().map_or(0, |head| head.size);
    let from = asked.from.unwrap_or_else(|| size.saturating_sub(1).max(1).min(size).to_string());
    let to = asked.to.unwrap_or_else(|| size.to_string());
    let root = asked.root.unwrap_or_default().trim().to_owned();
    let mut page = GrowthPage { head, from, to, root, errors: Vec::new(), proved: None, public_url };
    if size == 0 {
        return Ok(page);
    }
    let (from, to) = (size_of(&page.from, size), size_of(&page.to, size));
    for (field, read) in [("from", &from), ("to", &to)] {
        if let Err(error) = read {
            page.errors.push((field, error.clone()));
        }
    }
    let (Ok(from), Ok(to)) = (from, to) else { return Ok(page) };
    if from > to {
        page.errors.push(("from", format!("{from} is larger than {to}; the log grows from the smaller size")));
        return Ok(page);
    }
    let proof = app.consistency_proof(from, Some(to)).await?;
    let kept = (!page.root.is_empty()).then(|| same_root(&page.root, &proof.from_root_hash));
    page.proved = Some(Proved {
        from,
        to,
        from_root: proof.from_root_hash,
        to_root: proof.to_root_hash,
        proof: proof.proof,
        kept,
    });
    Ok(page)
}

/// A size of the log, or what is wrong with it.
fn size_of(text: &str, size: u64) -> Result<u64, String> {
    match text.trim().parse::<u64>() {
        Ok(number) if (1..=size).contains(&number) => Ok(number),
        Ok(number) => Err(format!("the log never had {number} entries; give a size from 1 to {size}")),
        Err(_) => Err(format!("{text:?} is not a whole number; give a size from 1 to {size}")),
    }
}

/// Whether a root as somebody kept it, base64 or hex, is this one.
fn same_root(kept: &str, root: &str) -> bool {
    use assize_attestation::log::Hash;
    Hash::from_base64(root).is_ok_and(|hash| kept == hash.to_base64() || kept.eq_ignore_ascii_case(&hash.to_hex()))
}

#[cfg(test)]
mod tests {
    use assize_attestation::Revocation;

    use super::*;

    #[test]
    fn sizes_outside_the_log_are_refused_in_words() {
        assert_eq!(size_of(" 3 ", 3), Ok(3));
        for (text, words) in [("0", "from 1 to 3"), ("4", "never had 4"), ("x", "not a whole number"), ("", "\"\"")] {
            assert!(size_of(text, 3).unwrap_err().contains(words), "{text}");
        }
    }

    #[test]
    fn statements_are_described_by_kind() {
        let revocation = Revocation {
            certificate_id: "MP-2026-000001".to_owned(),
            certificate_sha256: "ab".repeat(32),
            reason: "wrong <labels>".to_owned(),
            revoked_at: "2026-09-01T00:00:00Z".parse().unwrap(),
        };
        let read = described(&Statement::revocation(&revocation));
        assert_eq!(
            (read.kind, read.about.as_str(), read.says.as_str()),
            ("Revocation", "MP-2026-000001", "wrong <labels>")
        );
        assert_eq!(read.href.as_deref(), Some("/verify/MP-2026-000001"));
        let unknown = described(&Statement::new(vec![], "https://example.org/x", serde_json::json!({})));
        assert_eq!((unknown.kind, unknown.about.as_str()), ("Other", "https://example.org/x"));
    }

    #[test]
    fn a_kept_root_is_compared_in_either_spelling() {
        let root = assize_attestation::log::Hash::from_bytes([7; 32]);
        let (base64, hex) = (root.to_base64(), root.to_hex());
        assert!(same_root(&base64, &base64) && same_root(&hex.to_uppercase(), &base64));
        assert!(!same_root("", &base64) && !same_root(&hex[1..], &base64));
    }
}
