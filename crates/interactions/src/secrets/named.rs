//! Values assigned to telling names: `api_key = …`, `my password is …`, `Authorization: Basic …`, in many languages.
//!
//! A password may be short, so its name must be joined to it by a sign or by "is"; a key is long and random, so a space is
//! enough (`curl -H 'X-API-Key …'`). Entropy bounds: 3.5 bits a character, 3.0 in hexadecimal (taxonomy section 1.4).

use super::refuse;
use super::{Secret, kind};
use crate::pii::{Kind, Proof};
use crate::words::Tag;

pub(super) const PASSWORD: Kind = kind("PASSWORD");
pub(super) const GENERIC: Kind = kind("GENERIC_API_KEY");
pub(super) const BASIC_AUTH: Kind = kind("BASIC_AUTH");
const AWS_SECRET: Kind = kind("AWS_SECRET_KEY");

/// Shortest key by name; below, hex and words are too common.
const KEY_BYTES_MIN: usize = 16;
const KEY_BYTES_MAX: usize = 512;
const PASSWORD_BYTES_MIN: usize = 6;
const PASSWORD_BYTES_MAX: usize = 128;
const ENTROPY_MIN: f64 = 3.5;
const ENTROPY_HEX_MIN: f64 = 3.0;

const PASSWORD_NAMES: &[&str] = &[
    "password*",
    "passwd*",
    "pwd*",
    "passphrase*",
    "passcode",
    "pass=",
    "pass:",
    "*_pass",
    "*_password",
    "*_passwd",
    "*_pwd",
    "userpass",
    "passwort",
    "kennwort",
    "zugangscode",
    "mot de passe",
    "mdp",
    "contraseña",
    "clave",
    "senha",
    "palavra-passe",
    "parola d'ordine",
    "wachtwoord",
    "hasło",
    "hasłem",
    "lösenord",
    "adgangskode",
    "passord",
    "salasana",
    "parola",
    "heslo",
    "jelszó",
    "пароль",
    "パスワード",
    "密码",
    "密碼",
    "口令",
    "비밀번호",
    "암호",
];

const KEY_NAMES: &[&str] = &[
    "api_key*",
    "apikey*",
    "api-key*",
    "api key*",
    "x-api-key",
    "secret*",
    "client_secret*",
    "client secret",
    "auth_token*",
    "authtoken*",
    "access_token*",
    "accesstoken",
    "access token",
    "access_key*",
    "access key*",
    "refresh_token*",
    "token",
    "tokens",
    "*_token",
    "*token",
    "bearer",
    "private_key*",
    "privatekey",
    "private key",
    "secret_key*",
    "secretkey",
    "secret key",
    "signing_key*",
    "encryption_key*",
    "credential*",
    "authorization",
    "*_key",
    "*_secret",
    "auth_key*",
    "session_key*",
    "master_key*",
    "service_key*",
    "license_key*",
    "app_key*",
    "appkey",
    "api-schlüssel",
    "schlüssel",
    "geheimnis",
    "clé api",
    "clé d'api",
    "clé secrète",
    "jeton",
    "clave api",
    "clave secreta",
    "chiave api",
    "chiave segreta",
    "api-sleutel",
    "sleutel",
    "klucz api",
    "klucz",
    "api-nyckel",
    "nyckel",
    "chave api",
    "chave secreta",
    "apiキー",
    "密钥",
    "api 키",
    "令牌",
    "トークン",
];

pub(super) fn words(all: &mut Vec<(&'static str, Tag)>) {
    all.extend(PASSWORD_NAMES.iter().chain(KEY_NAMES).map(|&name| (name, Tag::SecretName)));
}

/// How a name is joined to what follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// `=`, `:`, a quote, "is".
    Sign,
    /// A space alone.
    Space,
}

/// The value of the name at `start..end`, when it is a secret.
pub(super) fn value(text: &str, start: usize, end: usize) -> Option<Secret> {
    let name = text[start..end].to_lowercase();
    let bytes = text.as_bytes();
    // The name may go on: `passwordHash` is none, `token_url` is none.
    let tail = bytes[end..]
        .iter()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let rest = text[end..end + tail].to_ascii_lowercase();
    if [
        "hash", "url", "uri", "policy", "length", "type", "file", "path", "name", "field", "count", "limit", "_id",
        "expires", "expiry", "endpoint", "reset", "min", "max",
    ]
    .iter()
    .any(|word| rest.contains(word))
    {
        return None;
    }
    let (from, joint, quote) = joint(text, end + tail)?;
    let to = value_end(bytes, from, quote);
    let spelled = &text[from..to];
    if spelled.is_empty()
        || refuse::placeholder(spelled)
        || refuse::reference(&text[from..text.floor_char_boundary((to + 12).min(text.len()))]) && quote.is_none()
        || refuse::reference(spelled)
    {
        return None;
    }
    let is_password = PASSWORD_NAMES.iter().any(|word| name.contains(word.trim_matches('*')));
    if name == "authorization" && spelled.eq_ignore_ascii_case("basic") {
        return basic(text, to);
    }
    if is_password {
        return password(spelled, joint, quote).then_some(Secret {
            kind: PASSWORD,
            start: from,
            end: to,
            confidence: 0.8,
            proof: Proof::Context,
            specimen: false,
        });
    }
    if !key(spelled, joint) || refuse::hash_before(&text[..start]) {
        return None;
    }
    let aws = spelled.len() == 40
        && context_has(text, start, "aws")
        && spelled.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    let kind = if aws { AWS_SECRET } else { GENERIC };
    Some(Secret { kind, start: from, end: to, confidence: 0.8, proof: Proof::Context, specimen: false })
}

