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
    let mut reader = decompress(File::open(path).map_err(unreadable)?, packing).map_err(|source| Error::Unreadable { file: file.clone(), source })?;
    // A cut-off archive gives what it has; the loss is reported when the rows are read.
    let whole = read_some(&mut reader, &mut raw).unwrap_or(false);
    if magic.starts_with(b"PAR1") {
        let head = Head { packing, encoding: UTF_8, byte_order_mark: false, is_parquet: true, sample: Vec::new(), whole, bytes };
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
pub(crate) fn text(path: &Path, packing: Packing, encoding: &'static Encoding, read: Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
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
        Err(_) => {
            let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(raw, true);
            (detector.guess(None, chardetng::Utf8Detection::Deny), false)
        }
    }
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
    decoder: Option<encoding_rs::Decoder>,
    at_start: bool,
    raw: Vec<u8>,
    raw_len: usize,
    ended: bool,
    finished: bool,
}

impl<R: Read> Transcoder<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        Self { inner, decoder, at_start: true, raw: vec![0; 16 * 1024], raw_len: 0, ended: false, finished: false }
    }

    /// The first bytes of UTF-8, without the byte-order mark.
    fn read_start(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut start = [0; 3];
        let mut length = 0;
        while length < 3 {
            let count = self.inner.read(&mut start[length..])?;
            if count == 0 {
                break;
            }
            length += count;
        }
        self.at_start = false;
        let kept = if start[..length] == *b"\xef\xbb\xbf" { &[][..] } else { &start[..length] };
        buffer[..kept.len()].copy_from_slice(kept);
        if kept.is_empty() { self.inner.read(buffer) } else { Ok(kept.len()) }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else {
            return if self.at_start && buffer.len() >= 3 { self.read_start(buffer) } else { self.inner.read(buffer) };
        };
        if buffer.len() < 4 {
            return Err(io::Error::other("the buffer must hold one character"));
        }
        if self.finished {
            return Ok(0);
        }
        loop {
            if !self.ended && self.raw_len < self.raw.len() {
                let count = self.inner.read(&mut self.raw[self.raw_len..])?;
                self.raw_len += count;
                self.ended = count == 0;
            }
            let (result, read, written, _) = decoder.decode_to_utf8(&self.raw[..self.raw_len], buffer, self.ended);
            self.finished = self.ended && result == encoding_rs::CoderResult::InputEmpty;
            self.raw.copy_within(read..self.raw_len, 0);
            self.raw_len -= read;
            if written > 0 || self.finished {
                return Ok(written);
            }
        }
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
        assert_eq!(decoded(b"name;ort\nM\xfcller;K\xf6ln\nStra\xdfe;F\xfcrth\n"), "name;ort\nMüller;Köln\nStraße;Fürth\n");
    }
}
