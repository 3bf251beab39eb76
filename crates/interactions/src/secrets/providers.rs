//! Forms of credentials by provider: a mark (their prefix), what may follow, and how long it is.
//!
//! Sources: the providers' documentation of their token formats; GitHub's "About secret scanning" partner list. Lengths are
//! those issued today; a range is given where they have changed.

use super::refuse;
use super::{Secret, kind};
use crate::pii::{Kind, Proof};

/// Characters a token goes on in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Hex,
    Alnum,
    /// Upper-case letters and digits.
    Upper,
    /// Letters, digits, `_` and `-`.
    Url,
    /// Letters, digits, `_`, `-` and `.`.
    Dotted,
}

pub(super) struct Provider {
    pub(super) kind: Kind,
    /// The prefix, with a trailing `*` because the token goes on.
    pub(super) mark: &'static str,
    body: Body,
    min: usize,
    max: usize,
    /// What else must hold of the whole token.
    check: fn(&str) -> bool,
    /// An example from the prefix, for the tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "the case table of the tests"))]
    pub(super) example: fn(&str) -> String,
}

const fn provider(name: &'static str, mark: &'static str, body: Body, min: usize, max: usize) -> Provider {
    Provider {
        kind: kind(name),
        mark,
        body,
        min,
        max,
        check: |_| true,
        example: |prefix| format!("{prefix}{}", sample(prefix)),
    }
}

const fn checked(
    name: &'static str,
    mark: &'static str,
    body: Body,
    min: usize,
    max: usize,
    check: fn(&str) -> bool,
    example: fn(&str) -> String,
) -> Provider {
    Provider { kind: kind(name), mark, body, min, max, check, example }
}

/// A body that fits the provider with this prefix.
fn sample(prefix: &str) -> String {
    let Some(provider) = PROVIDERS.iter().find(|provider| provider.mark.trim_end_matches('*') == prefix) else {
        return String::new();
    };
    let alphabet: &[u8] = match provider.body {
        Body::Hex => b"3f9a0b7c1d8e2546",
        Body::Upper => b"Q7ZK2M9XR4TB6WJ3",
        _ => b"kX9vQ2mT7pL4sW8zR1nB6yH3",
    };
    alphabet.iter().cycle().take(provider.min).map(|&byte| char::from(byte)).collect()
}

pub(super) const PRIVATE_KEY: Kind = kind("PRIVATE_KEY");
pub(super) const URL_CREDENTIALS: Kind = kind("URL_CREDENTIALS");
pub(super) const DISCORD_TOKEN: Kind = kind("DISCORD_TOKEN");
/// Severity of a credential that opens a test environment (taxonomy section 1.4).
const SPECIMEN_SEVERITY: u8 = 2;

