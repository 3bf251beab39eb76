//! A model in its child, as a [`Predictor`] like any other.

use assize_tables::{Cancel, Table};

use super::ANSWER_WAIT;
use super::message::{self, Opened};
use super::process::Connection;
use super::wire::{self, Frame, Malformed, REQUEST_BYTES_MAX, Writer};
use crate::explain::{Attributions, BACKGROUND_ROWS_MAX, Contributions, select};
use crate::predictor::{Error, Feature, Predictions, Predictor, Target, TargetAnswer};

/// Cells and rows of one question: some megabytes, work for a moment.
const BATCH_CELLS_MAX: usize = 1 << 20;
const BATCH_ROWS_MAX: usize = 1 << 16;
/// Rows of one question for an explanation, besides its background: some seconds of work at most.
const EXPLAINED_ROWS_MAX: usize = 64;
/// Bytes of an answer besides its numbers.
const ANSWER_BYTES_FREE: usize = 1 << 10;

/// A model file that was opened behind walls. The child ends when this is dropped.
pub struct SandboxedModel {
    connection: Connection,
    opened: Opened,
}

impl std::fmt::Debug for SandboxedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxedModel").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl SandboxedModel {
    pub(super) fn new(connection: Connection, answer: &Frame) -> Result<Self, Error> {
        let opened = match answer.kind {
            wire::OPENED => Opened::read(&answer.body),
            _ => Err(Malformed("an answer of another kind than the question")),
        };
        match opened {
            Ok(opened) => Ok(Self { connection, opened }),
            Err(malformed) => Err(connection.distrust(malformed)),
        }
    }

    /// Positions of the columns that the model reads, so that no other cell travels; all when it knows no names.
    fn columns(&self, table: &Table) -> Vec<usize> {
        let all = 0..table.columns.len();
        if self.opened.features.iter().all(|feature| feature.name.is_none()) {
            return all.collect();
        }
        let is_read = |at: &usize| {
            let column = table.columns[*at].name.as_str();
            self.opened.features.iter().any(|feature| feature.name.as_deref() == Some(column))
        };
        all.filter(is_read).collect()
    }

    /// Numbers in the answer for one row.
    fn answer_width(&self) -> usize {
        let of_targets = self.opened.targets.iter().map(|target| target.classes.len().max(1)).sum::<usize>();
        of_targets.max(self.opened.classes.len()).max(1)
    }

    /// Asks about the rows in batches; `take` gets each answer with its number of rows.
    fn in_batches(
        &self,
        kind: u8,
        table: &Table,
        cancel: &Cancel,
        mut take: impl FnMut(&Frame, usize) -> Result<(), Malformed>,
    ) -> Result<(), Error> {
        let columns = self.columns(table);
        let classes = self.answer_width();
        let widest = columns.len().max(classes);
        let most = (BATCH_CELLS_MAX / widest.max(1)).clamp(1, BATCH_ROWS_MAX);
        // A question about no rows is asked too: the model may have something to say about the columns.
        let (mut from, mut rows) = (0, most);
        loop {
            cancel.check()?;
            let to = table.rows.min(from + rows);
            let request = message::write_rows(kind, table, &columns, from, to);
            if request.len() > REQUEST_BYTES_MAX {
                if to - from <= 1 {
                    return Err(Error::Input {
                        expected: format!("rows of less than {} MiB", REQUEST_BYTES_MAX >> 20),
                        found: "a longer one".to_owned(),
                    });
                }
                rows = ((to - from) / 2).max(1);
                continue;
            }
            self.one_batch(request, to - from, classes, cancel, &mut take)?;
            from = to;
            if from >= table.rows {
                return Ok(());
            }
        }
    }

    fn one_batch(
        &self,
        request: Writer,
        rows: usize,
        classes: usize,
        cancel: &Cancel,
        take: &mut impl FnMut(&Frame, usize) -> Result<(), Malformed>,
    ) -> Result<(), Error> {
        let answer_bytes_max = (rows + 1) * 12 * classes + ANSWER_BYTES_FREE;
        let answer_bytes_max = answer_bytes_max.max(message::REFUSAL_BYTES_MAX);
        let answer = self.connection.ask(request, None, answer_bytes_max, ANSWER_WAIT, cancel)?;
        take(&answer, rows).map_err(|malformed| self.connection.distrust(malformed))
    }
}

fn of_kind(answer: &Frame, kind: u8) -> Result<&[u8], Malformed> {
    if answer.kind == kind { Ok(&answer.body) } else { Err(Malformed("an answer of another kind than the question")) }
}

impl Predictor for SandboxedModel {
    fn features(&self) -> &[Feature] {
        &self.opened.features
    }

    fn classes(&self) -> &[String] {
        &self.opened.classes
    }

    fn classes_are_texts(&self) -> bool {
        self.opened.classes_are_texts
    }