fn context_has(text: &str, at: usize, word: &str) -> bool {
    let from = text.floor_char_boundary(at.saturating_sub(24));
    text[from..at].to_ascii_lowercase().contains(word)
}

/// Where the value begins, how it is joined, and the quote it stands in.
fn joint(text: &str, end: usize) -> Option<(usize, Joint, Option<u8>)> {
    let bytes = text.as_bytes();
    let mut at = end;
    let mut joint = Joint::Space;
    let mut quote = None;
    let mut words = 0;
    while at < bytes.len() && at - end < 24 {
        match bytes[at] {
            b' ' | b'\t' => at += 1,
            b'=' | b':' | b'>' => {
                joint = Joint::Sign;
                quote = None;
                at += 1;
            }
            byte @ (b'"' | b'\'' | b'`') => {
                quote = Some(byte);
                at += 1;
            }
            b'\\' if matches!(bytes.get(at + 1), Some(b'"')) => at += 1,
            b'(' | b'[' | b'{' if at == end => return None,
            0xef if text[at..].starts_with('：') => {
                joint = Joint::Sign;
                at += '：'.len_utf8();
            }
            _ => {
                const IS: &[&str] = &[
                    "is", "was", "ist", "lautet", "est", "es", "è", "é", "to", "är", "er", "on", "は", "是", "은",
                    "는", "bearer",
                ];
                let rest = &text[at..];
                let word = IS.iter().find(|word| {
                    rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
                        && (rest[word.len()..].starts_with([' ', ':', '=', '"'])
                            || word.chars().all(crate::words::unspaced))
                });
                match word {
                    Some(word) if words < 2 && quote.is_none() => {
                        joint = Joint::Sign;
                        words += 1;
                        at += word.len();
                    }
                    _ => break,
                }
            }
        }
    }
    (at > end && at < bytes.len()).then_some((at, joint, quote))
}

/// A quoted value ends at its quote, a bare one at white space or at punctuation that closes a sentence or a structure.
fn value_end(bytes: &[u8], from: usize, quote: Option<u8>) -> usize {
    let most = &bytes[from..(from + KEY_BYTES_MAX).min(bytes.len())];
    let length = match quote {
        Some(quote) => most.iter().position(|&byte| byte == quote || byte == b'\n').unwrap_or(0),
        None => most
            .iter()
            .position(|byte| {
                byte.is_ascii_whitespace()
                    || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b',' | b')' | b'}' | b']' | b';')
            })
            .unwrap_or(most.len()),
    };
    let mut end = from + length;
    while quote.is_none() && end > from && matches!(bytes[end - 1], b'.' | b':') {
        end -= 1;
    }
    // A cut at the limit may fall inside a character.
    while end > from && end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    end
}

fn password(value: &str, joint: Joint, quote: Option<u8>) -> bool {
    let bytes = value.as_bytes();
    if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&bytes.len()) || bytes.iter().any(u8::is_ascii_whitespace) {
        return false;
    }
    let upper = bytes.iter().any(u8::is_ascii_uppercase);
    let lower = bytes.iter().any(u8::is_ascii_lowercase);
    let digit = bytes.iter().any(u8::is_ascii_digit);
    let symbol = bytes.iter().any(u8::is_ascii_punctuation);
    let classes = [upper, lower, digit, symbol].iter().filter(|&&has| has).count();
    match joint {
        // Quoted after a sign: even a plain word may be the password, if it is not a sentence's.
        Joint::Sign if quote.is_some() => classes >= 2 || bytes.len() >= 8 && digit,
        Joint::Sign => classes >= 2 && (digit || symbol && upper),
        Joint::Space => classes >= 3 && digit || bytes.len() >= 12 && case_changes(bytes) >= 5,
    }
}

/// Places where the case of two neighbouring letters differs: names in camel case have few, random letters many.
fn case_changes(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count()
}

fn key(value: &str, joint: Joint) -> bool {
    let bytes = value.as_bytes();
    let form = bytes.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'.' | b'~' | b':')
    });
    if !form || !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&bytes.len()) || value.contains("://") {
        return false;
    }
    let hex = bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let mixed = bytes.iter().any(u8::is_ascii_uppercase) && bytes.iter().any(u8::is_ascii_lowercase);
    let entropy = refuse::entropy(bytes);
    let random = if hex {
        entropy >= ENTROPY_HEX_MIN && digits >= 4
    } else {
        entropy >= ENTROPY_MIN && (digits >= 2 || mixed && words_in(bytes) == 0)
    };
    random && (joint == Joint::Sign || digits >= 2)
}

/// Parts between hyphens, underscores and stops that are lower-case words: `my-service-account-name` has four.
fn words_in(bytes: &[u8]) -> usize {
    bytes
        .split(|byte| matches!(byte, b'-' | b'_' | b'.'))
        .filter(|part| part.len() >= 3 && part.iter().all(u8::is_ascii_lowercase))
        .count()
}

/// `Basic` and the base64 of `user:password`.
fn basic(text: &str, after: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    let start = after + bytes[after..].iter().take(3).take_while(|byte| **byte == b' ').count();
    let length = bytes[start..]
        .iter()
        .take(KEY_BYTES_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        .count();
    (length >= 8).then_some(Secret {
        kind: BASIC_AUTH,
        start,
        end: start + length,
        confidence: 0.85,
        proof: Proof::Context,
        specimen: false,
    })
}