pub(super) const PROVIDERS: &[Provider] = &[
    provider("AWS_ACCESS_KEY_ID", "AKIA*", Body::Upper, 16, 16),
    provider("AWS_ACCESS_KEY_ID", "ASIA*", Body::Upper, 16, 16),
    provider("AWS_ACCESS_KEY_ID", "ABIA*", Body::Upper, 16, 16),
    provider("AWS_ACCESS_KEY_ID", "ACCA*", Body::Upper, 16, 16),
    provider("GCP_API_KEY", "AIza*", Body::Url, 35, 35),
    provider("GCP_OAUTH_TOKEN", "ya29.*", Body::Dotted, 20, 400),
    provider("GCP_OAUTH_SECRET", "GOCSPX-*", Body::Url, 28, 28),
    checked(
        "AZURE_STORAGE_KEY",
        "DefaultEndpointsProtocol=*",
        Body::Url,
        4,
        10,
        |_| true,
        |prefix| {
            format!(
                "{prefix}https;AccountName=abc;AccountKey={}==;EndpointSuffix=core.windows.net",
                "kX9vQ2mT7p".repeat(8)
            )
        },
    ),
    provider("AZURE_STORAGE_KEY", "AccountKey=*", Body::Alnum, 20, 100),
    provider("AZURE_SAS", "SharedAccessSignature=*", Body::Url, 10, 300),
    provider("GITHUB_TOKEN", "ghp_*", Body::Alnum, 36, 255),
    provider("GITHUB_TOKEN", "gho_*", Body::Alnum, 36, 255),
    provider("GITHUB_TOKEN", "ghu_*", Body::Alnum, 36, 255),
    provider("GITHUB_TOKEN", "ghs_*", Body::Alnum, 36, 255),
    provider("GITHUB_TOKEN", "ghr_*", Body::Alnum, 36, 255),
    provider("GITHUB_TOKEN", "github_pat_*", Body::Url, 60, 255),
    provider("GITLAB_TOKEN", "glpat-*", Body::Dotted, 20, 64),
    provider("GITLAB_TOKEN", "gldt-*", Body::Url, 20, 64),
    provider("GITLAB_TOKEN", "glrt-*", Body::Url, 20, 64),
    provider("GITLAB_TOKEN", "glcbt-*", Body::Url, 20, 64),
    checked("SLACK_TOKEN", "xoxb-*", Body::Url, 20, 120, has_digit, |p| {
        format!("{p}154624885300-206830654-Fh84YAcL0Ozz")
    }),
    checked("SLACK_TOKEN", "xoxp-*", Body::Url, 20, 160, has_digit, |p| {
        format!("{p}154624885300-206830654-Fh84YAcL0Ozz")
    }),
    checked("SLACK_TOKEN", "xoxa-*", Body::Url, 20, 160, has_digit, |p| {
        format!("{p}154624885300-206830654-Fh84YAcL0Ozz")
    }),
    checked("SLACK_TOKEN", "xoxr-*", Body::Url, 20, 160, has_digit, |p| {
        format!("{p}154624885300-206830654-Fh84YAcL0Ozz")
    }),
    checked("SLACK_TOKEN", "xapp-*", Body::Url, 20, 160, has_digit, |p| {
        format!("{p}1-A0154624885-206830654-Fh84YAcL0Ozz")
    }),
    checked(
        "SLACK_WEBHOOK",
        "https://hooks.slack.com/*",
        Body::Url,
        8,
        9,
        |_| true,
        |p| format!("{p}services/T0NVX4YGE/B0MJQZOGU/mbFAqfdv7hGW3moNcApUgk5d"),
    ),
    checked(
        "DISCORD_WEBHOOK",
        "https://discord.com/api/webhooks/*",
        Body::Url,
        16,
        20,
        |_| true,
        |p| format!("{p}112233445566778899/{}", "kX9vQ2mT7p".repeat(6)),
    ),
    provider("STRIPE_KEY", "sk_live_*", Body::Alnum, 16, 247),
    provider("STRIPE_KEY", "rk_live_*", Body::Alnum, 16, 247),
    provider("STRIPE_KEY", "sk_test_*", Body::Alnum, 16, 247),
    provider("STRIPE_KEY", "rk_test_*", Body::Alnum, 16, 247),
    provider("STRIPE_KEY", "whsec_*", Body::Alnum, 24, 80),
    provider("ANTHROPIC_KEY", "sk-ant-*", Body::Url, 32, 200),
    checked("OPENAI_KEY", "sk-proj-*", Body::Url, 40, 250, has_digit, |p| format!("{p}{}", "kX9vQ2mT7p".repeat(5))),
    provider("OPENAI_KEY", "sk-svcacct-*", Body::Url, 40, 250),
    provider("OPENAI_KEY", "sk-admin-*", Body::Url, 40, 250),
    provider("OPENROUTER_KEY", "sk-or-v1-*", Body::Hex, 64, 64),
    provider("VIRI_STYLE_KEY", "sk-viri-*", Body::Alnum, 20, 64),
    checked("OPENAI_KEY", "sk-*", Body::Alnum, 32, 64, has_digit, |p| format!("{p}{}", "kX9vQ2mT7p".repeat(5))),
    provider("GROQ_KEY", "gsk_*", Body::Alnum, 40, 64),
    provider("PERPLEXITY_KEY", "pplx-*", Body::Alnum, 40, 64),
    provider("REPLICATE_TOKEN", "r8_*", Body::Alnum, 37, 40),
    provider("XAI_KEY", "xai-*", Body::Alnum, 60, 100),
    provider("HUGGINGFACE_TOKEN", "hf_*", Body::Alnum, 30, 40),
    provider("NPM_TOKEN", "npm_*", Body::Alnum, 36, 36),
    provider("PYPI_TOKEN", "pypi-*", Body::Url, 50, 250),
    provider("CRATES_TOKEN", "cio*", Body::Alnum, 32, 32),
    provider("RUBYGEMS_KEY", "rubygems_*", Body::Hex, 48, 48),
    provider("NUGET_KEY", "oy2*", Body::Alnum, 43, 43),
    provider("TWILIO_KEY", "AC*", Body::Hex, 32, 32),
    provider("TWILIO_KEY", "SK*", Body::Hex, 32, 32),
    checked(
        "SENDGRID_KEY",
        "SG.*",
        Body::Dotted,
        60,
        75,
        |token| token.matches('.').count() == 2,
        |p| format!("{p}MZeFHy074xQ45UsM5DL3BM.{}", "qfVLr42sxT".repeat(4)),
    ),
    provider("MAILGUN_KEY", "key-*", Body::Hex, 32, 32),
    provider("MAILCHIMP_KEY", "mandrill_*", Body::Alnum, 20, 40),
    provider("SHOPIFY_TOKEN", "shpat_*", Body::Hex, 32, 32),
    provider("SHOPIFY_TOKEN", "shpca_*", Body::Hex, 32, 32),
    provider("SHOPIFY_TOKEN", "shppa_*", Body::Hex, 32, 32),
    provider("SHOPIFY_TOKEN", "shpss_*", Body::Hex, 32, 32),
    provider("SQUARE_TOKEN", "sq0atp-*", Body::Url, 20, 24),
    provider("SQUARE_TOKEN", "sq0csp-*", Body::Url, 40, 46),
    provider("SQUARE_TOKEN", "EAAA*", Body::Url, 60, 60),
    provider("DATABRICKS_TOKEN", "dapi*", Body::Hex, 32, 36),
    provider("DIGITALOCEAN_TOKEN", "dop_v1_*", Body::Hex, 64, 64),
    provider("DIGITALOCEAN_TOKEN", "doo_v1_*", Body::Hex, 64, 64),
    provider("DIGITALOCEAN_TOKEN", "dor_v1_*", Body::Hex, 64, 64),
    provider("VAULT_TOKEN", "hvs.*", Body::Url, 24, 200),
    provider("VAULT_TOKEN", "hvb.*", Body::Url, 24, 300),
    provider("VAULT_TOKEN", "hvr.*", Body::Url, 24, 300),
    provider("DATADOG_KEY", "ddpat_*", Body::Alnum, 30, 80),
    provider("CLOUDFLARE_TOKEN", "v1.0-*", Body::Hex, 24, 200),
    provider("OKTA_TOKEN", "SSWS *", Body::Url, 40, 44),
    provider("NOTION_TOKEN", "ntn_*", Body::Alnum, 40, 60),
    provider("LINEAR_KEY", "lin_api_*", Body::Alnum, 40, 44),
    provider("POSTMAN_KEY", "PMAK-*", Body::Url, 50, 64),
    provider("NEW_RELIC_KEY", "NRAK-*", Body::Upper, 27, 27),
    provider("SENTRY_TOKEN", "sntrys_*", Body::Url, 40, 300),
    provider("GRAFANA_TOKEN", "glsa_*", Body::Url, 32, 60),
    provider("GRAFANA_TOKEN", "glc_*", Body::Url, 32, 400),
    provider("DOCKER_TOKEN", "dckr_pat_*", Body::Url, 27, 32),
    provider("PLANETSCALE_TOKEN", "pscale_tkn_*", Body::Dotted, 32, 64),
    provider("SUPABASE_TOKEN", "sbp_*", Body::Hex, 40, 40),
    provider("FIGMA_TOKEN", "figd_*", Body::Url, 36, 60),
    provider("ATLASSIAN_TOKEN", "ATATT3*", Body::Url, 60, 250),
    provider("HEROKU_KEY", "HRKU-*", Body::Url, 36, 70),
    provider("HUBSPOT_TOKEN", "pat-na1-*", Body::Url, 36, 36),
    provider("HUBSPOT_TOKEN", "pat-eu1-*", Body::Url, 36, 36),
    provider("TAILSCALE_KEY", "tskey-*", Body::Url, 20, 80),
    provider("DOPPLER_TOKEN", "dp.pt.*", Body::Alnum, 40, 50),
    provider("PULUMI_TOKEN", "pul-*", Body::Hex, 40, 40),
    provider("CIRCLECI_TOKEN", "CCIPAT_*", Body::Url, 40, 100),
    provider("BUILDKITE_TOKEN", "bkua_*", Body::Hex, 40, 40),
    provider("RAZORPAY_KEY", "rzp_live_*", Body::Alnum, 14, 14),
    provider("SHIPPO_TOKEN", "shippo_live_*", Body::Hex, 40, 40),
    provider("EASYPOST_KEY", "EZAK*", Body::Alnum, 54, 54),
    provider("TERRAFORM_TOKEN", "atlasv1.*", Body::Url, 60, 70),
    provider("AGE_SECRET_KEY", "AGE-SECRET-KEY-1*", Body::Upper, 58, 58),
    provider("ALIBABA_KEY", "LTAI*", Body::Alnum, 16, 20),
    provider("AIRTABLE_TOKEN", "patA*", Body::Dotted, 78, 80),
    provider("DROPBOX_TOKEN", "sl.*", Body::Url, 130, 160),
    checked(
        "TELEGRAM_TOKEN",
        ":AA*",
        Body::Url,
        30,
        36,
        |_| true,
        |_| format!("6459668123:AA{}", "kX9vQ2mT7pL4sW8zR1nB6yH3kX9vQ2mT"),
    ),
    checked("JWT", "eyJ*", Body::Dotted, 30, 4096, jwt, |p| {
        format!("{p}hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.DmBDTWDNfuZNWW4LV20FcNXR")
    }),
];

