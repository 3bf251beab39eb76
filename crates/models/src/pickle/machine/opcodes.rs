//! What each opcode does to the stack.

use super::{Frame, LONG_BYTES_MAX, LONG_DIGITS_MAX, Machine};
use crate::pickle::{Fault, FaultKind, Id, Node};

/// `None`, `False` and `True` are stored once.
const NONE: Id = Id(0);
const FALSE: Id = Id(1);
const TRUE: Id = Id(2);

/// Newest protocol there is.
const PROTOCOL_MAX: u8 = 5;

impl<'a> Machine<'a, '_> {
    pub(super) fn step(&mut self, opcode: u8, frame: &mut Frame, depth: usize) -> Result<(), Fault> {
        match opcode {
            0x80 => return self.protocol(),
            0x95 => return self.frame(),
            b'N' => frame.stack.push(NONE),
            0x88 => frame.stack.push(TRUE),
            0x89 => frame.stack.push(FALSE),
            b'(' => frame.marks.push(frame.stack.len()),
            b'0' => {
                // POP also removes a mark that is on top.
                if frame.marks.last() == Some(&frame.stack.len()) {
                    frame.marks.pop();
                } else {
                    self.pop(frame)?;
                }
            }
            b'1' => {
                self.pop_to_mark(frame)?;
            }
            b'2' => {
                let top = self.top(frame)?;
                frame.stack.push(top);
            }
            b'p' | b'q' | b'r' | 0x94 => self.put(opcode, frame)?,
            b'g' | b'h' | b'j' => self.get(opcode, frame)?,
            b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b => self.integer(opcode, frame)?,
            b'F' | b'G' => self.float(opcode, frame)?,
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d => self.text(opcode, frame)?,
            b'B' | b'C' | 0x8e | 0x96 => {
                let length = self.input.unsigned(match opcode {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                })?;
                let bytes = self.input.take(length)?;
                self.push(frame, Node::Bytes(bytes.into()))?;
            }
            b']' | b'l' | b')' | b't' | 0x85..=0x87 | b'}' | b'd' | 0x8f | 0x91 => self.collect(opcode, frame)?,
            b'a' | b'e' | b's' | b'u' | 0x90 => self.extend(opcode, frame)?,
            b'c' | 0x93 | b'i' | b'o' | b'R' | 0x81 | 0x92 => self.name_or_call(opcode, frame)?,
            b'b' => self.build(frame, depth)?,
            0x82..=0x84 => return Err(self.forbidden("an extension code (opcode EXT) is not read")),
            b'P' | b'Q' => return Err(self.forbidden("a persistent id (opcode PERSID) is not read")),
            0x97 | 0x98 => return Err(self.forbidden("a buffer outside the file (opcode NEXT_BUFFER) is not read")),
            other => return Err(self.malformed(format!("opcode 0x{other:02x} is not known"))),
        }
        Ok(())
    }

    fn forbidden(&self, what: &str) -> Fault {
        self.input.fault(FaultKind::Forbidden, what)
    }

    fn protocol(&mut self) -> Result<(), Fault> {
        let protocol = self.input.byte()?;
        if protocol > PROTOCOL_MAX {
            return Err(self.malformed(format!("pickle protocol {protocol} is not known")));
        }
        Ok(())
    }

    /// A frame only says how many bytes to read ahead.
    fn frame(&mut self) -> Result<(), Fault> {
        let length = self.input.unsigned(8)?;
        if length > (self.input.bytes.len() - self.input.at) as u64 {
            return Err(self.malformed(format!("a frame declares {length} bytes, fewer are left")));
        }
        Ok(())
    }

    fn put(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let key = match opcode {
            b'p' => self.index()?,
            b'q' => self.input.unsigned(1)?,
            b'r' => self.input.unsigned(4)?,
            _ => frame.memo.len() as u64,
        };
        let top = self.top(frame)?;
        frame.memo.insert(key, top);
        Ok(())
    }

    fn get(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let key = match opcode {
            b'g' => self.index()?,
            b'h' => self.input.unsigned(1)?,
            _ => self.input.unsigned(4)?,
        };
        match frame.memo.get(&key) {
            Some(id) => frame.stack.push(*id),
            None => return Err(self.malformed(format!("memo entry {key} is not set"))),
        }
        Ok(())
    }

    /// A decimal index on a line.
    fn index(&mut self) -> Result<u64, Fault> {
        let line = self.input.line()?;
        line.parse::<u32>().map(u64::from).map_err(|_| self.malformed("a memo index is not a number"))
    }

    fn integer(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let value = match opcode {
            b'I' => match self.input.line()? {
                "00" => return self.push(frame, Node::Bool(false)),
                "01" => return self.push(frame, Node::Bool(true)),
                line => self.decimal(line)?,
            },
            b'L' => {
                let line = self.input.line()?;
                self.decimal(line.strip_suffix('L').unwrap_or(line))?
            }
            b'J' => Node::Int(i64::from(self.input.unsigned(4)? as u32 as i32)),
            b'K' => Node::Int(i64::from(self.input.byte()?)),
            b'M' => Node::Int(i64::from(self.input.unsigned(2)? as u16)),
            _ => {
                let length = self.input.unsigned(if opcode == 0x8a { 1 } else { 4 })?;
                if length > LONG_BYTES_MAX as u64 {
                    return Err(self.input.fault(FaultKind::Limit, format!("an integer has {length} bytes")));
                }
                little_endian(self.input.take(length)?)
            }
        };
        self.push(frame, value)
    }

    fn decimal(&self, digits: &str) -> Result<Node<'a>, Fault> {
        if digits.len() > LONG_DIGITS_MAX {
            return Err(self.input.fault(FaultKind::Limit, format!("an integer has {} digits", digits.len())));
        }
        let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.malformed("an integer is not a number"));
        }
        Ok(digits.parse().map_or(Node::Huge, Node::Int))
    }

    fn float(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let value = if opcode == b'G' {
            f64::from_bits(self.input.unsigned(8)?.swap_bytes())
        } else {
            self.input.line()?.parse().map_err(|_| self.malformed("a float is not a number"))?
        };
        self.push(frame, Node::Float(value))
    }

    fn text(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let text = match opcode {
            b'S' => {
                let line = self.input.line()?;
                unquote(line).ok_or_else(|| self.malformed("a quoted text is not understood"))?.into()
            }
            b'V' => {
                let line = self.input.raw_line()?;
                unescape(line).ok_or_else(|| self.malformed("an escaped text is not understood"))?.into()
            }
            _ => {
                let length = self.input.unsigned(match opcode {
                    b'U' | 0x8c => 1,
                    b'T' | b'X' => 4,
                    _ => 8,
                })?;
                self.input.text(length)?.into()
            }
        };
        self.push(frame, Node::Text(text))
    }

    fn collect(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let node = match opcode {
            b']' => Node::List(Vec::new()),
            b'l' => Node::List(self.pop_to_mark(frame)?),
            b')' => Node::Tuple(Vec::new()),
            b't' => Node::Tuple(self.pop_to_mark(frame)?),
            b'}' => Node::Dict(Vec::new()),
            b'd' => {
                let items = self.pop_to_mark(frame)?;
                Node::Dict(self.pairs(&items)?)
            }
            0x8f => Node::Set(Vec::new()),
            0x91 => Node::Set(self.pop_to_mark(frame)?),
            one_to_three => {
                let mut items = Vec::with_capacity(3);
                for _ in 0x85..=one_to_three {
                    items.push(self.pop(frame)?);
                }
                items.reverse();
                Node::Tuple(items)
            }
        };
        self.push(frame, node)
    }

    fn extend(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        let items = match opcode {
            b'a' => vec![self.pop(frame)?],
            b's' => {
                let value = self.pop(frame)?;
                vec![self.pop(frame)?, value]
            }
            _ => self.pop_to_mark(frame)?,
        };
        let target = self.top(frame)?;
        match opcode {
            b'a' | b'e' => self.append(target, &items),
            b's' | b'u' => self.set_items(target, &items),
            _ => {
                self.references += items.len();
                match &mut self.nodes[target.0 as usize] {
                    Node::Set(set) => set.extend(items),
                    _ => return Err(self.malformed("something that is not a set is added to")),
                }
                Ok(())
            }
        }
    }

    fn name_or_call(&mut self, opcode: u8, frame: &mut Frame) -> Result<(), Fault> {
        match opcode {
            b'c' => {
                let module = self.input.line()?;
                let name = self.input.line()?;
                let global = self.global(module.into(), name.into())?;
                self.push(frame, global)
            }
            0x93 => {
                let (name, module) = (self.pop(frame)?, self.pop(frame)?);
                let (Node::Text(name), Node::Text(module)) =
                    (&self.nodes[name.0 as usize], &self.nodes[module.0 as usize])
                else {
                    return Err(self.malformed("the name of a class is not a text"));
                };
                let global = self.global(module.clone(), name.clone())?;
                self.push(frame, global)
            }
            b'i' => {
                let module = self.input.line()?;
                let name = self.input.line()?;
                let arguments = self.pop_to_mark(frame)?;
                let global = self.global(module.into(), name.into())?;
                let callable = self.add(global)?;
                self.push_object(frame, callable, arguments)
            }
            b'o' => {
                let mut arguments = self.pop_to_mark(frame)?;
                if arguments.is_empty() {
                    return Err(self.malformed("an object has no class"));
                }
                let callable = arguments.remove(0);
                self.push_object(frame, callable, arguments)
            }
            0x92 => {
                let (keywords, arguments, class) = (self.pop(frame)?, self.pop(frame)?, self.pop(frame)?);
                if !matches!(&self.nodes[keywords.0 as usize], Node::Dict(pairs) if pairs.is_empty()) {
                    return Err(self.malformed("an object is constructed with keywords"));
                }
                let object = self.object(class, arguments, true)?;
                frame.stack.push(object);
                Ok(())
            }
            _ => {
                let (arguments, callable) = (self.pop(frame)?, self.pop(frame)?);
                let object = self.object(callable, arguments, opcode == 0x81)?;
                frame.stack.push(object);
                Ok(())
            }
        }
    }

    fn push_object(&mut self, frame: &mut Frame, callable: Id, arguments: Vec<Id>) -> Result<(), Fault> {
        let arguments = self.add(Node::Tuple(arguments))?;
        let object = self.object(callable, arguments, false)?;
        frame.stack.push(object);
        Ok(())
    }
}

