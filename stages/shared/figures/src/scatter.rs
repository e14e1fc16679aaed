//! Scatters with a Pareto front.

use crate::{
    axis,
    front::{Better, pareto_front},
    labels::{Rect, place},
    svg::{Anchor, FADED, GRID, INK, Style, Svg, shortened, text_width},
};

/// Points in a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// In one line.
    pub title: String,
    /// What to know about the points, below the title; a line each.
    pub caption: Vec<String>,
    /// What goes across.
    pub x: Quantity,
    /// What goes up.
    pub y: Quantity,
    /// In any order.
    pub points: Vec<Point>,
}

/// What an axis shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// Its name, with its unit.
    pub label: String,
    /// Which way it is better, where that is known.
    pub better: Option<Better>,
}

/// A point of a scatter. One that is not finite is not drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Position across.
    pub x: f64,
    /// Position up.
    pub y: f64,
    /// What stands beside it where it lies on the front.
    pub label: String,
    /// What a viewer tells of it when it is pointed at.
    pub about: String,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 88.0;
const RIGHT: f64 = 32.0;
const BOTTOM: f64 = 70.0;
/// Of the title; each line of the caption and the legend come below it.
const HEAD: f64 = 34.0;
const LINE: f64 = 20.0;

const FRONT: &str = "#0072b2";
const DOMINATED: &str = "#9aa5b1";
/// Where everything is dominated.
const SHADE: &str = "#eef5fa";

const LABEL: f64 = 12.0;

/// Where both directions are known, the points that no other dominates are joined by a step line and labelled: no point
/// lies on its better side. Otherwise all points look the same, and all are labelled. An axis is logarithmic where all its
/// values are positive and the largest is over a hundred times the smallest.
#[must_use]
pub fn scatter(scatter: &Scatter) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text((LEFT, HEAD), &scatter.title, Style::new(18.0, Anchor::Start, INK).bold());
    let most = ((WIDTH - LEFT - RIGHT) / text_width("m", 13.0)) as usize;
    for (line, text) in scatter.caption.iter().enumerate() {
        let at = (LEFT, HEAD + 2.0 + (line + 1) as f64 * LINE);
        svg.text(at, &shortened(text, most), Style::new(13.0, Anchor::Start, FADED));
    }
    let points: Vec<&Point> = scatter.points.iter().filter(|p| p.x.is_finite() && p.y.is_finite()).collect();
    if points.is_empty() {
        let middle = (WIDTH / 2.0, HEIGHT / 2.0);
        svg.text(middle, "no points", Style::new(14.0, Anchor::Middle, FADED));
        return svg.finish();
    }
    let directions = scatter.x.better.zip(scatter.y.better);
    let legend = HEAD + 4.0 + (scatter.caption.len() + 1) as f64 * LINE;
    let top = legend + if directions.is_some() { 16.0 } else { -10.0 };
    let plot = Plot::new(&points, top);
    let front = directions.map(|(x, y)| {
        let values: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
        Front::new(pareto_front(&values, x, y), (x, y), &points, &plot)
    });
    if let Some(front) = &front {
        svg.area(&front.dominated, SHADE);
    }
    plot.grid(&mut svg, &scatter.x, &scatter.y);
    if let Some(front) = &front {
        svg.path(&front.steps, FRONT, false);
        key(&mut svg, legend);
    }
    let labelled: Vec<usize> =
        front.as_ref().map_or_else(|| (0..points.len()).collect(), |front| front.points.clone());
    let is_front = |index: &usize| front.is_some() && labelled.contains(index);
    // The front lies above what it dominates.
    let (above, below): (Vec<usize>, Vec<usize>) = (0..points.len()).partition(is_front);
    for (indices, radius, color) in
        [(below, 4.0, if front.is_some() { DOMINATED } else { FRONT }), (above, 5.0, FRONT)]
    {
        for index in indices {
            svg.marker(plot.place(points[index]), radius, color, &points[index].about);
        }
    }
    label(&mut svg, &plot, &points, &labelled, front.as_ref());
    svg.finish()
}

/// The front in the picture.
struct Front {
    points: Vec<usize>,
    steps: Vec<(f64, f64)>,
    /// The corners of what it dominates.
    dominated: Vec<(f64, f64)>,
    /// Away from what it dominates: signs of x and y in the picture, where y grows downwards.
    free: (f64, f64),
}

