//! Learning curves.

use crate::{
    axis,
    svg::{Anchor, FADED, GRID, INK, Style, Svg, shortened, text_width},
};

/// A line of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it shows: `loss`, `val_loss`.
    pub name: String,
    /// `(x, y)` in the order of x. A point that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
}

/// Colours that stay apart for most colour-blind readers (Okabe and Ito 2008, without the yellow).
const COLORS: &[&str] = &["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 56.0;

/// Lines over a common x axis, `x_label` below it, with a legend. A series of one point is a dot; one whose name starts
/// with `val_` is dashed where there is a series of the rest of its name, and shares that one's colour.
#[must_use]
pub fn curves(title: &str, x_label: &str, series: &[Series]) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text((LEFT, 34.0), title, Style::new(18.0, Anchor::Start, INK).bold());
    let drawn: Vec<(f64, f64)> =
        series.iter().flat_map(|s| s.points.iter().copied()).filter(|p| is_finite(*p)).collect();
    if drawn.is_empty() {
        let middle = (WIDTH / 2.0, HEIGHT / 2.0);
        svg.text(middle, "no finite values", Style::new(14.0, Anchor::Middle, FADED));
        return svg.finish();
    }
    let plot = Plot::new(&drawn);
    plot.grid(&mut svg, x_label);
    legend(&mut svg, series);
    for (index, line) in series.iter().enumerate() {
        let look = look(series, index);
        for run in line.points.split(|point| !is_finite(*point)).filter(|run| !run.is_empty()) {
            let points: Vec<(f64, f64)> = run.iter().map(|&point| plot.place(point)).collect();
            if points.len() == 1 {
                svg.dot(points[0], 3.0, look.color);
            } else {
                svg.path(&points, look.color, look.dashed);
            }
        }
    }
    svg.finish()
}

fn is_finite((x, y): (f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// Where values lie in the picture.
struct Plot {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Range of x: the data's own, so that lines reach from side to side.
    range: (f64, f64),
}

impl Plot {
    fn new(points: &[(f64, f64)]) -> Self {
        let bounds = |value: fn(&(f64, f64)) -> f64| {
            points
                .iter()
                .map(value)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        };
        let (x, y) = (bounds(|p| p.0), bounds(|p| p.1));
        let range = if x.1 > x.0 { x } else { (x.0 - 0.5, x.0 + 0.5) };
        let inside = |tick: &f64| *tick >= range.0 - 1e-9 && *tick <= range.1 + 1e-9;
        // Epochs are whole numbers: no ticks between them.
        let whole = points.iter().all(|p| p.0.fract() == 0.0);
        let x_ticks = axis::ticks(range.0, range.1, 8).into_iter().filter(inside);
        let x_ticks = x_ticks.filter(|tick| !whole || tick.fract() == 0.0).collect();
        Self { x: x_ticks, y: axis::ticks(y.0, y.1, 5), range }
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (bottom, top) = (self.y[0], self.y[self.y.len() - 1]);
        let across = (x - self.range.0) / (self.range.1 - self.range.0);
        let up = (y - bottom) / (top - bottom);
        (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM))
    }

    fn grid(&self, svg: &mut Svg, x_label: &str) {
        let (left, right, floor) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (tick, label) in self.y.iter().zip(axis::labels(&self.y)) {
            let y = self.place((self.range.0, *tick)).1;
            svg.line((left, y), (right, y), GRID, 1.0);
            svg.text((left - 10.0, y + 4.0), &label, Style::new(12.0, Anchor::End, FADED));
        }
        for (tick, label) in self.x.iter().zip(axis::labels(&self.x)) {
            let x = self.place((*tick, self.y[0])).0;
            svg.line((x, floor), (x, floor + 5.0), FADED, 1.0);
            svg.text((x, floor + 20.0), &label, Style::new(12.0, Anchor::Middle, FADED));
        }
        svg.line((left, floor), (right, floor), FADED, 1.0);
        let middle = f64::midpoint(left, right);
        svg.text((middle, HEIGHT - 14.0), x_label, Style::new(13.0, Anchor::Middle, INK));
    }
}

/// How a series is drawn.
struct Look {
    color: &'static str,
    dashed: bool,
}

fn look(series: &[Series], index: usize) -> Look {
    let partner = series[index]
        .name
        .strip_prefix("val_")
        .and_then(|rest| series.iter().position(|other| other.name == rest));
    // Partners take no colour of their own.
    let owners = |upto: usize| {
        (0..upto).filter(|&i| {
            !series[i].name.strip_prefix("val_").is_some_and(|rest| series.iter().any(|s| s.name == rest))
        })
    };
    let place = owners(partner.unwrap_or(index)).count();
    Look { color: COLORS[place % COLORS.len()], dashed: partner.is_some() }
}

fn legend(svg: &mut Svg, series: &[Series]) {
    let mut x = LEFT;
    for (index, line) in series.iter().enumerate() {
        let (look, name) = (look(series, index), shortened(&line.name, 24));
        svg.path(&[(x, 58.0), (x + 24.0, 58.0)], look.color, look.dashed);
        svg.text((x + 31.0, 62.0), &name, Style::new(13.0, Anchor::Start, INK));
        x += 31.0 + text_width(&name, 13.0) + 22.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series { name: name.to_owned(), points: points.to_vec() }
    }

    #[test]
    fn a_validation_curve_is_dashed_in_the_colour_of_its_training_curve() {
        let lines =
            [series("loss", &[(1.0, 2.0), (2.0, 1.0)]), series("val_loss", &[(1.0, 3.0), (2.0, 1.5)])];
        let svg = curves("Loss", "epoch", &lines);
        let dashed: Vec<&str> = svg.lines().filter(|line| line.contains("stroke-dasharray")).collect();
        assert_eq!(dashed.len(), 2, "one in the legend, one in the plot");
        assert!(dashed.iter().all(|line| line.contains(COLORS[0])), "{dashed:?}");
    }

    #[test]
    fn values_that_are_not_finite_leave_gaps_and_never_reach_the_file() {
        let points = [(1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, f64::INFINITY), (5.0, 1.0), (6.0, 2.0)];
        let svg = curves("Loss", "epoch", &[series("loss", &points)]);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polyline").count()), (2, 2));
        assert!(curves("Loss", "epoch", &[series("loss", &[(1.0, f64::NAN)])]).contains("no finite values"));
        assert!(curves("Loss", "epoch", &[]).contains("no finite values"));
    }

    #[test]
    fn names_are_escaped() {
        let svg = curves("a < b & c", "epoch", &[series("\"x\"", &[(0.0, 1.0)])]);
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("&quot;x&quot;"));
    }
}
