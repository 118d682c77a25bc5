//! The dataset as gloss sees it.

use std::path::PathBuf;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use gloss_core::{
    Context, Data, Dataset, Diagnostic, Error, Event, Interactions, Item, Report, Result, Template,
};
use hashbrown::HashMap;
use serde::Deserialize;

use crate::config::Yelp;
use crate::lines;

/// The files of the archive.
const REVIEWS: &str = "yelp_academic_dataset_review.json";
const BUSINESSES: &str = "yelp_academic_dataset_business.json";

/// The fields of a business.
const FIELDS: [&str; 4] = ["name", "categories", "city", "state"];

#[derive(Deserialize)]
struct Business {
    business_id: String,
    name: Option<String>,
    categories: Option<String>,
    city: Option<String>,
    state: Option<String>,
}

#[derive(Deserialize)]
struct Review {
    user_id: String,
    business_id: String,
    stars: f32,
    date: String,
}

impl Dataset for Yelp {
    fn check(&self) -> Vec<Diagnostic> {
        let mut diagnostics = self.split.check();
        let unknown = |template: Template| {
            let fields = template.fields().into_iter();
            let mut unknown = fields
                .filter(|name| !FIELDS.contains(name))
                .map(str::to_string);
            unknown.next().map(|name| {
                let known = FIELDS.join("`, `");
                format!("businesses have no field `{name}`; they have `{known}`")
            })
        };
        match Template::parse(&self.text).map(unknown) {
            Ok(None) => {}
            Ok(Some(message)) | Err(message) => {
                diagnostics.push(Diagnostic::new("text", message));
            }
        }
        for (key, date) in [("from", &self.from), ("until", &self.until)] {
            if let Some(Err(message)) = date.as_deref().map(day) {
                diagnostics.push(Diagnostic::new(key, message));
            }
        }
        diagnostics
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let files = [REVIEWS, BUSINESSES].map(|name| self.folder.join(name));
        match files.iter().find(|file| !file.is_file()) {
            None => Ok(files.into()),
            Some(missing) => Err(Error::input(
                missing,
                "there is no such file; unpack the Yelp Open Dataset of \
                 business.yelp.com/data/resources/open-dataset, and name its folder in `folder`",
            )),
        }
    }

    fn load(&self, context: &Context) -> Result<Data> {
        let [reviews, businesses] = [REVIEWS, BUSINESSES].map(|name| self.folder.join(name));
        let mut report = Report::default();
        let template = Template::parse(&self.text).map_err(Error::Usage)?;
        let mut events = Events::new(self)?;
        let mut items = Vec::new();
        let bad = self.on_bad_line;
        lines::read(&businesses, bad, &mut report, context, |business| {
            let item = item(business, &template);
            let at = items.len() as u32;
            if events.positions.insert(item.id.clone(), at).is_some() {
                return Err(format!("business {} was there already", item.id));
            }
            items.push(item);
            Ok(())
        })?;
        report.count("businesses", items.len());
        lines::read(&reviews, bad, &mut report, context, |review| {
            events.add(review)
        })?;
        events.report(&mut report);
        let interactions = Interactions {
            users: events.names,
            items,
            field_names: FIELDS.map(str::to_string).to_vec(),
            events: events.events,
            report,
        };
        self.split.apply(interactions, context)
    }
}

fn item(business: Business, template: &Template) -> Item {
    let fields = [
        business.name,
        business.categories,
        business.city,
        business.state,
    ];
    let value = |name: &str| {
        let place = FIELDS.iter().position(|field| *field == name)?;
        fields[place].as_deref()
    };
    Item {
        id: business.business_id,
        text: template.render(value),
        fields: fields.to_vec(),
    }
}

/// The day of a date such as `2019-01-31`.
fn day(date: &str) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(date, "%Y-%m-%d");
    day.map_err(|_| format!("`{date}` is not a date such as `2019-01-31`"))
}

/// The time of a review, whose date has had no time of day in the oldest releases.
fn time(date: &str) -> Result<NaiveDateTime, String> {
    let time = NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S");
    time.or_else(|_| Ok(day(date)?.and_time(NaiveTime::MIN)))
}

/// The reviews that were read.
struct Events {
    from: NaiveDate,
    until: NaiveDate,
    minimum: f32,
    positions: HashMap<String, u32>,
    names: Vec<String>,
    users: HashMap<String, u32>,
    events: Vec<Event>,
    unknown: usize,
    other_dates: usize,
    low: usize,
}

impl Events {
    fn new(options: &Yelp) -> Result<Self> {
        let date = |date: &Option<String>, default| {
            let date = date.as_deref().map_or(Ok(default), day);
            date.map_err(Error::Usage)
        };
        Ok(Events {
            from: date(&options.from, NaiveDate::MIN)?,
            until: date(&options.until, NaiveDate::MAX)?,
            minimum: options.minimum_stars,
            positions: HashMap::new(),
            names: Vec::new(),
            users: HashMap::new(),
            events: Vec::new(),
            unknown: 0,
            other_dates: 0,
            low: 0,
        })
    }

