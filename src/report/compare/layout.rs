//! A table in as much width as there is: as it is, then with headings of several lines, then with texts cut short, then
//! turned, then in parts below each other. No line is longer than the page.

use crate::report::cells::{cut, plain, width};

/// A column of text.
#[derive(Debug, Clone, Default)]
pub(super) struct Strip {
    pub(super) heading: String,
    pub(super) cells: Vec<String>,
    /// Numbers stand on the right.
    pub(super) right: bool,
    /// Rows with the best value.
    pub(super) best: Vec<bool>,
}

/// How a best value is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// With a star behind it.
    Star,
    /// In bold.
    Bold,
}

/// Between two columns.
const GAP: usize = 2;

/// Lines that a heading is broken into at most.
const LINES: usize = 3;

/// Runs that are shown side by side at most, in a table that is turned.
const TURNED: usize = 12;

/// Columns of a text that is cut short.
const CUT: usize = 24;

/// Sets columns, the first of which names the rows, in lines of at most `columns`.
pub(super) fn lay(strips: Vec<Strip>, columns: Option<usize>, mark: Mark) -> String {
    let mut strips: Vec<Strip> = strips.into_iter().map(Strip::plain).collect();
    let Some(columns) = columns else { return lines(&strips.iter().collect::<Vec<_>>(), 1, mark) };
    let fits = |strips: &[Strip], count: usize| {
        let all: usize = strips.iter().map(|strip| strip.width(count, mark) + GAP).sum();
        all.saturating_sub(GAP) <= columns
    };
    for cut in [false, true] {
        if cut {
            strips.iter_mut().for_each(Strip::cut);
        }
        if let Some(count) = (1..=LINES).find(|count| fits(&strips, *count)) {
            return lines(&strips.iter().collect::<Vec<_>>(), count, mark);
        }
    }
    let rows = strips.first().map_or(0, |strip| strip.cells.len());
    if rows <= TURNED {
        let turned = turned(&strips, mark);
        if fits(&turned, 1) {
            return lines(&turned.iter().collect::<Vec<_>>(), 1, Mark::Bold);
        }
    }
    parts(&strips, columns, mark)
}

/// In parts below each other, each with the names of the rows.
fn parts(strips: &[Strip], columns: usize, mark: Mark) -> String {
    let Some((names, rest)) = strips.split_first() else { return String::new() };
    let names = names.limited((columns / 2).max(1), mark);
    let taken = names.width(LINES, mark) + GAP;
    let rest: Vec<Strip> =
        rest.iter().map(|strip| strip.limited(columns.saturating_sub(taken).max(1), mark)).collect();
    let mut tables: Vec<String> = Vec::new();
    let (mut part, mut used) = (vec![&names], taken);
    for strip in &rest {
        let wide = strip.width(LINES, mark);
        if used + wide > columns && part.len() > 1 {
            tables.push(lines(&part, LINES, mark));
            (part, used) = (vec![&names], taken);
        }
        part.push(strip);
        used += wide + GAP;
    }
    tables.push(lines(&part, LINES, mark));
    tables.join("\n")
}

/// A column for each row.
fn turned(strips: &[Strip], mark: Mark) -> Vec<Strip> {
    let Some((names, rest)) = strips.split_first() else { return Vec::new() };
    let headings = Strip {
        heading: names.heading.clone(),
        cells: rest.iter().map(|strip| strip.heading.clone()).collect(),
        ..Strip::default()
    };
    let run = |(row, name): (usize, &String)| Strip {
        heading: name.clone(),
        cells: rest.iter().map(|strip| strip.cell(row, mark)).collect(),
        right: true,
        best: match mark {
            Mark::Star => Vec::new(),
            Mark::Bold => rest.iter().map(|strip| strip.best.get(row) == Some(&true)).collect(),
        },
    };
    std::iter::once(headings).chain(names.cells.iter().enumerate().map(run)).collect()
}

impl Strip {
    fn plain(mut self) -> Self {
        for cell in &mut self.cells {
            *cell = plain(cell).replace('\n', " ");
        }
        self.heading = plain(&self.heading).replace('\n', " ");
        self
    }

    /// Long texts without the folders that they have in common, and cut off.
    fn cut(&mut self) {
        if self.right || self.cells.iter().all(|cell| width(cell) <= CUT) {
            return;
        }
        let common = common_folder(&self.cells);
        for cell in &mut self.cells {
            if common > 4 && cell.len() > common {
                cell.replace_range(..common, "…/");
            }
            *cell = cut(cell, CUT);
        }
    }

