//! Times.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::config::{TimeFormat, TimeUnit};

/// The first and the last plausible time, in milliseconds since 1970: the years 1970 to 2099.
const PLAUSIBLE: std::ops::Range<i64> = 0..4_102_444_800_000;

/// The units with their names as options.
pub(crate) const UNITS: [(TimeUnit, &str); 4] = [
    (TimeUnit::Seconds, "seconds"),
    (TimeUnit::Milliseconds, "milliseconds"),
    (TimeUnit::Microseconds, "microseconds"),
    (TimeUnit::Nanoseconds, "nanoseconds"),
];

/// Patterns of ISO 8601 without a zone.
const ISO: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d"];

/// Returns `true` for a time from 1970 to 2099.
pub(crate) fn is_plausible(milliseconds: i64) -> bool {
    PLAUSIBLE.contains(&milliseconds)
}

/// The milliseconds of one unit.
pub(crate) fn per_unit(unit: TimeUnit) -> f64 {
    match unit {
        TimeUnit::Seconds => 1e3,
        TimeUnit::Milliseconds => 1.0,
        TimeUnit::Microseconds => 1e-3,
        TimeUnit::Nanoseconds => 1e-6,
    }
}

/// A whole number of units in milliseconds, rounded down.
pub(crate) fn milliseconds(number: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Seconds => number.checked_mul(1000),
        TimeUnit::Milliseconds => Some(number),
        TimeUnit::Microseconds => Some(number.div_euclid(1000)),
        TimeUnit::Nanoseconds => Some(number.div_euclid(1_000_000)),
    }
}

/// A text that follows a pattern, in milliseconds.
pub(crate) fn parse(text: &str, pattern: &str) -> Option<i64> {
    if pattern == "iso" {
        let zoned = DateTime::parse_from_rfc3339(text);
        let zoned = zoned.or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"));
        return match zoned {
            Ok(time) => Some(time.timestamp_millis()),
            Err(_) => ISO.iter().find_map(|pattern| local(text, pattern)),
        };
    }
    let zoned = DateTime::parse_from_str(text, pattern);
    let zoned = zoned.map(|time| time.timestamp_millis()).ok();
    zoned.or_else(|| local(text, pattern))
}

/// A time or a date without a zone.
fn local(text: &str, pattern: &str) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(text, pattern).ok();
    let date = || {
        NaiveDate::parse_from_str(text, pattern)
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    Some(time.or_else(date)?.and_utc().timestamp_millis())
}

/// Returns `true` if the option is `iso` or a pattern of strftime.
pub(crate) fn is_pattern(pattern: &str) -> bool {
    let mut items = StrftimeItems::new(pattern);
    pattern == "iso" || pattern.contains('%') && !items.any(|item| matches!(item, Item::Error))
}

/// The description of a time that is expected.
pub(crate) fn expected(format: TimeFormat<'_>) -> String {
    match format.pattern {
        Some("iso") => "a date or time of ISO 8601, from 1970 to 2100".to_string(),
        Some(pattern) => format!("a time by `{pattern}`, from 1970 to 2100"),
        None => {
            let name = UNITS.iter().find(|(unit, _)| *unit == format.unit);
            let name = name.map_or("units", |(_, name)| name);
            format!("a number of {name} from 1970 to 2100")
        }
    }
}

/// A hint at the option that reads a text.
pub(crate) fn advice(text: &str) -> String {
    match parse(text, "iso") {
        Some(_) => "; `time_format = \"iso\"` reads this".to_string(),
        None if text.parse::<f64>().is_err() && !text.is_empty() => {
            "; `time_format` reads texts by a pattern such as \"%d.%m.%Y\"".to_string()
        }
        None => String::new(),
    }
}
