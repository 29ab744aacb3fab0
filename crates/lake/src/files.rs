//! Where files lie, a local folder or an object store, and how they are written, read back and deleted.
//!
//! Always holds: a file that has its final name is complete and on disk: it is written under another name, synced, renamed, and
//! its folder is synced. In an object store a file appears with its last byte.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{Error, Result};

/// Where the lake's files lie.
#[derive(Clone, Debug)]
pub enum Location {
    /// A local folder, made if need be.
    Folder(PathBuf),
    /// An object store: `s3://bucket/prefix`. Keys come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT` ...).
    Url(String),
}

/// The files of a lake.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

/// The end of a file's name while it is written.
const UNFINISHED: &str = "unfinished";

impl Files {
    pub(crate) fn open(location: &Location) -> Result<Self> {
        match location {
            Location::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|e| Error::files(format!("{}: {e}", folder.display())))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::files)?;
                Ok(Self { store: Arc::new(store), folder: Some(folder.clone()) })
            }
            Location::Url(url) => Ok(Self { store: remote(url)?, folder: None }),
        }
    }

    /// For reading.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Where a new file's bytes go.
    pub(crate) fn create(&self, path: &str) -> Result<Sink> {
        let Some(folder) = &self.folder else { return Ok(Sink::Memory(Vec::new())) };
        let last = folder.join(path);
        let unfinished = last.with_extension(UNFINISHED);
        if let Some(parent) = last.parent() {
            std::fs::create_dir_all(parent).map_err(Error::files)?;
        }
        let file = File::create(&unfinished).map_err(Error::files)?;
        let file = BufWriter::with_capacity(1 << 20, Paced { file, unsynced: 0 });
        Ok(Sink::File { file, unfinished, last })
    }

    /// Makes a written file appear under its path; how many bytes it has.
    pub(crate) async fn finish(&self, path: &str, sink: Sink) -> Result<u64> {
        match sink {
            Sink::Memory(bytes) => {
                let length = bytes.len() as u64;
                self.store.put(&Path::from(path), bytes.into()).await.map_err(Error::files)?;
                Ok(length)
            }
            Sink::File { file, unfinished, last } => {
                tokio::task::spawn_blocking(move || appear(file, &unfinished, &last))
                    .await
                    .map_err(Error::files)?
                    .map_err(Error::files)
            }
        }
    }

    /// Deletes files; those that are gone already are fine.
    pub(crate) async fn delete(&self, paths: Vec<String>) -> Result<()> {
        for path in paths {
            match self.store.delete(&Path::from(path)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Error::files(error)),
            }
        }
        Ok(())
    }

    /// Deletes what lies in a local folder and is in no catalog: left by a crash between writing and committing. In an object store
    /// several programs may write, so nothing is deleted there. How many were deleted.
    pub(crate) async fn delete_orphans(&self, known: &HashSet<String>) -> Result<usize> {
        if self.folder.is_none() {
            return Ok(0);
        }
        let listed = self.store.list(None).map(|meta| meta.map(|meta| meta.location.to_string()));
        let listed: Vec<String> = listed.try_collect().await.map_err(Error::files)?;
        let orphans: Vec<String> = listed
            .into_iter()
            .filter(|path| path.ends_with(".parquet") || path.ends_with(UNFINISHED))
            .filter(|path| !known.contains(path))
            .collect();
        let count = orphans.len();
        self.delete(orphans).await?;
        Ok(count)
    }
}

/// Where a new file's bytes go.
pub(crate) enum Sink {
    File { file: BufWriter<Paced>, unfinished: PathBuf, last: PathBuf },
    Memory(Vec<u8>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Memory(all) => all.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::File { file, .. } => file.flush(),
            Self::Memory(_) => Ok(()),
        }
    }
}

/// Gives the disk what it writes in small portions: a large file that is synced at its end makes everybody else's sync wait for it.
pub(crate) struct Paced {
    file: File,
    unsynced: usize,
}

impl Paced {
    const PORTION: usize = 4 << 20;
}

impl Write for Paced {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.unsynced >= Self::PORTION {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        let written = self.file.write(bytes)?;
        self.unsynced += written;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn appear(file: BufWriter<Paced>, unfinished: &FsPath, last: &FsPath) -> std::io::Result<u64> {
    let Paced { file, .. } = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    let length = file.metadata()?.len();
    std::fs::rename(unfinished, last)?;
    // A folder may be new itself: sync up to the cell's period and the workspace.
    for folder in last.ancestors().skip(1).take(4) {
        if folder.as_os_str().is_empty() {
            break;
        }
        File::open(folder)?.sync_all()?;
    }
    Ok(length)
}

#[cfg(feature = "s3")]
fn remote(url: &str) -> Result<Arc<dyn ObjectStore>> {
    let wrong = || Error::files(format!("{url} is no place for files; write s3://bucket/prefix"));
    let rest = url.strip_prefix("s3://").ok_or_else(wrong)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(wrong());
    }
    let store =
        object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(Error::files)?;
    Ok(Arc::new(object_store::prefix::PrefixStore::new(store, prefix)))
}

#[cfg(not(feature = "s3"))]
fn remote(url: &str) -> Result<Arc<dyn ObjectStore>> {
    Err(Error::files(format!("{url}: this program is built without object stores; use a local folder")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn paths(files: &Files) -> Vec<String> {
        let mut paths: Vec<String> =
            files.store.list(None).map(|meta| meta.unwrap().location.to_string()).collect().await;
        paths.sort();
        paths
    }

    /// Writes two files, one of them unknown to the catalog, and deletes.
    async fn write_and_delete(files: Files) -> Vec<String> {
        for path in ["1/2024/b1-0/a.parquet", "1/2024/b1-0/b.parquet"] {
            let mut sink = files.create(path).unwrap();
            sink.write_all(b"rows").unwrap();
            assert!(!paths(&files).await.contains(&path.to_owned()), "a file appears when it is complete");
            assert_eq!(files.finish(path, sink).await.unwrap(), 4);
        }
        files.create("1/2024/b1-0/c.parquet").unwrap().write_all(b"half").unwrap();
        files.delete_orphans(&HashSet::from(["1/2024/b1-0/a.parquet".to_owned()])).await.unwrap();
        let left = paths(&files).await;
        files.delete(vec!["1/2024/b1-0/a.parquet".to_owned(), "never/was.parquet".to_owned()]).await.unwrap();
        left
    }

    #[tokio::test]
    async fn a_folder_keeps_what_the_catalog_knows() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(&Location::Folder(folder.path().to_owned())).unwrap();
        assert_eq!(write_and_delete(files).await, ["1/2024/b1-0/a.parquet"]);
    }

    #[tokio::test]
    async fn an_object_store_is_shared_so_nothing_unknown_is_deleted() {
        let files = Files { store: Arc::new(object_store::memory::InMemory::new()), folder: None };
        assert_eq!(write_and_delete(files).await, ["1/2024/b1-0/a.parquet", "1/2024/b1-0/b.parquet"]);
    }

    #[test]
    fn a_url_that_is_no_bucket_is_refused() {
        for url in ["ftp://bucket", "s3://", "bucket/prefix"] {
            let error = Files::open(&Location::Url(url.to_owned())).unwrap_err();
            assert!(error.to_string().contains("s3://bucket/prefix"), "{error}");
        }
    }
}
