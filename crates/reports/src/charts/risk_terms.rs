//! The risk score of one interaction: a bar from 0 to 10 made of what each term adds, then the terms themselves.

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{AXIS_PX, Axis, BAR_PX, BAR_TOP_PX, ROW_PX, hover, label, left_out};
use super::{Chart, DataTable};
use crate::format::decimal;

/// A term of the score.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RiskTermView {
    /// What was found and where, e.g. `EMAIL in the output`.
    pub name: String,
    /// How the term came to be, e.g. `severity 3 × confidence 0.95 × side 1.2`.
    pub made_of: String,
    /// Its value, 0 to 10.
    pub x: f64,
}

/// Rows that are drawn; the rest stands in the table.
const TERMS_DRAWN: usize = 8;
/// From the top to the bar of the score, which has the names of its marks below.
const SCORE_TOP_PX: f64 = 4.0;
const SCORE_PX: f64 = 16.0;
const SCORE_BLOCK_PX: f64 = 50.0;
const RISK_MAX: f64 = 10.0;
/// Scores from which an interaction needs review, and from which it is not compliant.
const REVIEW_FROM: f64 = 2.0;
const NON_COMPLIANT_FROM: f64 = 6.0;
/// Strengths of neighbouring parts of the bar, so that they can be told apart.
const STRENGTHS: [f64; 2] = [1.0, 0.6];

/// Draws the score of an interaction (formula `risk-1`) with its terms, the largest first, as the audit gives them.
pub fn risk_terms(score: f64, terms: &[RiskTermView], floor: Option<&str>, medium: Medium) -> Chart {
    let written = decimal(score, 1);
    let title = match (floor, terms.first()) {
        (Some(floor), _) => format!("Risk {written} of 10: {floor}"),
        (None, Some(first)) if terms.len() > 1 => format!("Risk {written} of 10, most of it from {}", first.name),
        (None, Some(first)) => format!("Risk {written} of 10, from {}", first.name),
        (None, None) => format!("Risk {written} of 10: nothing was found"),
    };
    let description = "The bar of the score is made of what each term adds to those before it. Below, each term by \
                       itself on the same scale."
        .to_owned();
    let mut canvas = Canvas::new("risk-terms", medium);
    let added = contributions(score, terms);
    draw_score(&mut canvas, score, &added);
    let mut top = SCORE_BLOCK_PX;
    for (term, adds) in terms.iter().zip(&added).take(TERMS_DRAWN) {
        label(&mut canvas, top, &term.name, &format!("{}, adds {}", decimal(term.x, 1), decimal(*adds, 1)));
        canvas.bar(At { x: 0.0, y: top + BAR_TOP_PX }, term.x / RISK_MAX, BAR_PX, Ink::Accent);
        hover(&mut canvas, top, &format!("{}: {}", term.name, term.made_of));
        top += ROW_PX;
    }
    top += left_out(&mut canvas, top, terms.len().saturating_sub(TERMS_DRAWN));
    if !terms.is_empty() {
        let axis = Axis { max: RISK_MAX, ticks: &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0], write: |tick| decimal(tick, 0) };
        axis.draw(&mut canvas, SCORE_BLOCK_PX, top);
        top += AXIS_PX;
    }
    let mut table = DataTable::new(&["Term", "Made of", "#Term", "#Adds"]);
    table.rows = terms
        .iter()
        .zip(&added)
        .map(|(term, adds)| vec![term.name.clone(), term.made_of.clone(), decimal(term.x, 2), decimal(*adds, 2)])
        .collect();
    canvas.finish(top, title, description, table)
}

