//! A table of texts for the terminal.
//!
//! Columns are as wide as what is in them: words stand to the left, numbers to the right.

use std::fmt::Write;

/// Rows below their titles.
pub struct Table {
    words: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One with these titles; so many columns, from the left, hold words.
    pub fn new(words: usize, titles: &[&str]) -> Self {
        Self {
            words,
            rows: vec![titles.iter().map(|&title| title.to_owned()).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// As a text that begins with an empty line.
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::from("\n");
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let _ = if column < self.words {
                    write!(line, "{cell:<width$}  ")
                } else {
                    write!(line, "{cell:>width$}  ")
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(2, &["load", "bot", "CPU µs"]);
        table.row(["burst", "host", "80.5"].map(str::to_owned));
        table.row(["a longer one", "twilight", "7"].map(str::to_owned));
        assert_eq!(
            table.text(),
            "\nload          bot       CPU µs\nburst         host        80.5\na longer one  twilight       7\n"
        );
    }
}
