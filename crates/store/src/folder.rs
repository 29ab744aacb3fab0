//! The lock on a data folder, and what can be told about a database file without opening it.
//!
//! Always holds: while a [`FolderLock`] lives, no second process gets one on the same folder; the operating system frees it
//! when the process dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::{Error, Result};

/// `application_id` in the header of our SQLite files: "RPRT".
pub(crate) const APPLICATION_ID: u32 = 0x5250_5254;
const HEADER: usize = 100;
/// How long a lock that is held is tried again. A program that starts another one shares its open files with it for the moment
/// between fork and exec, so a folder that was just closed can look held although nobody uses it.
const PATIENCE: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(5);

/// Holds a data folder for this process.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "held for its lock, which ends when it is dropped")] File);

impl FolderLock {
    /// Creates the folder if need be (readable by its owner only) and takes its lock; waits at most a quarter of a second for it.
    pub fn take(folder: &Path) -> Result<Self> {
        let io = |source| Error::Io { path: folder.display().to_string(), source };
        create_private(folder).map_err(io)?;
        let path = folder.join("rapport.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(io)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::FolderInUse { folder: folder.display().to_string() });
                }
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
        }
    }
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Looks at the header of a database file and refuses what is not ours or cut short. `Ok(false)` when there is no file yet.
pub(crate) fn inspect(path: &Path) -> Result<bool> {
    let io = |source| Error::Io { path: path.display().to_string(), source };
    let damaged = |what: &str| Error::Damaged { what: format!("{}: {what}", path.display()) };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io(error)),
    };
    let length = file.metadata().map_err(io)?.len();
    let log = path.with_extension("db-wal").metadata().map_or(0, |log| log.len());
    if length == 0 {
        // A crash while it was first created leaves an empty file, with or without the log that fills it.
        return Ok(log > 0);
    }
    let mut header = [0; HEADER];
    file.read_exact(&mut header).map_err(|_| damaged("shorter than a database header"))?;
    if &header[..16] != b"SQLite format 3\0" {
        return Err(damaged("not an SQLite file"));
    }
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    // While a log exists, the file may lag behind it in both respects.
    if log == 0 {
        if word(68) != APPLICATION_ID && word(68) != 0 {
            return Err(damaged("the database of another program"));
        }
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => u64::from(size),
        };
        if u64::from(word(28)) * page_size > length {
            return Err(damaged("cut short"));
        }
    }
    Ok(true)
}