fn has_digit(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit())
}

/// Three parts, the first of which decodes to a JSON object with an algorithm (RFC 7515).
fn jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return false };
    // `{"alg"` in base64url, with or without a space or another member before it.
    let decoded = base64_ascii(header);
    decoded.starts_with('{') && decoded.contains("\"alg\"") && payload.len() >= 4
}

fn base64_ascii(part: &str) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let bytes = engine.decode(part.trim_end_matches('=')).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn fits(body: Body, byte: u8) -> bool {
    match body {
        Body::Hex => byte.is_ascii_hexdigit(),
        Body::Alnum => byte.is_ascii_alphanumeric(),
        Body::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        Body::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        Body::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
    }
}

/// The token whose mark begins at `start`.
pub(super) fn token(text: &str, provider: &Provider, start: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    let mark = provider.mark.trim_end_matches('*');
    if !text[start..].starts_with(mark) {
        return None;
    }
    let from = start + mark.len();
    let length = bytes[from..].iter().take(provider.max + 1).take_while(|&&byte| fits(provider.body, byte)).count();
    let mut end = from + length;
    while end > from && matches!(bytes[end - 1], b'.') {
        end -= 1;
    }
    let spelled = &text[start..end];
    if !(provider.min..=provider.max).contains(&(end - from)) || !(provider.check)(spelled) {
        return None;
    }
    let end = match provider.kind.name {
        "AZURE_STORAGE_KEY" | "AZURE_SAS" => connection_string(bytes, start, end),
        "SLACK_WEBHOOK" | "DISCORD_WEBHOOK" => {
            end + bytes[end..]
                .iter()
                .take(160)
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-'))
                .count()
        }
        _ => end,
    };
    // A run that goes on is something else, unless the provider's charset was merely narrower than the text's.
    if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    if refuse::placeholder(&text[from..from + length])
        || length >= 16 && refuse::entropy(&bytes[from..from + length]) < 2.5
    {
        return None;
    }
    // The bot's number stands before the mark of a Telegram token.
    let lead = if provider.kind.name == "TELEGRAM_TOKEN" { digits_before(bytes, start)? } else { 0 };
    let specimen = mark.contains("_test_");
    let kind = Kind { severity: if specimen { SPECIMEN_SEVERITY } else { provider.kind.severity }, ..provider.kind };
    Some(Secret { kind, start: start - lead, end, confidence: 0.95, proof: Proof::Format, specimen })
}