    fn description(&self) -> String {
        self.opened.description.clone()
    }

    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, Error> {
        let classes = self.opened.classes.len();
        let mut labels = Vec::with_capacity(table.rows);
        let mut probabilities: Option<Vec<f64>> = None;
        let mut first = true;
        self.in_batches(wire::PREDICT, table, cancel, |answer, rows| {
            let (more, sure) = message::read_predictions(of_kind(answer, wire::PREDICTED)?, rows, classes)?;
            labels.extend(more);
            match (&mut probabilities, sure) {
                (None, sure) if first => probabilities = sure,
                (Some(all), Some(sure)) => all.extend(sure),
                (None, None) => {}
                _ => return Err(Malformed("probabilities come for some rows only")),
            }
            first = false;
            Ok(())
        })?;
        Ok(Predictions { classes: self.opened.classes.clone(), labels, probabilities })
    }

    fn values(&self, table: &Table, cancel: &Cancel) -> Result<Option<Vec<f64>>, Error> {
        let mut values: Option<Vec<f64>> = None;
        let mut first = true;
        self.in_batches(wire::VALUES, table, cancel, |answer, rows| {
            match (&mut values, message::read_values(of_kind(answer, wire::VALUED)?, rows)?) {
                (None, more) if first => values = more,
                (Some(all), Some(more)) => all.extend(more),
                (None, None) => {}
                _ => return Err(Malformed("values come for some rows only")),
            }
            first = false;
            Ok(())
        })?;
        Ok(values)
    }

    fn targets(&self) -> &[Target] {
        &self.opened.targets
    }

    fn answers(&self, table: &Table, cancel: &Cancel) -> Result<Vec<TargetAnswer>, Error> {
        let mut answers: Option<Vec<TargetAnswer>> = None;
        self.in_batches(wire::ANSWERS, table, cancel, |answer, rows| {
            let more = message::read_answers(of_kind(answer, wire::ANSWERED)?, rows, &self.opened.targets)?;
            match &mut answers {
                None => answers = Some(more),
                Some(all) => all.iter_mut().zip(more).try_for_each(|(all, more)| append(all, more))?,
            }
            Ok(())
        })?;
        Ok(answers.unwrap_or_default())
    }

    fn contributions(
        &self,
        table: &Table,
        explained: usize,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let background = table.rows.saturating_sub(explained);
        if background == 0 || background > BACKGROUND_ROWS_MAX {
            return Ok(None);
        }
        let columns = self.columns(table);
        let mut whole: Option<Contributions> = None;
        for from in (0..explained).step_by(EXPLAINED_ROWS_MAX) {
            cancel.check()?;
            let to = explained.min(from + EXPLAINED_ROWS_MAX);
            let rows = || (from..to).chain(explained..table.rows);
            let part = Table {
                columns: columns.iter().map(|at| select(&table.columns[*at], rows())).collect(),
                rows: to - from + background,
            };
            let all: Vec<usize> = (0..columns.len()).collect();
            let request = message::write_explain(&part, &all, to - from, class);
            if request.len() > REQUEST_BYTES_MAX {
                return Ok(None);
            }
            let mut found = None;
            self.one_batch(request, to - from, columns.len().max(1), cancel, &mut |answer, rows| {
                found = message::read_explained(of_kind(answer, wire::EXPLAINED)?, rows, columns.len())?;
                let same = |all: &Contributions, more: &Contributions| {
                    let bases = (all.attributions.base, more.attributions.base);
                    (all.method, all.score, bases.0.to_bits()) == (more.method, more.score, bases.1.to_bits())
                };
                match (&whole, &found) {
                    (Some(all), Some(more)) if !same(all, more) => {
                        Err(Malformed("parts of an explanation do not fit together"))
                    }
                    _ => Ok(()),
                }
            })?;
            // A row beyond the limits of the walk leaves the whole without an exact explanation.
            let Some(found) = found else { return Ok(None) };
            match &mut whole {
                None => whole = Some(found),
                Some(all) => all.attributions.values.extend(found.attributions.values),
            }
        }
        Ok(whole.map(|found| widened(found, &columns, table.columns.len())))
    }
}

/// Contributions to all columns of a table, of which some were not read.
fn widened(found: Contributions, columns: &[usize], width: usize) -> Contributions {
    let Attributions { base, features, values } = found.attributions;
    let rows = values.len() / features.max(1);
    let mut all = vec![0.0; rows * width];
    for (all, values) in all.chunks_exact_mut(width.max(1)).zip(values.chunks_exact(features.max(1))) {
        columns.iter().zip(values).for_each(|(at, value)| all[*at] = *value);
    }
    Contributions { attributions: Attributions { base, features: width, values: all }, ..found }
}

/// Adds the answers about further rows.
fn append(all: &mut TargetAnswer, more: TargetAnswer) -> Result<(), Malformed> {
    match (all, more) {
        (TargetAnswer::Values(all), TargetAnswer::Values(more)) => all.extend(more),
        (TargetAnswer::Classes(all), TargetAnswer::Classes(more)) => {
            all.labels.extend(more.labels);
            match (&mut all.probabilities, more.probabilities) {
                (Some(all), Some(more)) => all.extend(more),
                (None, None) => {}
                _ => return Err(Malformed("probabilities come for some rows only")),
            }
        }
        _ => return Err(Malformed("an answer of another kind than the question")),
    }
    Ok(())
}
