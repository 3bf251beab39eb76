//! The drawing surface of all charts: horizontal places are shares of the width, vertical places are pixels.
//!
//! On a screen shares become percentages and colours become classes of the style sheet, so that one drawing stays
//! readable from 300 to 1,000 px and in both themes without scaling its letters. For print both become fixed numbers
//! and colours, because typst reads SVG without a style sheet.

use std::fmt::{Display, Write};

use super::{Chart, DataTable};
use crate::format::escape;

/// What a chart is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A page with [`STYLE_CSS`](crate::STYLE_CSS): fluid width, colours by class.
    Screen,
    /// A PDF or a file of its own: fixed width, fixed colours on white.
    Print,
}

/// Width of a printed chart in pixels: two stand side by side, so that on A4 one pixel is 0.63 pt.
const PRINT_WIDTH: f64 = 360.0;

/// Letters of labels and values, px.
pub(super) const LABEL_PX: f64 = 12.5;
/// Letters of axes and notes, px.
pub(super) const SMALL_PX: f64 = 11.5;

/// A colour by its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Main text.
    Text,
    /// Secondary text and axes.
    Muted,
    /// Grid lines and tracks.
    Grid,
    /// Data.
    Accent,
    /// A second series.
    Second,
    /// Data beyond a limit.
    Fail,
    /// Data that cannot be judged.
    Unsure,
    /// Data that holds.
    Pass,
    /// The page behind the chart.
    Surface,
}

impl Ink {
    fn class(self) -> &'static str {
        match self {
            Ink::Text => "text",
            Ink::Muted => "muted",
            Ink::Grid => "grid",
            Ink::Accent => "accent",
            Ink::Second => "second",
            Ink::Fail => "fail",
            Ink::Unsure => "unsure",
            Ink::Pass => "pass",
            Ink::Surface => "surface",
        }
    }

    fn print_colour(self) -> &'static str {
        match self {
            Ink::Text => "#1b2227",
            Ink::Muted => "#55606a",
            Ink::Grid => "#d9dee2",
            Ink::Accent => "#2c5f8a",
            Ink::Second => "#7a5195",
            Ink::Fail => "#a3261f",
            Ink::Unsure => "#8a5a00",
            Ink::Pass => "#1a6b3c",
            Ink::Surface => "#ffffff",
        }
    }
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A place: share of the width, pixels from the top.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A text's looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lettering {
    pub(super) ink: Ink,
    pub(super) anchor: Anchor,
    pub(super) px: f64,
    pub(super) bold: bool,
}

impl Lettering {
    pub(super) const LABEL: Lettering = Lettering { ink: Ink::Text, anchor: Anchor::Start, px: LABEL_PX, bold: false };
    pub(super) const VALUE: Lettering = Lettering { ink: Ink::Muted, anchor: Anchor::End, px: LABEL_PX, bold: false };
    pub(super) const HEADING: Lettering = Lettering { bold: true, ..Lettering::LABEL };
    pub(super) const NOTE: Lettering = Lettering { ink: Ink::Muted, anchor: Anchor::Start, px: SMALL_PX, bold: false };

    pub(super) fn ink(self, ink: Ink) -> Lettering {
        Lettering { ink, ..self }
    }

    pub(super) fn anchor(self, anchor: Anchor) -> Lettering {
        Lettering { anchor, ..self }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub(super) ink: Ink,
    pub(super) width: f64,
    pub(super) dashed: bool,
}

impl Stroke {
    pub(super) fn solid(ink: Ink, width: f64) -> Stroke {
        Stroke { ink, width, dashed: false }
    }

    pub(super) fn dashed(ink: Ink) -> Stroke {
        Stroke { ink, width: 1.25, dashed: true }
    }
}

/// A drawing in progress. Four layers keep bars above the grid, intervals above bars, dots and letters above all; the
/// lines of a layer that look alike become one path, which costs a tenth of the bytes of a line each.
pub(super) struct Canvas {
    medium: Medium,
    id: String,
    grid: Paths,
    shapes: String,
    marks: Paths,
    top: String,
    bottom: f64,
}

/// Path data by look, in the order in which looks first came.
type Paths = Vec<(Stroke, String)>;

/// Units across the coordinate system of paths on a screen, which stretches with the width.
const ACROSS: f64 = 1000.0;

impl Canvas {
    /// An empty drawing; `id` must be unique on the page.
    pub(super) fn new(id: &str, medium: Medium) -> Canvas {
        let empty = String::new;
        let id = id.to_owned();
        Canvas { medium, id, grid: Vec::new(), shapes: empty(), marks: Vec::new(), top: empty(), bottom: 0.0 }
    }

    fn x(&self, share: f64) -> String {
        match self.medium {
            Medium::Screen => format!("{}%", trimmed(share * 100.0)),
            Medium::Print => trimmed(share * PRINT_WIDTH),
        }
    }

    /// A horizontal place in the coordinates of paths.
    fn across(&self, share: f64) -> String {
        match self.medium {
            Medium::Screen => trimmed((share * ACROSS * 10.0).round() / 10.0),
            Medium::Print => trimmed(share * PRINT_WIDTH),
        }
    }

