//! A frame: what one commit wrote. A header with its own checksum, then the records, compressed (zstd) and, where there are
//! keys, encrypted (XChaCha20-Poly1305 under the key of the UTC day, a random nonce each, the header authenticated).
//!
//! Header, little endian: magic (4), CRC-32C of the body (4), body length (4), content length (4), count (4), flags (4),
//! first position (8), written at (8, µs), nonce (24), CRC-32C of the header so far (4).
//!
//! Always holds: whoever has a header with a right checksum may skip the body by its length.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rapport_domain::{Rng, Timestamp};

use super::keys::KeyProvider;
use crate::Error;

/// Bytes of a header.
pub(super) const HEADER: usize = 68;
/// The largest content of a frame.
pub(super) const MAX_CONTENT: usize = 256 << 20;
const MAGIC: [u8; 4] = *b"RPF1";
const ENCRYPTED: u32 = 1;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    body_crc: u32,
    pub body_length: u32,
    content_length: u32,
    pub count: u32,
    flags: u32,
    pub first_position: u64,
    pub written_at: Timestamp,
    nonce: [u8; 24],
}

impl Header {
    /// Reads a header; `None` when `bytes` does not begin with a whole one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        if header[..4] != MAGIC || crc32c::crc32c(&header[..64]).to_le_bytes() != header[64..] {
            return None;
        }
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&header[40..64]);
        Some(Self {
            body_crc: word(4),
            body_length: word(8),
            content_length: word(12),
            count: word(16),
            flags: word(20),
            first_position: long(24),
            written_at: Timestamp(long(32).cast_signed()),
            nonce,
        })
    }

    fn bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        for (at, word) in
            [self.body_crc, self.body_length, self.content_length, self.count, self.flags].iter().enumerate()
        {
            bytes[4 + 4 * at..8 + 4 * at].copy_from_slice(&word.to_le_bytes());
        }
        bytes[24..32].copy_from_slice(&self.first_position.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.written_at.0.to_le_bytes());
        bytes[40..64].copy_from_slice(&self.nonce);
        let crc = crc32c::crc32c(&bytes[..64]);
        bytes[64..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// What encryption vouches for: everything but the lengths and checksums of the encrypted form itself.
    fn associated(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.first_position.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.written_at.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        bytes[20..].copy_from_slice(&self.content_length.to_le_bytes());
        bytes
    }

    /// Header and body together.
    pub fn frame_length(&self) -> u64 {
        HEADER as u64 + u64::from(self.body_length)
    }

    /// The position after the frame's last.
    pub fn end(&self) -> u64 {
        self.first_position + u64::from(self.count)
    }

    /// Whether `body` is what was written.
    pub fn matches(&self, body: &[u8]) -> bool {
        body.len() == self.body_length as usize && crc32c::crc32c(body) == self.body_crc
    }
}

/// Writes a frame with `count` records in `content` to the end of `out`.
pub(super) fn seal(
    content: &[u8],
    count: u32,
    first_position: u64,
    written_at: Timestamp,
    keys: Option<&dyn KeyProvider>,
    rng: &dyn Rng,
) -> Result<(Header, Vec<u8>), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Write { reason: error.to_string() };
    let mut header = Header {
        body_crc: 0,
        body_length: 0,
        content_length: u32::try_from(content.len()).map_err(|error| failed(&error))?,
        count,
        flags: 0,
        first_position,
        written_at,
        nonce: [0; 24],
    };
    let mut body = zstd::bulk::compress(content, 1).map_err(|error| failed(&error))?;
    if let Some(keys) = keys {
        let day = written_at.utc_day();
        let key = keys.key_for_writing(day).map_err(|reason| Error::Key { day, reason })?;
        header.flags |= ENCRYPTED;
        rng.fill(&mut header.nonce);
        let payload = Payload { msg: &body, aad: &header.associated() };
        body = XChaCha20Poly1305::new(&Key::from(key))
            .encrypt(&XNonce::from(header.nonce), payload)
            .map_err(|error| failed(&error))?;
    }
    header.body_length = u32::try_from(body.len()).map_err(|error| failed(&error))?;
    header.body_crc = crc32c::crc32c(&body);
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend(header.bytes());
    frame.extend(body);
    Ok((header, frame))
}

/// What a body holds.
pub(super) enum Content {
    /// The records.
    Plain(Vec<u8>),
    /// The day's key was destroyed.
    Erased,
    /// Not what was written; the reason.
    Damaged(&'static str),
}

/// Opens a body whose checksum is right.
pub(super) fn open(header: &Header, body: &[u8], keys: Option<&dyn KeyProvider>) -> Result<Content, Error> {
    if header.content_length as usize > MAX_CONTENT {
        return Ok(Content::Damaged("a length that cannot be"));
    }
    let inflate = |compressed: &[u8]| match zstd::bulk::decompress(compressed, header.content_length as usize) {
        Ok(content) if content.len() == header.content_length as usize => Content::Plain(content),
        _ => Content::Damaged("the content cannot be decompressed"),
    };
    if header.flags & ENCRYPTED == 0 {
        return Ok(inflate(body));
    }
    let day = header.written_at.utc_day();
    let none = || Error::Key { day, reason: "the log is encrypted, but no keys were given".to_owned() };
    let Some(key) = keys.ok_or_else(none)?.key_for_reading(day).map_err(|reason| Error::Key { day, reason })? else {
        return Ok(Content::Erased);
    };
    let payload = Payload { msg: body, aad: &header.associated() };
    Ok(match XChaCha20Poly1305::new(&Key::from(key)).decrypt(&XNonce::from(header.nonce), payload) {
        Ok(compressed) => inflate(&compressed),
        Err(_) => Content::Damaged("the content cannot be decrypted with the key of its day"),
    })
}
