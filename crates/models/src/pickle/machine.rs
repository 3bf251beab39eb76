//! The stack machine of pickle, with every call replaced by an inert object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::node::{Inline, Object};
use super::{Dtype, Fault, FaultKind, Global, Id, Kind, Limits, Node, Pickle, View};

mod opcodes;

/// Longest line of a text opcode (protocol 0), in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Longest integer, in decimal digits (protocol 0) and in bytes (protocols 1 to 5).
const LONG_DIGITS_MAX: usize = 1_000;
const LONG_BYTES_MAX: usize = 1_024;

/// Object arrays within object arrays, each a pickle of its own in a joblib file.
const STREAM_NESTING_MAX: usize = 8;

/// Different names of classes and functions that are remembered.
const TRACED_NAMES_MAX: usize = 10_000;

/// What the machine met, also when it ended with a [`Fault`].
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Module and name of every class and function, and where it stands first.
    pub(crate) globals: BTreeMap<(String, String), usize>,
}

/// Reads one whole file. Bytes after its end are refused.
pub(crate) fn read<'a>(bytes: &'a [u8], limits: &Limits, trace: &mut Trace) -> Result<Pickle<'a>, Fault> {
    let (pickle, end) = read_first(bytes, limits, trace)?;
    if end != bytes.len() {
        let what = format!("{} bytes follow the end of the pickle", bytes.len() - end);
        return Err(Fault::new(end, FaultKind::Malformed, what));
    }
    Ok(pickle)
}

/// Reads the first stream of a file and says where it ends.
pub(crate) fn read_first<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    trace: &mut Trace,
) -> Result<(Pickle<'a>, usize), Fault> {
    let mut machine = Machine {
        input: Input { bytes, at: 0 },
        nodes: vec![Node::None, Node::Bool(false), Node::Bool(true)],
        references: 0,
        limits,
        trace,
    };
    let root = machine.stream(0)?;
    let end = machine.input.at;
    Ok((Pickle { nodes: machine.nodes, root, bytes: bytes.len() }, end))
}

/// The bytes and how far they are read.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn fault(&self, kind: FaultKind, what: impl Into<String>) -> Fault {
        Fault::new(self.at, kind, what)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                let taken = &self.bytes[self.at..self.at + length];
                self.at += length;
                Ok(taken)
            }
            _ => Err(self.fault(FaultKind::Malformed, format!("{length} bytes are declared, {left} are left"))),
        }
    }

    /// A little-endian number of `width` bytes, up to 8.
    fn unsigned(&mut self, width: u64) -> Result<u64, Fault> {
        Ok(self.take(width)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    /// A line of text without its line feed.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let line = std::str::from_utf8(self.raw_line()?);
        line.map_err(|_| self.fault(FaultKind::Malformed, "a line is not UTF-8"))
    }

    /// The bytes of a line without its line feed.
    fn raw_line(&mut self) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let window = &rest[..rest.len().min(LINE_BYTES_MAX)];
        let Some(length) = window.iter().position(|byte| *byte == b'\n') else {
            return Err(self.fault(FaultKind::Malformed, "a line does not end"));
        };
        let line = &window[..length];
        self.at += length + 1;
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn text(&mut self, length: u64) -> Result<&'a str, Fault> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.fault(FaultKind::Malformed, "a text is not UTF-8"))
    }
}

struct Machine<'a, 'w> {
    input: Input<'a>,
    nodes: Vec<Node<'a>>,
    references: usize,
    limits: &'w Limits,
    trace: &'w mut Trace,
}

/// What belongs to one stream: an object array of a joblib file is a stream within the stream.
#[derive(Default)]
struct Frame {
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Id>,
}