    fn fill(&self, ink: Ink) -> String {
        match self.medium {
            Medium::Screen => format!("class=\"f-{}\"", ink.class()),
            Medium::Print => format!("fill=\"{}\"", ink.print_colour()),
        }
    }

    /// Says more about a part of the drawing when a pointer rests on it.
    pub(super) fn hover(&mut self, from: At, to: At, text: &str) {
        if self.medium == Medium::Print {
            return;
        }
        let (x, y, width, height) = (self.x(from.x), trimmed(from.y), self.x(to.x - from.x), trimmed(to.y - from.y));
        let text = escape(text);
        put(
            &mut self.top,
            format_args!(
                "<rect class=\"h\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{text}</title></rect>"
            ),
        );
    }

    pub(super) fn text(&mut self, at: At, text: &str, lettering: Lettering) {
        let anchor = match lettering.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if lettering.bold { " font-weight=\"600\"" } else { "" };
        // The style sheet gives letters of a chart this size and colour already.
        let usual = self.medium == Medium::Screen;
        let size =
            if usual && lettering.px == LABEL_PX { String::new() } else { format!(" font-size=\"{}\"", lettering.px) };
        let fill =
            if usual && lettering.ink == Ink::Text { String::new() } else { format!(" {}", self.fill(lettering.ink)) };
        let x = if usual && at.x == 0.0 { String::new() } else { format!(" x=\"{}\"", self.x(at.x)) };
        let (y, text) = (trimmed(at.y), escape(text));
        put(&mut self.top, format_args!("<text{x} y=\"{y}\"{size}{fill}{anchor}{weight}>{text}</text>"));
    }

    /// A bar from one share to another.
    pub(super) fn bar(&mut self, from: At, to_x: f64, height: f64, ink: Ink) {
        self.rectangle(from, to_x, height, &self.fill(ink));
    }

    /// A bar of paler colour; `strength` 0 to 1.
    pub(super) fn tint(&mut self, from: At, to_x: f64, height: f64, ink: Ink, strength: f64) {
        let paint = format!("{} fill-opacity=\"{}\"", self.fill(ink), trimmed(strength));
        self.rectangle(from, to_x, height, &paint);
    }

    /// A hatched bar: the number stands on too few rows to be judged.
    pub(super) fn hatched_bar(&mut self, from: At, to_x: f64, height: f64) {
        let paint = format!("fill=\"url(#{}-hatch)\"", self.id);
        self.rectangle(from, to_x, height, &paint);
    }

    fn rectangle(&mut self, from: At, to_x: f64, height: f64, paint: &str) {
        let (x, width) = (self.x(from.x.min(to_x)), self.x((to_x - from.x).abs()));
        if width.trim_end_matches('%') == "0" {
            return;
        }
        let (y, height) = (trimmed(from.y), trimmed(height));
        let rectangle = format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {paint}/>");
        put(&mut self.shapes, rectangle);
    }

    /// A line under the data: grid, track.
    pub(super) fn grid_line(&mut self, from: At, to: At, stroke: Stroke) {
        let path = self.segment(from, to);
        extend(&mut self.grid, stroke, &path);
    }

    /// A line above the bars.
    pub(super) fn line(&mut self, from: At, to: At, stroke: Stroke) {
        let path = self.segment(from, to);
        extend(&mut self.marks, stroke, &path);
    }

    fn segment(&mut self, from: At, to: At) -> String {
        self.bottom = self.bottom.max(from.y).max(to.y);
        let (x, y) = (self.across(from.x), trimmed(from.y));
        if from.y == to.y {
            format!("M{x} {y}H{}", self.across(to.x))
        } else if from.x == to.x {
            format!("M{x} {y}V{}", trimmed(to.y))
        } else {
            format!("M{x} {y}L{} {}", self.across(to.x), trimmed(to.y))
        }
    }

    /// An interval: a line with small ends.
    pub(super) fn whisker(&mut self, low: f64, high: f64, y: f64, ink: Ink) {
        let stroke = Stroke::solid(ink, 1.5);
        self.line(At { x: low, y }, At { x: high, y }, stroke);
        for x in [low, high] {
            self.line(At { x, y: y - 3.5 }, At { x, y: y + 3.5 }, stroke);
        }
    }

