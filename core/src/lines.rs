//! Files that are read line by line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::{Error, OnBadLine, Report, Result, open_regular, read_error};

/// The bytes that are read at once.
const AT_ONCE: usize = 1 << 20;

/// Calls `take` with the number and the bytes of each line of a file that is not blank, its end
/// included.
///
/// # Errors
/// If the file cannot be read or has a line of more than `longest` bytes; the error of `take`.
pub fn for_each_line(
    path: &Path,
    longest: u64,
    mut take: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut reader = BufReader::with_capacity(AT_ONCE, open_regular(path)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader
            .by_ref()
            .take(longest + 1)
            .read_until(b'\n', &mut line);
        let read = read.map_err(|error| read_error(path, error))? as u64;
        if read == 0 {
            break;
        }
        if read > longest {
            let message = format!("this line has more than {longest} bytes");
            return Err(Error::line(path, number, message));
        }
        if !line.trim_ascii().is_empty() {
            take(number, &line)?;
        }
    }
    Ok(())
}

/// The lines of a file that cannot be used: errors, or counted.
#[derive(Debug)]
pub struct BadLines {
    on_bad_line: OnBadLine,
    count: usize,
    example: Option<String>,
}

impl BadLines {
    /// None yet.
    pub fn new(on_bad_line: OnBadLine) -> Self {
        BadLines {
            on_bad_line,
            count: 0,
            example: None,
        }
    }

    /// Counts a line if it is bad.
    ///
    /// # Errors
    /// If it is, and bad lines are errors.
    pub fn check(&mut self, path: &Path, number: u64, line: Result<(), String>) -> Result<()> {
        match (line, self.on_bad_line) {
            (Ok(()), _) => Ok(()),
            (Err(message), OnBadLine::Error) => Err(Error::line(path, number, message)),
            (Err(message), OnBadLine::Skip) => {
                self.count += 1;
                self.example
                    .get_or_insert_with(|| format!("line {number}: {message}"));
                Ok(())
            }
        }
    }

    /// Adds the number of bad lines, with the first one, to a report.
    pub fn report(self, path: &Path, report: &mut Report) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let what = format!("lines of {name} that cannot be read");
        report.drop(what, self.count, None, self.example);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8], longest: u64) -> Result<Vec<(u64, String)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, content).unwrap();
        let mut lines = Vec::new();
        for_each_line(&path, longest, |number, line| {
            lines.push((number, String::from_utf8_lossy(line).into_owned()));
            Ok(())
        })?;
        Ok(lines)
    }

    #[test]
    fn lines_have_their_numbers_and_blank_ones_are_passed_over() {
        let lines = read(b"a\n\n  \nbc\r\nlast", 4).unwrap();
        let expected = [(1, "a\n"), (4, "bc\r\n"), (5, "last")];
        assert_eq!(
            lines,
            expected.map(|(number, line)| (number, line.to_string()))
        );
        assert!(read(b"", 4).unwrap().is_empty());
        let long = read(b"ab\nabcde\n", 4).unwrap_err().to_string();
        assert!(
            long.ends_with(":2: this line has more than 4 bytes"),
            "{long}"
        );
    }

    #[test]
    fn bad_lines_are_errors_or_counted() {
        let path = Path::new("f");
        let bad = || Err("is bad".to_string());
        let mut strict = BadLines::new(OnBadLine::Error);
        strict.check(path, 1, Ok(())).unwrap();
        assert!(strict.check(path, 2, bad()).is_err());
        let mut lenient = BadLines::new(OnBadLine::Skip);
        lenient.check(path, 3, bad()).unwrap();
        lenient.check(path, 4, bad()).unwrap();
        let mut report = Report::default();
        lenient.report(path, &mut report);
        assert_eq!(report.dropped[0].count, 2);
        assert_eq!(report.dropped[0].example.as_deref(), Some("line 3: is bad"));
    }
}
