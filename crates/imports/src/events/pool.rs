//! Collects rows by a key, in bounded memory: in one buffer while it is small, in files by a hash of the key beyond that.
//!
//! Always holds: rows of one key come out together, in the order in which they went in; groups come out in the order of their
//! first row (within each file of the spill, when there was one). The same input gives the same order.

use std::collections::HashMap;
use std::fs::File;
use std::hash::BuildHasherDefault;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use crate::Error;
use crate::profile::distinct::Same;
use crate::row::Row;

/// Files that a spill is spread over.
const PARTS: usize = 64;

/// A 64-bit key and 64 bits to tell keys apart that share it.
pub(crate) type Key = [u8; 16];

/// Rows before they are grouped.
pub(crate) struct Pool {
    buffer: Vec<u8>,
    limit: usize,
    spill: Option<Vec<BufWriter<File>>>,
}

/// The key of a text.
pub(crate) fn key_of(parts: &[&str]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

/// Writes a row's kept columns: place of its plan, row number, fields.
pub(crate) fn encode(buffer: &mut Vec<u8>, plan: usize, row: &Row, columns: &[usize]) {
    put(buffer, plan as u64);
    put(buffer, row.number);
    put(buffer, columns.len() as u64);
    for column in columns {
        let field = row.get(*column);
        put(buffer, field.len() as u64);
        buffer.extend_from_slice(field.as_bytes());
    }
}

/// A row as it was put in.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub plan: usize,
    pub row: u64,
    pub fields: Vec<&'a str>,
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(mut bytes: &[u8]) -> Line<'_> {
    let plan = take(&mut bytes) as usize;
    let row = take(&mut bytes);
    let count = take(&mut bytes) as usize;
    let mut fields = Vec::with_capacity(count);
    for _ in 0..count {
        let length = take(&mut bytes) as usize;
        let (field, rest) = bytes.split_at(length);
        fields.push(std::str::from_utf8(field).expect("fields are written from strings"));
        bytes = rest;
    }
    Line { plan, row, fields }
}

