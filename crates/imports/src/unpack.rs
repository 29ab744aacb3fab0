//! From a file's bytes to UTF-8 text: decompresses gzip and zstd and converts the encoding, as a stream.
//!
//! Always holds: memory does not grow with the file, and the bytes read from disk are counted for the progress bar. What is no
//! text at all is refused with a word on what it looks like.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::looks_like;

/// How much of the (decompressed) text is looked at to find out its shape.
pub const SAMPLE_BYTES: usize = 256 * 1024;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// Not compressed.
    Plain,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// The beginning of a file, and how to read it.
#[derive(Debug)]
pub(crate) struct Head {
    pub packing: Packing,
    pub encoding: &'static Encoding,
    pub byte_order_mark: bool,
    pub is_parquet: bool,
    /// The first [`SAMPLE_BYTES`] as UTF-8.
    pub sample: Vec<u8>,
    /// Whether the sample is the whole text.
    pub whole: bool,
    /// Size on disk.
    pub bytes: u64,
}

/// Reads the beginning of a file and refuses what is no table.
pub(crate) fn look(path: &Path) -> Result<Head, Error> {
    let file = name_of(path);
    let unreadable = |source| Error::Unreadable { file: file.clone(), source };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    let unreadable = |source| Error::Unreadable { file: file.clone(), source };
    let mut magic = Vec::new();
    File::open(path).and_then(|f| f.take(8).read_to_end(&mut magic)).map_err(unreadable)?;
    let packing = packing_of(&magic);
    let mut raw = Vec::new();
    let unreadable = |source| Error::Unreadable { file: file.clone(), source };
    let mut reader = decompress(File::open(path).map_err(unreadable)?, packing)
        .map_err(|source| Error::Unreadable { file: file.clone(), source })?;
    // A cut-off archive gives what it has; the loss is reported when the rows are read.
    let whole = read_some(&mut reader, &mut raw).unwrap_or(false);
    if magic.starts_with(b"PAR1") {
        let head = Head {
            packing,
            encoding: UTF_8,
            byte_order_mark: false,
            is_parquet: true,
            sample: Vec::new(),
            whole,
            bytes,
        };
        return Ok(head);
    }
    let (encoding, byte_order_mark) = encoding_of(&raw);
    if let Some((looks_like, advice)) = looks_like::no_table(&raw, encoding) {
        return Err(Error::NoTable { file, looks_like: looks_like.into(), advice: advice.into() });
    }
    let mut sample = Vec::new();
    let mut decoded = Transcoder::new(io::Cursor::new(raw), encoding);
    decoded.read_to_end(&mut sample).map_err(|source| Error::Unreadable { file: name_of(path), source })?;
    Ok(Head { packing, encoding, byte_order_mark, is_parquet: false, sample, whole, bytes })
}

/// Opens a file as UTF-8 text; `read` counts the bytes taken from disk.
pub(crate) fn text(
    path: &Path,
    packing: Packing,
    encoding: &'static Encoding,
    read: Arc<AtomicU64>,
) -> io::Result<Box<dyn Read + Send>> {
    let counted = Counted { inner: File::open(path)?, read };
    let plain = decompress(counted, packing)?;
    Ok(Box::new(Transcoder::new(plain, encoding)))
}

/// A file's name without its folder: what people see.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn packing_of(magic: &[u8]) -> Packing {
    if magic.starts_with(&[0x1f, 0x8b]) {
        Packing::Gzip
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Packing::Zstd
    } else {
        Packing::Plain
    }
}

fn decompress<R: Read + Send + 'static>(file: R, packing: Packing) -> io::Result<Box<dyn Read + Send>> {
    Ok(match packing {
        Packing::Plain => Box::new(file),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Packing::Zstd => Box::new(zstd::Decoder::new(file)?),
    })
}

/// Fills `buffer` up to the sample's size; true when the end was reached.
fn read_some(reader: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 16 * 1024];
    while buffer.len() < SAMPLE_BYTES {
        let count = reader.read(&mut chunk)?;
        if count == 0 {
            return Ok(true);
        }
        buffer.extend_from_slice(&chunk[..count]);
    }
    Ok(false)
}

