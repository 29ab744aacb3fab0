//! The log's folder: its lock, its format and its epoch.
//!
//! Always holds: one process at a time; a folder of a newer format is refused before anything in it is touched.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rapport_domain::Rng;
use serde::{Deserialize, Serialize};

use super::files;
use crate::Error;

/// The format this program writes.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct About {
    format: u32,
    /// Hexadecimal.
    epoch: String,
}

/// A locked folder.
pub(super) struct Folder {
    pub path: PathBuf,
    pub epoch: u64,
    /// Holds the lock until dropped.
    _lock: File,
}

impl Folder {
    pub fn open(path: &Path, rng: &dyn Rng) -> Result<Self, Error> {
        let io = |at: &Path| {
            let at = at.to_owned();
            move |source| Error::Io { path: at, source }
        };
        fs::create_dir_all(path.join("segments")).map_err(io(path))?;
        let lock_path = path.join("lock");
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(Error::Io { path: lock_path, source }),
        }
        let about_path = path.join("log.json");
        let about = match fs::read(&about_path) {
            Ok(bytes) => serde_json::from_slice::<About>(&bytes).map_err(|error| Error::Damaged {
                path: about_path.clone(),
                offset: error.column() as u64,
                reason: error.to_string(),
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let about = About { format: FORMAT, epoch: format!("{:016x}", rng.next_u64()) };
                let text = serde_json::to_vec_pretty(&about).expect("two plain fields");
                files::replace(&about_path, &text).map_err(io(&about_path))?;
                about
            }
            Err(source) => return Err(Error::Io { path: about_path, source }),
        };
        if about.format > FORMAT {
            return Err(Error::Newer { path: path.to_owned(), found: about.format, known: FORMAT });
        }
        let epoch = u64::from_str_radix(&about.epoch, 16).map_err(|_| Error::Damaged {
            path: about_path,
            offset: 0,
            reason: "the epoch is no number".to_owned(),
        })?;
        Ok(Self { path: path.to_owned(), epoch, _lock: lock })
    }

    pub fn segments(&self) -> PathBuf {
        self.path.join("segments")
    }

    pub fn dedupe(&self) -> PathBuf {
        self.path.join("dedupe")
    }
}
