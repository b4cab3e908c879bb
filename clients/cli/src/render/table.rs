//! Grids of `+---+` lines, the only kind scripts know.

use super::wrap;

/// A grid: one header line, then rows, everything aligned left and top.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Column {
    header: String,
    limit: usize,
}

impl Table {
    /// Columns with the widest they may get; a header is never broken.
    pub(crate) fn new(columns: impl IntoIterator<Item = (String, usize)>) -> Self {
        let columns = columns.into_iter().map(|(header, limit)| Column { header, limit }).collect();
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The whole grid without a line break at its end.
    pub(crate) fn to_text(&self) -> String {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let content = self.rows.iter().filter_map(|row| row.get(index));
                let widest =
                    content.flat_map(|cell| cell.split('\n')).map(wrap::width).max().unwrap_or(0);
                widest.min(column.limit).max(wrap::width(&column.header))
            })
            .collect();
        let rule = rule(&widths);
        let headers = self.columns.iter().map(|column| vec![column.header.clone()]).collect();
        let mut lines = vec![rule.clone()];
        lines.extend(grid_row(headers, &widths));
        lines.push(rule.clone());
        for row in &self.rows {
            let cells =
                row.iter().zip(&widths).map(|(cell, width)| wrap::cell(cell, *width)).collect();
            lines.extend(grid_row(cells, &widths));
        }
        lines.push(rule);
        lines.join("\n")
    }
}

/// Lines of text inside a frame.
pub(crate) fn boxed(lines: &[&str]) -> String {
    let widths = [lines.iter().map(|line| wrap::width(line)).max().unwrap_or(0)];
    let rule = rule(&widths);
    let cells = vec![lines.iter().map(|line| (*line).to_owned()).collect()];
    let mut framed = vec![rule.clone()];
    framed.extend(grid_row(cells, &widths));
    framed.push(rule);
    framed.join("\n")
}

fn rule(widths: &[usize]) -> String {
    let mut line = String::from("+");
    for width in widths {
        line.push_str(&"-".repeat(width + 2));
        line.push('+');
    }
    line
}

fn grid_row(cells: Vec<Vec<String>>, widths: &[usize]) -> Vec<String> {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut lines = Vec::with_capacity(height);
    for index in 0..height {
        let mut line = String::from("|");
        for (cell, width) in cells.iter().zip(widths) {
            let text = cell.get(index).map_or("", String::as_str);
            let fill = " ".repeat(width.saturating_sub(wrap::width(text)));
            line.push_str(&format!(" {text}{fill} |"));
        }
        lines.push(line);
    }
    lines
}
