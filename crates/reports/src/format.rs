//! How numbers, intervals and times are written, the same in page, PDF and charts: thin spaces for thousands,
//! percentages to one decimal, ratios to three, intervals in parentheses.

use assize_fairness::document::Estimate;

/// Narrow no-break space (U+202F), which groups thousands.
const THIN_SPACE: char = '\u{202f}';
const MINUS: char = '\u{2212}';

/// `27 816`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * THIN_SPACE.len_utf8());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(THIN_SPACE);
        }
        text.push(digit);
    }
    text
}

/// A number with fixed decimals and a true minus sign; no negative zero.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, value.abs());
    let is_zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    if value < 0.0 && !is_zero { format!("{MINUS}{text}") } else { text }
}

/// `8.2%` from 0.0823.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", decimal(share * 100.0, 1))
}

/// `0.311`.
pub(crate) fn ratio(value: f64) -> String {
    decimal(value, 3)
}

/// A ratio for a title: two decimals, unless they would put it on the other side of `limit`.
pub(crate) fn ratio_beside(value: f64, limit: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if (rounded < limit) == (value < limit) { decimal(value, 2) } else { ratio(value) }
}

/// `+2.2 points` from a difference of shares.
pub(crate) fn points(difference: f64) -> String {
    let text = decimal(difference * 100.0, 1);
    if difference > 0.0 && text != "0.0" { format!("+{text} points") } else { format!("{text} points") }
}

/// `p < 0.001`, `p = 0.034`.
pub(crate) fn p_value(value: f64) -> String {
    if value < 0.001 { "p < 0.001".to_owned() } else { format!("p = {value:.3}") }
}

/// Which way an estimate is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// A share of people: as a percentage.
    Share,
    /// A ratio, difference or index: as a decimal.
    Number,
}

impl Scale {
    /// The value alone.
    pub(crate) fn value(self, value: f64) -> String {
        match self {
            Scale::Share => percent(value),
            Scale::Number => ratio(value),
        }
    }

    /// The interval in parentheses, without unit.
    pub(crate) fn interval(self, [low, high]: [f64; 2]) -> String {
        let separator = if low < 0.0 { " to " } else { "–" };
        match self {
            Scale::Share => format!("({}{separator}{})", decimal(low * 100.0, 1), decimal(high * 100.0, 1)),
            Scale::Number => format!("({}{separator}{})", ratio(low), ratio(high)),
        }
    }

    /// Value and interval, or why there is none.
    pub(crate) fn estimate(self, estimate: &Estimate) -> String {
        let Some(value) = estimate.value else {
            return match &estimate.reason {
                Some(reason) => format!("undefined: {reason}"),
                None => "undefined".to_owned(),
            };
        };
        match estimate.interval {
            Some(interval) => format!("{} {}", self.value(value), self.interval(interval)),
            None => self.value(value),
        }
    }
}

/// `2026-11-21 10:04 UTC` from RFC 3339; what is no time is shown as it is.
pub(crate) fn minute(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => time.to_owned(),
    }
}

/// The text cut to a number of characters, with an ellipsis when something is missing.
pub(crate) fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// Text as content or quoted attribute of HTML and SVG. Characters that XML 1.0 forbids become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_by_narrow_spaces() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(27_816), "27\u{202f}816");
        assert_eq!(count(1_000_000), "1\u{202f}000\u{202f}000");
    }

    #[test]
    fn title_ratio_never_rounds_across_its_limit() {
        assert_eq!(ratio_beside(0.311, 0.8), "0.31");
        assert_eq!(ratio_beside(0.797, 0.8), "0.797");
        assert_eq!(ratio_beside(0.8, 0.8), "0.80");
    }

    #[test]
    fn signs_are_typographic_and_zero_has_none() {
        assert_eq!(points(-0.022), "\u{2212}2.2 points");
        assert_eq!(points(-0.0001), "0.0 points");
        assert_eq!(points(0.01), "+1.0 points");
    }

    #[test]
    fn undefined_estimates_say_why() {
        let estimate = Estimate { reason: Some("no positives".into()), ..Estimate::default() };
        assert_eq!(Scale::Share.estimate(&estimate), "undefined: no positives");
        let estimate = Estimate { value: Some(0.0823), interval: Some([0.0734, 0.0923]), n: 3268, reason: None };
        assert_eq!(Scale::Share.estimate(&estimate), "8.2% (7.3–9.2)");
    }

    #[test]
    fn markup_and_control_characters_are_disarmed() {
        assert_eq!(escape("<b a='\"'>&\u{1}"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}");
    }

    #[test]
    fn shortening_keeps_whole_characters() {
        assert_eq!(shorten("länger", 4), "län…");
        assert_eq!(shorten("kurz", 4), "kurz");
    }
}