    /// A cell with its mark, as wide as the others'.
    fn cell(&self, row: usize, mark: Mark) -> String {
        let cell = self.cells.get(row).map_or("", String::as_str);
        match (mark, self.best.contains(&true), self.best.get(row)) {
            (Mark::Star, true, Some(true)) => format!("{cell}*"),
            (Mark::Star, true, _) => format!("{cell} "),
            _ => cell.to_owned(),
        }
    }

    /// In at most so many columns; what is gone is an ellipsis.
    fn limited(&self, columns: usize, mark: Mark) -> Self {
        let within = columns - self.star(mark).min(columns);
        let broken = self.headings(LINES, self.body().min(within));
        let heading = if broken.iter().any(|line| width(line) > within) {
            cut(&self.heading, within)
        } else {
            self.heading.clone()
        };
        Self { heading, cells: self.cells.iter().map(|cell| cut(cell, within)).collect(), ..self.clone() }
    }

    fn body(&self) -> usize {
        self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0)
    }

    /// Room for a star.
    fn star(&self, mark: Mark) -> usize {
        usize::from(mark == Mark::Star && self.best.contains(&true))
    }

    fn width(&self, count: usize, mark: Mark) -> usize {
        let body = self.body();
        let heading = self.headings(count, body).iter().map(|line| width(line)).max().unwrap_or(0);
        heading.max(body) + self.star(mark)
    }

    /// The heading in at most so many lines, as narrow as they can be but not narrower than the cells.
    fn headings(&self, count: usize, body: usize) -> Vec<String> {
        let whole = width(&self.heading);
        let broken = |columns: usize| {
            let mut lines = vec![String::new()];
            for word in self.heading.split_inclusive(['_', '.', ' ', '-', '/']) {
                let line = lines.last().map_or("", String::as_str);
                if !line.is_empty() && width(line) + width(word.trim_end()) > columns {
                    lines.push(String::new());
                }
                if let Some(line) = lines.last_mut() {
                    line.push_str(word);
                }
            }
            lines.into_iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
        };
        let fitting = |columns: &usize| {
            let lines = broken(*columns);
            lines.len() <= count && lines.iter().all(|line| width(line) <= *columns)
        };
        let columns = (body.min(whole)..whole).find(fitting).unwrap_or(whole);
        if columns >= whole { vec![self.heading.clone()] } else { broken(columns) }
    }
}

/// Bytes up to the last `/` that all texts have in common, included.
fn common_folder(texts: &[String]) -> usize {
    let mut filled = texts.iter().filter(|text| !text.is_empty());
    let Some(first) = filled.next() else { return 0 };
    let common = filled.fold(first.as_str(), |common, text| {
        let same = common.char_indices().zip(text.chars()).find(|((_, a), b)| a != b);
        let end = same.map_or(common.len().min(text.len()), |((at, _), _)| at);
        &common[..end]
    });
    common.rfind('/').map_or(0, |at| at + 1)
}

/// Lines with aligned columns, without blanks at their ends.
fn lines(strips: &[&Strip], count: usize, mark: Mark) -> String {
    let widths: Vec<usize> = strips.iter().map(|strip| strip.width(count, mark)).collect();
    let headings: Vec<Vec<String>> = strips.iter().map(|strip| strip.headings(count, strip.body())).collect();
    let deep = headings.iter().map(Vec::len).max().unwrap_or(1);
    let mut text = String::new();
    let mut push = |cells: Vec<(String, bool)>| {
        let mut line = String::new();
        for (index, (cell, bold)) in cells.iter().enumerate() {
            let blanks = " ".repeat(widths[index].saturating_sub(width(cell)));
            let shown = if *bold { format!("\x1b[1m{cell}\x1b[0m") } else { cell.clone() };
            let gap = if index == 0 { 0 } else { GAP };
            line.push_str(&" ".repeat(gap));
            line += &if strips[index].right { blanks + &shown } else { shown + &blanks };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    for depth in 0..deep {
        // Short headings stand at the bottom, on their columns.
        let line = |strip: (&Vec<String>, &&Strip)| {
            let missing = deep - strip.0.len();
            let heading =
                depth.checked_sub(missing).and_then(|at| strip.0.get(at)).cloned().unwrap_or_default();
            (heading + &" ".repeat(strip.1.star(mark)), false)
        };
        push(headings.iter().zip(strips).map(line).collect());
    }
    let rows = strips.iter().map(|strip| strip.cells.len()).max().unwrap_or(0);
    for row in 0..rows {
        let cell = |strip: &&Strip| {
            (strip.cell(row, mark), mark == Mark::Bold && strip.best.get(row) == Some(&true))
        };
        push(strips.iter().map(cell).collect());
    }
    text
}
