//! What the messages say, each written and read in one place. Whatever comes from the child is checked here.

use assize_tables::{Column, ColumnData, MISSING, Table};

use super::wire::{
    ANSWERED, CONFINE, CONFINED, EXPLAIN, EXPLAINED, Malformed, OPENED, PREDICTED, REFUSED, Reader, SCANNED,
    TEXT_BYTES_MAX, VALUED, Writer,
};
use crate::explain::{Attributions, BACKGROUND_ROWS_MAX, Contributions, ExactMethod, ScoreKind};
use crate::predictor::{Error, Feature, FeatureKind, Predictions, Target, TargetAnswer};
use crate::scan::Scan;

/// Bytes of a name of an input or class.
const NAME_BYTES_MAX: usize = 1 << 20;
/// Bytes of what a model says it is, and of a refusal.
const SENTENCE_BYTES_MAX: usize = 16 << 10;
/// Bytes of a refusal: two sentences and their lengths.
pub(super) const REFUSAL_BYTES_MAX: usize = 2 * SENTENCE_BYTES_MAX + 16;
/// Inputs and classes of a model.
const FEATURES_MAX: usize = 4 << 20;
const CLASSES_MAX: usize = 1 << 16;
/// Targets of a model.
const TARGETS_MAX: usize = 1 << 16;

/// The walls a child is to put up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Confinement {
    pub(super) threads: u32,
    /// Address space beyond that of the program itself: while a file is opened, and from then on.
    pub(super) open_memory_bytes: u64,
    pub(super) memory_bytes: u64,
    /// Processor seconds, likewise.
    pub(super) open_cpu_s: u64,
    pub(super) cpu_s: u64,
}

impl Confinement {
    pub(super) fn write(&self) -> Writer {
        let mut writer = Writer::request(CONFINE);
        writer.u16(super::PROTOCOL_VERSION);
        writer.u32(self.threads);
        writer.u64(self.open_memory_bytes);
        writer.u64(self.memory_bytes);
        writer.u64(self.open_cpu_s);
        writer.u64(self.cpu_s);
        writer
    }

    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        if reader.u16()? != super::PROTOCOL_VERSION {
            return Err(Malformed("another version of the protocol is spoken"));
        }
        let confinement = Self {
            threads: reader.u32()?,
            open_memory_bytes: reader.u64()?,
            memory_bytes: reader.u64()?,
            open_cpu_s: reader.u64()?,
            cpu_s: reader.u64()?,
        };
        reader.end()?;
        Ok(confinement)
    }
}

/// Which walls the kernel had the means for; limits on memory and time hold everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Walls {
    /// System calls are filtered: no program, no network, no file can be reached.
    pub(super) seccomp: bool,
    /// No path of the file system can be reached.
    pub(super) landlock: bool,
}

impl Walls {
    pub(super) fn write(self) -> Writer {
        let mut writer = Writer::request(CONFINED);
        writer.u16(super::PROTOCOL_VERSION);
        writer.u8(u8::from(self.seccomp));
        writer.u8(u8::from(self.landlock));
        writer
    }

    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        if reader.u16()? != super::PROTOCOL_VERSION {
            return Err(Malformed("another version of the protocol is spoken"));
        }
        let walls = Self { seccomp: reader.u8()? == 1, landlock: reader.u8()? == 1 };
        reader.end()?;
        Ok(walls)
    }
}

/// Rows `from..to` of the columns at these positions; levels that do not occur among them stay behind.
pub(super) fn write_rows(kind: u8, table: &Table, columns: &[usize], from: usize, to: usize) -> Writer {
    let mut writer = Writer::request(kind);
    put_rows(&mut writer, table, columns, from, to);
    writer
}

fn put_rows(writer: &mut Writer, table: &Table, columns: &[usize], from: usize, to: usize) {
    writer.count(to - from);
    writer.count(columns.len());
    for column in columns.iter().map(|at| &table.columns[*at]) {
        writer.text(&column.name);
        match &column.data {
            ColumnData::Numeric(values) => {
                writer.u8(0);
                writer.f64s(&values[from..to]);
            }
            ColumnData::Categorical { codes, levels } => {
                writer.u8(1);
                let mut used: Vec<u32> = codes[from..to].iter().copied().filter(|code| *code != MISSING).collect();
                used.sort_unstable();
                used.dedup();
                writer.count(used.len());
                used.iter().for_each(|code| writer.text(&levels[*code as usize]));
                let rank = |code: &u32| used.binary_search(code).map_or(MISSING, |rank| rank as u32);
                writer.u32s(codes[from..to].iter().map(rank));
            }
        }
    }
}

