//! A small SVG writer.

use std::fmt::{self, Write};

/// Text colour.
pub(crate) const INK: &str = "#1f2933";
/// Colour of secondary text.
pub(crate) const FADED: &str = "#616e7c";
/// Colour of grid lines.
pub(crate) const GRID: &str = "#e4e7eb";

/// Width of a letter in font sizes, on the safe side for common sans-serif fonts.
const LETTER: f64 = 0.58;

/// A picture in the making. Lengths are pixels.
pub(crate) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

/// Which point of a text its position names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    pub(crate) color: &'static str,
    pub(crate) bold: bool,
    /// Degrees, clockwise.
    pub(crate) turned: f64,
}

impl Style {
    pub(crate) fn new(size: f64, anchor: Anchor, color: &'static str) -> Self {
        Self { size, anchor, color, bold: false, turned: 0.0 }
    }

    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) fn turned(self, degrees: f64) -> Self {
        Self { turned: degrees, ..self }
    }
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    pub(crate) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.push(format_args!(
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}"/>"#,
            N(x),
            N(y),
            N(width),
            N(height)
        ));
    }

    pub(crate) fn frame(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), stroke: &str) {
        self.push(format_args!(
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="{stroke}"/>"#,
            N(x),
            N(y),
            N(width),
            N(height)
        ));
    }

    pub(crate) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str, width: f64) {
        self.push(format_args!(
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{stroke}" stroke-width="{}"/>"#,
            N(x1),
            N(y1),
            N(x2),
            N(y2),
            N(width)
        ));
    }

    pub(crate) fn path(&mut self, points: &[(f64, f64)], stroke: &str, dashed: bool) {
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", N(x), N(y))).collect();
        let dash = if dashed { r#" stroke-dasharray="6 4""# } else { "" };
        self.push(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{stroke}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"{dash}/>"#,
            points.join(" ")
        ));
    }

    pub(crate) fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str) {
        self.push(format_args!(r#"<circle cx="{}" cy="{}" r="{}" fill="{fill}"/>"#, N(x), N(y), N(radius)));
    }

    /// A filled polygon.
    pub(crate) fn area(&mut self, corners: &[(f64, f64)], fill: &str) {
        let corners: Vec<String> = corners.iter().map(|&(x, y)| format!("{},{}", N(x), N(y))).collect();
        self.push(format_args!(r#"<polygon points="{}" fill="{fill}"/>"#, corners.join(" ")));
    }

    /// A dot that stands out from others beneath it, and tells something when it is pointed at.
    pub(crate) fn marker(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, about: &str) {
        self.push(format_args!(
            r##"<circle cx="{}" cy="{}" r="{}" fill="{fill}" stroke="#ffffff"><title>{}</title></circle>"##,
            N(x),
            N(y),
            N(radius),
            Escaped(about)
        ));
    }

    pub(crate) fn text(&mut self, (x, y): (f64, f64), text: &str, style: Style) {
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { r#" font-weight="600""# } else { "" };
        let turn = if style.turned == 0.0 {
            String::new()
        } else {
            format!(r#" transform="rotate({} {} {})""#, N(style.turned), N(x), N(y))
        };
        self.push(format_args!(
            r#"<text x="{}" y="{}" font-size="{}" fill="{}" text-anchor="{anchor}"{weight}{turn}>{}</text>"#,
            N(x),
            N(y),
            N(style.size),
            style.color,
            Escaped(text)
        ));
    }

    pub(crate) fn finish(self) -> String {
        let (width, height) = (N(self.width), N(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }

    fn push(&mut self, element: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.body, "{element}");
    }
}

/// Room that a text takes.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * LETTER
}

/// The text, cut short with an ellipsis where it is longer than `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A length with at most two decimals.
struct N(f64);

impl fmt::Display for N {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// Text inside an element; characters that XML does not allow are dropped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            control if control.is_control() => Ok(()),
            other => f.write_char(other),
        })
    }
}
