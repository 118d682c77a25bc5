//! The dataset as gloss sees it.

use std::path::PathBuf;

use gloss_core::{
    Context, Data, Dataset, Diagnostic, Error, Event, Interactions, Item, Report, Result, Template,
};
use hashbrown::HashMap;

use crate::config::{Layout, MovieLens};
use crate::rows;

/// The fields of a movie.
const FIELDS: [&str; 2] = ["title", "genres"];
/// The genres of `u.item`, whose last columns have a 1 for each that the movie has.
const GENRES: [&str; 19] = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

impl Dataset for MovieLens {
    fn check(&self) -> Vec<Diagnostic> {
        let mut diagnostics = self.split.check();
        let unknown = |template: Template| {
            let fields = template.fields().into_iter();
            let mut unknown = fields
                .filter(|name| !FIELDS.contains(name))
                .map(str::to_string);
            unknown.next().map(|name| {
                format!("movies have no field `{name}`; they have `title` and `genres`")
            })
        };
        match Template::parse(&self.text).map(unknown) {
            Ok(None) => {}
            Ok(Some(message)) | Err(message) => {
                diagnostics.push(Diagnostic::new("text", message));
            }
        }
        diagnostics
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let files = self.layout.files().map(|name| self.folder.join(name));
        match files.iter().find(|file| !file.is_file()) {
            None => Ok(files.into()),
            Some(missing) => Err(Error::input(
                missing,
                format!(
                    "there is no such file; unpack {} of grouplens.org/datasets/movielens, and name \
                     its folder in `folder`",
                    self.layout.archives()
                ),
            )),
        }
    }

