//! One cut of a text into tokens, shared by the tagger and the safety classifiers so that the text is walked once.
//!
//! A token is a run of letters and digits (with their combining marks), one character of a script written without
//! spaces between words (Han, Kana, Hangul), or a run of one repeated punctuation character. White space separates and
//! belongs to no token. Offsets are bytes of the text, on character boundaries, in rising order, without overlap.
//! Time and memory are linear in the text whatever it holds: each byte is looked at once, and a token is never longer
//! than [`TOKEN_BYTES_MAX`], so that work done per token is bounded too.

/// Bytes of the longest token; a longer run is cut. No name comes near it, and a base64 blob is cut into a few pieces.
pub const TOKEN_BYTES_MAX: usize = 256;

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Letters only, with their marks.
    Word,
    /// Decimal digits only.
    Number,
    /// Letters and digits together.
    Mixed,
    /// One character of Han, Kana or Hangul.
    Ideograph,
    /// Anything else: one punctuation or symbol character, repeated or not.
    Symbol,
}

/// A piece of a text: bytes `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
    /// What it is made of.
    pub kind: TokenKind,
    /// No white space stands between the token and the one before.
    pub glued: bool,
    /// The first token of a line.
    pub opens_line: bool,
}

impl Token {
    /// The token's text.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }
}

/// Cuts a text into tokens.
pub fn tokenize(text: &str) -> Vec<Token> {
    // Four and a half bytes a token is what running text in Latin letters has; the vector grows where there are more.
    let mut tokens = Vec::with_capacity(text.len().min(1 << 20) / 4 + 1);
    let mut rest = text.char_indices().peekable();
    let (mut glued, mut opens_line) = (false, true);
    while let Some((start, first)) = rest.next() {
        let class = classify(first);
        let mut end = start + first.len_utf8();
        let kind = match class {
            Class::Space => {
                glued = false;
                opens_line |= first == '\n' || first == '\r';
                continue;
            }
            Class::Letter | Class::Digit | Class::Mark => {
                let (mut letters, mut digits) = (class != Class::Digit, class == Class::Digit);
                while let Some(&(at, next)) = rest.peek() {
                    match classify(next) {
                        Class::Letter => letters = true,
                        Class::Digit => digits = true,
                        Class::Mark => {}
                        _ => break,
                    }
                    if at + next.len_utf8() - start > TOKEN_BYTES_MAX {
                        break;
                    }
                    end = at + next.len_utf8();
                    rest.next();
                }
                match (letters, digits) {
                    (true, true) => TokenKind::Mixed,
                    (false, _) => TokenKind::Number,
                    (true, false) => TokenKind::Word,
                }
            }
            Class::Ideograph | Class::Symbol => {
                while let Some(&(at, next)) = rest.peek() {
                    let repeats = class == Class::Symbol && next == first;
                    if !(repeats || classify(next) == Class::Mark) || at + next.len_utf8() - start > TOKEN_BYTES_MAX {
                        break;
                    }
                    end = at + next.len_utf8();
                    rest.next();
                }
                if class == Class::Symbol { TokenKind::Symbol } else { TokenKind::Ideograph }
            }
        };
        tokens.push(Token { start, end, kind, glued, opens_line });
        (glued, opens_line) = (true, false);
    }
    tokens
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Digit,
    Ideograph,
    Mark,
    Symbol,
}

fn classify(c: char) -> Class {
    if c.is_ascii() {
        return match c {
            'a'..='z' | 'A'..='Z' => Class::Letter,
            '0'..='9' => Class::Digit,
            // NUL and the other control characters separate, as white space does: nothing is spelled with them.
            '\0'..=' ' | '\x7f' => Class::Space,
            _ => Class::Symbol,
        };
    }
    if is_mark(c) {
        Class::Mark
    } else if is_ideograph(c) {
        Class::Ideograph
    } else if c.is_whitespace() || c.is_control() {
        Class::Space
    } else if c.is_alphabetic() {
        Class::Letter
    } else if c.is_numeric() {
        Class::Digit
    } else {
        Class::Symbol
    }
}

