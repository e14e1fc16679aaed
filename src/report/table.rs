//! Plain tables with aligned columns.

use super::cells::{plain, width};

/// Sets rows under a header, columns two blanks apart, no blanks at line ends. Columns in `right` are aligned right. A cell
/// is one line, and nothing in it is a command to a terminal.
#[must_use]
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]], right: &[usize]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    columns(&header.map(str::to_owned), &rows, right)
}

/// The same with as many columns as the header has.
#[must_use]
pub fn columns(header: &[String], rows: &[Vec<String>], right: &[usize]) -> String {
    let plain_row = |row: &[String]| row.iter().map(|cell| plain(cell).replace('\n', " ")).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(plain_row(header)).chain(rows.iter().map(|row| plain_row(row))).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in &lines {
        let start = text.len();
        for (column, (cell, columns)) in line.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(columns.saturating_sub(width(cell)));
            let (before, after) =
                if right.contains(&column) { (padding.as_str(), "") } else { ("", padding.as_str()) };
            text.extend([before, cell, after, "  "]);
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let rows = [["train".to_owned(), "1".to_owned()], ["e".to_owned(), "1000".to_owned()]];
        assert_eq!(table(["stage", "n"], &rows, &[1]), "stage     n\ntrain     1\ne      1000\n");
        assert_eq!(table(["stage", "n"], &rows, &[]), "stage  n\ntrain  1\ne      1000\n");
        let hostile = [["a\nb\u{1b}[2J".to_owned(), "1".to_owned()], ["量化".to_owned(), "2".to_owned()]];
        assert_eq!(table(["s", "n"], &hostile, &[]), "s        n\na b\u{fffd}[2J  1\n量化     2\n");
    }
}
