//! Quoted texts and their escapes.

use super::Reader;

/// Reads a quoted text; what is between the quotes, and whether it has a backslash.
pub(super) fn scan<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, bool), String> {
    let line = reader.line;
    let bytes = line.as_bytes();
    let quote = bytes[reader.at];
    let start = reader.at + 1;
    let mut at = start;
    let mut escaped = false;
    while let Some(found) = memchr::memchr2(quote, b'\\', &bytes[at..]) {
        at += found;
        if bytes[at] == quote {
            reader.at = at + 1;
            let raw = &line[start..at];
            return match raw.find('\0') {
                Some(nul) => Err(format!("a NUL byte at column {}", start + nul + 1)),
                None => Ok((raw, escaped)),
            };
        }
        escaped = true;
        at = (at + 2).min(bytes.len());
    }
    Err(format!(
        "the text that begins at column {} has no closing `{}`",
        start,
        char::from(quote)
    ))
}

/// A text with its escapes replaced.
pub(super) fn unescape(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    let mut high = None;
    let mut escapes = Escapes { rest: raw };
    while let Some(piece) = escapes.next(true)? {
        let code = match piece {
            Piece::Plain(plain) => {
                flush(&mut high, &mut text);
                text.push_str(plain);
                continue;
            }
            Piece::Code(code) => code,
        };
        match (high.take(), code) {
            (Some(first), 0xdc00..0xe000) => {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (code - 0xdc00);
                text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (before, code) => {
                high = before;
                flush(&mut high, &mut text);
                match char::from_u32(code) {
                    Some(c) => text.push(c),
                    None if code < 0xdc00 => high = Some(code),
                    None => text.push(char::REPLACEMENT_CHARACTER),
                }
            }
        }
    }
    flush(&mut high, &mut text);
    Ok(text)
}

/// Writes a high surrogate that turned out to have no partner.
fn flush(high: &mut Option<u32>, text: &mut String) {
    if high.take().is_some() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
}

/// Bytes with their escapes replaced, read as UTF-8.
pub(super) fn unescape_bytes(raw: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut escapes = Escapes { rest: raw };
    while let Some(piece) = escapes.next(false)? {
        match piece {
            Piece::Plain(plain) => bytes.extend_from_slice(plain.as_bytes()),
            Piece::Code(code) => bytes.push(code as u8),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

enum Piece<'a> {
    Plain(&'a str),
    Code(u32),
}

struct Escapes<'a> {
    rest: &'a str,
}

impl<'a> Escapes<'a> {
    /// Returns the text up to the next escape, or the escape; `\u`, `\U` and `\N` are not escapes in bytes.
    fn next(&mut self, unicode: bool) -> Result<Option<Piece<'a>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        match self.rest.find('\\') {
            Some(0) => self.escape(unicode).map(Some),
            found => Ok(Some(self.plain(found.unwrap_or(self.rest.len())))),
        }
    }

    fn plain(&mut self, length: usize) -> Piece<'a> {
        let (plain, rest) = self.rest.split_at(length);
        self.rest = rest;
        Piece::Plain(plain)
    }

    fn escape(&mut self, unicode: bool) -> Result<Piece<'a>, String> {
        let kind = self.rest[1..].chars().next().unwrap_or('\\');
        let code = match kind {
            '\\' | '\'' | '"' => u32::from(kind),
            'a' => 0x07,
            'b' => 0x08,
            't' => 0x09,
            'n' => 0x0a,
            'v' => 0x0b,
            'f' => 0x0c,
            'r' => 0x0d,
            '0'..='7' => return Ok(Piece::Code(self.octal())),
            'x' => return self.hexadecimal(2),
            'u' if unicode => return self.hexadecimal(4),
            'U' if unicode => return self.hexadecimal(8),
            'N' if unicode => return Err("`\\N{…}` is an escape that is not read here".into()),
            // Python leaves a backslash that begins no escape in its place.
            other => return Ok(self.plain(1 + other.len_utf8())),
        };
        self.rest = &self.rest[2..];
        Ok(Piece::Code(code))
    }

    /// One to three octal digits.
    fn octal(&mut self) -> u32 {
        let digits = self.rest[1..].bytes().take(3);
        let digits = digits.take_while(|byte| (b'0'..=b'7').contains(byte));
        let (length, code) = digits.fold((0, 0), |(length, code), digit| {
            (length + 1, code * 8 + u32::from(digit - b'0'))
        });
        self.rest = &self.rest[1 + length..];
        code
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<Piece<'a>, String> {
        let code = self
            .rest
            .get(2..2 + digits)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|text| u32::from_str_radix(text, 16).ok())
            .filter(|&code| code <= 0x10_ffff);
        let Some(code) = code else {
            let shown: String = self.rest.chars().take(2 + digits).collect();
            return Err(format!(
                "`{shown}` is not an escape of {digits} hexadecimal digits"
            ));
        };
        self.rest = &self.rest[2 + digits..];
        Ok(Piece::Code(code))
    }
}
