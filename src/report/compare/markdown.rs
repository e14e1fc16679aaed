//! A table in the Markdown of GitHub, GitLab and most wikis.

use super::{comparison::Comparison, row::RowError};
use crate::report::cells::plain;

impl Comparison {
    /// The table, best values in bold.
    #[must_use]
    pub fn markdown(&self) -> String {
        let done = self.rows().iter().all(|row| row.outcome == "done");
        let failed = self.rows().iter().any(|row| row.error.is_some());
        let mut columns = vec![("run".to_owned(), false, self.each(|row| row.name.clone()))];
        if !done {
            columns.push(("outcome".to_owned(), false, self.each(|row| row.outcome.to_owned())));
        }
        for column in self.table() {
            let (cells, best) = (self.cells(column), self.best(column));
            let bold = |(index, cell): (usize, String)| match best.get(index) {
                Some(true) => format!("**{}**", escaped(&cell)),
                _ => escaped(&cell),
            };
            let cells = cells.into_iter().enumerate().map(bold).collect();
            columns.push((escaped(&column.short), self.is_numeric(column), cells));
        }
        if failed {
            let error = self.each(|row| row.error.as_ref().map(RowError::line).unwrap_or_default());
            columns.push(("error".to_owned(), false, error));
        }
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = line(&mut columns.iter().map(|(heading, ..)| heading.as_str()));
        text += &line(&mut columns.iter().map(|(_, right, _)| if *right { "--:" } else { "---" }));
        for row in 0..self.rows().len() {
            text += &line(&mut columns.iter().map(|(.., cells)| cells.get(row).map_or("", String::as_str)));
        }
        text
    }

    fn each(&self, cell: impl Fn(&super::Row) -> String) -> Vec<String> {
        self.rows().iter().map(|row| escaped(&cell(row))).collect()
    }
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '\n' => shown.push(' '),
            '|' | '\\' | '*' | '_' | '`' | '<' | '[' | ']' => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}
