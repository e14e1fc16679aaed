//! Plain tables with aligned columns.

/// Sets rows under a header, columns two blanks apart, no blanks at line ends. Columns in `right` are aligned right.
#[must_use]
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]], right: &[usize]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(width(column) - cell.chars().count());
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
    }
}
