//! Results as plain aligned text: the first column to the left, figures to the right.

/// Rows under their heads, in columns as wide as they need.
pub(crate) fn render<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([heads[column].len()]).max().unwrap_or(0)
    };
    let line = |cells: [&str; N]| {
        let cells = cells.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(line(heads)).chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["one".to_owned(), "1".to_owned()], ["seventeen".to_owned(), "12.5 µs".to_owned()]];
        assert_eq!(render(["", "CPU"], &rows), "               CPU\none              1\nseventeen  12.5 µs");
    }
}