/// The bar of the score, in parts, with the scores at which a status begins.
fn draw_score(canvas: &mut Canvas, score: f64, added: &[f64]) {
    let ink = match score {
        score if score >= NON_COMPLIANT_FROM => Ink::Fail,
        score if score >= REVIEW_FROM => Ink::Unsure,
        _ => Ink::Pass,
    };
    let at = |x: f64| At { x: x / RISK_MAX, y: SCORE_TOP_PX };
    canvas.tint(at(0.0), 1.0, SCORE_PX, Ink::Grid, 1.0);
    let mut from = 0.0;
    for (index, adds) in added.iter().chain([&(score - added.iter().sum::<f64>())]).enumerate() {
        let to = (from + adds).min(score);
        if to > from {
            canvas.tint(at(from), to / RISK_MAX, SCORE_PX, ink, STRENGTHS[index % STRENGTHS.len()]);
            from = to;
        }
    }
    let y = SCORE_TOP_PX + SCORE_PX;
    for (mark, name) in [(REVIEW_FROM, "review 2"), (NON_COMPLIANT_FROM, "non-compliant 6")] {
        let x = mark / RISK_MAX;
        canvas.line(At { x, y: SCORE_TOP_PX }, At { x, y: y + 5.0 }, Stroke::solid(Ink::Text, 1.5));
        canvas.text(At { x, y: y + 17.0 }, name, Lettering::NOTE.ink(Ink::Text));
    }
    canvas.text(At { x: 0.0, y: y + 17.0 }, "0", Lettering::NOTE);
    canvas.text(At { x: 1.0, y: y + 17.0 }, "10", Lettering::NOTE.anchor(Anchor::End));
}

/// What each term adds to the score of those before it: `10 · (1 − Π (1 − x_i/10)^(w_i))` with w = 1, ½, ¼ …; no more
/// than the score altogether.
fn contributions(score: f64, terms: &[RiskTermView]) -> Vec<f64> {
    let (mut rest, mut weight, mut before) = (1.0, 1.0, 0.0);
    let step = |term: &RiskTermView| {
        rest *= (1.0 - (term.x / RISK_MAX).clamp(0.0, 1.0)).powf(weight);
        weight /= 2.0;
        let reached = (RISK_MAX * (1.0 - rest)).min(score);
        let adds = reached - before;
        before = reached;
        adds
    };
    terms.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(name: &str, x: f64) -> RiskTermView {
        RiskTermView { name: name.to_owned(), made_of: "severity 3 × confidence 0.95".to_owned(), x }
    }

    #[test]
    fn terms_add_up_to_the_score() {
        // 1.7 and ½ of 1.4: 2.3, the worked example of the formula.
        let terms = [term("EMAIL in the input", 1.71), term("PERSON in the input", 1.44)];
        let added = contributions(2.3, &terms);
        assert!((added[0] - 1.71).abs() < 1e-9 && (added[1] - 0.59).abs() < 0.05, "{added:?}");
        assert!(added.iter().sum::<f64>() <= 2.3 + 1e-9);
        assert!(contributions(1.0, &[term("VAT", 3.0)]).iter().sum::<f64>() <= 1.0, "a ceiling bounds the parts");
    }

    #[test]
    fn titles_say_what_weighs_most() {
        let title = |score, terms: &[RiskTermView], floor| risk_terms(score, terms, floor, Medium::Screen).title;
        assert_eq!(title(0.0, &[], None), "Risk 0.0 of 10: nothing was found");
        assert_eq!(title(1.7, &[term("EMAIL in the input", 1.7)], None), "Risk 1.7 of 10, from EMAIL in the input");
        assert_eq!(title(8.0, &[term("S9", 3.0)], Some("S9 in the output")), "Risk 8.0 of 10: S9 in the output");
    }

    #[test]
    fn many_terms_stand_in_the_table() {
        let terms: Vec<RiskTermView> = (0..20).map(|nth| term(&format!("<T{nth}>"), 3.0)).collect();
        let chart = risk_terms(5.0, &terms, None, Medium::Print);
        assert_eq!(chart.table.rows.len(), 20);
        assert!(chart.svg.contains("12 more in the table") && !chart.svg.contains("<T0>"), "{}", chart.svg);
    }
}
