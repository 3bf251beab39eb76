//! The only way out of the process. A target named by a user or by configuration is resolved first, and refused when
//! any address it resolves to is private, loopback, link-local or otherwise not on the public internet; the connection
//! then goes to exactly the addresses that were checked, so a second DNS answer cannot lead it elsewhere. Redirects are
//! followed by hand, each hop checked anew. Time and size of the answer are bounded.
//!
//! Each purpose brings its own [`Policy`]; hosts on its `allow_private` list may be private, for services in one's own
//! network.

mod address;
pub mod narrative;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, USER_AGENT};
use reqwest::{Method, StatusCode, Url};

use address::is_public;

/// Patience for what a person asked for at a terminal.
const PERSON_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest certificate fetched for a person, bytes.
const PERSON_ANSWER_BYTES_MAX: usize = 16 << 20;

/// Headers that may follow a redirect to another origin.
const HARMLESS_HEADERS: [HeaderName; 3] = [ACCEPT, CONTENT_TYPE, USER_AGENT];

/// Bounds of one purpose.
#[derive(Debug, Clone)]
pub struct Policy {
    /// For the whole exchange, redirects and body included.
    pub timeout: Duration,
    /// Largest body of an answer, bytes.
    pub answer_bytes_max: usize,
    /// Redirects followed.
    pub redirects_max: u8,
    /// Hosts or addresses, as written in a URL, that need not be public.
    pub allow_private: Vec<String>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// GET or POST.
    pub method: Method,
    /// Absolute, http or https.
    pub url: Url,
    /// Sent as they are; secrets among them only to the origin of `url`.
    pub headers: HeaderMap,
    /// Sent as it is.
    pub body: Bytes,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

/// Why a request was not made or not answered. Texts name hosts and never headers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an address that may be called.
    #[error("'{url}' is not an absolute http or https address without user name")]
    Url {
        /// As given, without query.
        url: String,
    },
    /// The host did not resolve.
    #[error("host '{host}' did not resolve")]
    Resolve {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The host leads into a private network.
    #[error(
        "host '{host}' leads to {address}, which is not a public address; allow it in the configuration if it is meant"
    )]
    Private {
        /// The host.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// The answer says no.
    #[error("the answer has status {status}")]
    Status {
        /// Its HTTP status.
        status: u16,
    },
    /// Redirected too often.
    #[error("more than {redirects_max} redirects")]
    Redirects {
        /// The bound.
        redirects_max: u8,
    },
    /// The answer took too long.
    #[error("no whole answer within {seconds} s")]
    TimedOut {
        /// The bound.
        seconds: u64,
    },
    /// The answer was too large.
    #[error("the answer is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// The exchange failed.
    #[error("the exchange with '{host}' failed")]
    Exchange {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// Turns a host name into addresses. A trait, so that tests can play a hostile name server.
pub trait Resolver: Send + Sync + std::fmt::Debug {
    /// The addresses of `host`.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// The guarded client of one purpose.
#[derive(Debug, Clone)]
pub struct Client {
    policy: Policy,
    resolver: Arc<dyn Resolver>,
}

impl Client {
    /// A client with the operating system's resolver.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// A client with another resolver.
    #[must_use]
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        install_crypto();
        Self { policy, resolver }
    }

    /// Fetches a JSON document from an address that the person at the terminal typed: it may be private, for it is
    /// their own network.
    ///
    /// # Errors
    /// See [`Error`]; an answer with an error status is [`Error::Status`].
    pub async fn fetch_for_person(address: &str) -> Result<Bytes, Error> {
        let url = Url::parse(address).map_err(|_| Error::Url { url: address.to_owned() })?;
        let client = Self::new(Policy {
            timeout: PERSON_TIMEOUT,
            answer_bytes_max: PERSON_ANSWER_BYTES_MAX,
            redirects_max: 3,
            allow_private: url.host_str().map(str::to_owned).into_iter().collect(),
        });
        let accept = reqwest::header::HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(reqwest::header::ACCEPT, accept)]);
        let answer = client.send(Outgoing { method: Method::GET, url, headers, body: Bytes::new() }).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(Error::Status { status: answer.status.as_u16() }) }
    }

    /// Whether an address may be called, as far as its host resolves now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check(&self, url: &Url) -> Result<(), Error> {
        match tokio::time::timeout(self.policy.timeout, self.checked_addresses(url)).await {
            Ok(checked) => checked.map(drop),
            Err(_) => Err(Error::TimedOut { seconds: self.policy.timeout.as_secs() }),
        }
    }

    /// Sends a request and collects the answer.
    ///
    /// # Errors
    /// See [`Error`]. An answer with an error status is an answer.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, Error> {
        let seconds = self.policy.timeout.as_secs();
        match tokio::time::timeout(self.policy.timeout, self.follow(outgoing)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::TimedOut { seconds }),
        }
    }

    /// One hop after the other, until an answer is no redirect.
    async fn follow(&self, mut outgoing: Outgoing) -> Result<Answer, Error> {
        for _ in 0..=self.policy.redirects_max {
            let response = self.hop(&outgoing).await?;
            match redirect_target(&response, &outgoing.url) {
                Some(target) => outgoing = redirected(outgoing, response.status(), target?),
                None => return self.collect(response, &outgoing.url).await,
            }
        }
        Err(Error::Redirects { redirects_max: self.policy.redirects_max })
    }

    /// One exchange with the checked addresses of one host.
    async fn hop(&self, outgoing: &Outgoing) -> Result<reqwest::Response, Error> {
        let (host, addresses) = self.checked_addresses(&outgoing.url).await?;
        // A client per hop: the pinned addresses are a property of the client. The calls are few and slow.
        #[expect(clippy::disallowed_methods, reason = "the one home of outgoing clients")]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // The bound is on what is kept: an answer that unpacks into a thousandfold is never unpacked.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .resolve_to_addrs(&host, &addresses)
            .build()
            .map_err(|source| Error::Exchange { host: host.clone(), source })?;
        client
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(outgoing.headers.clone())
            .body(outgoing.body.clone())
            .send()
            .await
            .map_err(|source| Error::Exchange { host, source: source.without_url() })
    }

    /// The host of a URL and its addresses, every one of which may be called.
    async fn checked_addresses(&self, url: &Url) -> Result<(String, Vec<SocketAddr>), Error> {
        let refused = || Error::Url { url: without_query(url) };
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(refused());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(refused)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(refused)?;
        // The URL parser has already turned decimal, octal and hexadecimal spellings into a plain IPv4 address.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let addresses = match literal {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self
                .resolver
                .resolve(host.clone(), port)
                .await
                .map_err(|source| Error::Resolve { host: host.clone(), source })?,
        };
        if addresses.is_empty() {
            let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no address");
            return Err(Error::Resolve { host, source });
        }
        if !self.policy.allow_private.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
            // One private address among public ones is enough to refuse: which of them is called is not ours to choose.
            if let Some(private) = addresses.iter().find(|address| !is_public(address.ip())) {
                return Err(Error::Private { host, address: private.ip() });
            }
        }
        Ok((host, addresses))
    }

    /// Reads the body up to the bound.
    async fn collect(&self, mut response: reqwest::Response, url: &Url) -> Result<Answer, Error> {
        let bytes_max = self.policy.answer_bytes_max;
        let status = response.status();
        let mut body = BytesMut::new();
        loop {
            let chunk = response.chunk().await.map_err(|source| Error::Exchange {
                host: url.host_str().unwrap_or_default().to_owned(),
                source: source.without_url(),
            })?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > bytes_max {
                return Err(Error::TooLarge { bytes_max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body: body.freeze() })
    }
}

/// Makes ring the process's TLS provider, unless one was chosen already.
pub fn install_crypto() {
    // The error says that a provider is installed, which is what was asked for.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Where an answer redirects to, if it does.
fn redirect_target(response: &reqwest::Response, from: &Url) -> Option<Result<Url, Error>> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| redirects)?;
    let target = location.to_str().ok().and_then(|location| from.join(location).ok());
    Some(target.ok_or_else(|| Error::Url { url: without_query(from) }))
}

/// The request of the next hop: without its body after 301, 302 and 303 (RFC 9110 section 15.4), without its secrets
/// on another origin.
fn redirected(mut outgoing: Outgoing, status: StatusCode, target: Url) -> Outgoing {
    if !matches!(status.as_u16(), 307 | 308) && outgoing.method != Method::GET {
        outgoing.method = Method::GET;
        outgoing.body = Bytes::new();
    }
    if outgoing.url.origin() != target.origin() {
        // Which headers hold secrets is not known here; which hold none is.
        let kept = HARMLESS_HEADERS.into_iter().filter_map(|name| Some((name.clone(), outgoing.headers.remove(name)?)));
        outgoing.headers = kept.collect();
    }
    outgoing.url = target;
    outgoing
}

/// A URL fit for a message: its query may hold a key.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Cannot fail for a URL with a host; without one there is no password to hide.
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests;
