//! Letters of other scripts that look like Latin ones, from the Unicode confusables data (UTS #39, `confusables.txt`),
//! the part that attackers and forgers use: Cyrillic, Greek, Armenian and Cherokee letters, and dashes.
//!
//! A letter is folded only inside a word that also holds Latin letters: a Russian sentence stays Russian.

/// Letter and the Latin letter it looks like, sorted by the first.
const LOOK_ALIKES: &[(char, char)] = &[
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('α', 'a'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('σ', 'o'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('Ѕ', 'S'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('З', '3'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('а', 'a'),
    ('в', 'b'),
    ('е', 'e'),
    ('з', '3'),
    ('к', 'k'),
    ('м', 'm'),
    ('н', 'h'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('т', 't'),
    ('у', 'y'),
    ('х', 'x'),
    ('ѕ', 's'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѵ', 'v'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('Օ', 'O'),
    ('Ս', 'U'),
    ('օ', 'o'),
    ('ս', 'u'),
    ('ց', 'g'),
    ('Ꭺ', 'A'),
    ('Ꭼ', 'E'),
    ('Ꮋ', 'H'),
    ('Ꮶ', 'K'),
    ('Ꮮ', 'L'),
    ('Ꮪ', 'S'),
    ('Ꭲ', 'T'),
];

/// The Latin letter that `c` looks like.
pub(super) fn latin(c: char) -> Option<char> {
    LOOK_ALIKES.iter().find(|(other, _)| *other == c).map(|(_, latin)| *latin)
}

/// A letter of a script that has look-alikes here.
pub(super) fn other_script(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}')
}

/// The ASCII hyphen for any dash, the ASCII apostrophe for any quotation mark used as one.
pub(super) fn punctuation(c: char) -> Option<char> {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => Some('-'),
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' => Some('\''),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => Some(' '),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_fold_and_others_do_not() {
        assert_eq!(latin('а'), Some('a')); // Cyrillic
        assert_eq!(latin('a'), None);
        assert_eq!(latin('ж'), None);
        assert_eq!(punctuation('–'), Some('-'));
        assert!(LOOK_ALIKES.iter().all(|(other, latin)| other_script(*other) && latin.is_ascii()));
    }
}
