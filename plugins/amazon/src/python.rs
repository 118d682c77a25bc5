//! Python's literals, as `repr` writes them and `ast.literal_eval` reads them.
//!
//! Texts, byte texts, numbers, `True`, `False`, `None`, lists, tuples and dictionaries become JSON
//! values. What has no such value is met halfway: a tuple is a list, bytes are read as UTF-8, a
//! lone surrogate is U+FFFD, an integer beyond 64 bits is a float. Triple quotes, raw texts, sets and
//! complex numbers are not read: `repr` of such metadata never writes them. Nor are `\N{…}`,
//! hexadecimal, octal and binary numbers, and numbers beyond a float's range, save in an entry that
//! is passed over: no escape and no number of it is converted.

mod string;

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// The maximum nesting of lists and dictionaries.
const DEEPEST: u32 = 100;

/// Reads a dictionary, `wanted` of whose entries are kept, whatever follows the dictionary being a
/// fault. `wanted` maps the key of an entry to the position of its value in `values`.
///
/// # Errors
/// The problem, with the column counted in bytes from 1, and the expectation.
pub(crate) fn read_dictionary(
    line: &str,
    wanted: impl Fn(&str) -> Option<usize>,
    values: &mut [Option<Value>],
) -> Result<(), String> {
    let mut reader = Reader { line, at: 0 };
    reader.skip_space();
    reader.expect(b'{', "a dictionary, `{…}`")?;
    reader.entries(1, true, |reader, key| {
        let slot = match &key {
            Value::String(key) => wanted(key),
            _ => None,
        };
        let value = reader.value(1, slot.is_some())?;
        if let Some(slot) = slot {
            values[slot] = Some(value);
        }
        Ok(())
    })?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(()),
        Some(_) => Err(reader.unexpected("the end of the line")),
    }
}

struct Reader<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\x0c' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), String> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(what));
        }
        self.at += 1;
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> String {
        let next = self
            .line
            .get(self.at..)
            .and_then(|rest| rest.chars().next());
        let found = match next {
            Some(c) if c.is_control() => format!("`{}`", c.escape_default()),
            Some(c) => format!("`{c}`"),
            None => "the end of the line".to_string(),
        };
        format!(
            "found {found} at column {}, expected {expected}",
            self.at + 1
        )
    }

    /// A value after any space; `Null` without reading it closely unless it is to be kept.
    fn value(&mut self, depth: u32, keep: bool) -> Result<Value, String> {
        self.skip_space();
        match self.peek() {
            Some(b'\'' | b'"') => self.text(false, keep),
            Some(b'{') => self.dictionary(depth, keep),
            Some(b'[') => self.list(b']', depth, keep),
            Some(b'(') => self.list(b')', depth, keep),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(keep),
            Some(byte) if byte.is_ascii_alphabetic() => self.word(keep),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn text(&mut self, bytes: bool, keep: bool) -> Result<Value, String> {
        let (raw, escaped) = string::scan(self)?;
        if !keep {
            return Ok(Value::Null);
        }
        let text = match (bytes, escaped) {
            (_, false) => Cow::Borrowed(raw),
            (false, true) => Cow::Owned(string::unescape(raw)?),
            (true, true) => Cow::Owned(string::unescape_bytes(raw)?),
        };
        Ok(Value::String(text.into_owned()))
    }

    /// A name, or a text with a prefix.
    fn word(&mut self, keep: bool) -> Result<Value, String> {
        let rest = &self.line[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let word = &rest[..end.unwrap_or(rest.len())];
        let quoted = rest[word.len()..].starts_with(['\'', '"']);
        let value = match word {
            "None" => Value::Null,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "u" | "U" | "b" | "B" if quoted => {
                self.at += 1;
                return self.text(matches!(word, "b" | "B"), keep);
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self, keep: bool) -> Result<Value, String> {
        let rest = &self.line[self.at..];
        let mut previous = b' ';
        let length = rest.bytes().position(|byte| {
            let sign = matches!(byte, b'+' | b'-') && matches!(previous, b' ' | b'e' | b'E');
            previous = byte;
            !(sign || byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
        });
        let token = &rest[..length.unwrap_or(rest.len())];
        let value = if keep {
            number(token).map(Value::Number)
        } else {
            begins_number(token).then_some(Value::Null)
        };
        let Some(value) = value else {
            return Err(self.unexpected("a decimal number within a float's range"));
        };
        self.at += token.len();
        Ok(value)
    }

    fn list(&mut self, close: u8, depth: u32, keep: bool) -> Result<Value, String> {
        self.at += 1;
        self.check_depth(depth)?;
        let mut values = Vec::new();
        while !self.ends(close, values.len())? {
            let value = self.value(depth + 1, keep)?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn dictionary(&mut self, depth: u32, keep: bool) -> Result<Value, String> {
        self.at += 1;
        let mut entries = Map::new();
        self.entries(depth, keep, |reader, key| {
            let value = reader.value(depth + 1, keep)?;
            if keep {
                entries.insert(key_text(key), value);
            }
            Ok(())
        })?;
        Ok(Value::Object(entries))
    }

    /// The entries up to the closing brace; `each` gets the key, if keys are kept, and reads the value.
    fn entries(
        &mut self,
        depth: u32,
        keep_keys: bool,
        mut each: impl FnMut(&mut Self, Value) -> Result<(), String>,
    ) -> Result<(), String> {
        self.check_depth(depth)?;
        let mut count = 0;
        while !self.ends(b'}', count)? {
            let key = self.value(depth + 1, keep_keys)?;
            self.skip_space();
            self.expect(b':', "`:` after a key")?;
            each(self, key)?;
            count += 1;
        }
        Ok(())
    }

    /// Returns `true` if a list with `count` values so far ends here; otherwise reads the comma.
    fn ends(&mut self, close: u8, count: usize) -> Result<bool, String> {
        self.skip_space();
        if count > 0 && self.peek() == Some(b',') {
            self.at += 1;
            self.skip_space();
        } else if count > 0 && self.peek() != Some(close) {
            let close = char::from(close);
            return Err(self.unexpected(&format!("`,` or `{close}`")));
        }
        let ends = self.peek() == Some(close);
        self.at += usize::from(ends);
        Ok(ends)
    }

    fn check_depth(&self, depth: u32) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!(
                "lists and dictionaries are nested more than {DEEPEST} deep at column {}",
                self.at
            ));
        }
        Ok(())
    }
}

/// A decimal number, as exact as JSON's are.
fn number(token: &str) -> Option<Number> {
    let token = token.strip_prefix('+').unwrap_or(token).replace('_', "");
    if let Ok(number) = token.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = token.parse::<u64>() {
        return Some(number.into());
    }
    if !begins_number(&token) {
        return None;
    }
    Number::from_f64(token.parse().ok()?)
}

/// Returns `true` if a digit comes first, after a sign and a point perhaps.
fn begins_number(token: &str) -> bool {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

fn key_text(key: Value) -> String {
    match key {
        Value::String(key) => key,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