    fn add(&mut self, review: Review) -> Result<(), String> {
        let time = time(&review.date)?;
        let Some(&item) = self.positions.get(&review.business_id) else {
            self.unknown += 1;
            return Ok(());
        };
        if !(self.from..=self.until).contains(&time.date()) {
            self.other_dates += 1;
            return Ok(());
        }
        if review.stars < self.minimum {
            self.low += 1;
            return Ok(());
        }
        let next = self.names.len() as u32;
        let user = *self
            .users
            .entry_ref(review.user_id.as_str())
            .or_insert_with(|| {
                self.names.push(review.user_id.clone());
                next
            });
        self.events.push(Event {
            user,
            item,
            time: time.and_utc().timestamp_millis(),
            rating: review.stars,
        });
        Ok(())
    }

    fn report(&self, report: &mut Report) {
        let read = self.events.len() + self.unknown + self.other_dates + self.low;
        report.count("reviews", read);
        for (what, count) in [
            (
                "reviews of businesses that are not in the businesses file",
                self.unknown,
            ),
            ("reviews before `from` or after `until`", self.other_dates),
            ("reviews below `minimum_stars`", self.low),
        ] {
            report.drop(what, count, read, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PLACES: &str = r#"{"business_id": "b1", "name": "Caf\u00e9 Uno", "city": "Reno", "state": "NV", "categories": "Coffee & Tea, Food", "hours": null}
{"business_id": "b2", "name": "Two", "city": "Reno", "state": "NV", "categories": null}
"#;

    fn review(user: &str, business: &str, stars: f32, date: &str) -> String {
        let review = json!({
            "review_id": "r", "user_id": user, "business_id": business, "stars": stars,
            "useful": 0, "text": "fine\n", "date": date,
        });
        format!("{review}\n")
    }

    fn load(reviews: &str, more: serde_json::Value) -> Result<Data> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(REVIEWS), reviews).unwrap();
        std::fs::write(folder.path().join(BUSINESSES), PLACES).unwrap();
        let mut options = json!({
            "folder": folder.path(), "split": {"minimum_interactions": 1},
        });
        let more = more.as_object().cloned().unwrap_or_default();
        options.as_object_mut().unwrap().extend(more);
        let dataset: Yelp = serde_json::from_value(options).unwrap();
        assert!(dataset.check().is_empty(), "{:?}", dataset.check());
        dataset.inputs()?;
        dataset.load(&Context::default())
    }

    #[test]
    fn businesses_are_items_and_reviews_are_interactions() {
        let reviews = [
            review("u", "b2", 5.0, "2019-03-02 10:00:00"),
            review("u", "b1", 1.0, "2019-03-01 00:00:01"),
            review("v", "b1", 3.0, "2021-01-01"),
            review("v", "gone", 3.0, "2021-01-01"),
        ];
        let data = load(&reviews.concat(), json!({})).unwrap();
        let items = data.catalogue.items().iter();
        let texts: Vec<&str> = items.map(|item| item.text.as_str()).collect();
        assert_eq!(texts[0], "Title: Café Uno, Categories: Coffee & Tea, Food");
        assert!(texts[1].starts_with("Title: Two"), "{}", texts[1]);
        let history = data.histories.history(0);
        assert_eq!((history.user, history.items), ("u", &[0, 1][..]));
        assert_eq!(history.times[0], 1_551_398_401_000);
        let unknown = "reviews of businesses that are not in the businesses file";
        assert_eq!(data.report.get(unknown), Some(1));

        let dropping = json!({"from": "2019-03-02", "until": "2020-12-31", "minimum_stars": 2.0});
        let data = load(&reviews.concat(), dropping).unwrap();
        assert_eq!(data.histories.len(), 1);
        let dates = "reviews before `from` or after `until`";
        assert_eq!(data.report.get(dates), Some(2));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_or_counted() {
        let lines = [
            review("u", "b1", 5.0, "yesterday"),
            review("u", "b2", 5.0, "2019-03-02 10:00:00"),
            "{\"user_id\": 1}\n".to_string(),
        ];
        let error = load(&lines.concat(), json!({})).unwrap_err().to_string();
        let expected = ":1: `yesterday` is not a date such as `2019-01-31`";
        assert!(error.ends_with(expected), "{error}");
        let data = load(&lines.concat(), json!({"on_bad_line": "skip"})).unwrap();
        let bad = "lines of yelp_academic_dataset_review.json that cannot be read";
        assert_eq!(data.report.get(bad), Some(2));
    }

    #[test]
    fn wrong_dates_and_fields_are_told_before_anything_is_read() {
        let options = json!({"folder": "x", "from": "1.3.2019", "text": "{title}"});
        let dataset: Yelp = serde_json::from_value(options).unwrap();
        let keys = dataset.check().into_iter().map(|diagnostic| diagnostic.key);
        assert_eq!(keys.collect::<Vec<_>>(), ["text", "from"]);
    }
}
