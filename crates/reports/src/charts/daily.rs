//! What assistants said, day by day: tokens, what the audits came to, mean risk.
//!
//! All three share one horizontal axis: a day is a slot, from the first day asked for to the last, with nothing left
//! out. Figures of a day are sums over all of its interactions, no sample, so no interval is drawn; a day with few
//! audits is a ring.

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{BAR_PX, BAR_TOP_PX, ROW_PX, hover, label};
use super::{Chart, DataTable};
use crate::format::{count, decimal, percent};

/// Sums of one day.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InteractionDay {
    /// `2026-01-31`.
    pub day: String,
    /// Interactions that came.
    pub submissions: u64,
    /// Tokens charged and not refunded.
    pub tokens: u64,
    /// Audits that came to Fully Compliant.
    pub compliant: u64,
    /// Audits that came to Review Needed.
    pub review: u64,
    /// Audits that came to Non-Compliant.
    pub non_compliant: u64,
    /// Mean risk of the audited ones, 0 to 10; `None` when there are none.
    pub risk_mean: Option<f64>,
}

impl InteractionDay {
    fn audited(&self) -> u64 {
        self.compliant + self.review + self.non_compliant
    }
}

const PLOT_PX: f64 = 150.0;
/// Room above a plot for the label of its highest line.
const HEAD_PX: f64 = 20.0;
/// Room for the days below a plot.
const DAYS_PX: f64 = 24.0;
/// Share of its slot that a bar takes, and its widest share of the plot.
const BAR_SHARE: f64 = 0.76;
const BAR_SHARE_MAX: f64 = 0.06;
/// Audits of a day under which its mean says little.
const AUDITS_FEW: u64 = 5;
/// Scores from which an interaction needs review, and from which it is not compliant (formula `risk-1`).
const REVIEW_FROM: f64 = 2.0;
const NON_COMPLIANT_FROM: f64 = 6.0;
const RISK_MAX: f64 = 10.0;

/// Where the days lie between two heights.
struct Plot<'a> {
    days: &'a [InteractionDay],
    top: f64,
    max: f64,
}

impl Plot<'_> {
    fn bottom(&self) -> f64 {
        self.top + PLOT_PX
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom() - PLOT_PX * (value / self.max).clamp(0.0, 1.0)
    }

    /// The middle of a day's slot.
    fn x(&self, index: usize) -> f64 {
        (index as f64 + 0.5) / self.days.len() as f64
    }

    /// A bar of a day between two values.
    fn bar(&self, canvas: &mut Canvas, index: usize, (low, high): (f64, f64), ink: Ink) {
        let half = (BAR_SHARE / self.days.len() as f64).min(BAR_SHARE_MAX) / 2.0;
        let (from, height) = (At { x: self.x(index) - half, y: self.y(high) }, self.y(low) - self.y(high));
        if height > 0.0 {
            canvas.bar(from, self.x(index) + half, height, ink);
        }
    }

    fn grid(&self, canvas: &mut Canvas, value: f64, text: &str) {
        let y = self.y(value);
        canvas.grid_line(At { x: 0.0, y }, At { x: 1.0, y }, Stroke::solid(Ink::Grid, 1.0));
        canvas.text(At { x: 0.0, y: y - 3.0 }, text, Lettering::NOTE);
    }

    /// The first, the middle and the last day below the plot, and what each says in full for a pointer.
    fn days(&self, canvas: &mut Canvas, full: impl Fn(&InteractionDay) -> String) {
        let (y, last) = (self.bottom() + 15.0, self.days.len() - 1);
        canvas.text(At { x: 0.0, y }, &self.days[0].day, Lettering::NOTE);
        if last > 1 {
            canvas.text(At { x: 0.5, y }, &self.days[last / 2].day, Lettering::NOTE.anchor(Anchor::Middle));
        }
        if last > 0 {
            canvas.text(At { x: 1.0, y }, &self.days[last].day, Lettering::NOTE.anchor(Anchor::End));
        }
        for (index, day) in self.days.iter().enumerate() {
            let half = 0.5 / self.days.len() as f64;
            let (from, to) = (self.x(index) - half, self.x(index) + half);
            canvas.hover(At { x: from, y: self.top }, At { x: to, y: self.bottom() }, &full(day));
        }
    }
}