pub(super) fn read_rows(body: &[u8]) -> Result<Table, Malformed> {
    let mut reader = Reader::new(body);
    let table = take_rows(&mut reader)?;
    reader.end()?;
    Ok(table)
}

fn take_rows(reader: &mut Reader<'_>) -> Result<Table, Malformed> {
    let rows = reader.u32()? as usize;
    let count = reader.count(5)?;
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        let name = reader.text(TEXT_BYTES_MAX)?.to_owned();
        let data = match reader.u8()? {
            0 => ColumnData::Numeric(reader.f64s(rows)?),
            1 => {
                let known = reader.count(4)?;
                let levels: Result<Vec<String>, Malformed> =
                    (0..known).map(|_| reader.text(TEXT_BYTES_MAX).map(str::to_owned)).collect();
                let codes = reader.u32s(rows)?;
                if codes.iter().any(|code| *code != MISSING && *code as usize >= known) {
                    return Err(Malformed("a code has no level"));
                }
                ColumnData::Categorical { codes, levels: levels? }
            }
            _ => return Err(Malformed("a column is of no known kind")),
        };
        columns.push(Column { name, data });
    }
    Ok(Table { columns, rows })
}

/// A question about what the columns contribute to the score of a class in the first `explained` rows of a table.
pub(super) fn write_explain(table: &Table, columns: &[usize], explained: usize, class: usize) -> Writer {
    let mut writer = Writer::request(EXPLAIN);
    writer.count(class);
    writer.count(explained);
    put_rows(&mut writer, table, columns, 0, table.rows);
    writer
}

/// Class, explained rows and all rows with the background behind them.
pub(super) fn read_explain(body: &[u8]) -> Result<(usize, usize, Table), Malformed> {
    let mut reader = Reader::new(body);
    let (class, explained) = (reader.u32()? as usize, reader.u32()? as usize);
    let table = take_rows(&mut reader)?;
    reader.end()?;
    let background = table.rows.checked_sub(explained).ok_or(Malformed("more rows are explained than there are"))?;
    if background == 0 || background > BACKGROUND_ROWS_MAX {
        return Err(Malformed("an explanation has no background, or too much of it"));
    }
    Ok((class, explained, table))
}

pub(super) fn write_explained(found: Option<&Contributions>) -> Writer {
    let mut writer = Writer::request(EXPLAINED);
    let Some(Contributions { method, score, attributions }) = found else {
        writer.u8(0);
        return writer;
    };
    writer.u8(match method {
        ExactMethod::Trees => 1,
        ExactMethod::Linear => 2,
    });
    writer.u8(match score {
        ScoreKind::Probability => 1,
        ScoreKind::LogOdds => 2,
        ScoreKind::Raw => 3,
    });
    writer.f64s(&[attributions.base]);
    writer.f64s(&attributions.values);
    writer
}

/// Contributions of `columns` columns in `rows` rows; `None` from a model that can only be asked.
pub(super) fn read_explained(body: &[u8], rows: usize, columns: usize) -> Result<Option<Contributions>, Malformed> {
    let mut reader = Reader::new(body);
    let method = match reader.u8()? {
        0 => {
            reader.end()?;
            return Ok(None);
        }
        1 => ExactMethod::Trees,
        2 => ExactMethod::Linear,
        _ => return Err(Malformed("an explanation is of no known kind")),
    };
    let score = match reader.u8()? {
        1 => ScoreKind::Probability,
        2 => ScoreKind::LogOdds,
        3 => ScoreKind::Raw,
        _ => return Err(Malformed("an explained score is of no known kind")),
    };
    let base = finite(reader.f64s(1)?)?[0];
    let values = finite(reader.f64s(rows.checked_mul(columns).ok_or(Malformed("a count is too large"))?)?)?;
    reader.end()?;
    Ok(Some(Contributions { method, score, attributions: Attributions { base, features: columns, values } }))
}

/// What a model says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) description: String,
    pub(super) features: Vec<Feature>,
    pub(super) classes: Vec<String>,
    pub(super) classes_are_texts: bool,
    pub(super) targets: Vec<Target>,
}

