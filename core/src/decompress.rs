//! Files that may be compressed with gzip.

use std::fs::{self, File};
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
/// byte order mark of UTF-8 is dropped. Reading fails where data are 200 times as long as their gzip.
///
/// # Errors
/// If the first bytes cannot be read. Reading fails if the text is in UTF-16.
pub fn decompress<'r>(mut reader: impl BufRead + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
    Ok(match reader.fill_buf()?.starts_with(&GZIP_MAGIC) {
        true => Box::new(StripBom::new(BufReader::with_capacity(
            1 << 16,
            Bounded::new(reader),
        ))),
        false => Box::new(StripBom::new(reader)),
    })
}

/// Opens a file to read it.
///
/// # Errors
/// If it cannot be opened, or is a folder, a device or a pipe, from which nothing can be read twice
/// and some of which never end.
pub fn open_regular(path: &Path) -> Result<File> {
    let kind = fs::metadata(path).map_err(Error::io("open", path))?;
    let what = match kind.is_dir() {
        _ if kind.is_file() => return File::open(path).map_err(Error::io("open", path)),
        true => "is a folder",
        false => "is a device or a pipe",
    };
    Err(Error::input(path, format!("{what}; expected a file")))
}

/// Reads a whole file of at most `limit` bytes, such as one of settings.
///
/// # Errors
/// If it is no file, longer, or cannot be read.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = open_regular(path)?;
    let mut content = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut content);
    read.map_err(Error::io("read", path))?;
    match content.len() as u64 > limit {
        false => Ok(content),
        true => Err(Error::input(
            path,
            format!("is longer than {} MiB; is it the right file?", limit >> 20),
        )),
    }
}

/// Reads a whole file and decompresses it if it is gzipped.
///
/// # Errors
/// If it cannot be read, or is a damaged gzip file.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = open_regular(path)?;
    let mut content = Vec::new();
    decompress(BufReader::new(file))
        .and_then(|mut reader| reader.read_to_end(&mut content))
        .map_err(|error| read_error(path, error))?;
    Ok(content)
}

/// Converts an error of reading the file `path` through [`decompress`]: the file is damaged, or
/// the system refused to read it.
pub fn read_error(path: &Path, error: io::Error) -> Error {
    let is_told = |inner: &(dyn std::error::Error + Send + Sync + 'static)| {
        inner.is::<Utf16>() || inner.is::<Bomb>()
    };
    if error.get_ref().is_some_and(is_told) {
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

/// The gzip of a file of text is a tenth of it; that of a file that was made to fill memory is a
/// thousandth.
const MOST_TIMES: u64 = 200;
/// Bytes that may come of any gzip.
const FREE: u64 = 64 << 20;

/// The gzip expands to too much.
#[derive(Debug, thiserror::Error)]
#[error(
    "the gzipped data expand to more than {MOST_TIMES} times their size; if that is right, decompress \
     the file first"
)]
struct Bomb;

/// A reader that counts what it hands on.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count += amount as u64;
        self.inner.consume(amount);
    }
}

/// A decoder of gzip that ends in an error where its data expand to too much.
struct Bounded<R> {
    inner: MultiGzDecoder<Counted<R>>,
    count: u64,
}

impl<R: BufRead> Bounded<R> {
    fn new(inner: R) -> Self {
        let counted = Counted { inner, count: 0 };
        Bounded {
            inner: MultiGzDecoder::new(counted),
            count: 0,
        }
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        let most = self.inner.get_ref().count.saturating_mul(MOST_TIMES);
        match self.count > FREE.max(most) {
            true => Err(io::Error::new(ErrorKind::InvalidData, Bomb)),
            false => Ok(read),
        }
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
    fn a_gzip_that_fills_memory_is_refused() {
        let zeros = vec![0; FREE as usize + (2 << 20)];
        let message = read(&compress(&zeros)).unwrap_err().to_string();
        assert!(
            message.contains("expand to more than 200 times"),
            "{message}"
        );
        let short = vec![0; 1 << 20];
        assert_eq!(read(&compress(&short)).unwrap().len(), short.len());
    }

    #[test]
    #[cfg(unix)]
    fn only_files_are_opened() {
        for path in ["/dev/zero", "/"] {
            let error = open_regular(Path::new(path)).unwrap_err();
            assert_eq!(error.class(), ErrorClass::User, "{error}");
        }
        let error = read_limited(Path::new("/proc/self/exe"), 1).unwrap_err();
        assert!(error.to_string().contains("is longer than"), "{error}");
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