impl Front {
    fn new(points: Vec<usize>, (x, y): (Better, Better), all: &[&Point], plot: &Plot) -> Self {
        let places: Vec<(f64, f64)> = points.iter().map(|index| plot.place(all[*index])).collect();
        let (left, right, floor, top) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, plot.top);
        // To the sides on which everything is worse.
        let worse_x = if x == Better::Lower { right } else { left };
        let worse_y = if y == Better::Lower { top } else { floor };
        let mut steps = Vec::new();
        if let (Some(first), Some(last)) = (places.first(), places.last()) {
            steps.push(if x == Better::Lower { (first.0, worse_y) } else { (worse_x, first.1) });
            for pair in places.windows(2) {
                steps.push(pair[0]);
                steps.push(if x == Better::Lower { (pair[1].0, pair[0].1) } else { (pair[0].0, pair[1].1) });
            }
            steps.push(*last);
            steps.push(if x == Better::Lower { (worse_x, last.1) } else { (last.0, worse_y) });
        }
        let mut dominated = steps.clone();
        dominated.push((worse_x, worse_y));
        let free = (if x == Better::Lower { -1.0 } else { 1.0 }, if y == Better::Lower { 1.0 } else { -1.0 });
        Self { points, steps, dominated, free }
    }
}

fn key(svg: &mut Svg, y: f64) {
    let mut x = LEFT;
    for (color, radius, text) in [(FRONT, 5.0, "Pareto front"), (DOMINATED, 4.0, "dominated by another run")]
    {
        svg.dot((x + 5.0, y - 4.0), radius, color);
        svg.text((x + 16.0, y), text, Style::new(13.0, Anchor::Start, INK));
        x += 16.0 + text_width(text, 13.0) + 18.0;
    }
}

fn label(svg: &mut Svg, plot: &Plot, points: &[&Point], labelled: &[usize], front: Option<&Front>) {
    let mut obstacles: Vec<Rect> = points.iter().map(|point| Rect::around(plot.place(point), 5.0)).collect();
    for pair in front.map(|front| front.steps.as_slice()).unwrap_or_default().windows(2) {
        obstacles.push(Rect::line(pair[0], pair[1], 1.5));
    }
    let named: Vec<usize> =
        labelled.iter().copied().filter(|index| !points[*index].label.is_empty()).collect();
    let texts: Vec<String> = named.iter().map(|index| shortened(&points[*index].label, 36)).collect();
    let widths: Vec<f64> = texts.iter().map(|text| text_width(text, LABEL)).collect();
    let places: Vec<(f64, f64)> = named.iter().map(|index| plot.place(points[*index])).collect();
    let bounds =
        Rect { left: LEFT + 2.0, top: plot.top - 8.0, right: WIDTH - 4.0, bottom: HEIGHT - BOTTOM - 2.0 };
    let free = front.map_or((1.0, -1.0), |front| front.free);
    let placed = place(&places, &widths, LABEL, &obstacles, bounds, free);
    for (text, place) in texts.iter().zip(&placed) {
        let Some(place) = place else { continue };
        if let Some((from, to)) = place.leader {
            svg.line(from, to, FADED, 0.75);
        }
        svg.text(place.at, text, Style::new(LABEL, place.anchor, INK));
    }
    let missing = placed.iter().filter(|place| place.is_none()).count();
    if missing > 0 {
        let labels = if missing == 1 { "label" } else { "labels" };
        let text = format!("{missing} {labels} left out for want of room");
        svg.text((WIDTH - RIGHT, HEIGHT - 12.0), &text, Style::new(11.0, Anchor::End, FADED));
    }
}

/// Where values lie in the picture.
struct Plot {
    x: Scale,
    y: Scale,
    top: f64,
}

impl Plot {
    fn new(points: &[&Point], top: f64) -> Self {
        Self {
            x: Scale::new(points.iter().map(|point| point.x), 7),
            y: Scale::new(points.iter().map(|point| point.y), 6),
            top,
        }
    }

    fn place(&self, point: &Point) -> (f64, f64) {
        (self.across(point.x), self.up(point.y))
    }

    fn across(&self, x: f64) -> f64 {
        LEFT + self.x.part(x) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.part(y) * (HEIGHT - self.top - BOTTOM)
    }

    fn grid(&self, svg: &mut Svg, x: &Quantity, y: &Quantity) {
        let (left, right, floor) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (tick, label) in &self.y.ticks {
            let at = self.up(*tick);
            svg.line((left, at), (right, at), GRID, 1.0);
            svg.text((left - 10.0, at + 4.0), label, Style::new(12.0, Anchor::End, FADED));
        }
        for (tick, label) in &self.x.ticks {
            let at = self.across(*tick);
            svg.line((at, self.top), (at, floor), GRID, 1.0);
            svg.line((at, floor), (at, floor + 5.0), FADED, 1.0);
            svg.text((at, floor + 20.0), label, Style::new(12.0, Anchor::Middle, FADED));
        }
        svg.line((left, floor), (right, floor), FADED, 1.0);
        let middle = (f64::midpoint(left, right), f64::midpoint(self.top, floor));
        let name = |quantity: &Quantity| {
            let hint = match quantity.better {
                Some(Better::Lower) => ", lower is better",
                Some(Better::Higher) => ", higher is better",
                None => "",
            };
            shortened(&quantity.label, 60) + hint
        };
        svg.text((middle.0, floor + 44.0), &name(x), Style::new(13.0, Anchor::Middle, INK));
        svg.text((24.0, middle.1), &name(y), Style::new(13.0, Anchor::Middle, INK).turned(-90.0));
    }
}