/// Draws the tokens of each day; `None` without days or tokens.
pub fn tokens_by_day(days: &[InteractionDay], medium: Medium) -> Option<Chart> {
    let most = days.iter().max_by_key(|day| day.tokens).filter(|day| day.tokens > 0)?;
    let total: u64 = days.iter().map(|day| day.tokens).sum();
    let title = match days.len() {
        1 => format!("{} tokens on {}", count(total), most.day),
        all => format!("{} tokens in {all} days, most on {}: {}", count(total), most.day, count(most.tokens)),
    };
    let description = "Tokens charged and not refunded, one bar a day from zero.".to_owned();
    let mut canvas = Canvas::new("tokens-by-day", medium);
    let max = nice_above(most.tokens);
    let plot = Plot { days, top: HEAD_PX, max: max as f64 };
    for value in [0, max / 2, max] {
        plot.grid(&mut canvas, value as f64, &count(value));
    }
    for (index, day) in days.iter().enumerate() {
        plot.bar(&mut canvas, index, (0.0, day.tokens as f64), Ink::Accent);
    }
    plot.days(&mut canvas, |day| {
        format!("{}: {} tokens, {} interactions", day.day, count(day.tokens), count(day.submissions))
    });
    let mut table = DataTable::new(&["Day", "#Tokens", "#Interactions"]);
    table.rows = days.iter().map(|day| vec![day.day.clone(), count(day.tokens), count(day.submissions)]).collect();
    Some(canvas.finish(plot.bottom() + DAYS_PX, title, description, table))
}

/// One of a day's counts.
type Count = fn(&InteractionDay) -> u64;

/// Draws what the audits came to: each status' share of all, then of each day; `None` without audits.
pub fn statuses_by_day(days: &[InteractionDay], medium: Medium) -> Option<Chart> {
    let sum = |of: Count| days.iter().map(of).sum::<u64>();
    let statuses: [(&str, Ink, Count); 3] = [
        ("Non-compliant", Ink::Fail, |day| day.non_compliant),
        ("Review needed", Ink::Unsure, |day| day.review),
        ("Fully compliant", Ink::Pass, |day| day.compliant),
    ];
    let audited = sum(InteractionDay::audited);
    if audited == 0 {
        return None;
    }
    let share = |part: u64, of: u64| part as f64 / of as f64;
    let (bad, review) = (share(sum(|day| day.non_compliant), audited), share(sum(|day| day.review), audited));
    let title = format!("{} of the audits found no compliance, {} asked for a review", percent(bad), percent(review));
    let description =
        "Above, each status' share of all audits. Below, the shares of each day, stacked in the same order \
                       from the top; days without an audit are empty."
            .to_owned();
    let mut canvas = Canvas::new("statuses-by-day", medium);
    for (row, (name, ink, of)) in statuses.into_iter().enumerate() {
        let (top, part) = (ROW_PX * row as f64, sum(of));
        let value = format!("{} ({})", count(part), percent(share(part, audited)));
        label(&mut canvas, top, name, &value);
        let at = At { x: 0.0, y: top + BAR_TOP_PX };
        canvas.tint(at, 1.0, BAR_PX, Ink::Grid, 1.0);
        canvas.bar(at, share(part, audited), BAR_PX, ink);
        hover(&mut canvas, top, &format!("{name}: {value} of {} audits", count(audited)));
    }
    let plot = Plot { days, top: ROW_PX * 3.0 + HEAD_PX + 8.0, max: 1.0 };
    for (value, text) in [(0.0, "0%"), (0.5, "50%"), (1.0, "100% of a day")] {
        plot.grid(&mut canvas, value, text);
    }
    for (index, day) in days.iter().enumerate().filter(|(_, day)| day.audited() > 0) {
        let mut high = 1.0;
        for (_, ink, of) in statuses {
            let low: f64 = high - share(of(day), day.audited());
            plot.bar(&mut canvas, index, (low.max(0.0), high), ink);
            high = low;
        }
    }
    plot.days(&mut canvas, |day| {
        let parts = [("non-compliant", day.non_compliant), ("review", day.review), ("compliant", day.compliant)];
        let parts = parts.map(|(name, part)| format!("{} {name}", count(part)));
        format!("{}: {}", day.day, if day.audited() == 0 { "no audit".to_owned() } else { parts.join(", ") })
    });
    let mut table = DataTable::new(&["Day", "#Non-compliant", "#Review needed", "#Fully compliant"]);
    let row =
        |day: &InteractionDay| vec![day.day.clone(), count(day.non_compliant), count(day.review), count(day.compliant)];
    table.rows = days.iter().map(row).collect();
    Some(canvas.finish(plot.bottom() + DAYS_PX, title, description, table))
}