fn encoding_of(raw: &[u8]) -> (&'static Encoding, bool) {
    if let Some((encoding, _)) = Encoding::for_bom(raw) {
        return (encoding, true);
    }
    let zeros = |odd: usize| raw.iter().skip(odd).step_by(2).filter(|b| **b == 0).count() * 2;
    if zeros(1) * 10 > raw.len() * 4 && zeros(0) * 10 < raw.len() {
        return (UTF_16LE, false);
    }
    if zeros(0) * 10 > raw.len() * 4 && zeros(1) * 10 < raw.len() {
        return (UTF_16BE, false);
    }
    match std::str::from_utf8(raw) {
        Ok(_) => (UTF_8, false),
        // Cut in the middle of a character at the sample's end.
        Err(error) if error.valid_up_to() + 4 > raw.len() => (UTF_8, false),
        // Some rows of an export can be in another encoding than the rest: UTF-8 that makes sense is no accident.
        Err(_) if utf8_prevails(raw) => (UTF_8, false),
        Err(_) => {
            let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(raw, true);
            (detector.guess(None, chardetng::Utf8Detection::Deny), false)
        }
    }
}

/// Whether more characters beyond ASCII are valid UTF-8 than not.
fn utf8_prevails(raw: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    for chunk in raw.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    valid > invalid
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Converts an encoding to UTF-8 while reading. UTF-8 passes through unchecked: each row is checked by itself.
struct Transcoder<R> {
    inner: R,
    /// `None` for UTF-8.
    decoder: Option<encoding_rs::Decoder>,
    at_start: bool,
    raw: Vec<u8>,
    /// What is decoded and not yet handed out: `text[given..filled]`.
    text: Vec<u8>,
    given: usize,
    filled: usize,
    finished: bool,
}

impl<R: Read> Transcoder<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        let (raw, text) = (vec![0; 16 * 1024], Vec::new());
        Self { inner, decoder, at_start: true, raw, text, given: 0, filled: 0, finished: false }
    }

    /// Decodes the next piece.
    fn decode(&mut self) -> io::Result<()> {
        let count = self.inner.read(&mut self.raw)?;
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let room = decoder.max_utf8_buffer_length(count).unwrap_or(4 * count + 16);
        self.text.resize(room, 0);
        let (_, _, written, _) = decoder.decode_to_utf8(&self.raw[..count], &mut self.text, count == 0);
        (self.given, self.filled, self.finished) = (0, written, count == 0);
        Ok(())
    }

    /// Takes the byte-order mark off the beginning of UTF-8.
    fn start(&mut self) -> io::Result<()> {
        self.at_start = false;
        self.text.resize(3, 0);
        while self.filled < 3 {
            let count = self.inner.read(&mut self.text[self.filled..])?;
            if count == 0 {
                break;
            }
            self.filled += count;
        }
        if self.text[..self.filled] == *b"\xef\xbb\xbf" {
            self.given = self.filled;
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() && self.at_start {
            self.start()?;
        }
        while self.given == self.filled {
            if self.decoder.is_none() {
                return self.inner.read(buffer);
            }
            if self.finished {
                return Ok(0);
            }
            self.decode()?;
        }
        let count = buffer.len().min(self.filled - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &[u8]) -> String {
        let (encoding, _) = encoding_of(raw);
        let mut text = Vec::new();
        Transcoder::new(raw, encoding).read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn encodings_become_utf8() {
        let utf16 = |mark: bool, big: bool| {
            let text = format!("{}Straße,1\nÖl,2\n", if mark { "\u{feff}" } else { "" });
            text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect::<Vec<u8>>()
        };
        for raw in [utf16(true, false), utf16(true, true), utf16(false, false), utf16(false, true)] {
            assert_eq!(decoded(&raw), "Straße,1\nÖl,2\n");
        }
        assert_eq!(decoded(b"\xef\xbb\xbfa,b"), "a,b");
        assert_eq!(
            decoded(b"name;ort\nM\xfcller;K\xf6ln\nStra\xdfe;F\xfcrth\n"),
            "name;ort\nMüller;Köln\nStraße;Fürth\n"
        );
    }
}