impl<'a> Machine<'a, '_> {
    /// Runs opcodes until STOP.
    fn stream(&mut self, depth: usize) -> Result<Id, Fault> {
        if depth > STREAM_NESTING_MAX {
            return Err(self.input.fault(FaultKind::Limit, "object arrays are nested too deeply"));
        }
        let mut frame = Frame::default();
        loop {
            let opcode = self.input.byte()?;
            if opcode == b'.' {
                let root = self.pop(&mut frame)?;
                if !frame.stack.is_empty() || !frame.marks.is_empty() {
                    return Err(self.malformed("values are left on the stack at the end"));
                }
                return Ok(root);
            }
            self.step(opcode, &mut frame, depth)?;
            let held = self.references + frame.stack.len() + frame.memo.len();
            if held > self.limits.references_max {
                return Err(self.input.fault(FaultKind::Limit, "the file holds too many references"));
            }
        }
    }

    fn malformed(&self, what: impl Into<String>) -> Fault {
        self.input.fault(FaultKind::Malformed, what)
    }

    fn add(&mut self, node: Node<'a>) -> Result<Id, Fault> {
        if self.nodes.len() >= self.limits.nodes_max {
            return Err(self.input.fault(FaultKind::Limit, "the file holds too many objects"));
        }
        self.references += match &node {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => items.len(),
            Node::Dict(pairs) => 2 * pairs.len(),
            _ => 0,
        };
        let id = Id(u32::try_from(self.nodes.len()).expect("nodes_max fits 32 bits"));
        self.nodes.push(node);
        Ok(id)
    }

    fn push(&mut self, frame: &mut Frame, node: Node<'a>) -> Result<(), Fault> {
        let id = self.add(node)?;
        frame.stack.push(id);
        Ok(())
    }

    fn pop(&self, frame: &mut Frame) -> Result<Id, Fault> {
        if frame.stack.len() <= frame.marks.last().copied().unwrap_or(0) {
            return Err(self.malformed("the stack is empty"));
        }
        Ok(frame.stack.pop().expect("the stack is longer than its last mark"))
    }

    fn top(&self, frame: &Frame) -> Result<Id, Fault> {
        match frame.stack.last() {
            Some(top) if frame.stack.len() > frame.marks.last().copied().unwrap_or(0) => Ok(*top),
            _ => Err(self.malformed("the stack is empty")),
        }
    }

    fn pop_to_mark(&self, frame: &mut Frame) -> Result<Vec<Id>, Fault> {
        let mark = frame.marks.pop().ok_or_else(|| self.malformed("a mark is missing"))?;
        Ok(frame.stack.split_off(mark))
    }

    fn pairs(&self, items: &[Id]) -> Result<Vec<(Id, Id)>, Fault> {
        if !items.len().is_multiple_of(2) {
            return Err(self.malformed("a dictionary has a key without a value"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    /// Names a class or function. Python 2 spellings are brought up to date as `pickle` does for protocols 0 to 2.
    fn global(&mut self, module: Cow<'a, str>, name: Cow<'a, str>) -> Result<Node<'a>, Fault> {
        let (module, name) = match (module.as_ref(), name.as_ref()) {
            ("__builtin__", "unicode") => ("builtins".into(), "str".into()),
            ("__builtin__", "long") => ("builtins".into(), "int".into()),
            ("__builtin__", _) => ("builtins".into(), name),
            ("copy_reg", _) => ("copyreg".into(), name),
            _ => (module, name),
        };
        if self.trace.globals.len() < TRACED_NAMES_MAX {
            self.trace.globals.entry((module.to_string(), name.to_string())).or_insert(self.input.at);
        }
        Ok(Node::Global(Box::new(Global { module, name })))
    }

    fn object(&mut self, callable: Id, arguments: Id, constructed: bool) -> Result<Id, Fault> {
        if !matches!(self.nodes[callable.0 as usize], Node::Global(_)) {
            return Err(self.malformed("something that is not a named class or function is called"));
        }
        if !matches!(self.nodes[arguments.0 as usize], Node::Tuple(_)) {
            return Err(self.malformed("the arguments of a call are not a tuple"));
        }
        let (items, pairs) = (Vec::new(), Vec::new());
        self.add(Node::Object(Box::new(Object { callable, arguments, constructed, state: None, items, pairs })))
    }

    fn append(&mut self, target: Id, items: &[Id]) -> Result<(), Fault> {
        self.references += items.len();
        match &mut self.nodes[target.0 as usize] {
            Node::List(list) => list.extend(items),
            Node::Object(object) => object.items.extend(items),
            _ => return Err(self.malformed("something that is not a list is appended to")),
        }
        Ok(())
    }

    fn set_items(&mut self, target: Id, items: &[Id]) -> Result<(), Fault> {
        let added = self.pairs(items)?;
        self.references += items.len();
        match &mut self.nodes[target.0 as usize] {
            Node::Dict(pairs) => pairs.extend(added),
            Node::Object(object) => object.pairs.extend(added),
            _ => return Err(self.malformed("something that is not a dictionary gets items")),
        }
        Ok(())
    }

    fn build(&mut self, frame: &mut Frame, depth: usize) -> Result<(), Fault> {
        let state = self.pop(frame)?;
        let target = self.top(frame)?;
        match &mut self.nodes[target.0 as usize] {
            Node::Object(object) if object.state.is_none() => object.state = Some(state),
            Node::Object(_) => return Err(self.malformed("the state of an object is set twice")),
            _ => return Err(self.malformed("the state of something that is not an object is set")),
        }
        if self.is_array_wrapper(target) {
            self.array_behind(target, depth)?;
        }
        Ok(())
    }

    fn is_array_wrapper(&self, id: Id) -> bool {
        let Node::Object(object) = &self.nodes[id.0 as usize] else { return false };
        let Node::Global(global) = &self.nodes[object.callable.0 as usize] else { return false };
        if global.is("joblib.numpy_pickle", "NumpyArrayWrapper") {
            return true;
        }
        // Protocols 0 and 1: copyreg._reconstructor(NumpyArrayWrapper, object, None).
        let Node::Tuple(arguments) = &self.nodes[object.arguments.0 as usize] else { return false };
        global.is("copyreg", "_reconstructor")
            && arguments.first().is_some_and(|class| {
                matches!(&self.nodes[class.0 as usize],
                    Node::Global(class) if class.is("joblib.numpy_pickle", "NumpyArrayWrapper"))
            })
    }

    /// Puts the bytes that follow in the place of the wrapper (`NumpyArrayWrapper.read_array` in joblib).
    fn array_behind(&mut self, target: Id, depth: usize) -> Result<(), Fault> {
        let (dtype, shape, fortran, aligned) = self.wrapper(target)?;
        if dtype.kind == Kind::Object {
            let inner = self.stream(depth + 1)?;
            self.nodes[target.0 as usize] = self.nodes[inner.0 as usize].clone();
            return Ok(());
        }
        if aligned {
            let padding = self.input.byte()?;
            self.input.take(u64::from(padding))?;
        }
        let length = shape.iter().try_fold(dtype.size, |bytes, extent| bytes.checked_mul(*extent));
        let length = length.ok_or_else(|| self.malformed("the shape of an array is too large"))?;
        let bytes = self.input.take(length as u64)?;
        self.nodes[target.0 as usize] = Node::Inline(Box::new(Inline { dtype, shape, fortran, bytes }));
        Ok(())
    }

    fn wrapper(&mut self, target: Id) -> Result<(Dtype, Vec<usize>, bool, bool), Fault> {
        let nodes = std::mem::take(&mut self.nodes);
        let file = Pickle { nodes, root: target, bytes: 0 };
        let parts = wrapper_parts(file.root());
        self.nodes = file.nodes;
        parts.ok_or_else(|| self.malformed("an array wrapper of joblib is not understood"))
    }
}

/// Element type, shape, Fortran order, and whether padding precedes the bytes.
fn wrapper_parts(wrapper: View<'_>) -> Option<(Dtype, Vec<usize>, bool, bool)> {
    let dtype = Dtype::from_view(wrapper.attribute("dtype")?)?;
    let shape = wrapper.attribute("shape")?.extents()?;
    let fortran = match wrapper.attribute("order")?.text()? {
        "F" => true,
        "C" => false,
        _ => return None,
    };
    let subclass = wrapper.attribute("subclass")?;
    let subclass = subclass.global()?;
    if !subclass.is("numpy", "ndarray") && !subclass.is("numpy", "memmap") {
        return None;
    }
    let aligned = wrapper.attribute("numpy_array_alignment_bytes").is_some_and(|bytes| !bytes.is_none());
    Some((dtype, shape, fortran, aligned))
}
