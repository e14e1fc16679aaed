//! Plain tables with aligned columns.

use super::cells::{plain, width};

/// Sets rows under a header, columns two blanks apart, no blanks at line ends. Columns in `right` are aligned right. A cell
/// is one line, and nothing in it is a command to a terminal.
#[must_use]
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]], right: &[usize]) -> String {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| std::array::from_fn(|column| plain(&row[column]).replace('\n', " "))).collect();
    let columns: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(header[column])]).max().unwrap_or(0)
    });
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(columns[column].saturating_sub(width(cell)));
            let (before, after) =
                if right.contains(&column) { (padding.as_str(), "") } else { ("", padding.as_str()) };
            line.push_str(before);
            line.push_str(cell);
            line.push_str(after);
            line.push_str("  ");
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    };
    let body = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    std::iter::once(line(header)).chain(body).collect()
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
