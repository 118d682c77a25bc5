//! Looks up users and checks that their queries were made from the same history.

use std::path::PathBuf;

use gloss_core::{
    Catalogue, Context, Data, Error, Generator, History, Query, QueryGenerator, Result,
};

use crate::file::{self, Row, Rows};
use crate::{Otherwise, Precomputed};

impl QueryGenerator for Precomputed {
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        if self.file.is_file() {
            return Ok(vec![self.file.clone()]);
        }
        Err(Error::input(
            std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone()),
            "there is no such file; `file` names the JSON of generated queries, such as GLoSS's \
             generation writes",
        ))
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let rows = file::read(&self.file, context)?;
        Ok(Box::new(move |histories: &[History<'_>]| {
            let mut skipped = Skipped::default();
            let queries = histories
                .iter()
                .map(|history| self.queries(history, &rows, &data.catalogue, &mut skipped))
                .collect();
            skipped.tell();
            queries
        }))
    }
}

/// The numbers of users without a query.
#[derive(Default)]
struct Skipped {
    missing: usize,
    mismatched: usize,
}

impl Skipped {
    fn tell(&self) {
        if self.missing > 0 {
            tracing::warn!(
                users = self.missing,
                "users who are not in the file of queries get no query"
            );
        }
        if self.mismatched > 0 {
            tracing::warn!(
                users = self.mismatched,
                "users whose history in the file of queries is another one get no query"
            );
        }
    }
}

impl Precomputed {
    fn queries(
        &self,
        history: &History<'_>,
        rows: &Rows,
        catalogue: &Catalogue,
        skipped: &mut Skipped,
    ) -> Result<Vec<Query>> {
        let user = history.user;
        let (otherwise, count, message) = match rows.get(user) {
            None => (
                self.missing,
                &mut skipped.missing,
                format!(
                    "user {user} is not in the file, which has {} users; use the file of this \
                     split, or give such users no query by `missing = \"skip\"`",
                    rows.len()
                ),
            ),
            Some(row) => match difference(row, history, catalogue) {
                None => return Ok(row.queries.clone()),
                Some(difference) => (
                    self.mismatch,
                    &mut skipped.mismatched,
                    format!(
                        "row {}: user {user} {difference}: the file was made from other data or \
                         another split; use the right one, or give such users no query by \
                         `mismatch = \"skip\"`",
                        row.number
                    ),
                ),
            },
        };
        match otherwise {
            Otherwise::Error => Err(Error::input(&self.file, message)),
            Otherwise::Skip => {
                *count += 1;
                Ok(Vec::new())
            }
        }
    }
}