/// An axis: linear, or logarithmic.
struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64>, wanted: usize) -> Self {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let logarithmic = low > 0.0 && high / low > 100.0;
        let (low, high) = if logarithmic { (low.log10(), high.log10()) } else { (low, high) };
        // Some room, so that no point lies on the frame.
        let span = high - low;
        let room = if span > 0.0 { span * 0.07 } else { low.abs().max(1.0) * 0.1 };
        let (low, high) = (low - room, high + room);
        let ticks = if logarithmic {
            axis::decades(low, high, wanted)
        } else {
            let inside = |tick: &f64| (low..=high).contains(tick);
            let ticks: Vec<f64> = axis::ticks(low, high, wanted).into_iter().filter(inside).collect();
            let labels = axis::labels(&ticks);
            ticks.into_iter().zip(labels).collect()
        };
        Self { low, high, logarithmic, ticks }
    }

    /// Where a value lies between the ends, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(points: &[(f64, f64)], better: Option<(Better, Better)>) -> Scatter {
        let point = |(index, (x, y)): (usize, &(f64, f64))| Point {
            x: *x,
            y: *y,
            label: format!("run {index}"),
            about: format!("{index} & more"),
        };
        Scatter {
            title: "mIoU against flash".to_owned(),
            caption: vec!["4 runs".to_owned()],
            x: Quantity { label: "flash (KiB)".to_owned(), better: better.map(|(x, _)| x) },
            y: Quantity { label: "mIoU".to_owned(), better: better.map(|(_, y)| y) },
            points: points.iter().enumerate().map(point).collect(),
        }
    }

    const POINTS: [(f64, f64); 4] = [(100.0, 40.0), (200.0, 60.0), (300.0, 50.0), (400.0, 70.0)];

    #[test]
    fn the_front_is_labelled_and_joined_by_a_line_and_what_it_dominates_is_not() {
        let svg = scatter(&figure(&POINTS, Some((Better::Lower, Better::Higher))));
        for index in [0, 1, 3] {
            assert!(svg.contains(&format!(">run {index}</text>")), "{svg}");
        }
        assert!(!svg.contains(">run 2</text>") && svg.contains("<title>2 &amp; more</title>"), "{svg}");
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<polygon").count()), (1, 1));
        assert_eq!(svg.matches(FRONT).count(), 1 + 1 + 3, "the line, the key and three points");
        assert!(
            svg.contains("flash (KiB), lower is better") && svg.contains("mIoU, higher is better"),
            "{svg}"
        );
        assert_eq!(svg, scatter(&figure(&POINTS, Some((Better::Lower, Better::Higher)))));
    }

    #[test]
    fn without_directions_there_is_no_front_and_every_point_has_its_label() {
        let svg = scatter(&figure(&POINTS, None));
        assert_eq!((svg.matches("<polyline").count(), svg.matches(">run ").count()), (0, 4));
        assert!(!svg.contains("better") && !svg.contains("Pareto"), "{svg}");
    }

    #[test]
    fn an_axis_over_two_decades_is_logarithmic() {
        let svg = scatter(&figure(&[(0.5, 1.0), (1000.0, 2.0)], None));
        for tick in [">1<", ">10<", ">100<", ">1000<"] {
            assert!(svg.contains(tick), "{tick}: {svg}");
        }
        assert!(scatter(&figure(&[(-0.5, 1.0), (1000.0, 2.0)], None)).contains(">200<"), "not below zero");
    }

    #[test]
    fn single_equal_and_infinite_points_are_pictures_too() {
        for points in
            [&[(1.0, 1.0)][..], &[(0.0, 0.0), (0.0, 0.0)], &[(f64::NAN, 1.0), (f64::INFINITY, 2.0)], &[]]
        {
            let svg = scatter(&figure(points, Some((Better::Lower, Better::Higher))));
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
            let drawn = points.iter().filter(|point| point.0.is_finite()).count();
            assert_eq!((svg.matches("<title>").count(), svg.contains("no points")), (drawn, drawn == 0));
        }
    }
}
