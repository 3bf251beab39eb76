//! A report that is not a certificate: what an audit of another kind has to say, in reading order, before any layout.
//!
//! Plain strings and figures; the renderer draws the charts and lays everything out, so that all reports look alike.

use serde::{Deserialize, Serialize};

use crate::charts::{DataTable, InteractionDay, RiskTermView};

/// A report for print.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What it is, e.g. `Interaction audit`.
    pub kind: String,
    /// The identifier of what it is about; also the identifier of the file.
    pub id: String,
    /// The largest words of the first page.
    pub title: String,
    /// Whose it is.
    pub owner: String,
    /// RFC 3339: when what it says was found. The date of the file.
    pub made_at: String,
    /// Where the same can be read on the web.
    pub address: String,
    /// What it came to.
    pub verdict: Option<ReportVerdict>,
    /// Who, what, when.
    pub facts: Vec<ReportFact>,
    /// The rest, in reading order.
    pub sections: Vec<ReportSection>,
}

/// The answer and its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportVerdict {
    /// Its colour and sign.
    pub tone: ReportTone,
    /// The answer.
    pub word: String,
    /// The score as written.
    pub score: String,
    /// What the score is out of, e.g. `of 10`.
    pub of: String,
    /// The share of the scale that the score reaches, 0 to 100.
    pub percent: f64,
    /// Where on the scale the answer changes, 0 to 100.
    pub marks: Vec<f64>,
    /// What the marks mean.
    pub legend: String,
    /// One sentence that says why.
    pub sentence: String,
}

/// The look of a state; a word always stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportTone {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Somebody should look.
    Unsure,
    /// Nothing to say.
    Silent,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Set in the mono-spaced font: identifiers.
    pub mono: bool,
}

/// A part with a heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportSection {
    /// The heading.
    pub title: String,
    /// One sentence that says what stands in it; may be empty.
    pub lead: String,
    /// What stands in it.
    pub blocks: Vec<ReportBlock>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ReportBlock {
    /// A paragraph.
    Paragraph {
        /// Its words.
        text: String,
    },
    /// Small print.
    Note {
        /// Its words.
        text: String,
    },
    /// A heading below the section's.
    Heading {
        /// Its words.
        text: String,
    },
    /// What to do, in order.
    Steps {
        /// The steps.
        steps: Vec<String>,
    },
    /// What somebody said, line by line; placeholders such as `[EMAIL_1]` are set off.
    Quote {
        /// The words.
        text: String,
    },
    /// Something found, with its grade.
    Finding {
        /// Colour and sign of the grade.
        tone: ReportTone,
        /// The grade in a word.
        word: String,
        /// What.
        title: String,
        /// Why.
        text: String,
        /// What to do; may be empty.
        note: String,
    },
    /// Rows and columns.
    Table {
        /// What the rows say.
        caption: String,
        /// Head and rows.
        table: DataTable,
        /// Widths of the columns, as shares of their sum.
        widths: Vec<f64>,
    },
    /// The risk of one interaction, drawn with what it is made of.
    Risk {
        /// The score, 0 to 10.
        score: f64,
        /// The terms, the largest first.
        terms: Vec<RiskTermView>,
        /// What holds the score up, when it is not the terms.
        floor: Option<String>,
    },
    /// What audits came to, day by day.
    StatusesByDay {
        /// Every day of the time, the first first.
        days: Vec<InteractionDay>,
    },
}