fn put(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        buffer.push((value as u8) | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

impl Pool {
    /// A pool that holds at most about `limit` bytes in memory.
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), limit, spill: None }
    }

    /// Adds a row.
    pub fn add(&mut self, key: Key, plan: usize, row: &Row, columns: &[usize]) -> Result<(), Error> {
        self.buffer.extend_from_slice(&key);
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        encode(&mut self.buffer, plan, row, columns);
        let length = u32::try_from(self.buffer.len() - at - 4).expect("a row is at most a few MiB");
        self.buffer[at..at + 4].copy_from_slice(&length.to_le_bytes());
        if self.buffer.len() > self.limit { self.spill().map_err(Error::Spill) } else { Ok(()) }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        if self.spill.is_none() {
            // Unnamed files: gone with the process, however it ends.
            let files: Result<Vec<_>, _> = (0..PARTS).map(|_| tempfile::tempfile().map(BufWriter::new)).collect();
            self.spill = Some(files?);
        }
        let files = self.spill.as_mut().expect("just made");
        let mut rest = &self.buffer[..];
        while !rest.is_empty() {
            let (entry, next) = rest.split_at(entry_length(rest));
            files[usize::from(entry[0]) % PARTS].write_all(entry)?;
            rest = next;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Closes the pool.
    pub fn into_groups(mut self) -> Result<Groups, Error> {
        let mut files = Vec::new();
        if self.spill.is_some() {
            self.spill().map_err(Error::Spill)?;
            for file in self.spill.take().into_iter().flatten() {
                let mut file = file.into_inner().map_err(|e| Error::Spill(e.into_error()))?;
                file.seek(SeekFrom::Start(0)).map_err(Error::Spill)?;
                files.push(file);
            }
            files.reverse();
            self.buffer = Vec::new();
        }
        let mut groups = Groups { files, buffer: self.buffer, starts: Vec::new(), links: Vec::new(), next: 0 };
        groups.index();
        Ok(groups)
    }
}

/// The length of the first entry: key, length, row.
fn entry_length(bytes: &[u8]) -> usize {
    let length = u32::from_le_bytes(bytes[16..20].try_into().expect("four bytes"));
    20 + length as usize
}

/// Rows by key.
pub(crate) struct Groups {
    files: Vec<File>,
    buffer: Vec<u8>,
    /// The first link of each group.
    starts: Vec<u32>,
    /// Where a row is, and the next one of its group.
    links: Vec<(usize, u32)>,
    next: usize,
}

const END: u32 = u32::MAX;

impl Groups {
    fn index(&mut self) {
        self.starts.clear();
        self.links.clear();
        self.next = 0;
        let mut groups = HashMap::<u128, (usize, u32), BuildHasherDefault<KeyHasher>>::default();
        let mut at = 0;
        while at < self.buffer.len() {
            let key = u128::from_le_bytes(self.buffer[at..at + 16].try_into().expect("sixteen bytes"));
            let link = u32::try_from(self.links.len()).expect("fewer than 2^32 rows in one part");
            self.links.push((at, END));
            let group = groups.entry(key).or_insert_with(|| {
                self.starts.push(link);
                (self.starts.len() - 1, link)
            });
            if group.1 != link {
                self.links[group.1 as usize].1 = link;
                group.1 = link;
            }
            at += entry_length(&self.buffer[at..]);
        }
    }

    /// Goes to the next group; false at the end.
    pub fn advance(&mut self) -> Result<bool, Error> {
        while self.next == self.starts.len() {
            let Some(mut file) = self.files.pop() else { return Ok(false) };
            self.buffer.clear();
            file.read_to_end(&mut self.buffer).map_err(Error::Spill)?;
            self.index();
        }
        self.next += 1;
        Ok(true)
    }

    /// The rows of the group that [`Self::advance`] went to.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut link = self.starts[self.next - 1];
        while link != END {
            let (at, next) = self.links[link as usize];
            lines.push(decode(&self.buffer[at + 20..at + entry_length(&self.buffer[at..])]));
            link = next;
        }
        lines
    }
}

/// Takes the low half of a key that is a hash already.
#[derive(Default)]
struct KeyHasher(Same);

impl std::hash::Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn write_u128(&mut self, value: u128) {
        self.0.write_u64(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grouped(keys: &[u8], limit: usize) -> Vec<(String, Vec<u64>)> {
        let mut pool = Pool::new(limit);
        let mut row = Row::default();
        for (number, key) in keys.iter().enumerate() {
            row.clear();
            row.number = number as u64;
            row.push("left out");
            row.push(&key.to_string());
            pool.add(key_of(&[&key.to_string()]), 3, &row, &[1]).unwrap();
        }
        let mut groups = pool.into_groups().unwrap();
        let mut found = Vec::new();
        while groups.advance().unwrap() {
            let lines = groups.lines();
            assert!(lines.iter().all(|line| line.plan == 3 && line.fields == lines[0].fields));
            found.push((lines[0].fields[0].to_owned(), lines.iter().map(|line| line.row).collect()));
        }
        found
    }

    proptest! {
        #[test]
        fn groups_as_a_map_would(keys in prop::collection::vec(0u8..40, 0..300), limit in prop::sample::select(vec![1usize, 500, 1_000_000])) {
            let mut expected: Vec<(String, Vec<u64>)> = Vec::new();
            for (number, key) in keys.iter().enumerate() {
                match expected.iter_mut().find(|(k, _)| *k == key.to_string()) {
                    Some((_, rows)) => rows.push(number as u64),
                    None => expected.push((key.to_string(), vec![number as u64])),
                }
            }
            let mut found = grouped(&keys, limit);
            if limit == 1_000_000 {
                prop_assert_eq!(&found, &expected);
            }
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
