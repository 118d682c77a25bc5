//! Files that may be compressed with gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The byte order marks of UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The file is in UTF-16.
#[derive(Debug, thiserror::Error)]
#[error("the text is in UTF-16; expected UTF-8: `iconv -f UTF-16 -t UTF-8 FILE > NEW` converts it")]
struct Utf16;

/// Decompresses gzip, recognised by its first bytes, and passes through everything else. A leading
/// byte order mark of UTF-8 is dropped.
///
/// # Errors
/// If the first bytes cannot be read. Reading fails if the text is in UTF-16.
pub fn decompress<'r>(mut reader: impl BufRead + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
    Ok(match reader.fill_buf()?.starts_with(&GZIP_MAGIC) {
        true => Box::new(StripBom::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(reader),
        ))),
        false => Box::new(StripBom::new(reader)),
    })
}

/// Reads a whole file and decompresses it if it is gzipped.
///
/// # Errors
/// If it cannot be read, or is a damaged gzip file.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut content = Vec::new();
    decompress(BufReader::new(file))
        .and_then(|mut reader| reader.read_to_end(&mut content))
        .map_err(|error| read_error(path, error))?;
    Ok(content)
}

/// Converts an error of reading the file `path` through [`decompress`]: the file is damaged, or
/// the system refused to read it.
pub fn read_error(path: &Path, error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Utf16>()) {
        return Error::input(path, error.to_string());
    }
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            Error::input(
                path,
                format!(
                    "the gzipped data is damaged, cut short, or something follows its end \
                     ({error}); get the file again"
                ),
            )
        }
        _ => Error::io("read", path)(error),
    }
}

/// A reader without a leading byte order mark.
struct StripBom<R> {
    inner: R,
    begun: bool,
}

impl<R> StripBom<R> {
    fn new(inner: R) -> Self {
        let begun = false;
        StripBom { inner, begun }
    }
}

impl<R: BufRead> StripBom<R> {
    fn begin(&mut self) -> io::Result<()> {
        if !self.begun {
            let start = self.inner.fill_buf()?;
            if UTF_16.iter().any(|mark| start.starts_with(mark)) {
                return Err(io::Error::new(ErrorKind::InvalidData, Utf16));
            }
            if start.starts_with(BOM) {
                self.inner.consume(BOM.len());
            }
            self.begun = true;
        }
        Ok(())
    }
}

impl<R: BufRead> Read for StripBom<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.begin()?;
        self.inner.read(buffer)
    }
}

impl<R: BufRead> BufRead for StripBom<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.begin()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorClass;
    use std::fs;
    use std::io::Write;

    fn compress(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        read_file(file.path())
    }

    #[test]
    fn compressed_and_plain_files_read_the_same() {
        for bytes in [b"some text".to_vec(), compress(b"some text")] {
            assert_eq!(read(&bytes).unwrap(), b"some text");
        }
    }

    #[test]
    fn only_a_leading_byte_order_mark_is_dropped() {
        let text = b"\xef\xbb\xbfa\n\xef\xbb\xbfb";
        for bytes in [text.to_vec(), compress(text)] {
            assert_eq!(read(&bytes).unwrap(), b"a\n\xef\xbb\xbfb");
            let lines: Vec<_> = decompress(&*bytes)
                .unwrap()
                .lines()
                .map(|l| l.unwrap())
                .collect();
            assert_eq!(lines, ["a", "\u{feff}b"]);
        }
        assert_eq!(read(BOM).unwrap(), b"");
        assert_eq!(read(b"\xef\xbb").unwrap(), b"\xef\xbb");
    }

    #[test]
    fn utf_16_is_told_from_damage() {
        for bytes in [b"\xff\xfea\0".to_vec(), compress(b"\xfe\xff\0a")] {
            let message = read(&bytes).unwrap_err().to_string();
            assert!(message.contains("the text is in UTF-16"), "{message}");
        }
    }

    #[test]
    fn a_damaged_file_is_a_user_error_and_a_refusal_one_of_the_machine() {
        let whole = compress(b"some text");
        let mut damaged = whole.clone();
        damaged[whole.len() - 6] ^= 1;
        let followed = [&whole[..], b"and more"].concat();
        for bytes in [&whole[..whole.len() - 5], &whole[..5], &damaged, &followed] {
            let error = read(bytes).unwrap_err();
            assert_eq!(error.class(), ErrorClass::User);
            let message = error.to_string();
            assert!(
                message.contains("the gzipped data is damaged, cut short"),
                "{message}"
            );
        }
        let refused = io::Error::from(ErrorKind::PermissionDenied);
        assert_eq!(
            read_error(Path::new("x"), refused).class(),
            ErrorClass::Machine
        );
    }
}