/// Eight to ten digits that end at `end`, and begin a word.
fn digits_before(bytes: &[u8], end: usize) -> Option<usize> {
    let digits = bytes[..end].iter().rev().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let start = end - digits;
    ((8..=10).contains(&digits) && !(start > 0 && bytes[start - 1].is_ascii_alphanumeric())).then_some(digits)
}

/// A Discord bot token: the bot's number in base64 (24 to 28), a stamp of six, a code of 27 to 38. Its first stop is at
/// `dot`.
pub(super) fn discord(text: &str, dot: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if bytes.get(dot + 7) != Some(&b'.') || !bytes[dot + 1..dot + 7].iter().all(part) {
        return None;
    }
    let head = bytes[..dot].iter().rev().take(30).take_while(|byte| part(byte)).count();
    let tail = bytes[dot + 8..].iter().take(40).take_while(|byte| part(byte)).count();
    let (start, end) = (dot - head, dot + 8 + tail);
    let form = (23..=28).contains(&head) && (27..=38).contains(&tail) && matches!(bytes[start], b'M' | b'N' | b'O');
    form.then_some(Secret { kind: DISCORD_TOKEN, start, end, confidence: 0.95, proof: Proof::Format, specimen: false })
}

/// A connection string goes on over its `name=value` pairs.
fn connection_string(bytes: &[u8], start: usize, end: usize) -> usize {
    let more = bytes[end..]
        .iter()
        .take(1024)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"=;+/.-_:&%".contains(byte))
        .count();
    let mut end = end + more;
    while end > start && matches!(bytes[end - 1], b';' | b'.' | b':') {
        end -= 1;
    }
    end
}