impl Opened {
    pub(super) fn write(&self) -> Writer {
        let mut writer = Writer::request(OPENED);
        writer.text(&self.description);
        writer.count(self.features.len());
        for feature in &self.features {
            writer.u8(match feature.kind {
                FeatureKind::Numeric => 0,
                FeatureKind::Categorical => 1,
                FeatureKind::Any => 2,
            });
            writer.u8(u8::from(feature.name.is_some()));
            writer.text(feature.name.as_deref().unwrap_or_default());
        }
        write_classes(&mut writer, &self.classes, self.classes_are_texts);
        writer.count(self.targets.len());
        for target in &self.targets {
            write_classes(&mut writer, &target.classes, target.classes_are_texts);
        }
        writer
    }

    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let description = plain(reader.text(SENTENCE_BYTES_MAX)?);
        let count = reader.count(6)?;
        if count > FEATURES_MAX {
            return Err(Malformed("a model has too many inputs"));
        }
        let mut features = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = match reader.u8()? {
                0 => FeatureKind::Numeric,
                1 => FeatureKind::Categorical,
                2 => FeatureKind::Any,
                _ => return Err(Malformed("an input is of no known kind")),
            };
            let named = reader.u8()? == 1;
            let name = reader.text(NAME_BYTES_MAX)?;
            features.push(Feature { name: named.then(|| name.to_owned()), kind });
        }
        let (classes, classes_are_texts) = read_classes(&mut reader)?;
        let count = reader.count(5)?;
        if count > TARGETS_MAX {
            return Err(Malformed("a model has too many targets"));
        }
        let mut targets = Vec::with_capacity(count);
        for _ in 0..count {
            let (classes, classes_are_texts) = read_classes(&mut reader)?;
            targets.push(Target { classes, classes_are_texts });
        }
        reader.end()?;
        Ok(Self { description, features, classes, classes_are_texts, targets })
    }
}

fn write_classes(writer: &mut Writer, classes: &[String], are_texts: bool) {
    writer.count(classes.len());
    classes.iter().for_each(|class| writer.text(class));
    writer.u8(u8::from(are_texts));
}

fn read_classes(reader: &mut Reader<'_>) -> Result<(Vec<String>, bool), Malformed> {
    let count = reader.count(4)?;
    if count > CLASSES_MAX {
        return Err(Malformed("a model has too many classes"));
    }
    let classes: Result<_, Malformed> = (0..count).map(|_| reader.text(NAME_BYTES_MAX).map(str::to_owned)).collect();
    Ok((classes?, reader.u8()? == 1))
}

pub(super) fn write_predictions(predictions: &Predictions) -> Writer {
    let mut writer = Writer::request(PREDICTED);
    put_predictions(&mut writer, predictions);
    writer
}

fn put_predictions(writer: &mut Writer, predictions: &Predictions) {
    writer.count(predictions.labels.len());
    writer.count(predictions.classes.len());
    writer.u32s(predictions.labels.iter().copied());
    writer.u8(u8::from(predictions.probabilities.is_some()));
    writer.f64s(predictions.probabilities.as_deref().unwrap_or_default());
}

/// Labels and probabilities for `rows` rows of a model with `classes` classes.
pub(super) fn read_predictions(
    body: &[u8],
    rows: usize,
    classes: usize,
) -> Result<(Vec<u32>, Option<Vec<f64>>), Malformed> {
    let mut reader = Reader::new(body);
    let read = take_predictions(&mut reader, rows, classes)?;
    reader.end()?;
    Ok(read)
}

fn take_predictions(
    reader: &mut Reader<'_>,
    rows: usize,
    classes: usize,
) -> Result<(Vec<u32>, Option<Vec<f64>>), Malformed> {
    if reader.u32()? as usize != rows || reader.u32()? as usize != classes {
        return Err(Malformed("the answers are not as many as the questions"));
    }
    let labels = reader.u32s(rows)?;
    if labels.iter().any(|label| *label as usize >= classes) {
        return Err(Malformed("a label is no class of the model"));
    }
    let probabilities = match reader.u8()? {
        0 => None,
        1 => Some(reader.f64s(rows.checked_mul(classes).ok_or(Malformed("a count is too large"))?)?),
        _ => return Err(Malformed("an answer is of no known kind")),
    };
    // Not held to 0 to 1: XGBoost calls the margins of `binary:logitraw` probabilities too.
    if !probabilities.iter().flatten().all(|value| value.is_finite()) {
        return Err(Malformed("a probability is not a finite number"));
    }
    Ok((labels, probabilities))
}

pub(super) fn write_answers(answers: &[TargetAnswer]) -> Writer {
    let mut writer = Writer::request(ANSWERED);
    writer.count(answers.len());
    for answer in answers {
        match answer {
            TargetAnswer::Classes(predictions) => put_predictions(&mut writer, predictions),
            TargetAnswer::Values(values) => writer.f64s(values),
        }
    }
    writer
}

