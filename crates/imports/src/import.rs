//! One import: its files, their profiles, the proposed mapping, and the stream of events.
//!
//! Always holds: blocking, no network, no clock; files are only read. Each step can be done again with the same result.

use std::path::{Path, PathBuf};

use rapport_domain::Timestamp;

use crate::Error;
use crate::events::Events;
use crate::mapping::{Goal, Mapping, propose};
use crate::profile::{FileProfile, Profiled, profile};
use crate::progress::Progress;
use crate::sniff::FileFormat;
use crate::table::SourceFile;

/// Settings of an import that are not about meaning.
#[derive(Clone, Debug)]
pub struct Options {
    /// The present: the time of rows without a date, when the mapping assumes none.
    pub imported_at: Timestamp,
    /// Bytes of rows that are gathered in memory before they go to temporary files.
    pub memory: usize,
}

impl Options {
    /// Settings with the usual memory (128 MiB).
    pub const fn at(imported_at: Timestamp) -> Self {
        Self { imported_at, memory: 128 * 1024 * 1024 }
    }
}

/// Files that are imported together.
pub struct Import {
    files: Vec<SourceFile>,
    options: Options,
    profiled: Vec<Profiled>,
}

impl Import {
    /// Looks at the beginning of each file.
    ///
    /// # Errors
    /// When a file cannot be read, or is no table: the error says what it looks like.
    pub fn open(paths: &[PathBuf], options: Options) -> Result<Self, Error> {
        if paths.is_empty() {
            return Err(Error::NoFiles);
        }
        let mut files: Vec<SourceFile> = Vec::new();
        for path in paths {
            let mut file = SourceFile::look(path)?;
            // Two files of one name in different folders are told apart by their folders.
            if files.iter().any(|other| other.name == file.name) {
                file.name = path.display().to_string();
            }
            files.push(file);
        }
        Ok(Self { files, options, profiled: Vec::new() })
    }

    /// The files' shapes, in the order given.
    pub fn formats(&self) -> impl Iterator<Item = (&str, &FileFormat)> {
        self.files.iter().map(|file| (file.name.as_str(), &file.format))
    }

    /// Gives a file the name under which people know it (an upload is stored under another one).
    pub fn rename(&mut self, path: &Path, name: &str) {
        for file in self.files.iter_mut().filter(|file| file.path == path) {
            name.clone_into(&mut file.name);
        }
    }

    /// Reads all files once and says what they hold.
    ///
    /// # Errors
    /// When a file cannot be read any more.
    pub fn profile(&mut self, on_progress: &mut dyn FnMut(Progress)) -> Result<Vec<FileProfile>, Error> {
        if self.profiled.is_empty() {
            for file in &self.files {
                self.profiled.push(profile(file, on_progress)?);
            }
        }
        Ok(self.profiled.iter().map(|file| file.profile.clone()).collect())
    }

    /// Proposes what the columns mean; profiles the files first if that was not done.
    ///
    /// # Errors
    /// When a file cannot be read any more.
    pub fn propose(&mut self, goal: Goal) -> Result<Mapping, Error> {
        self.profile(&mut |_| {})?;
        Ok(propose::propose(&self.profiled, goal))
    }

    /// The events, rejects and progress of the files, in a stable order.
    ///
    /// # Errors
    /// When the mapping does not fit the files.
    pub fn events(&self, mapping: &Mapping) -> Result<Events, Error> {
        Events::new(&self.files, mapping, self.options.imported_at, self.options.memory)
    }
}
