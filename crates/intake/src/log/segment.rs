//! Segments: the files the log consists of. Each begins with a header (magic, epoch, first position, CRC-32C) and holds frames.
//!
//! Always holds: positions run through all segments without a gap. A frame that is not whole is cut off only where a crash can
//! have torn it: at the very end, with nothing valid after it. Everything else is reported as damage and left alone.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use rapport_domain::Timestamp;

use super::files::{self, Files, SegmentFile};
use super::frame::{HEADER, Header};
use crate::Error;

/// Bytes before the first frame.
const START: u64 = 28;
const MAGIC: [u8; 8] = *b"RAPPORT1";
/// A place in the index every so many bytes.
const STRIDE: u64 = 64 << 10;

/// One file of the log.
pub(super) struct Segment {
    pub first: u64,
    pub path: PathBuf,
    file: OnceLock<File>,
    index: Mutex<Option<Index>>,
}

/// Where frames begin, and how far the segment is durable.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// (first position, offset) of some frames, ascending.
    marks: Vec<(u64, u64)>,
    /// The position after the last.
    pub end: u64,
    /// Bytes that are whole frames.
    pub length: u64,
    /// When the last frame was written.
    pub last_written_at: Timestamp,
}

impl Index {
    fn new(first: u64) -> Self {
        Self { marks: Vec::new(), end: first, length: START, last_written_at: Timestamp(0) }
    }

    /// Adds the frame that begins at the present length.
    pub fn push(&mut self, header: &Header) {
        if self.marks.last().is_none_or(|&(_, offset)| self.length - offset >= STRIDE) {
            self.marks.push((header.first_position, self.length));
        }
        self.end = header.end();
        self.length += header.frame_length();
        self.last_written_at = header.written_at;
    }

    fn offset_before(&self, position: u64) -> u64 {
        let after = self.marks.partition_point(|&(first, _)| first <= position);
        after.checked_sub(1).map_or(START, |at| self.marks[at].1)
    }
}

impl Segment {
    fn new(first: u64, path: PathBuf, index: Option<Index>) -> Self {
        Self { first, path, file: OnceLock::new(), index: Mutex::new(index) }
    }

    /// Makes the segment that begins at `first` in `folder`; its header is durable on return.
    pub fn create(
        folder: &Path,
        first: u64,
        epoch: u64,
        files: &dyn Files,
    ) -> io::Result<(Self, Box<dyn SegmentFile>)> {
        let path = folder.join(format!("{first:020}.seg"));
        // Left by a creation that failed half way; it cannot hold a frame, for positions from `first` on were never written.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = files.create(&path)?;
        file.append(&start_bytes(epoch, first))?;
        file.sync()?;
        Ok((Self::new(first, path, Some(Index::new(first))), file))
    }

    pub fn index(&self) -> MutexGuard<'_, Option<Index>> {
        self.index.lock().expect("no holder of this lock can panic")
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }

    pub fn damaged(&self, offset: u64, reason: &str) -> Error {
        Error::Damaged { path: self.path.clone(), offset, reason: reason.to_owned() }
    }

    fn file(&self) -> Result<&File, Error> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = File::open(&self.path).map_err(|error| self.io(error))?;
        Ok(self.file.get_or_init(|| file))
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        files::read_at(self.file()?, offset, length).map_err(|error| self.io(error))
    }

    fn header(&self, offset: u64) -> Result<Option<Header>, Error> {
        Ok(Header::parse(&self.read(offset, HEADER)?))
    }

    /// The body of the frame at `offset`, if it is whole.
    pub fn body(&self, offset: u64, header: &Header) -> Result<Option<Vec<u8>>, Error> {
        let body = self.read(offset + HEADER as u64, header.body_length as usize)?;
        Ok(header.matches(&body).then_some(body))
    }

    /// The index of a segment that is not written any more and ends before `end`; headers only are read.
    pub fn sealed_index(&self, end: u64) -> Result<Index, Error> {
        if let Some(index) = self.index().as_ref() {
            return Ok(index.clone());
        }
        let mut index = Index::new(self.first);
        while index.end < end {
            match self.header(index.length)? {
                Some(header) if header.first_position == index.end && header.count > 0 => index.push(&header),
                _ => return Err(self.damaged(index.length, "a frame's header is wrong")),
            }
        }
        if index.end != end {
            return Err(self.damaged(index.length, "its frames go on after the next segment begins"));
        }
        *self.index() = Some(index.clone());
        Ok(index)
    }

    /// The frame that holds `position`, and where it begins.
    pub fn find(&self, position: u64, index: &Index) -> Result<(Header, u64), Error> {
        let mut offset = index.offset_before(position);
        while offset < index.length {
            let header = self.header(offset)?.ok_or_else(|| self.damaged(offset, "a frame's header is wrong"))?;
            if header.end() > position {
                return Ok((header, offset));
            }
            offset += header.frame_length();
        }
        Err(self.damaged(offset, "a position is missing"))
    }

    /// The frame at `offset`, which must begin with `position`.
    pub fn find_at(&self, position: u64, offset: u64) -> Result<(Header, u64), Error> {
        match self.header(offset)? {
            Some(header) if header.first_position == position => Ok((header, offset)),
            _ => Err(self.damaged(offset, "a frame's header is wrong")),
        }
    }

    /// Reads every frame of the last segment and cuts off a torn end. `durable` is the last position known to have been
    /// acknowledged: where less is whole, the disk has lost something, and nothing is cut.
    fn recover(&self, durable: u64, files: &dyn Files) -> Result<Index, Error> {
        let mut index = Index::new(self.first);
        let length = self.file()?.metadata().map_err(|error| self.io(error))?.len();
        while index.length < length {
            let offset = index.length;
            let whole = match self.header(offset)? {
                Some(header) if header.first_position == index.end && header.count > 0 => {
                    self.body(offset, &header)?.map(|_| header)
                }
                _ => None,
            };
            let Some(header) = whole else {
                self.check_torn(offset, length)?;
                break;
            };
            index.push(&header);
        }
        if index.end <= durable {
            return Err(
                self.damaged(index.length, &format!("it ends before position {durable}, which was acknowledged"))
            );
        }
        if index.length < length {
            tracing::warn!(bytes = length - index.length, "cut off the end of the event log that a crash had torn");
            let mut file = files.open(&self.path).map_err(|error| self.io(error))?;
            file.truncate(index.length).map_err(|error| self.io(error))?;
        }
        *self.index() = Some(index.clone());
        Ok(index)
    }

    /// A frame is written only after the one before it is durable: a valid header after a bad frame means damage.
    fn check_torn(&self, offset: u64, length: u64) -> Result<(), Error> {
        let rest = self.read(offset + 1, usize::try_from(length - offset - 1).unwrap_or(usize::MAX))?;
        let valid = (0..rest.len().saturating_sub(HEADER - 1))
            .any(|at| rest[at] == b'R' && Header::parse(&rest[at..]).is_some());
        if valid { Err(self.damaged(offset, "a frame is not whole, but frames after it are")) } else { Ok(()) }
    }

    /// Whether the segment's own header is right.
    fn check_start(&self, epoch: u64) -> Result<bool, Error> {
        Ok(self.read(0, START as usize)? == start_bytes(epoch, self.first))
    }
}