/// What is said of each target for `rows` rows.
pub(super) fn read_answers(body: &[u8], rows: usize, targets: &[Target]) -> Result<Vec<TargetAnswer>, Malformed> {
    let mut reader = Reader::new(body);
    if reader.u32()? as usize != targets.len() {
        return Err(Malformed("the answers are not as many as the targets"));
    }
    let mut answers = Vec::with_capacity(targets.len());
    for target in targets {
        answers.push(if target.classes.is_empty() {
            TargetAnswer::Values(finite(reader.f64s(rows)?)?)
        } else {
            let (labels, probabilities) = take_predictions(&mut reader, rows, target.classes.len())?;
            TargetAnswer::Classes(Predictions { classes: target.classes.clone(), labels, probabilities })
        });
    }
    reader.end()?;
    Ok(answers)
}

fn finite(values: Vec<f64>) -> Result<Vec<f64>, Malformed> {
    if !values.iter().all(|value| value.is_finite()) {
        return Err(Malformed("a value is not a finite number"));
    }
    Ok(values)
}

pub(super) fn write_values(values: Option<&[f64]>) -> Writer {
    let mut writer = Writer::request(VALUED);
    writer.u8(u8::from(values.is_some()));
    writer.f64s(values.unwrap_or_default());
    writer
}

/// Values for `rows` rows; `None` from a classifier.
pub(super) fn read_values(body: &[u8], rows: usize) -> Result<Option<Vec<f64>>, Malformed> {
    let mut reader = Reader::new(body);
    let values = match reader.u8()? {
        0 => None,
        1 => Some(finite(reader.f64s(rows)?)?),
        _ => return Err(Malformed("an answer is of no known kind")),
    };
    reader.end()?;
    Ok(values)
}

pub(super) fn write_refusal(error: &Error) -> Writer {
    let mut writer = Writer::request(REFUSED);
    match error {
        Error::Input { expected, found } => {
            writer.u8(2);
            writer.text(shortened(expected));
            writer.text(shortened(found));
        }
        other => {
            writer.u8(1);
            writer.text(shortened(&other.to_string()));
        }
    }
    writer
}

pub(super) fn read_refusal(body: &[u8]) -> Result<Error, Malformed> {
    let mut reader = Reader::new(body);
    let error = match reader.u8()? {
        1 => Error::Unreadable(plain(reader.text(SENTENCE_BYTES_MAX)?)),
        2 => {
            let expected = plain(reader.text(SENTENCE_BYTES_MAX)?);
            Error::Input { expected, found: plain(reader.text(SENTENCE_BYTES_MAX)?) }
        }
        _ => return Err(Malformed("a refusal is of no known kind")),
    };
    reader.end()?;
    Ok(error)
}

pub(super) fn write_scan(scan: &Scan) -> Writer {
    let mut writer = Writer::request(SCANNED);
    writer.raw(&serde_json::to_vec(scan).expect("a scan is texts and numbers"));
    writer
}

pub(super) fn scanned(body: &[u8]) -> Result<Scan, Malformed> {
    let scan: Scan = serde_json::from_slice(body).map_err(|_| Malformed("a scan is not as it should be"))?;
    Ok(scan.plain())
}

/// Reads a body as every message, in both directions; for fuzzing.
pub(super) fn read_any(body: &[u8]) {
    let targets = [
        Target { classes: vec!["a".to_owned(), "b".to_owned()], classes_are_texts: true },
        Target { classes: Vec::new(), classes_are_texts: false },
    ];
    let _ = Confinement::read(body);
    let _ = Walls::read(body);
    let _ = read_rows(body);
    let _ = Opened::read(body);
    let _ = read_refusal(body);
    let _ = scanned(body);
    for rows in [0, 1, 3, usize::MAX] {
        let _ = read_values(body, rows);
        let _ = read_predictions(body, rows, 2);
        let _ = read_explained(body, rows, 2);
        let _ = read_answers(body, rows, &targets);
    }
    if let Ok((class, explained, table)) = read_explain(body) {
        // What was understood is said again in the same way.
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let again = write_explain(&table, &all, explained, class).finish();
        let read = read_explain(&again[5..]).map(|(class, explained, table)| (class, explained, table.rows));
        assert_eq!(read, Ok((class, explained, table.rows)));
    }
}

