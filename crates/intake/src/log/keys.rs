//! Day keys: what is written on one UTC day is encrypted with that day's key, and is gone for good once the key is destroyed.
//!
//! Always holds: a key is durable before anything is encrypted with it. When keys are destroyed is decided elsewhere.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rapport_domain::Rng;

use super::files;

/// 256 bits.
pub type DayKey = [u8; 32];

/// Gives the log its keys. Errors are texts for people.
pub trait KeyProvider: Send + Sync + 'static {
    /// The key to write with on `day` (days since 1970, UTC); made when there is none. Must be durable on return.
    fn key_for_writing(&self, day: i64) -> Result<DayKey, String>;
    /// The key of `day`; `None` once it was destroyed.
    fn key_for_reading(&self, day: i64) -> Result<Option<DayKey>, String>;
}

/// Day keys as files of a folder, readable by their owner only. Keep the folder out of the backups of the log.
pub struct FolderKeys {
    folder: PathBuf,
    rng: Arc<dyn Rng>,
    known: Mutex<HashMap<i64, DayKey>>,
}

impl FolderKeys {
    /// Keys in `folder`, which is made when absent.
    pub fn open(folder: &Path, rng: Arc<dyn Rng>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), rng, known: Mutex::default() })
    }

    /// Destroys the keys of all days before `day`: what was written on them cannot be read again.
    pub fn destroy_before(&self, day: i64) -> io::Result<usize> {
        let mut known = self.known.lock().expect("no holder of this lock can panic");
        known.retain(|&kept, _| kept >= day);
        let mut destroyed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_old = path.file_name().and_then(|name| name.to_str()).and_then(day_of).is_some_and(|of| of < day);
            if is_old {
                fs::write(&path, [0; 32])?;
                fs::remove_file(&path)?;
                destroyed += 1;
            }
        }
        files::sync_folder_of(&self.folder.join("x"))?;
        Ok(destroyed)
    }

    fn path(&self, day: i64) -> PathBuf {
        self.folder.join(format!("day-{day}.key"))
    }

    fn load(&self, day: i64) -> io::Result<Option<DayKey>> {
        match fs::read(self.path(day)) {
            Ok(bytes) => {
                let key = bytes.try_into().map_err(|_| io::Error::other("a day key has 32 bytes"))?;
                Ok(Some(key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn make(&self, day: i64) -> io::Result<DayKey> {
        let mut key = [0; 32];
        self.rng.fill(&mut key);
        let new = self.folder.join("new");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&new, self.path(day))?;
        files::sync_folder_of(&new)?;
        Ok(key)
    }
}

impl KeyProvider for FolderKeys {
    fn key_for_writing(&self, day: i64) -> Result<DayKey, String> {
        let mut known = self.known.lock().expect("no holder of this lock can panic");
        if let Some(key) = known.get(&day) {
            return Ok(*key);
        }
        let loaded = self.load(day).and_then(|found| found.map_or_else(|| self.make(day), Ok));
        let key = loaded.map_err(|error| error.to_string())?;
        known.insert(day, key);
        Ok(key)
    }

    fn key_for_reading(&self, day: i64) -> Result<Option<DayKey>, String> {
        let mut known = self.known.lock().expect("no holder of this lock can panic");
        if let Some(key) = known.get(&day) {
            return Ok(Some(*key));
        }
        let key = self.load(day).map_err(|error| error.to_string())?;
        if let Some(key) = key {
            known.insert(day, key);
        }
        Ok(key)
    }
}

fn day_of(name: &str) -> Option<i64> {
    name.strip_prefix("day-")?.strip_suffix(".key")?.parse().ok()
}