/// A PEM or OpenPGP block of a private key, from `-----BEGIN` to the end of its armour; without an end, to the end of its
/// lines of base64.
pub(super) fn armoured(text: &str, start: usize) -> Option<Secret> {
    let rest = &text[start..];
    let header_end = rest.get(..64.min(rest.len())).or_else(|| rest.get(..rest.floor_char_boundary(64)))?;
    let header = header_end.strip_prefix("-----BEGIN ")?;
    let close = header.find("-----")?;
    let title = &header[..close];
    if !title.contains("PRIVATE KEY") {
        return None;
    }
    let footer = format!("-----END {title}-----");
    const KEY_BYTES_MAX: usize = 32 << 10;
    let window = &rest[..rest.floor_char_boundary(KEY_BYTES_MAX.min(rest.len()))];
    let end = match window.find(&footer) {
        Some(at) => at + footer.len(),
        None => {
            let body = "-----BEGIN ".len() + close + 5;
            body + window.as_bytes()[body..]
                .iter()
                .take_while(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\')
                })
                .count()
        }
    };
    let body = &window[..end];
    let letters = body.bytes().filter(u8::is_ascii_alphanumeric).count();
    (letters >= 64).then_some(Secret {
        kind: PRIVATE_KEY,
        start,
        end: start + end,
        confidence: 0.99,
        proof: Proof::Format,
        specimen: false,
    })
}

/// `scheme://user:password@host…`, the whole address.
pub(super) fn url_credentials(text: &str, scheme_end: usize, after: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    let scheme = bytes[..scheme_end]
        .iter()
        .rev()
        .take(20)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
        .count();
    let authority = bytes[after..]
        .iter()
        .take(256)
        .take_while(|byte| {
            !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'?' | b'#')
        })
        .count();
    let spelled = text.get(after..after + authority)?;
    let (login, host) = spelled.rsplit_once('@')?;
    let (_, password) = login.split_once(':')?;
    if scheme == 0
        || password.is_empty()
        || host.is_empty()
        || refuse::placeholder(password)
        || matches!(password, "password" | "pass" | "pwd" | "secret")
    {
        return None;
    }
    let path = bytes[after + authority..]
        .iter()
        .take(512)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"/._-~%?&=:#+".contains(byte))
        .count();
    let mut end = after + authority + path;
    while matches!(bytes[end - 1], b'.' | b',' | b':' | b'?') {
        end -= 1;
    }
    Some(Secret {
        kind: URL_CREDENTIALS,
        start: scheme_end - scheme,
        end,
        confidence: 0.95,
        proof: Proof::Format,
        specimen: false,
    })
}