fn start_bytes(epoch: u64, first: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(epoch.to_le_bytes());
    bytes.extend(first.to_le_bytes());
    let crc = crc32c::crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Opens all segments of `folder`, oldest first. Cuts a torn end off the last one; `durable` as in [`Segment::recover`].
pub(super) fn open_all(folder: &Path, epoch: u64, durable: u64, files: &dyn Files) -> Result<Vec<Arc<Segment>>, Error> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(first) = name.strip_suffix(".seg").and_then(|digits| digits.parse().ok()) {
            segments.push(Segment::new(first, path, None));
        }
    }
    segments.sort_by_key(|segment| segment.first);
    // A crash while a segment was made leaves one without a header.
    if let Some(last) = segments.last()
        && last.file()?.metadata().map_err(io)?.len() <= START
        && !last.check_start(epoch)?
        && last.first > durable
    {
        fs::remove_file(&last.path).and_then(|()| files::sync_folder_of(&last.path)).map_err(io)?;
        segments.pop();
    }
    for segment in &segments {
        if !segment.check_start(epoch)? {
            return Err(segment.damaged(0, "this is no segment of this log"));
        }
    }
    if let [.., last] = segments.as_slice() {
        last.recover(durable, files)?;
    } else if durable > 0 {
        return Err(Error::Damaged {
            path: folder.to_owned(),
            offset: 0,
            reason: format!("positions up to {durable} are missing"),
        });
    }
    Ok(segments.into_iter().map(Arc::new).collect())
}

#[cfg(test)]
mod tests {
    use rapport_domain::SeededRng;

    use super::super::files::Disk;
    use super::super::frame;
    use super::*;

    /// A segment with three frames of two events each; where each frame ends.
    fn three_frames(folder: &Path) -> (PathBuf, Vec<u64>) {
        let (segment, mut file) = Segment::create(folder, 1, 9, &Disk).unwrap();
        let mut ends = Vec::new();
        for first in [1, 3, 5] {
            let content = [first as u8; 40];
            let (header, bytes) = frame::seal(&content, 2, first, Timestamp(7), None, &SeededRng::new(1)).unwrap();
            file.append(&bytes).unwrap();
            segment.index().as_mut().unwrap().push(&header);
            ends.push(segment.index().as_ref().unwrap().length);
        }
        (segment.path.clone(), ends)
    }

    #[test]
    fn a_torn_end_is_cut_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let (path, ends) = three_frames(folder.path());
        let whole = fs::read(&path).unwrap();
        for cut in ends[1]..ends[2] {
            let mut torn = whole[..cut as usize].to_vec();
            for garbage in [0, 5] {
                torn.extend(std::iter::repeat_n(0, garbage));
                fs::write(&path, &torn).unwrap();
                let segments = open_all(folder.path(), 9, 4, &Disk).unwrap();
                let index = segments[0].index().clone().unwrap();
                assert_eq!((index.end, index.length), (5, ends[1]), "cut at {cut}");
                assert_eq!(fs::metadata(&path).unwrap().len(), ends[1]);
            }
            fs::write(&path, &torn).unwrap();
            assert!(open_all(folder.path(), 9, 5, &Disk).is_err(), "position 5 was acknowledged");
        }
    }

    #[test]
    fn one_wrong_byte_before_the_last_frame_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let (path, ends) = three_frames(folder.path());
        let whole = fs::read(&path).unwrap();
        for at in 0..ends[1] as usize {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, &bytes).unwrap();
            assert!(matches!(open_all(folder.path(), 9, 0, &Disk), Err(Error::Damaged { .. })), "byte {at}");
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }
}
