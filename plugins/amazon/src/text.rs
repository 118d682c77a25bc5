//! Texts: how a value of the metadata is written, and how a title is cut.

use serde_json::Value;

/// White space as Python's `str.split()` has it: Unicode's, and four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The first `limit` words (0: all), joined by single spaces; and whether words were cut off.
pub(crate) fn first_words(text: &str, limit: u32) -> (String, bool) {
    let limit = if limit == 0 {
        usize::MAX
    } else {
        limit as usize
    };
    let mut words = text.split(is_space).filter(|word| !word.is_empty());
    let mut cut = String::new();
    for word in words.by_ref().take(limit) {
        if !cut.is_empty() {
            cut.push(' ');
        }
        cut.push_str(word);
    }
    (cut, words.next().is_some())
}

/// A value as text: a text as it is, a list as its values joined by `, `, a table as `key: value`,
/// nothing for null, an empty list or an empty table.
pub(crate) fn of_value(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(values) => join(values.into_iter().filter_map(of_value)),
        Value::Object(entries) => join(
            entries
                .into_iter()
                .filter_map(|(key, value)| Some(format!("{key}: {}", of_value(value)?))),
        ),
    }
}

fn join(texts: impl Iterator<Item = String>) -> Option<String> {
    let texts: Vec<_> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// serde_json's message about one line, which knows only line 1 and may quote all of it.
pub(crate) fn in_line(error: &str) -> String {
    match error.rsplit_once(" at line 1 column ") {
        Some((message, column)) => format!("{} (column {column})", shorten(message)),
        None => shorten(error),
    }
}

/// The two ends of a long message.
fn shorten(message: &str) -> String {
    const END: usize = 150;
    let count = message.chars().count();
    if count <= 2 * END {
        return message.to_string();
    }
    let start: String = message.chars().take(END).collect();
    let end: String = message.chars().skip(count - END).collect();
    format!("{start} … {end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_cut_and_joined_as_python_does() {
        let words = |text: &str, limit| first_words(text, limit);
        assert_eq!(words(" a\u{a0} b\x1cc\t\n d ", 3), ("a b c".into(), true));
        assert_eq!(words("a b c", 3), ("a b c".into(), false));
        assert_eq!(words("a  b &amp; c", 0), ("a b &amp; c".into(), false));
        assert_eq!(words("a\u{200b}b", 9), ("a\u{200b}b".into(), false));
        assert_eq!(words(" \u{3000}", 1), (String::new(), false));
    }

    #[test]
    fn a_message_that_quotes_ten_megabytes_is_shortened() {
        let error = format!(
            "invalid: {}, expected a at line 1 column 77",
            "é".repeat(10 << 20)
        );
        let shown = in_line(&error);
        assert!(shown.starts_with("invalid: éé") && shown.ends_with("é, expected a (column 77)"));
        assert_eq!(
            shown.chars().count(),
            300 + " …  (column 77)".chars().count()
        );
    }

    #[test]
    fn values_are_written_flat() {
        let text = |value| of_value(value);
        assert_eq!(text(json!("é")), Some("é".into()));
        assert_eq!(
            text(json!([["Beauty", "Skin"], null, [3]])),
            Some("Beauty, Skin, 3".into())
        );
        assert_eq!(
            text(json!({"Brand": "X", "Of": [1.5, true]})),
            Some("Brand: X, Of: 1.5, true".into())
        );
        assert_eq!(text(json!(null)), None);
        assert_eq!(text(json!([[], null])), None);
    }
}
