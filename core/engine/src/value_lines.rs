//! GLoSS's files of metrics by user: `{"reviewer_id": …, "recall@5": 0.0, …}` a line.

use std::path::Path;

use gloss_core::{Error, Result, read_file};
use hashbrown::HashMap;
use serde_json::{Map, Value};

use crate::finished::UserValues;

impl UserValues {
    /// Reads a file of JSON lines, each an object with the text `reviewer_id` and the numbers of the
    /// same metrics as in the first line.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or has another line, or a user twice.
    pub fn from_lines(path: &Path) -> Result<Self> {
        let content = read_file(path)?;
        let mut values = UserValues::default();
        let mut lines = HashMap::new();
        for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let is_first = values.users.is_empty();
            values.add(line, number, &mut lines).map_err(|message| {
                let hint = match is_first {
                    true => "; for a run in TREC format, name its qrels too",
                    false => "",
                };
                Error::line(path, number, message + hint)
            })?;
        }
        match values.users.is_empty() {
            true => Err(Error::input(
                path,
                "is empty; expected a JSON object a line",
            )),
            false => Ok(values),
        }
    }

    /// Adds one user's metrics; `lines` has the line of each user.
    fn add(
        &mut self,
        line: &[u8],
        number: u64,
        lines: &mut HashMap<String, u64>,
    ) -> Result<(), String> {
        let mut row: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| format!("is not a JSON object of a user's metrics: {error}"))?;
        let user = match row.shift_remove("reviewer_id") {
            Some(Value::String(user)) => user,
            _ => return Err("has no text `reviewer_id`".to_string()),
        };
        if self.users.is_empty() {
            let names = row.keys().map(|name| (name.clone(), Vec::new()));
            self.metrics.extend(names);
        }
        if let Some(first) = lines.insert(user.clone(), number) {
            return Err(format!("is about user {user}, as line {first} is already"));
        }
        if row.len() != self.metrics.len() {
            let expected = self.metrics.len();
            return Err(format!(
                "has {} metrics, where the first has {expected}",
                row.len()
            ));
        }
        for (name, values) in &mut self.metrics {
            let value = row.get(name).and_then(Value::as_f64);
            values.push(value.ok_or_else(|| format!("has no number `{name}`"))?);
        }
        self.users.push(user);
        Ok(())
    }
}
