//! Reviews: who, what, when, how good.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use gloss_core::{Context, Error, Event, OnBadLine, Report, Result};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::Layout;
use crate::intern::Interner;
use crate::lines::{self, Format};

/// All reviews of a file; an event's item is a number of `items`.
#[derive(Default)]
pub(crate) struct Reviews {
    pub(crate) users: Interner,
    pub(crate) items: Interner,
    pub(crate) events: Vec<Event>,
}

impl Reviews {
    pub(crate) fn read(
        path: &Path,
        layout: Layout,
        on_bad_line: OnBadLine,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        let mut reviews = Reviews::default();
        let format = ReviewLines(layout);
        let counts = lines::read(path, "a review", &format, on_bad_line, context, |row| {
            reviews.push(&row).ok_or_else(|| {
                Error::input(
                    path,
                    "more than 2^32 users or items are more than can be numbered",
                )
            })
        })?;
        report.count("reviews read", counts.good);
        report.count("review lines that are blank", counts.blank);
        let lines = counts.good + counts.bad;
        report.drop(
            "review lines skipped as unreadable",
            counts.bad,
            lines,
            None,
        );
        Ok(reviews)
    }

    fn push(&mut self, review: &Review<'_>) -> Option<()> {
        self.events.push(Event {
            user: self.users.intern(&review.user)?,
            item: self.items.intern(&review.item)?,
            time: review.time,
            rating: review.rating.unwrap_or(f32::NAN),
        });
        Some(())
    }
}

/// One review, borrowed from its line as far as it has no escapes.
struct Review<'a> {
    user: Cow<'a, str>,
    item: Cow<'a, str>,
    /// In milliseconds.
    time: i64,
    rating: Option<f32>,
}

struct ReviewLines(Layout);

impl Format for ReviewLines {
    type Row<'a> = Review<'a>;

    fn parse<'a>(&self, line: &'a str) -> Result<Option<Review<'a>>, String> {
        let review = match self.0 {
            Layout::Of2014 | Layout::Of2018 => {
                serde_json::from_str::<Older<'a>>(line).map(Review::from)
            }
            Layout::Of2023 => serde_json::from_str::<Newer<'a>>(line).map(Review::from),
        };
        let review = review.map_err(|error| self.explain(&error.to_string()))?;
        let [user, item, ..] = self.0.review_fields();
        for (field, id) in [(user, &review.user), (item, &review.item)] {
            if id.is_empty() {
                return Err(self.explain(&format!("`{field}` is empty")));
            }
        }
        Ok(Some(review))
    }
}

impl ReviewLines {
    fn explain(&self, error: &str) -> String {
        let [user, item, time, rating] = self.0.review_fields();
        format!(
            "this is not a review of the {} layout: {}. Expected a JSON object with {user}, {item}, \
             {time} and perhaps {rating}",
            self.0.name(),
            crate::text::in_line(error),
        )
    }
}

#[derive(Deserialize)]
struct Older<'a> {
    #[serde(borrow, rename = "reviewerID")]
    user: Cow<'a, str>,
    #[serde(borrow, rename = "asin")]
    item: Cow<'a, str>,
    #[serde(rename = "unixReviewTime")]
    time: Seconds,
    #[serde(default, rename = "overall")]
    rating: Option<f32>,
}

impl<'a> From<Older<'a>> for Review<'a> {
    fn from(review: Older<'a>) -> Self {
        Review {
            user: review.user,
            item: review.item,
            time: review.time.0,
            rating: review.rating,
        }
    }
}

#[derive(Deserialize)]
struct Newer<'a> {
    #[serde(borrow, rename = "user_id")]
    user: Cow<'a, str>,
    #[serde(borrow, rename = "parent_asin")]
    item: Cow<'a, str>,
    #[serde(rename = "timestamp")]
    time: Milliseconds,
    #[serde(default)]
    rating: Option<f32>,
}

