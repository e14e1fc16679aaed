//! CSV by RFC 4180, with all digits, for spreadsheets and scripts.

use super::{
    cell::exact,
    comparison::{Column, Comparison},
    row::{Row, RowError},
};

impl Comparison {
    /// A line for each run: `run`, `folder`, `outcome`, `error`, then the whole names of the table's columns. Lines end in
    /// CR LF; a value that is not there is empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let fixed = ["run", "folder", "outcome", "error"].map(str::to_owned);
        let names = self.table().map(|column| column.name.clone());
        let mut text = line(fixed.into_iter().chain(names));
        for row in self.rows() {
            let error = row.error.as_ref().map(RowError::line).unwrap_or_default();
            let fixed = [row.name.clone(), row.folder.display().to_string(), row.outcome.to_owned(), error];
            text += &line(fixed.into_iter().chain(self.table().map(|column| value(column, row))));
        }
        text
    }
}

fn value(column: &Column, row: &Row) -> String {
    match column.parameter(row) {
        Some(parameter) => parameter.shown.clone(),
        None if column.is_parameter() => String::new(),
        None => column.number(row).map(exact).unwrap_or_default(),
    }
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.map(|field| quoted(&field)).collect::<Vec<_>>().join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