/// Marks and joiners that stay with the letter before them (Unicode general categories Mn and Cf, the blocks that
/// occur in text). Indic vowel signs are alphabetic by the Unicode property and need no line here.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{93c}' | '\u{94d}'
        | '\u{9bc}' | '\u{9cd}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200b}'..='\u{200d}' | '\u{2060}'
        | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

/// Han, Kana, Bopomofo and Hangul.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{30fa}'
        | '\u{30fc}'..='\u{318e}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97c}' | '\u{ac00}'..='\u{d7fb}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{323af}')
}

/// Cuts tokens into sentences: at line ends and bars, after `.`, `!`, `?` before white space, before a bar, or between a
/// small and a capital letter ("sent.If"), and after the full-width marks. A sentence is a range of token numbers, never
/// empty, and together they are all tokens. An abbreviation may cut one in two, which costs a classifier nothing.
pub fn sentences(text: &str, tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    let mut sentences = Vec::new();
    let mut first = 0;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let opens = |token: Option<&Token>| token.and_then(|token| token.text(text).chars().next());
        let ends = match opens(Some(token)) {
            Some('.' | '!' | '?' | '…') => match opens(next.filter(|next| next.glued)) {
                None | Some('|') => true,
                Some(after) => after.is_uppercase() && at > 0 && ends_small(tokens[at - 1].text(text)),
            },
            Some('|' | '。' | '！' | '？') => true,
            _ => false,
        };
        if ends || next.is_none_or(|next| next.opens_line) {
            sentences.push(first..at + 1);
            first = at + 1;
        }
    }
    sentences
}

/// A word of at least three letters that ends in a small one: no initial, no abbreviation of a degree.
fn ends_small(word: &str) -> bool {
    word.len() >= 3 && word.chars().next_back().is_some_and(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokenize(text).iter().map(|token| token.text(text)).collect()
    }

    #[test]
    fn words_numbers_symbols_and_ideographs_are_cut_apart() {
        assert_eq!(cut("Hi, O'Neill!!"), ["Hi", ",", "O", "'", "Neill", "!!"]);
        assert_eq!(cut("Ann-Britt 2A 28015"), ["Ann", "-", "Britt", "2A", "28015"]);
        assert_eq!(cut("森 太郎様です。"), ["森", "太", "郎", "様", "で", "す", "。"]);
        assert_eq!(cut("최영길 ok"), ["최", "영", "길", "ok"]);
        assert_eq!(cut("e\u{301}te\u{301}"), ["e\u{301}te\u{301}"]);
        assert_eq!(cut(" \n\t\0 "), [""; 0]);
    }

    #[test]
    fn lines_and_gaps_are_known() {
        let tokens = tokenize("a b\nc,d");
        let seen: Vec<_> = tokens.iter().map(|token| (token.glued, token.opens_line)).collect();
        assert_eq!(seen, [(false, true), (false, false), (false, true), (true, false), (true, false)]);
    }

    #[test]
    fn offsets_cover_all_but_white_space_on_any_text() {
        let hostile = ["a\u{301}".repeat(1000), "!?".repeat(1000), "a".repeat(5000), "😀 \u{202e}abc\u{e0041}".into()];
        for text in hostile {
            let mut last = 0;
            for token in tokenize(&text) {
                assert!(token.start >= last && token.end > token.start && token.end - token.start <= TOKEN_BYTES_MAX);
                assert!(text[last..token.start].chars().all(|c| classify(c) == Class::Space));
                last = token.end;
            }
            assert_eq!(last, text.len());
        }
    }

    #[test]
    fn sentences_are_all_tokens_in_order() {
        let text = "One. Two v1.5 is out!\nThree\n\n四。五|Reply.Then go";
        let tokens = tokenize(text);
        let cut: Vec<_> =
            sentences(text, &tokens).into_iter().map(|s| &text[tokens[s.start].start..tokens[s.end - 1].end]).collect();
        assert_eq!(cut, ["One.", "Two v1.5 is out!", "Three", "四。", "五|", "Reply.", "Then go"]);
    }
}