impl<'a> From<Newer<'a>> for Review<'a> {
    fn from(review: Newer<'a>) -> Self {
        Review {
            user: review.user,
            item: review.item,
            time: review.time.0,
            rating: review.rating,
        }
    }
}

/// A time given in seconds, held in milliseconds.
struct Seconds(i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unit = Time {
            name: "seconds",
            milliseconds: 1000,
        };
        deserializer.deserialize_any(unit).map(Seconds)
    }
}

/// A time given and held in milliseconds.
struct Milliseconds(i64);

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unit = Time {
            name: "milliseconds",
            milliseconds: 1,
        };
        deserializer.deserialize_any(unit).map(Milliseconds)
    }
}

/// The unit of a time; reads a whole number of it, not negative, as milliseconds.
struct Time {
    name: &'static str,
    milliseconds: i64,
}

impl Visitor<'_> for Time {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the time as a whole number of {} since 1970", self.name)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value)
            .ok()
            .and_then(|value| value.checked_mul(self.milliseconds))
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<i64, E> {
        // 2^53: beyond it a float does not tell one whole number from the next.
        if value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&value) {
            self.visit_u64(value as u64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(layout: Layout, line: &str) -> Result<(String, String, i64, Option<f32>), String> {
        let review = ReviewLines(layout).parse(line)?.unwrap();
        let (user, item) = (review.user.into_owned(), review.item.into_owned());
        Ok((user, item, review.time, review.rating))
    }

    #[test]
    fn each_layout_has_its_fields_and_times_are_in_milliseconds() {
        let older = r#"{"reviewerID": "A\u00e9", "asin": "B", "overall": 4.0, "unixReviewTime": 7, "x": [1]}"#;
        let expected = ("Aé".into(), "B".into(), 7000, Some(4.0));
        assert_eq!(parse(Layout::Of2014, older), Ok(expected));
        let newer =
            r#"{"user_id": "A", "asin": "C", "parent_asin": "B", "timestamp": 1600000000123}"#;
        let expected = ("A".into(), "B".into(), 1_600_000_000_123, None);
        assert_eq!(parse(Layout::Of2023, newer), Ok(expected));
    }

    #[test]
    fn a_time_is_a_whole_number_that_is_not_negative() {
        let with = |time: &str| {
            let line = format!(r#"{{"reviewerID": "A", "asin": "B", "unixReviewTime": {time}}}"#);
            parse(Layout::Of2014, &line)
        };
        assert_eq!(with("1294185600.0").unwrap().2, 1_294_185_600_000);
        let expected = "expected the time as a whole number of seconds since 1970";
        for (time, found) in [
            ("\"1294185600\"", "string \"1294185600\""),
            ("-5", "integer `-5`"),
            ("1.5", "floating point `1.5`"),
            ("1e300", "floating point `1e+300`"),
            ("9223372036854775807", "integer `9223372036854775807`"),
            ("null", "null"),
        ] {
            let error = with(time).unwrap_err();
            assert!(error.contains(found) && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_empty_id_is_refused() {
        let error = parse(
            Layout::Of2014,
            r#"{"reviewerID": "", "asin": "B", "unixReviewTime": 1}"#,
        )
        .unwrap_err();
        assert!(
            error.contains("2014 layout: `reviewerID` is empty. Expected"),
            "{error}"
        );
        let error = parse(
            Layout::Of2023,
            r#"{"user_id": "A", "parent_asin": "", "timestamp": 1}"#,
        )
        .unwrap_err();
        assert!(
            error.contains("2023 layout: `parent_asin` is empty. Expected"),
            "{error}"
        );
    }

    #[test]
    fn a_line_that_is_no_review_says_what_is_missing() {
        let error = parse(Layout::Of2014, r#"{"user_id": "A", "asin": "B"}"#).unwrap_err();
        assert_eq!(
            error,
            "this is not a review of the 2014 layout: missing field `reviewerID` (column 29). \
             Expected a JSON object with reviewerID, asin, unixReviewTime and perhaps overall"
        );
    }
}
