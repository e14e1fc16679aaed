//! Confusion matrices.

use crate::svg::{Anchor, FADED, INK, Style, Svg, shortened, text_width};

const CELL: f64 = 54.0;
const SMALL_CELL: f64 = 38.0;
/// From here on cells are small, so that 21 classes fit a page.
const MANY: usize = 12;
const LABEL: f64 = 13.0;
const TOP: f64 = 66.0;
const MARGIN: f64 = 26.0;

/// A confusion matrix: `counts` row by row, one row for each labelled class. Cells show the share of the row in percent
/// and are darker the larger it is; a class that is never labelled has an empty row. `classes` names rows and columns, the
/// counts of which there are `classes.len()` squared; counts that are not there are 0.
#[must_use]
pub fn confusion_matrix(title: &str, classes: &[String], counts: &[u64]) -> String {
    let names: Vec<String> = classes.iter().map(|name| shortened(name, 18)).collect();
    let cell = if names.len() >= MANY { SMALL_CELL } else { CELL };
    let longest = names.iter().map(|name| text_width(name, LABEL)).fold(0.0, f64::max);
    let side = cell * names.len() as f64;
    // Column names are turned by 45 degrees below the matrix and reach down and left.
    let drop = longest * std::f64::consts::FRAC_1_SQRT_2 + 22.0;
    let left = MARGIN + 24.0 + longest.max(drop - 30.0) + 12.0;
    let width = (left + side + MARGIN).max(2.0 * MARGIN + text_width(title, 18.0) * 1.05);
    let mut svg = Svg::new(width, TOP + side + drop + 40.0);
    svg.text((MARGIN, 34.0), title, Style::new(18.0, Anchor::Start, INK).bold());
    svg.text((MARGIN, 52.0), "share of each labelled class, %", Style::new(12.0, Anchor::Start, FADED));

    for (row, name) in names.iter().enumerate() {
        let y = TOP + cell * row as f64;
        svg.text((left - 9.0, y + cell / 2.0 + 4.5), name, Style::new(LABEL, Anchor::End, INK));
        let count = |column: usize| counts.get(row * names.len() + column).copied().unwrap_or(0);
        let total: u64 = (0..names.len()).map(count).sum();
        for column in 0..names.len() {
            let x = left + cell * column as f64;
            let share = (total > 0).then(|| count(column) as f64 / total as f64);
            draw_cell(&mut svg, (x, y), cell, share);
        }
    }
    for (column, name) in names.iter().enumerate() {
        let at = (left + cell * (column as f64 + 0.5) + 4.0, TOP + side + 16.0);
        svg.text(at, name, Style::new(LABEL, Anchor::End, INK).turned(-45.0));
    }
    svg.frame((left, TOP), (side, side), FADED);
    let middle = TOP + side / 2.0;
    svg.text((MARGIN + 4.0, middle), "labelled", Style::new(LABEL, Anchor::Middle, FADED).turned(-90.0));
    let below = (left + side / 2.0, TOP + side + drop + 24.0);
    svg.text(below, "predicted", Style::new(LABEL, Anchor::Middle, FADED));
    svg.finish()
}

fn draw_cell(svg: &mut Svg, (x, y): (f64, f64), cell: f64, share: Option<f64>) {
    let Some(share) = share else {
        return svg.rect((x + 0.5, y + 0.5), (cell - 1.0, cell - 1.0), "#f5f7fa");
    };
    svg.rect((x + 0.5, y + 0.5), (cell - 1.0, cell - 1.0), &shade(share));
    if share > 0.0 {
        let color = if share > 0.55 { "#ffffff" } else { INK };
        let size = if cell < CELL { 11.0 } else { 13.0 };
        let middle = (x + cell / 2.0, y + cell / 2.0 + size * 0.36);
        svg.text(middle, &percent(share), Style::new(size, Anchor::Middle, color));
    }
}

/// From white to dark blue.
fn shade(share: f64) -> String {
    let mix = |light: f64, dark: f64| (light + (dark - light) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(247.0, 8.0), mix(251.0, 69.0), mix(255.0, 138.0))
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        tiny if tiny < 0.05 => "<0.1".to_owned(),
        // 99.96 is not 100: whole percents are for whole rows.
        high if high >= 99.95 && share < 1.0 => ">99.9".to_owned(),
        whole if share == 1.0 => format!("{whole:.0}"),
        other => format!("{other:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("class {index}")).collect()
    }

    #[test]
    fn cells_show_the_share_of_their_row() {
        let svg = confusion_matrix("Matrix", &classes(2), &[3, 1, 0, 5]);
        for wanted in [">75.0<", ">25.0<", ">100<"] {
            assert!(svg.contains(wanted), "{wanted} in {svg}");
        }
    }

    #[test]
    fn a_class_that_is_never_labelled_has_an_empty_row() {
        let svg = confusion_matrix("Matrix", &classes(2), &[0, 0, 0, 5]);
        assert!(!svg.contains("NaN"));
        assert_eq!(svg.matches("#f5f7fa").count(), 2);
    }

    #[test]
    fn shares_are_rounded_without_claiming_too_much() {
        assert_eq!([0.0001, 0.5, 0.99999, 1.0].map(percent), ["<0.1", "50.0", ">99.9", "100"]);
    }

    #[test]
    fn the_picture_grows_with_its_classes_and_repeats_byte_by_byte() {
        let counts: Vec<u64> = (0..21 * 21).collect();
        let svg = confusion_matrix("Matrix", &classes(21), &counts);
        assert_eq!(svg, confusion_matrix("Matrix", &classes(21), &counts));
        assert_eq!(svg.matches("-45").count(), 21);
    }
}