/// Draws the mean risk of each day between 0 and 10 with the scores at which a status begins; `None` without audits.
pub fn risk_by_day(days: &[InteractionDay], medium: Medium) -> Option<Chart> {
    let audited: u64 = days.iter().map(InteractionDay::audited).sum();
    let sum: f64 = days.iter().filter_map(|day| day.risk_mean.map(|mean| mean * day.audited() as f64)).sum();
    if audited == 0 {
        return None;
    }
    let highest =
        days.iter().filter_map(|day| day.risk_mean.map(|mean| (mean, day))).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let title = match days.len() {
        1 => format!("Mean risk was {} of 10", decimal(sum / audited as f64, 1)),
        _ => format!(
            "Mean risk was {} of 10, highest on {}: {}",
            decimal(sum / audited as f64, 1),
            highest.1.day,
            decimal(highest.0, 1)
        ),
    };
    let description = "Mean risk score of the interactions audited each day, joined over days that follow each other. \
                       Rings are days with fewer than five audits. Dashed lines mark the scores from which an interaction \
                       needs a review and from which it is not compliant."
        .to_owned();
    let mut canvas = Canvas::new("risk-by-day", medium);
    let plot = Plot { days, top: HEAD_PX, max: RISK_MAX };
    plot.grid(&mut canvas, 0.0, "0");
    plot.grid(&mut canvas, RISK_MAX, "risk 10");
    for (value, name, ink) in
        [(REVIEW_FROM, "review from 2", Ink::Unsure), (NON_COMPLIANT_FROM, "non-compliant from 6", Ink::Fail)]
    {
        let y = plot.y(value);
        canvas.line(At { x: 0.0, y }, At { x: 1.0, y }, Stroke::dashed(ink));
        canvas.text(At { x: 0.0, y: y - 3.0 }, name, Lettering::NOTE.ink(ink));
    }
    let mut run: Vec<At> = Vec::new();
    for (index, day) in days.iter().enumerate() {
        let Some(mean) = day.risk_mean else {
            canvas.curve(&std::mem::take(&mut run), Stroke::solid(Ink::Accent, 2.0));
            continue;
        };
        let at = At { x: plot.x(index), y: plot.y(mean) };
        run.push(at);
        if days.len() <= 62 {
            canvas.dot(at, 3.5, Ink::Accent, day.audited() < AUDITS_FEW);
        }
    }
    canvas.curve(&run, Stroke::solid(Ink::Accent, 2.0));
    let mean = |day: &InteractionDay| day.risk_mean.map_or_else(|| "no audit".to_owned(), |mean| decimal(mean, 2));
    plot.days(&mut canvas, |day| format!("{}: mean {} of {} audits", day.day, mean(day), count(day.audited())));
    let mut table = DataTable::new(&["Day", "#Mean risk", "#Audits"]);
    table.rows = days.iter().map(|day| vec![day.day.clone(), mean(day), count(day.audited())]).collect();
    Some(canvas.finish(plot.bottom() + DAYS_PX, title, description, table))
}

/// The next of 2, 4, 10, 20, 40, 100 … that is not below a number: its half is whole as well.
fn nice_above(value: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for step in [2, 4, 10] {
            let nice = power.saturating_mul(step);
            if nice >= value || nice == u64::MAX {
                return nice;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, tokens: u64, [compliant, review, non_compliant]: [u64; 3], risk: Option<f64>) -> InteractionDay {
        let submissions = compliant + review + non_compliant;
        InteractionDay { day: day.to_owned(), submissions, tokens, compliant, review, non_compliant, risk_mean: risk }
    }

    fn days() -> Vec<InteractionDay> {
        vec![
            day("2026-11-19", 1_200, [6, 3, 1], Some(2.5)),
            day("2026-11-20", 0, [0, 0, 0], None),
            day("2026-11-21", 2_800, [2, 1, 1], Some(4.25)),
        ]
    }

    #[test]
    fn titles_say_the_finding() {
        let days = days();
        let title = |chart: Option<Chart>| chart.unwrap().title;
        assert_eq!(
            title(tokens_by_day(&days, Medium::Screen)),
            "4\u{202f}000 tokens in 3 days, most on 2026-11-21: 2\u{202f}800"
        );
        assert_eq!(
            title(statuses_by_day(&days, Medium::Screen)),
            "14.3% of the audits found no compliance, 28.6% asked for a review"
        );
        assert_eq!(title(risk_by_day(&days, Medium::Print)), "Mean risk was 3.0 of 10, highest on 2026-11-21: 4.2");
    }

    #[test]
    fn nothing_to_draw_is_no_chart() {
        let idle = [day("2026-11-20", 0, [0, 0, 0], None)];
        for days in [&idle[..], &[]] {
            assert!(tokens_by_day(days, Medium::Screen).is_none());
            assert!(statuses_by_day(days, Medium::Screen).is_none());
            assert!(risk_by_day(days, Medium::Screen).is_none());
        }
    }

    #[test]
    fn bars_begin_at_zero_and_every_day_stands_in_the_table() {
        let chart = tokens_by_day(&days(), Medium::Print).unwrap();
        assert_eq!(chart.table.rows.len(), 3);
        // The axis ends at 4,000: 2,800 take seven tenths of 150 px.
        assert!(chart.svg.contains("height=\"105\""), "{}", chart.svg);
        assert_eq!(statuses_by_day(&days(), Medium::Screen).unwrap().table.rows[1][1], "0");
    }

    #[test]
    fn days_of_few_audits_are_rings_and_gaps_break_the_line() {
        let svg = risk_by_day(&days(), Medium::Screen).unwrap().svg;
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(svg.matches("f-surface s-accent").count(), 1, "{svg}");
    }

    #[test]
    fn axes_end_at_a_number_that_people_know() {
        for (value, end) in [(1, 2), (3, 4), (5, 10), (11, 20), (4_001, 10_000), (10_000, 10_000)] {
            assert_eq!(nice_above(value), end);
        }
        assert_eq!(nice_above(u64::MAX), u64::MAX);
    }
}