/// Tells the first difference between the history in the file and that in the data.
fn difference(row: &Row, history: &History<'_>, catalogue: &Catalogue) -> Option<String> {
    let data: Vec<&str> = history
        .items
        .iter()
        .map(|&item| catalogue.item(item).id.as_str())
        .collect();
    let longer = data.len().max(row.seen.len());
    let at =
        (0..longer).find(|&at| data.get(at).copied() != row.seen.get(at).map(String::as_str))?;
    let in_file = match row.seen.get(at) {
        None => "none".to_string(),
        Some(id) if catalogue.position(id).is_none() => format!("{id} (not in the catalogue)"),
        Some(id) => id.clone(),
    };
    Some(format!(
        "has {} seen items in the file and {} in the data, and item {} is {in_file} in the file \
         and {} in the data",
        row.seen.len(),
        data.len(),
        at + 1,
        data.get(at).unwrap_or(&"none"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::Item;

    const TEXT: &str = r#"[
        {"reviewer_id": "u", "seen_asins": ["a", "b"], "generated_sequences": ["p", "q"]},
        {"reviewer_id": "v", "seen_asins": ["b", "zz"], "generated_sequences": []},
        {"reviewer_id": "w", "seen_asins": ["a"], "generated_sequences": ["r"]}
    ]"#;

    /// Whoever logs without a subscriber may hide the line from one who has just begun to listen,
    /// so that tests that log take turns.
    static TURNS: std::sync::Mutex<()> = std::sync::Mutex::new(());

    fn generate(options: &str, users: &[(&str, &[u32])]) -> Result<Vec<Vec<Query>>, String> {
        let _turn = TURNS.lock();
        generate_in_turn(options, users)
    }

    fn generate_in_turn(
        options: &str,
        users: &[(&str, &[u32])],
    ) -> Result<Vec<Vec<Query>>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queries.json");
        std::fs::write(&path, TEXT).unwrap();
        let options = options.replace("FILE", path.to_str().unwrap());
        let component: Precomputed = serde_json::from_str(&options).unwrap();
        assert_eq!(component.inputs().unwrap(), std::slice::from_ref(&path));
        let items = ["a", "b", "c"].map(|id| Item {
            id: id.into(),
            ..Item::default()
        });
        let data = Data {
            catalogue: Catalogue::new(items.into(), vec![]).unwrap(),
            ..Data::default()
        };
        let histories: Vec<_> = users
            .iter()
            .map(|&(user, items)| History {
                user,
                items,
                times: &[0; 3][..items.len()],
                ratings: &[f32::NAN; 3][..items.len()],
            })
            .collect();
        let context = Context::default();
        let mut generator = component.open(&data, &context).unwrap();
        generator
            .generate(&histories)
            .map_err(|e| e.to_string().replace(path.to_str().unwrap(), "FILE"))
    }

    #[test]
    fn users_get_their_own_queries() {
        let queries = generate(r#"{"file": "FILE"}"#, &[("w", &[0]), ("u", &[0, 1])]);
        let expected = vec![
            vec![Query::text("r")],
            vec![Query::text("p"), Query::text("q")],
        ];
        assert_eq!(queries, Ok(expected));
    }

    #[test]
    fn a_user_who_is_not_in_the_file_is_an_error_or_skipped() {
        let error = generate(r#"{"file": "FILE"}"#, &[("x", &[0])]).unwrap_err();
        assert!(error.starts_with("FILE: user x is not in the file, which has 3 users"));
        let skipped = generate(r#"{"file": "FILE", "missing": "skip"}"#, &[("x", &[0])]);
        assert_eq!(skipped, Ok(vec![vec![]]));
    }

    #[test]
    fn another_history_is_an_error_that_names_the_first_difference() {
        let told = |user, items| generate(r#"{"file": "FILE"}"#, &[(user, items)]).unwrap_err();
        let examples: [(_, &[u32], _); 4] = [
            ("u", &[0, 2], "item 2 is b in the file and c in the data"),
            (
                "u",
                &[0, 1, 2],
                "item 3 is none in the file and c in the data",
            ),
            ("u", &[], "item 1 is a in the file and none in the data"),
            (
                "v",
                &[1, 0],
                "item 2 is zz (not in the catalogue) in the file and a in the data",
            ),
        ];
        for (user, items, expected) in examples {
            let error = told(user, items);
            assert!(error.contains(expected), "{error}");
            assert!(
                error.contains("made from other data or another split"),
                "{error}"
            );
        }
        assert!(told("w", &[0, 0]).starts_with(
            "FILE: row 3: user w has 1 seen items in the file and 2 in the data, and item 2"
        ));
        let skipped = generate(r#"{"file": "FILE", "mismatch": "skip"}"#, &[("u", &[1])]);
        assert_eq!(skipped, Ok(vec![vec![]]));
    }

    /// Returns the log of looking up users with both kinds of skipping.
    fn logged(users: &[(&str, &[u32])]) -> String {
        let _turn = TURNS.lock();
        let file = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(file.reopen().map(std::sync::Mutex::new).unwrap())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let options = r#"{"file": "FILE", "missing": "skip", "mismatch": "skip"}"#;
            generate_in_turn(options, users).unwrap()
        });
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn skipped_users_are_counted_apart() {
        let log = logged(&[("x", &[0]), ("u", &[1]), ("y", &[]), ("w", &[0])]);
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        for (line, ending) in lines.iter().zip([
            "users who are not in the file of queries get no query users=2",
            "users whose history in the file of queries is another one get no query users=1",
        ]) {
            assert!(line.contains(" WARN ") && line.ends_with(ending), "{line}");
        }
        assert_eq!(logged(&[("w", &[0])]), "");
    }

    #[test]
    fn a_missing_file_is_told_with_its_whole_path() {
        let component: Precomputed = serde_json::from_str(r#"{"file": "nowhere.json"}"#).unwrap();
        let error = component.inputs().unwrap_err().to_string();
        assert!(
            error.contains("/nowhere.json: there is no such file"),
            "{error}"
        );
    }
}
