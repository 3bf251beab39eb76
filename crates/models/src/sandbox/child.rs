//! The child: puts up its walls, then answers one request after the other until its input ends.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use assize_tables::Cancel;

use super::confine::{self, Walled};
use super::message::{self, Confinement, Opened, Walls};
use super::wire::{self, Frame, Malformed, REQUEST_BYTES_MAX, Reader, Writer};
use crate::open;
use crate::pickle::Limits;
use crate::predictor::{Error, Predictor};
use crate::scan::scan_named;

/// Longest name of a file.
const FILE_NAME_BYTES_MAX: usize = 4096;

/// Serves the parent on standard input and output until it closes them.
///
/// # Errors
/// When the parent goes away in the middle of a message, or speaks something else.
pub fn serve_child() -> io::Result<()> {
    serve(&mut io::stdin().lock(), &mut io::stdout().lock(), confine::confine)
}

/// The conversation; `confine` puts up the walls.
fn serve(
    input: &mut impl Read,
    output: &mut impl Write,
    confine: impl FnOnce(&Confinement) -> io::Result<(Walls, Walled)>,
) -> io::Result<()> {
    let Some(first) = Frame::read(input, REQUEST_BYTES_MAX)? else { return Ok(()) };
    if first.kind != wire::CONFINE {
        return Err(invalid(Malformed("the first message has to say what the limits are")));
    }
    let confinement = Confinement::read(&first.body).map_err(invalid)?;
    let (walls, walled) = confine(&confinement)?;
    walls.write().send(output)?;
    let mut model = None;
    while let Some(request) = Frame::read(input, REQUEST_BYTES_MAX)? {
        let answer = match request.kind {
            wire::OPEN => {
                let answer = guarded(|| {
                    let (bytes, name) = file(&request.body, input)?;
                    let opened = open(&bytes, &name, &Limits::default())?;
                    let description = opened_of(opened.as_ref()).write();
                    model = Some(opened);
                    Ok(description)
                });
                walled.relax();
                answer
            }
            wire::SCAN => guarded(|| {
                let (bytes, name) = file(&request.body, input)?;
                Ok(message::write_scan(&scan_named(&bytes, &name, &Limits::default())))
            }),
            wire::PREDICT => guarded(|| {
                let table = message::read_rows(&request.body).map_err(unreadable)?;
                Ok(message::write_predictions(&opened_model(model.as_deref())?.predict(&table, &Cancel::new())?))
            }),
            wire::VALUES => guarded(|| {
                let table = message::read_rows(&request.body).map_err(unreadable)?;
                Ok(message::write_values(opened_model(model.as_deref())?.values(&table, &Cancel::new())?.as_deref()))
            }),
            wire::ANSWERS => guarded(|| {
                let table = message::read_rows(&request.body).map_err(unreadable)?;
                Ok(message::write_answers(&opened_model(model.as_deref())?.answers(&table, &Cancel::new())?))
            }),
            wire::EXPLAIN => guarded(|| {
                let (class, explained, table) = message::read_explain(&request.body).map_err(unreadable)?;
                let found = opened_model(model.as_deref())?.contributions(&table, explained, class, &Cancel::new())?;
                Ok(message::write_explained(found.as_ref()))
            }),
            _ => return Err(invalid(Malformed("an unknown request"))),
        };
        answer.send(output)?;
    }
    Ok(())
}

fn opened_model(model: Option<&dyn Predictor>) -> Result<&dyn Predictor, Error> {
    model.ok_or_else(|| Error::Unreadable("no model was opened".to_owned()))
}

fn opened_of(model: &dyn Predictor) -> Opened {
    Opened {
        description: model.description(),
        features: model.features().to_vec(),
        classes: model.classes().to_vec(),
        classes_are_texts: model.classes_are_texts(),
        targets: model.targets().to_vec(),
    }
}

/// The announced file and its name.
fn file(announcement: &[u8], input: &mut impl Read) -> Result<(Vec<u8>, String), Error> {
    let mut reader = Reader::new(announcement);
    let length = reader.u64().map_err(unreadable)?;
    let name = reader.text(FILE_NAME_BYTES_MAX).map_err(unreadable)?.to_owned();
    reader.end().map_err(unreadable)?;
    let limit = Limits::default().file_bytes_max as u64;
    let broken = |error: io::Error| Error::Unreadable(format!("{name} cannot be read: {error}"));
    if length > limit {
        // What follows is read all the same: the next message stands behind it.
        io::copy(&mut input.take(length), &mut io::sink()).map_err(broken)?;
        return Err(Error::Unreadable(format!("{name} has {length} bytes, more than the limit of {limit}")));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    let read = input.take(length).read_to_end(&mut bytes).map_err(broken)?;
    if read as u64 != length {
        return Err(Error::Unreadable(format!("{name} became shorter while it was read")));
    }
    Ok((bytes, name))
}

/// An answer whatever happens: a panic is a refusal too, and a mistake of ours.
fn guarded(work: impl FnOnce() -> Result<Writer, Error>) -> Writer {
    let answer = catch_unwind(AssertUnwindSafe(work));
    let refusal = match answer {
        Ok(Ok(answer)) => return answer,
        Ok(Err(error)) => error,
        Err(_) => Error::Unreadable("it led the reader into a contradiction".to_owned()),
    };
    message::write_refusal(&refusal)
}

fn unreadable(malformed: Malformed) -> Error {
    Error::Unreadable(malformed.to_string())
}

fn invalid(malformed: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;
    use crate::sandbox::wire::{OPEN, PREDICT, REFUSED};

    fn no_walls(_: &Confinement) -> io::Result<(Walls, Walled)> {
        Ok((Walls::default(), Walled::default()))
    }

    /// The kinds of the answers to requests.
    fn kinds(requests: Vec<Vec<u8>>) -> Vec<u8> {
        let sandbox = Sandbox { program: Default::default(), arguments: Vec::new(), threads: 1 };
        let input = [vec![sandbox.confinement(0).write().finish()], requests].concat().concat();
        let mut output = Vec::new();
        serve(&mut input.as_slice(), &mut output, no_walls).unwrap();
        let mut answers = output.as_slice();
        std::iter::from_fn(|| Frame::read(&mut answers, 1 << 20).unwrap()).map(|frame| frame.kind).collect()
    }

    fn announced(length: u64, bytes: &[u8]) -> Vec<u8> {
        let mut writer = Writer::request(OPEN);
        writer.u64(length);
        writer.text("m");
        [writer.finish(), bytes.to_vec()].concat()
    }

    #[test]
    fn a_refused_file_leaves_the_conversation_in_step() {
        let confined = wire::CONFINED;
        assert_eq!(kinds(vec![announced(3, b"abc"), announced(3, b"N..")]), [confined, REFUSED, REFUSED]);
        assert_eq!(kinds(vec![announced(9, b"abc")]), [confined, REFUSED]);
        assert_eq!(kinds(vec![Writer::request(PREDICT).finish()]), [confined, REFUSED]);
    }

    #[test]
    fn the_first_message_sets_the_limits() {
        let mut output = Vec::new();
        assert!(serve(&mut announced(0, b"").as_slice(), &mut output, no_walls).is_err());
        assert!(serve(&mut b"GET / HTTP/1.1".as_slice(), &mut output, no_walls).is_err());
        assert!(serve(&mut [].as_slice(), &mut output, no_walls).is_ok());
        assert!(output.is_empty());
    }
}
