//! A walk over the opcodes of a pickle that understands only their lengths and the names they make.
//!
//! Where the strict reader stops, a loader may go on: this walk goes on too, to the end of the stream, and collects
//! what is named. Lengths as in `Lib/pickletools.py` of CPython 3.13.

use std::collections::BTreeMap;

/// Different names that are collected, and texts that are remembered.
const NAMES_MAX: usize = 10_000;
const TEXTS_MAX: usize = 1 << 20;

/// What a walk met.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Module and name of every class and function, and where it stands first.
    pub(super) names: BTreeMap<(String, String), usize>,
    /// Where a name is made from something else than two texts.
    pub(super) hidden: Option<usize>,
    /// Whether the end of the stream was reached.
    pub(super) ended: bool,
}

/// How the argument of an opcode is laid out.
enum Argument {
    None,
    Bytes(usize),
    /// A length of so many bytes, then that many bytes; whether they are a text.
    Counted(usize, bool),
    Line,
    TwoLines,
}

fn argument(opcode: u8) -> Option<Argument> {
    Some(match opcode {
        b'('
        | b'.'
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'Q'
        | b'R'
        | b'a'
        | b'b'
        | b'd'
        | b'}'
        | b'e'
        | b'l'
        | b']'
        | b'o'
        | b's'
        | b't'
        | b')'
        | b'u'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=0x94
        | 0x97
        | 0x98 => Argument::None,
        b'K' | b'h' | b'q' | 0x80 | 0x82 => Argument::Bytes(1),
        b'M' | 0x83 => Argument::Bytes(2),
        b'J' | b'j' | b'r' | 0x84 => Argument::Bytes(4),
        b'G' | 0x95 => Argument::Bytes(8),
        0x8c => Argument::Counted(1, true),
        b'X' => Argument::Counted(4, true),
        0x8d => Argument::Counted(8, true),
        b'U' => Argument::Counted(1, true),
        b'T' => Argument::Counted(4, true),
        b'C' | 0x8a => Argument::Counted(1, false),
        b'B' | 0x8b => Argument::Counted(4, false),
        0x8e | 0x96 => Argument::Counted(8, false),
        b'F' | b'I' | b'L' | b'P' | b'S' | b'V' | b'g' | b'p' => Argument::Line,
        b'c' | b'i' => Argument::TwoLines,
        _ => return None,
    })
}

/// Walks one stream.
pub(super) fn walk(bytes: &[u8]) -> Walked {
    let mut walk =
        Walk { bytes, at: 0, recent: [None, None], memo: BTreeMap::new(), next: 0, found: Walked::default() };
    while walk.step().is_some() {}
    walk.found
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The last two values pushed, the newest second, as far as they are texts.
    recent: [Option<&'a str>; 2],
    memo: BTreeMap<u64, Option<&'a str>>,
    /// Memo entry of the next MEMOIZE.
    next: u64,
    found: Walked,
}

impl<'a> Walk<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let length = self.bytes.get(self.at..)?.iter().position(|byte| *byte == b'\n')?;
        let line = self.take(length + 1)?;
        Some(&line[..length])
    }

    fn push(&mut self, text: Option<&'a str>) {
        self.recent = [self.recent[1], text];
    }

    fn remember(&mut self, entry: u64) {
        if self.memo.len() < TEXTS_MAX {
            self.memo.insert(entry, self.recent[1]);
        }
    }

    fn name(&mut self, module: &str, name: &str, offset: usize) {
        // Spellings of Python 2, as `pickle` brings them up to date.
        let module = match module {
            "__builtin__" => "builtins",
            "copy_reg" => "copyreg",
            other => other,
        };
        if self.found.names.len() < NAMES_MAX {
            self.found.names.entry((module.to_owned(), name.to_owned())).or_insert(offset);
        }
    }

    /// One opcode; `None` at the end, and where the bytes are no opcode.
    fn step(&mut self) -> Option<()> {
        let offset = self.at;
        let opcode = self.take(1)?[0];
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok();
        let mut value = None;
        let mut number = 0;
        match argument(opcode)? {
            Argument::None => {}
            Argument::Bytes(width) => number = self.number(width)?,
            Argument::Counted(width, is_text) => {
                let length = usize::try_from(self.number(width)?).ok()?;
                let bytes = self.take(length)?;
                value = text(bytes).filter(|_| is_text);
            }
            Argument::Line => {
                let line = self.line()?;
                value = text(line).map(|line| line.trim_matches(['\'', '"']));
            }
            Argument::TwoLines => {
                let (module, name) = (text(self.line()?).unwrap_or("?"), text(self.line()?).unwrap_or("?"));
                self.name(module, name, offset);
            }
        }
        match opcode {
            b'.' => {
                self.found.ended = true;
                return None;
            }
            0x93 => {
                match self.recent {
                    [Some(module), Some(name)] => self.name(module, name, offset),
                    _ => self.found.hidden = self.found.hidden.or(Some(offset)),
                }
                self.push(None);
            }
            0x94 => {
                self.remember(self.next);
                self.next = self.next.saturating_add(1);
            }
            b'q' | b'r' => {
                self.remember(number);
                self.next = self.next.max(number.saturating_add(1));
            }
            b'p' => {
                let entry: u64 = value.and_then(|line| line.parse().ok()).unwrap_or(u64::MAX - 1);
                self.remember(entry);
                self.next = self.next.max(entry.saturating_add(1));
            }
            b'h' | b'j' => self.push(self.memo.get(&number).copied().flatten()),
            b'g' => {
                let entry = value.and_then(|line| line.parse::<u64>().ok());
                self.push(entry.and_then(|entry| self.memo.get(&entry).copied().flatten()));
            }
            // A frame or the protocol pushes nothing.
            0x80 | 0x95 => {}
            _ => self.push(value),
        }
        Some(())
    }
}