    /// A filled dot, or a ring when `hollow`.
    pub(super) fn dot(&mut self, at: At, radius: f64, ink: Ink, hollow: bool) {
        let (x, y) = (self.x(at.x), trimmed(at.y));
        let paint = if hollow {
            let rim = match self.medium {
                Medium::Screen => format!("class=\"f-surface s-{}\"", ink.class()),
                Medium::Print => format!("fill=\"#ffffff\" stroke=\"{}\"", ink.print_colour()),
            };
            format!("{rim} stroke-width=\"2\"")
        } else {
            self.fill(ink)
        };
        put(&mut self.top, format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {paint}/>"));
    }

    /// Small dots of one look: round ends of lines without length.
    pub(super) fn points(&mut self, points: &[At], diameter: f64, ink: Ink) {
        for at in points {
            self.bottom = self.bottom.max(at.y);
            let path = format!("M{} {}h0", self.across(at.x), trimmed(at.y));
            extend(&mut self.marks, Stroke::solid(ink, diameter), &path);
        }
    }

    /// A line through points.
    pub(super) fn curve(&mut self, points: &[At], stroke: Stroke) {
        let mut path = String::new();
        for (index, at) in points.iter().enumerate() {
            self.bottom = self.bottom.max(at.y);
            let letter = if index == 0 { "M" } else { "L" };
            put(&mut path, format_args!("{letter}{} {}", self.across(at.x), trimmed(at.y)));
        }
        extend(&mut self.marks, stroke, &path);
    }

    /// The finished chart: the drawing with its name and description for those who cannot see it, and its table.
    pub(super) fn finish(self, height: f64, title: String, description: String, table: DataTable) -> Chart {
        let svg = self.svg(height.ceil(), &title, &description);
        Chart { id: self.id, title, description, svg, height_px: height.ceil() as u32, table }
    }

    fn svg(&self, height: f64, title: &str, description: &str) -> String {
        let (id, title, description) = (&self.id, escape(title), escape(description));
        let hatch = if self.shapes.contains("-hatch)") { self.hatch_pattern() } else { String::new() };
        let (grid, marks) = (self.paths(&self.grid), self.paths(&self.marks));
        let size = match self.medium {
            Medium::Screen => format!("class=\"chart\" width=\"100%\" height=\"{height}\""),
            Medium::Print => {
                format!("width=\"{PRINT_WIDTH}\" height=\"{height}\" viewBox=\"0 0 {PRINT_WIDTH} {height}\"")
            }
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>{hatch}{grid}{}{marks}{}</svg>",
            self.shapes, self.top
        )
    }

    /// The paths of a layer. On a screen they stretch with the width, while their strokes keep theirs.
    fn paths(&self, paths: &Paths) -> String {
        let mut markup = String::new();
        for (stroke, data) in paths {
            let dash = if stroke.dashed { " stroke-dasharray=\"5 3\"" } else { "" };
            let width = stroke.width;
            let look = match self.medium {
                Medium::Screen => format!("class=\"s-{}\"", stroke.ink.class()),
                Medium::Print => format!(
                    "stroke=\"{}\" fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\"",
                    stroke.ink.print_colour()
                ),
            };
            put(&mut markup, format_args!("<path {look} stroke-width=\"{width}\"{dash} d=\"{data}\"/>"));
        }
        let height = self.bottom.ceil() + 8.0;
        match self.medium {
            Medium::Screen if !markup.is_empty() => format!(
                "<svg class=\"paths\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 {ACROSS} {height}\" \
                 preserveAspectRatio=\"none\">{markup}</svg>"
            ),
            Medium::Screen | Medium::Print => markup,
        }
    }

    fn hatch_pattern(&self) -> String {
        format!(
            "<defs><pattern id=\"{}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" {}/>\
             <line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" {}/></pattern></defs>",
            self.id,
            self.fill(Ink::Surface),
            match self.medium {
                Medium::Screen => "class=\"s-muted\" stroke-width=\"3\"".to_owned(),
                Medium::Print => format!("stroke=\"{}\" stroke-width=\"3\"", Ink::Muted.print_colour()),
            },
        )
    }
}

fn put(buffer: &mut String, markup: impl Display) {
    write!(buffer, "{markup}").expect("writing to a string cannot fail");
}

fn extend(paths: &mut Paths, stroke: Stroke, data: &str) {
    match paths.iter_mut().find(|(look, _)| *look == stroke) {
        Some((_, path)) => path.push_str(data),
        None => paths.push((stroke, data.to_owned())),
    }
}

/// At most two decimals, without trailing zeros: charts are inlined, every byte is paid by every reader.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screen_drawings_are_fluid_and_coloured_by_class() {
        let mut canvas = Canvas::new("c", Medium::Screen);
        canvas.whisker(0.1, 0.2, 8.0, Ink::Text);
        canvas.bar(At { x: 0.0, y: 4.0 }, 0.25, 10.0, Ink::Accent);
        let svg = canvas.svg(20.0, "Title", "Description");
        assert!(svg.contains("width=\"25%\""), "{svg}");
        assert!(svg.contains("f-accent") && !svg.contains('#'), "{svg}");
        assert!(svg.contains("M100 8H200M100 4.5V11.5M200 4.5V11.5"), "{svg}");
    }

    #[test]
    fn printed_drawings_need_no_style_sheet() {
        let mut canvas = Canvas::new("c", Medium::Print);
        canvas.hatched_bar(At { x: 0.0, y: 4.0 }, 0.25, 10.0);
        let svg = canvas.svg(20.0, "Title", "Description");
        assert!(svg.contains("width=\"90\"") && !svg.contains("class="), "{svg}");
        assert!(svg.contains("id=\"c-hatch\""), "{svg}");
    }

    #[test]
    fn coordinates_carry_no_idle_digits() {
        assert_eq!(trimmed(10.0), "10");
        assert_eq!(trimmed(-0.001), "0");
        assert_eq!(trimmed(1.005), "1");
        assert_eq!(trimmed(1.25), "1.25");
    }
}
