//! A cell, and what it can be taken for.

use std::borrow::Cow;

use crate::config::{TimeFormat, TimeUnit};
use crate::time;

/// A cell.
#[cfg_attr(
    not(feature = "parquet"),
    allow(dead_code, reason = "text formats have no floats and no times")
)]
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
    /// A number as it is written, with decimals or an exponent.
    Decimal(Cow<'a, str>),
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

    /// The cell as the time in the column `column`, in milliseconds since 1970.
    pub(crate) fn time(&self, column: &str, format: TimeFormat<'_>) -> Result<i64, String> {
        let time = match (self, format.pattern) {
            (Cell::Time(milliseconds), _) => Some(*milliseconds),
            (Cell::Text(text), Some(pattern)) => time::parse(text.trim(), pattern),
            (_, Some(_)) => None,
            (_, None) => self.count(format.unit),
        };
        let expected = || time::expected(format);
        let time = time.ok_or_else(|| {
            let advice = match self {
                Cell::Text(text) if format.pattern.is_none() => time::advice(text.trim()),
                _ => String::new(),
            };
            self.refused(column, &(expected() + &advice))
        })?;
        match time::is_plausible(time) {
            true => Ok(time),
            false => Err(self.refused(column, &(expected() + &self.other_unit(format)))),
        }
    }

    /// The cell as a count of units, in milliseconds.
    fn count(&self, unit: TimeUnit) -> Option<i64> {
        let whole = |number: i64| time::milliseconds(number, unit);
        let broken = |number: f64| {
            let milliseconds = (number * time::per_unit(unit)).round();
            // Exactly the floats that are within the range of 64-bit integers.
            (i64::MIN as f64..-(i64::MIN as f64))
                .contains(&milliseconds)
                .then_some(milliseconds as i64)
        };
        match self {
            Cell::Integer(number) => whole(*number),
            Cell::Float(number) => broken(*number),
            Cell::Text(text) | Cell::Decimal(text) => match text.trim().parse() {
                Ok(number) => whole(number),
                Err(_) => text.trim().parse().ok().and_then(broken),
            },
            Cell::Time(_) | Cell::Empty | Cell::Other(..) => None,
        }
    }

    /// A hint at the unit in which a count is a plausible time.
    fn other_unit(&self, format: TimeFormat<'_>) -> String {
        let fits = |unit: &TimeUnit| self.count(*unit).is_some_and(time::is_plausible);
        match (
            format.pattern,
            time::UNITS.iter().find(|(unit, _)| fits(unit)),
        ) {
            (None, Some((_, name))) => format!("; did you mean `time_unit = \"{name}\"`?"),
            _ => String::new(),
        }
    }

    /// The cell as the number in the column `column`; NaN where it is empty.
    pub(crate) fn number(&self, column: &str) -> Result<f32, String> {
        let number = match self {
            Cell::Empty => Some(f64::NAN),
            Cell::Integer(number) => Some(*number as f64),
            Cell::Float(number) => Some(*number),
            Cell::Text(text) if text.trim().is_empty() => Some(f64::NAN),
            Cell::Text(text) | Cell::Decimal(text) => text.trim().parse().ok(),
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
            Cell::Text(text) | Cell::Decimal(text) | Cell::Other(_, text) => {
                Some(text.into_owned())
            }
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
            Cell::Decimal(number) => number.to_string(),
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
            (Cell::Decimal("3.0".into()), "3.0"),
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

    fn of(unit: TimeUnit) -> TimeFormat<'static> {
        let pattern = None;
        TimeFormat { unit, pattern }
    }

    #[test]
    fn times_are_numbers_of_the_unit_or_times() {
        let seconds = |cell: Cell<'_>| cell.time("t", of(TimeUnit::Seconds)).ok();
        let milliseconds = |cell: Cell<'_>| cell.time("t", of(TimeUnit::Milliseconds)).ok();
        assert_eq!(seconds(Cell::Integer(3)), Some(3000));
        assert_eq!(seconds(Cell::Float(1.5)), Some(1500));
        assert_eq!(seconds(text(" 1370000000 ")), Some(1_370_000_000_000));
        assert_eq!(seconds(text("1.25")), Some(1250));
        assert_eq!(milliseconds(text("1.25e3")), Some(1250));
        let nanoseconds = Cell::Integer(1_600_001_000_000_000_000);
        let read = nanoseconds.time("t", of(TimeUnit::Nanoseconds));
        assert_eq!(read, Ok(1_600_001_000_000));
        assert_eq!(milliseconds(Cell::Time(5)), Some(5));
        assert_eq!(seconds(Cell::Time(5)), Some(5));
        for cell in [
            Cell::Empty,
            Cell::Integer(i64::MAX),
            Cell::Integer(-3),
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
    fn a_time_of_another_unit_or_format_names_the_option() {
        let error = |cell: Cell<'_>| cell.time("t", of(TimeUnit::Seconds)).unwrap_err();
        assert_eq!(
            error(Cell::Integer(1_600_001_000_000)),
            "column `t`: found 1600001000000, expected a number of seconds from 1970 to 2100; did you \
             mean `time_unit = \"milliseconds\"`?"
        );
        let iso = error(text("2020-09-13T12:43:20Z"));
        assert!(
            iso.ends_with("; `time_format = \"iso\"` reads this"),
            "{iso}"
        );
        let other = error(text("13.09.2020"));
        assert!(other.contains("`time_format`"), "{other}");
    }

    #[test]
    fn texts_are_times_by_a_pattern() {
        let read = |written: &str, pattern| {
            let unit = TimeUnit::Seconds;
            let pattern = Some(pattern);
            text(written).time("t", TimeFormat { unit, pattern })
        };
        for written in [
            "2020-09-13T12:43:20Z",
            "2020-09-13 12:43:20",
            "2020-09-13T14:43:20+02:00",
            "2020-09-13T12:43:20.000",
        ] {
            assert_eq!(read(written, "iso"), Ok(1_600_001_000_000), "{written}");
        }
        assert_eq!(read("2020-09-13", "iso"), Ok(1_599_955_200_000));
        assert_eq!(read("13.09.2020", "%d.%m.%Y"), Ok(1_599_955_200_000));
        assert_eq!(
            read("13.09.2020 12:43", "%d.%m.%Y %H:%M"),
            Ok(1_600_000_980_000)
        );
        assert!(read("1600001000", "iso").is_err());
        assert!(read("2020-09-13", "%q").is_err());
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