/// A two's complement integer, least byte first.
fn little_endian<'a>(bytes: &[u8]) -> Node<'a> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let filler = if negative { 0xff } else { 0 };
    let (low, high) = bytes.split_at(bytes.len().min(8));
    let mut raw = [filler; 8];
    raw[..low.len()].copy_from_slice(low);
    let value = i64::from_le_bytes(raw);
    if high.iter().any(|byte| *byte != filler) || (value < 0) != negative { Node::Huge } else { Node::Int(value) }
}

/// The text of a Python string literal in quotes, ASCII only.
fn unquote(line: &str) -> Option<String> {
    let inner = line
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .or_else(|| line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))?;
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        text.push(match next {
            '\\' => match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'x' => {
                    char::from(u8::from_str_radix(&[rest.next()?, rest.next()?].iter().collect::<String>(), 16).ok()?)
                }
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            },
            plain => plain,
        });
    }
    text.is_ascii().then_some(text)
}

/// The text of a `raw-unicode-escape` line: bytes are Latin-1, only `\uXXXX` and `\UXXXXXXXX` are escapes.
fn unescape(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        let digits = match (first, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*first));
                rest = after;
                continue;
            }
        };
        let code = std::str::from_utf8(after.get(1..=digits)?).ok()?;
        text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        rest = &after[1 + digits..];
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_length_keep_their_sign() {
        assert_eq!(little_endian(&[]), Node::Int(0));
        assert_eq!(little_endian(&[0xff]), Node::Int(-1));
        assert_eq!(little_endian(&[0xff, 0]), Node::Int(255));
        assert_eq!(little_endian(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Node::Int(i64::MIN));
        assert_eq!(little_endian(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0]), Node::Huge);
        assert_eq!(little_endian(&[1; 16]), Node::Huge);
    }

    #[test]
    fn literals_are_unescaped_like_python() {
        assert_eq!(unquote(r"'a\'b\x41'").as_deref(), Some("a'bA"));
        assert_eq!(unquote("'a"), None);
        assert_eq!(unescape(b"\\u00e9\xe9\\n").as_deref(), Some("éé\\n"));
        assert_eq!(unescape(b"\\u00"), None);
        assert_eq!(unescape(b"\\ud800"), None);
    }
}
