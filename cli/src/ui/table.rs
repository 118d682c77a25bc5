//! Tables of text and numbers.

use comfy_table::{
    Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, TableStyle,
};

/// The look of tables where they are printed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    /// With colours and bold letters.
    pub(crate) colored: bool,
    /// On a terminal.
    pub(crate) terminal: bool,
    /// The width in columns, to which long texts are wrapped; `None` for that of the terminal, or
    /// no limit elsewhere.
    pub(crate) width: Option<u16>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    text: String,
    number: Option<f64>,
    strong: bool,
}

impl Cell {
    /// A number with `digits` digits after the point, right-aligned.
    pub(crate) fn number(value: f64, digits: usize) -> Self {
        Cell {
            text: format!("{value:.digits$}"),
            number: Some(value),
            strong: false,
        }
    }

    /// A number that is shown as `text`, right-aligned.
    pub(crate) fn shown(number: f64, text: String) -> Self {
        Cell {
            text,
            number: Some(number),
            strong: false,
        }
    }

    /// A number of things, right-aligned, with a separator between thousands.
    pub(crate) fn count(value: usize) -> Self {
        Cell {
            text: indicatif::HumanCount(value as u64).to_string(),
            number: Some(value as f64),
            strong: false,
        }
    }

    /// The same cell with more text behind it.
    pub(crate) fn with(mut self, more: &str) -> Self {
        self.text.push_str(more);
        self
    }

    /// The same cell in bold letters.
    pub(crate) fn strong(mut self) -> Self {
        self.strong = true;
        self
    }
}

/// Text, left-aligned.
impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell {
            text: text.into(),
            number: None,
            strong: false,
        }
    }
}

/// A header and rows of cells.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table with these column titles; if all are empty, they are not shown.
    pub(crate) fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Table {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Appends a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Makes the best number of a column bold, and all that look the same.
    pub(crate) fn mark_best(&mut self, column: usize, higher_is_better: bool) {
        let cells = || self.rows.iter().filter_map(|row| row.get(column));
        let numbers = cells().filter(|cell| cell.number.is_some_and(|n| !n.is_nan()));
        let best = numbers.max_by(|a, b| {
            let order = a.number.partial_cmp(&b.number);
            let order = order.unwrap_or(std::cmp::Ordering::Equal);
            if higher_is_better {
                order
            } else {
                order.reverse()
            }
        });
        let Some(best) = best.map(|cell| cell.text.clone()) else {
            return;
        };
        for cell in self.rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            cell.strong |= cell.number.is_some() && cell.text == best;
        }
    }

    /// The table as text.
    pub(crate) fn render(&self, look: Look) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(
            TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')),
        );
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = look.width {
            table.set_width(width);
        }
        if !look.terminal {
            table.force_no_tty();
        }
        if look.colored {
            table.enforce_styling();
        }
        if self.header.iter().any(|title| !title.is_empty()) {
            table.set_header(self.titles(look));
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| drawn(cell, look)));
        }
        // Names in the first column, numbers and short words are never broken.
        for (index, column) in table.column_iter_mut().enumerate() {
            if index == 0 || self.is_number(index) || self.is_short(index) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.trim_fmt()
    }

    fn titles(&self, look: Look) -> impl Iterator<Item = comfy_table::Cell> {
        self.header.iter().enumerate().map(move |(column, title)| {
            let title = comfy_table::Cell::new(title).set_alignment(self.alignment(column));
            if look.colored {
                title.fg(Color::Cyan).add_attribute(Attribute::Bold)
            } else {
                title
            }
        })
    }

    /// A column's title is aligned like its cells.
    fn alignment(&self, column: usize) -> CellAlignment {
        alignment(self.is_number(column))
    }

    /// Returns `true` if all cells of a column are short words.
    fn is_short(&self, column: usize) -> bool {
        const SHORT: usize = 16;
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.all(|cell| cell.text.chars().count() <= SHORT)
    }

    fn is_number(&self, column: usize) -> bool {
        let cell = self.rows.iter().find_map(|row| row.get(column));
        cell.is_some_and(|cell| cell.number.is_some())
    }
}

fn alignment(number: bool) -> CellAlignment {
    if number {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    }
}

fn drawn(cell: &Cell, look: Look) -> comfy_table::Cell {
    let drawn = comfy_table::Cell::new(&cell.text).set_alignment(alignment(cell.number.is_some()));
    if cell.strong && look.colored {
        drawn.add_attribute(Attribute::Bold)
    } else {
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Table {
        let mut table = Table::new(["method", "users", "recall@5"]);
        table.row([
            "popular".into(),
            Cell::count(22363),
            Cell::number(0.0101, 4),
        ]);
        table.row(["lis".into(), Cell::count(22363), Cell::number(0.0432, 4)]);
        table.row(["again".into(), Cell::count(9), Cell::number(0.04321, 4)]);
        table
    }

    #[test]
    fn a_plain_table_has_aligned_columns_and_nothing_invisible() {
        insta::assert_snapshot!(results().render(Look::default()), @r"
         method     users   recall@5
        ─────────────────────────────
         popular   22,363     0.0101
         lis       22,363     0.0432
         again          9     0.0432
        ");
    }

    #[test]
    fn the_best_is_the_highest_or_the_lowest_as_asked_and_equals_share() {
        let strong = |table: &Table| {
            let marks = table.rows.iter().map(|row| row[2].strong);
            marks.collect::<Vec<_>>()
        };
        let mut table = results();
        table.mark_best(2, true);
        assert_eq!(strong(&table), [false, true, true]);
        let mut table = results();
        table.row(["none".into(), Cell::count(0), Cell::number(f64::NAN, 4)]);
        table.mark_best(2, false);
        assert_eq!(strong(&table), [true, false, false, false]);
    }

    #[test]
    fn bold_and_colours_are_drawn_only_when_wanted() {
        let mut table = results();
        table.mark_best(2, true);
        let look = Look {
            colored: true,
            terminal: false,
            width: None,
        };
        assert!(table.render(look).contains("\u{1b}[1m"));
        assert!(!table.render(Look::default()).contains('\u{1b}'));
    }
}