    fn load(&self, context: &Context) -> Result<Data> {
        let [ratings, movies] = self.layout.files().map(|name| self.folder.join(name));
        let mut report = Report::default();
        let template = Template::parse(&self.text).map_err(Error::Usage)?;
        let (mut items, mut positions) = (Vec::new(), HashMap::new());
        rows::read(
            &movies,
            self.layout,
            self.on_bad_line,
            &mut report,
            |cells| {
                let item = movie(self.layout, cells, &template)?;
                match positions.insert(item.id.clone(), items.len() as u32) {
                    None => items.push(item),
                    Some(_) => return Err(format!("movie {} was there already", item.id)),
                }
                Ok(())
            },
        )?;
        report.count("movies", items.len());
        context.check()?;
        let mut events = Events {
            minimum: self.minimum_rating,
            positions,
            ..Events::default()
        };
        rows::read(
            &ratings,
            self.layout,
            self.on_bad_line,
            &mut report,
            |cells| events.add(cells),
        )?;
        let read = events.events.len() + events.unknown + events.low;
        report.count("ratings", read);
        let what = "ratings of movies that are not in the movies file";
        report.drop(what, events.unknown, read, None);
        report.drop("ratings below `minimum_rating`", events.low, read, None);
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

/// The movie of a row.
fn movie(layout: Layout, cells: &[&str], template: &Template) -> Result<Item, String> {
    let (title, genres) = match (layout, cells) {
        (Layout::Of100k, [_, title, .., _, _]) if cells.len() == 5 + GENRES.len() => {
            let flags = cells[5..].iter().zip(GENRES);
            let own = flags
                .filter(|(flag, _)| **flag == "1")
                .map(|(_, genre)| genre);
            (*title, own.collect::<Vec<_>>().join(", "))
        }
        (Layout::Of100k, _) => return Err(wrong(cells, 5 + GENRES.len())),
        (_, [_, title, genres]) => (*title, genres.replace('|', ", ")),
        (_, _) => return Err(wrong(cells, 3)),
    };
    let fields = [title, genres.as_str()];
    let value = |name: &str| {
        let place = FIELDS.iter().position(|field| *field == name)?;
        Some(fields[place])
    };
    Ok(Item {
        id: cells[0].to_string(),
        text: template.render(value),
        fields: fields.map(|value| Some(value.to_string())).to_vec(),
    })
}

fn wrong(cells: &[&str], expected: usize) -> String {
    format!("the line has {} cells; expected {expected}", cells.len())
}

/// The ratings that were read.
#[derive(Default)]
struct Events {
    minimum: f32,
    positions: HashMap<String, u32>,
    names: Vec<String>,
    users: HashMap<String, u32>,
    events: Vec<Event>,
    unknown: usize,
    low: usize,
}

impl Events {
    fn add(&mut self, cells: &[&str]) -> Result<(), String> {
        let [user, movie, rating, time] = cells else {
            return Err(wrong(cells, 4));
        };
        let rating: f32 = rating
            .parse()
            .ok()
            .filter(|rating: &f32| rating.is_finite())
            .ok_or_else(|| format!("`{rating}` is not a rating"))?;
        let seconds = time.parse::<i64>().ok();
        let time = seconds
            .and_then(|seconds| seconds.checked_mul(1000))
            .ok_or_else(|| format!("`{time}` is not a time in seconds since 1970"))?;
        let Some(&item) = self.positions.get(*movie) else {
            self.unknown += 1;
            return Ok(());
        };
        if rating < self.minimum {
            self.low += 1;
            return Ok(());
        }
        let next = self.names.len() as u32;
        let user = *self.users.entry_ref(*user).or_insert_with(|| {
            self.names.push((*user).to_string());
            next
        });
        self.events.push(Event {
            user,
            item,
            time,
            rating,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn load(layout: &str, files: [(&str, &[u8]); 2]) -> Result<Data> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let options = json!({
            "folder": folder.path(), "layout": layout, "text": "{title}: {genres}",
            "minimum_rating": 2.0, "split": {"minimum_interactions": 1},
        });
        let dataset: MovieLens = serde_json::from_value(options).unwrap();
        assert!(dataset.check().is_empty());
        dataset.inputs()?;
        dataset.load(&Context::default())
    }

    /// The second user's only rating is below 2.
    fn is_right(data: &Data) {
        let texts: Vec<&str> = data
            .catalogue
            .items()
            .iter()
            .map(|i| i.text.as_str())
            .collect();
        assert_eq!(
            texts,
            [
                "Amélie, the first (2001): Comedy, Romance",
                "Se7en (1995): Crime"
            ]
        );
        let history = data.histories.history(0);
        assert_eq!((history.user, history.items), ("9", &[1, 0][..]));
        assert_eq!(history.times, [1_000, 5_000]);
        assert_eq!(data.histories.len(), 1);
        assert_eq!(
            data.report
                .get("ratings of movies that are not in the movies file"),
            Some(1)
        );
        assert_eq!(data.report.get("ratings below `minimum_rating`"), Some(1));
    }

    #[test]
    fn every_layout_gives_the_same_data() {
        let flags = |own: [usize; 2]| -> String {
            (0..19)
                .map(|n| if own.contains(&n) { "|1" } else { "|0" })
                .collect()
        };
        let movies = format!(
            "3|Am\u{e9}lie, the first (2001)|01-Jan-2001||http{}\n7|Se7en (1995)|||{}\n",
            flags([5, 14]),
            flags([6, 6])
        );
        let latin: Vec<u8> = movies.chars().map(|c| c as u8).collect();
        let data = b"9\t3\t4\t5\n9\t7\t2\t1\n8\t3\t1\t2\n9\t4\t5\t3\n";
        is_right(&load("100k", [("u.data", data), ("u.item", &latin)]).unwrap());

        let movies = "3::Am\u{e9}lie, the first (2001)::Comedy|Romance\n7::Se7en (1995)::Crime\n";
        let latin: Vec<u8> = movies.chars().map(|c| c as u8).collect();
        let data = b"9::3::4::5\n9::7::2.5::1\n8::3::1::2\n9::4::5::3\n";
        is_right(&load("1m", [("ratings.dat", data), ("movies.dat", &latin)]).unwrap());

        let movies = "movieId,title,genres\n3,\"Am\u{e9}lie, the first (2001)\",Comedy|Romance\n7,Se7en (1995),Crime\n";
        let data = b"userId,movieId,rating,timestamp\n9,3,4.0,5\n9,7,2.5,1\n8,3,0.5,2\n9,4,5.0,3\n";
        let files: [(&str, &[u8]); 2] = [("ratings.csv", data), ("movies.csv", movies.as_bytes())];
        is_right(&load("20m", files).unwrap());
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let movies = b"3::Toy Story (1995)::Comedy\n";
        let told = |ratings: &[u8]| {
            let files: [(&str, &[u8]); 2] = [("ratings.dat", ratings), ("movies.dat", movies)];
            load("1m", files).unwrap_err().to_string()
        };
        let error = told(b"9::3::4::5\n9::3::good::5\n");
        assert!(
            error.ends_with("ratings.dat:2: `good` is not a rating"),
            "{error}"
        );
        let error = told(b"9::3::4\n");
        assert!(
            error.ends_with("ratings.dat:1: the line has 3 cells; expected 4"),
            "{error}"
        );
        let error = load("1m", [("a", b""), ("b", b"")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("ml-1m.zip"), "{error}");
    }
}
