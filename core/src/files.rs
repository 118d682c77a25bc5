//! Files that may be packed by gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// How everything that gzip packs begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Unpacks what gzip packed, told by its first bytes, and passes on all else.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn unpack<'r>(mut reader: impl BufRead + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
    Ok(match reader.fill_buf()?.starts_with(&GZIP_MAGIC) {
        true => Box::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(reader),
        )),
        false => Box::new(reader),
    })
}

/// Reads a file whole, unpacked if gzip packed it.
///
/// # Errors
/// If it cannot be read, or is packed and damaged.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut content = Vec::new();
    unpack(BufReader::new(file))
        .and_then(|mut reader| reader.read_to_end(&mut content))
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData => Error::input(
                path,
                format!("is not a whole gzip file ({error}); get it again"),
            ),
            _ => Error::io("read", path)(error),
        })?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    #[test]
    fn packed_and_plain_files_read_the_same_and_half_a_packed_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(b"some text").unwrap();
        let packed = encoder.finish().unwrap();
        for bytes in [&b"some text"[..], &packed] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(read_file(&path).unwrap(), b"some text");
        }
        fs::write(&path, &packed[..packed.len() - 5]).unwrap();
        let error = read_file(&path).unwrap_err().to_string();
        assert!(error.contains("not a whole gzip file"), "{error}");
    }
}
