//! Web addresses that name a person: a profile page of a social network.

use crate::pii::recognizer::{Category, Kind};

pub(crate) const SOCIAL: Kind = Kind::new("SOCIAL_HANDLE", Category::Direct, 2);

/// Longest address looked at.
const URL_BYTES_MAX: usize = 512;

/// Host and what stands before the person's name in the path.
const PROFILES: &[(&str, &str)] = &[
    ("facebook.com", ""),
    ("fb.com", ""),
    ("twitter.com", ""),
    ("x.com", ""),
    ("instagram.com", ""),
    ("tiktok.com", "@"),
    ("linkedin.com", "in/"),
    ("github.com", ""),
    ("t.me", ""),
    ("mastodon.social", "@"),
    ("youtube.com", "@"),
    ("vk.com", ""),
    ("weibo.com", "u/"),
    ("snapchat.com", "add/"),
    ("pinterest.com", ""),
    ("reddit.com", "user/"),
    ("xing.com", "profile/"),
    ("bsky.app", "profile/"),
    ("threads.net", "@"),
];

/// Path words of these hosts that are nobody's name.
const PAGES: &[&str] = &[
    "home", "login", "search", "about", "help", "explore", "settings", "share", "intent", "hashtag", "watch",
    "features", "topics", "orgs",
];

/// The profile address whose `://` ends at `after`; `start` is where its scheme begins.
pub(crate) fn profile(text: &str, after: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let length = bytes[after..]
        .iter()
        .take(URL_BYTES_MAX)
        .take_while(|&&byte| byte.is_ascii_alphanumeric() || b"-._~:/?#@%&=+".contains(&byte))
        .count();
    let mut end = after + length;
    while end > after && matches!(bytes[end - 1], b'.' | b':' | b'?' | b'/') {
        end -= 1;
    }
    let (host, path) = text[after..end].split_once('/')?;
    let host = host.strip_prefix("www.").unwrap_or(host).to_ascii_lowercase();
    let (_, before) = PROFILES.iter().find(|(name, _)| host == *name)?;
    let name: &str = path.strip_prefix(before)?.split(['/', '?', '#']).next()?;
    let scheme = bytes[..after - 3].iter().rev().take(5).take_while(|byte| byte.is_ascii_alphabetic()).count();
    (name.len() >= 3 && !PAGES.contains(&name)).then_some((after - 3 - scheme, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_of_people_and_other_pages() {
        let found =
            |text: &str| profile(text, text.find("://").unwrap() + 3).map(|(start, end)| text[start..end].to_owned());
        assert_eq!(
            found("see https://www.linkedin.com/in/ada-l."),
            Some("https://www.linkedin.com/in/ada-l".to_owned())
        );
        assert_eq!(found("http://x.com/ada_l?s=1"), Some("http://x.com/ada_l?s=1".to_owned()));
        for text in
            ["https://example.com/ada", "https://github.com/login", "https://x.com/", "https://linkedin.com/company/x"]
        {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
