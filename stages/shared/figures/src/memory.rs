//! Memory plans.

use crate::{
    axis,
    svg::{Anchor, FADED, GRID, INK, Style, Svg, shortened, text_width},
};

/// Memory that is taken from one step to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryBlock {
    /// What lies in it.
    pub name: String,
    /// What sort of thing that is; sorts are told apart by colour.
    pub kind: String,
    /// First and last step, both included.
    pub steps: (usize, usize),
    /// Where it begins.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
}

/// Fills light enough for dark text, in the order in which sorts first appear.
const FILLS: &[&str] = &["#9ecae1", "#fdd0a2", "#a1d99b", "#dadaeb", "#fcbba1", "#fff2ae", "#d9d9d9"];

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 56.0;
const LABEL: f64 = 10.0;

/// An arena over time: steps from left to right, addresses in KiB from below, a rectangle for each block, with its name
/// where there is room.
#[must_use]
pub fn memory_plan(title: &str, blocks: &[MemoryBlock]) -> String {
    let kinds = kinds(blocks);
    let legend_width = kinds.iter().map(|kind| legend_item(kind)).sum::<f64>();
    let mut svg = Svg::new(WIDTH.max(LEFT + legend_width), HEIGHT);
    svg.text((LEFT, 34.0), title, Style::new(18.0, Anchor::Start, INK).bold());
    let steps = blocks.iter().map(|block| block.steps.1 + 1).max().unwrap_or(1);
    let bytes = blocks.iter().map(|block| block.offset + block.bytes).max().unwrap_or(0);
    let ticks = axis::ticks(0.0, (bytes as f64 / 1024.0).max(1.0), 6);
    let top = ticks.last().copied().unwrap_or(1.0);
    let floor = HEIGHT - BOTTOM;
    let x = |step: usize| LEFT + step as f64 / steps as f64 * (WIDTH - LEFT - RIGHT);
    let y = |bytes: u64| floor - bytes as f64 / 1024.0 / top * (floor - TOP);

    for (tick, label) in ticks.iter().zip(axis::labels(&ticks)) {
        let y = floor - tick / top * (floor - TOP);
        svg.line((LEFT, y), (WIDTH - RIGHT, y), GRID, 1.0);
        svg.text((LEFT - 10.0, y + 4.0), &label, Style::new(12.0, Anchor::End, FADED));
    }
    for block in blocks {
        let (left, right) = (x(block.steps.0), x(block.steps.1 + 1));
        let (upper, lower) = (y(block.offset + block.bytes), y(block.offset));
        let size = (right - left, lower - upper);
        let kind = kinds.iter().position(|kind| *kind == block.kind).unwrap_or(0);
        svg.rect((left, upper), size, FILLS[kind % FILLS.len()]);
        svg.frame((left, upper), size, "#ffffff");
        label(&mut svg, &block.name, (left, upper), size);
    }
    let peak = y(bytes);
    svg.line((LEFT, peak), (WIDTH - RIGHT, peak), INK, 1.0);
    let total = format!("{:.1} KiB", bytes as f64 / 1024.0);
    svg.text((WIDTH - RIGHT, peak - 6.0), &total, Style::new(12.0, Anchor::End, INK).bold());
    svg.line((LEFT, floor), (WIDTH - RIGHT, floor), FADED, 1.0);
    svg.text(
        (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 14.0),
        "layer by layer",
        Style::new(13.0, Anchor::Middle, INK),
    );
    for step in (0..steps).step_by(10) {
        svg.text((x(step), floor + 18.0), &step.to_string(), Style::new(12.0, Anchor::Start, FADED));
    }
    svg.text((22.0, f64::midpoint(TOP, floor)), "KiB", Style::new(13.0, Anchor::Middle, INK).turned(-90.0));
    legend(&mut svg, &kinds);
    svg.finish()
}

/// Sorts in the order in which they first appear.
fn kinds(blocks: &[MemoryBlock]) -> Vec<&str> {
    let mut kinds: Vec<&str> = Vec::new();
    for block in blocks {
        if !kinds.contains(&block.kind.as_str()) {
            kinds.push(&block.kind);
        }
    }
    kinds
}

/// The name inside its rectangle, upright or turned, whichever has room.
fn label(svg: &mut Svg, name: &str, (left, upper): (f64, f64), (width, height): (f64, f64)) {
    let name = shortened(name, 28);
    let length = text_width(&name, LABEL) + 4.0;
    let middle = (left + width / 2.0, upper + height / 2.0);
    let style = Style::new(LABEL, Anchor::Middle, INK);
    if length <= width && height >= LABEL + 2.0 {
        svg.text((middle.0, middle.1 + 3.5), &name, style);
    } else if length <= height && width >= LABEL + 2.0 {
        svg.text((middle.0 + 3.5, middle.1), &name, style.turned(-90.0));
    }
}

fn legend(svg: &mut Svg, kinds: &[&str]) {
    let mut x = LEFT;
    for (index, kind) in kinds.iter().enumerate() {
        svg.rect((x, 52.0), (12.0, 12.0), FILLS[index % FILLS.len()]);
        let kind = shortened(kind, 24);
        svg.text((x + 17.0, 62.0), &kind, Style::new(12.0, Anchor::Start, INK));
        x += legend_item(&kind);
    }
}

/// Width of a sort in the legend.
fn legend_item(kind: &str) -> f64 {
    17.0 + text_width(&shortened(kind, 24), 12.0) + 14.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, steps: (usize, usize), offset: u64, bytes: u64) -> MemoryBlock {
        MemoryBlock { name: name.to_owned(), kind: "Conv2D".to_owned(), steps, offset, bytes }
    }

    #[test]
    fn every_block_is_a_rectangle_and_the_total_is_told() {
        let blocks = [block("first", (0, 4), 0, 1024), block("a < b", (2, 9), 1024, 2048)];
        let svg = memory_plan("Plan", &blocks);
        // Ground, legend, two blocks with a frame each.
        assert_eq!(svg.matches("<rect").count(), 2 + 2 * 2);
        assert!(svg.contains("3.0 KiB") && svg.contains(">first<") && svg.contains("a &lt; b"), "{svg}");
        assert_eq!(svg, memory_plan("Plan", &blocks));
    }

    #[test]
    fn an_empty_plan_is_a_picture_too() {
        let svg = memory_plan("Plan", &[]);
        assert!(svg.contains("0.0 KiB") && !svg.contains("NaN"), "{svg}");
    }
}
