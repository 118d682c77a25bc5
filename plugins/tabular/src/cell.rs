//! A cell, and what it can be taken for.

use std::borrow::Cow;

use crate::config::TimeUnit;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A text, which may be that of a number where the format does not tell them apart.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A time, in milliseconds since 1970.
    Time(i64),
    /// Something else: what it is, and how it is written.
    Other(&'static str, Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// The cell as the id in the column `column`.
    pub(crate) fn id(&self, column: &str) -> Result<Cow<'_, str>, String> {
        match self {
            Cell::Text(text) if !text.is_empty() && !text.eq_ignore_ascii_case("nan") => {
                Ok(Cow::Borrowed(text))
            }
            Cell::Integer(number) => Ok(Cow::Owned(number.to_string())),
            other => Err(other.refused(column, "an id, which is a text or a whole number")),
        }
    }

    /// The cell as the time in the column `column`, in milliseconds.
    pub(crate) fn time(&self, column: &str, unit: TimeUnit) -> Result<i64, String> {
        let (factor, expected) = match unit {
            TimeUnit::Seconds => (1000, "a number of seconds since 1970"),
            TimeUnit::Milliseconds => (1, "a number of milliseconds since 1970"),
        };
        let whole = |number: i64| number.checked_mul(factor);
        let broken = |number: f64| {
            let milliseconds = (number * factor as f64).round();
            // Exactly the floats that are within the range of 64-bit integers.
            (i64::MIN as f64..-(i64::MIN as f64))
                .contains(&milliseconds)
                .then_some(milliseconds as i64)
        };
        let time = match self {
            Cell::Time(milliseconds) => Some(*milliseconds),
            Cell::Integer(number) => whole(*number),
            Cell::Float(number) => broken(*number),
            Cell::Text(text) => match text.trim().parse() {
                Ok(number) => whole(number),
                Err(_) => text.trim().parse().ok().and_then(broken),
            },
            Cell::Empty | Cell::Other(..) => None,
        };
        time.ok_or_else(|| self.refused(column, expected))
    }

    /// The cell as the number in the column `column`; NaN where it is empty.
    pub(crate) fn number(&self, column: &str) -> Result<f32, String> {
        let number = match self {
            Cell::Empty => Some(f64::NAN),
            Cell::Integer(number) => Some(*number as f64),
            Cell::Float(number) => Some(*number),
            Cell::Text(text) if text.trim().is_empty() => Some(f64::NAN),
            Cell::Text(text) => text.trim().parse().ok(),
            Cell::Time(_) | Cell::Other(..) => None,
        };
        match number {
            Some(number) if !(number as f32).is_infinite() => Ok(number as f32),
            _ => Err(self.refused(column, "a number or nothing")),
        }
    }

    /// The cell as text; none where it is empty.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Cell::Empty => None,
            Cell::Text(text) | Cell::Other(_, text) => Some(text.into_owned()),
            Cell::Integer(number) | Cell::Time(number) => Some(number.to_string()),
            Cell::Float(number) => Some(number.to_string()),
        }
    }

    fn refused(&self, column: &str, expected: &str) -> String {
        let found = match self {
            Cell::Empty => "nothing".to_string(),
            Cell::Text(text) if text.chars().count() > 60 => {
                let start: String = text.chars().take(60).collect();
                format!("`{start}…`")
            }
            Cell::Text(text) => format!("`{text}`"),
            Cell::Integer(number) => number.to_string(),
            Cell::Float(number) => number.to_string(),
            Cell::Time(milliseconds) => format!("a time ({milliseconds} ms since 1970)"),
            Cell::Other(what, _) => what.to_string(),
        };
        format!("column `{column}`: found {found}, expected {expected}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn ids_are_texts_or_whole_numbers() {
        assert_eq!(text("B00").id("c").as_deref(), Ok("B00"));
        assert_eq!(Cell::Integer(-7).id("c").as_deref(), Ok("-7"));
        let refused = [
            (Cell::Empty, "nothing"),
            (text(""), "``"),
            (text("NaN"), "`NaN`"),
            (Cell::Float(f64::NAN), "NaN"),
            (Cell::Float(1.5), "1.5"),
            (Cell::Other("a list", "[1]".into()), "a list"),
        ];
        for (cell, found) in refused {
            let error = cell.id("user").unwrap_err();
            assert_eq!(
                error,
                format!(
                    "column `user`: found {found}, expected an id, which is a text or a whole number"
                )
            );
        }
    }

    #[test]
    fn times_are_numbers_of_the_unit_or_times() {
        let seconds = |cell: Cell<'_>| cell.time("t", TimeUnit::Seconds).ok();
        let milliseconds = |cell: Cell<'_>| cell.time("t", TimeUnit::Milliseconds).ok();
        assert_eq!(seconds(Cell::Integer(-3)), Some(-3000));
        assert_eq!(seconds(Cell::Float(1.5)), Some(1500));
        assert_eq!(seconds(text(" 1370000000 ")), Some(1_370_000_000_000));
        assert_eq!(seconds(text("1.25")), Some(1250));
        assert_eq!(milliseconds(text("1.25e3")), Some(1250));
        assert_eq!(milliseconds(Cell::Integer(i64::MAX)), Some(i64::MAX));
        assert_eq!(milliseconds(Cell::Time(5)), Some(5));
        assert_eq!(seconds(Cell::Time(5)), Some(5));
        for cell in [
            Cell::Empty,
            Cell::Integer(i64::MAX),
            Cell::Float(f64::NAN),
            Cell::Float(1e300),
            text("2013-06-01"),
            text("inf"),
            Cell::Other("a list", "[1]".into()),
        ] {
            assert_eq!(seconds(cell), None);
        }
    }

    #[test]
    fn numbers_may_be_absent() {
        assert_eq!(text("4.5").number("r"), Ok(4.5));
        assert_eq!(Cell::Integer(4).number("r"), Ok(4.0));
        for cell in [Cell::Empty, text(" "), text("NaN"), Cell::Float(f64::NAN)] {
            assert!(cell.number("r").unwrap().is_nan());
        }
        assert!(text("good").number("r").is_err());
        assert!(text("inf").number("r").is_err());
        assert!(Cell::Float(1e300).number("r").is_err());
    }

    #[test]
    fn a_long_text_is_told_by_its_beginning() {
        let error = text(&"é".repeat(1000)).number("r").unwrap_err();
        assert!(error.chars().count() < 150, "{error}");
    }
}
