//! The text of a body: decompressed by its first bytes, checked to be UTF-8. The limit after decompression is enforced while
//! decompressing: a bomb costs no more than the limit. Does not look at the JSON.

use std::borrow::Cow;
use std::io::Read;

use crate::{Limits, Refusal};

/// The text of `body`, which may be plain, gzip, zlib or zstd.
pub fn inflate<'a>(body: &'a [u8], limits: &Limits) -> Result<Cow<'a, str>, Refusal> {
    if body.len() > limits.body_bytes {
        return Err(Refusal::TooLarge { limit: limits.body_bytes, decompressed: false });
    }
    let limit = limits.text_bytes;
    let text = match body {
        [0x1f, 0x8b, ..] => Cow::Owned(drain(flate2::read::MultiGzDecoder::new(body), "gzip", limit)?),
        // A zlib header is a multiple of 31, and no JSON begins with an x.
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0 => {
            Cow::Owned(drain(flate2::read::ZlibDecoder::new(body), "zlib", limit)?)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let broken = |_| Refusal::Compression { format: "zstd" };
            let mut decoder = zstd::Decoder::with_buffer(body).map_err(broken)?;
            decoder.window_log_max(23).map_err(broken)?;
            Cow::Owned(drain(decoder, "zstd", limit)?)
        }
        plain if plain.len() > limit => return Err(Refusal::TooLarge { limit, decompressed: false }),
        plain => Cow::Borrowed(plain),
    };
    utf8(text)
}

fn drain(reader: impl Read, format: &'static str, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut text).map_err(|_| Refusal::Compression { format })?;
    if text.len() > limit { Err(Refusal::TooLarge { limit, decompressed: true }) } else { Ok(text) }
}

fn utf8(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Refusal> {
    const MARK: &str = "\u{feff}";
    Ok(match bytes {
        Cow::Borrowed(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|error| Refusal::NotUtf8 { offset: error.valid_up_to() })?;
            Cow::Borrowed(text.strip_prefix(MARK).unwrap_or(text))
        }
        Cow::Owned(bytes) => {
            let mut text = String::from_utf8(bytes)
                .map_err(|error| Refusal::NotUtf8 { offset: error.utf8_error().valid_up_to() })?;
            if text.starts_with(MARK) {
                text.drain(..MARK.len());
            }
            Cow::Owned(text)
        }
    })
}