/// Without control characters: these texts go to terminals, logs and pages.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(SENTENCE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::wire::{Frame, PREDICT};

    fn body(writer: Writer) -> Vec<u8> {
        Frame::read(&mut writer.finish().as_slice(), 1 << 20).unwrap().unwrap().body
    }

    #[test]
    fn rows_come_back_with_the_levels_that_occur() {
        let texts =
            ColumnData::Categorical { codes: vec![2, MISSING, 0, 1], levels: vec!["a".into(), "b".into(), "c".into()] };
        let table = Table {
            columns: vec![
                Column { name: "n".into(), data: ColumnData::Numeric(vec![1.0, 2.0, 3.0, 4.0]) },
                Column { name: "t".into(), data: texts },
            ],
            rows: 4,
        };
        let read = read_rows(&body(write_rows(PREDICT, &table, &[1, 0], 0, 3))).unwrap();
        assert_eq!((read.rows, read.columns[0].name.as_str()), (3, "t"));
        let expected = ColumnData::Categorical { codes: vec![1, MISSING, 0], levels: vec!["a".into(), "c".into()] };
        assert_eq!(read.columns[0].data, expected);
        assert_eq!(read.columns[1].data, ColumnData::Numeric(vec![1.0, 2.0, 3.0]));
    }

    #[test]
    fn answers_that_cannot_be_are_not_believed() {
        let predictions = |labels: Vec<u32>, probabilities: Vec<f64>| {
            let classes = vec!["no".to_owned(), "yes".to_owned()];
            body(write_predictions(&Predictions { classes, labels, probabilities: Some(probabilities) }))
        };
        let good = predictions(vec![0, 1], vec![0.9, 0.1, 0.2, 0.8]);
        assert!(read_predictions(&good, 2, 2).is_ok());
        assert!(read_predictions(&good, 3, 2).is_err());
        assert!(read_predictions(&good, 2, 3).is_err());
        assert!(read_predictions(&predictions(vec![0, 2], vec![0.9, 0.1, 0.2, 0.8]), 2, 2).is_err());
        assert!(read_predictions(&predictions(vec![0, 1], vec![0.9, 0.1, 0.2]), 2, 2).is_err());
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(read_predictions(&predictions(vec![0, 1], vec![0.9, odd, 0.2, 0.8]), 2, 2).is_err(), "{odd}");
        }
        assert!(read_values(&body(write_values(Some(&[1.0, f64::NAN]))), 2).is_err());
        assert!(read_values(&body(write_values(Some(&[1.0]))), 2).is_err());
        assert_eq!(read_values(&body(write_values(None)), 2), Ok(None));
    }

    #[test]
    fn explanations_that_cannot_be_are_not_believed() {
        let said = |base: f64, values: Vec<f64>| {
            let attributions = Attributions { base, features: 2, values };
            let (method, score) = (ExactMethod::Trees, ScoreKind::LogOdds);
            Contributions { method, score, attributions }
        };
        let good = said(0.5, vec![0.1, -0.2]);
        let sent = body(write_explained(Some(&good)));
        assert_eq!(read_explained(&sent, 1, 2), Ok(Some(good)));
        assert!(read_explained(&sent, 2, 2).is_err() && read_explained(&sent, 1, 1).is_err());
        assert_eq!(read_explained(&body(write_explained(None)), 9, 9), Ok(None));
        for odd in [f64::NAN, f64::INFINITY] {
            assert!(read_explained(&body(write_explained(Some(&said(odd, vec![0.1, 0.2])))), 1, 2).is_err());
            assert!(read_explained(&body(write_explained(Some(&said(0.1, vec![odd, 0.2])))), 1, 2).is_err());
        }
        assert!(read_explained(&[3, 1], 0, 0).is_err() && read_explained(&[1, 4], 0, 0).is_err());
    }

    #[test]
    fn a_question_for_an_explanation_needs_a_background_of_its_size() {
        let of = |rows: usize| Table {
            columns: vec![Column { name: "n".into(), data: ColumnData::Numeric(vec![1.0; rows]) }],
            rows,
        };
        let asked = |rows, explained| read_explain(&body(write_explain(&of(rows), &[0], explained, 1)));
        assert_eq!(asked(3, 2), Ok((1, 2, of(3))));
        assert!(asked(3, 3).is_err() && asked(3, 4).is_err());
        assert!(asked(2 + BACKGROUND_ROWS_MAX, 2).is_ok() && asked(3 + BACKGROUND_ROWS_MAX, 2).is_err());
    }

    #[test]
    fn refusals_keep_their_kind_and_lose_control_characters() {
        let input = Error::Input { expected: "the column \"a\"".into(), found: "b\u{1b}[2J".into() };
        let read = read_refusal(&body(write_refusal(&input))).unwrap();
        assert_eq!(read.to_string(), "the model needs the column \"a\", the data has b\u{fffd}[2J");
        let long = Error::Unreadable("é".repeat(SENTENCE_BYTES_MAX));
        assert!(read_refusal(&body(write_refusal(&long))).is_ok());
    }
}
