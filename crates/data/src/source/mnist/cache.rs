use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::checks::check;
use crate::DataError;
use crate::files::{Lock, wait_for_lock, write_whole};
use crate::source::idx::{self, FILES, Split};
use crate::source::opening::Event;

/// The place where Burn's `MnistDataset` looks for its files: `burn-dataset/mnist/{train,test}`
/// in the user's cache folder. Burn trusts whatever is there, so nothing else may put files there
/// unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// What is known about one file of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileStatus {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// Whether it is there and right.
    pub ok: bool,
    /// What is wrong otherwise.
    pub problem: Option<String>,
}

impl Cache {
    /// The cache of this user, where Burn looks.
    ///
    /// # Errors
    /// There is no cache folder because neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn of_user() -> Result<Self, DataError> {
        let folder = dirs::cache_dir().ok_or(DataError::NoCacheFolder)?;
        Ok(Self::at(folder.join("burn-dataset").join("mnist")))
    }

    /// A cache at another place; for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Checks size and SHA-256 of all four files.
    pub fn status(&self) -> Vec<FileStatus> {
        (0..FILES.len())
            .map(|index| {
                let path = self.file(index);
                let problem = match fs::read(&path) {
                    Ok(bytes) => check(index, &bytes).err(),
                    Err(error) if error.kind() == ErrorKind::NotFound => Some("not there".into()),
                    Err(error) => Some(error.to_string()),
                };
                FileStatus {
                    path,
                    ok: problem.is_none(),
                    problem,
                }
            })
            .collect()
    }

    /// Whether all four files are there and right.
    pub fn is_whole(&self) -> bool {
        self.missing().is_empty()
    }

    /// Copies MNIST from a folder (raw or gzipped files) into the cache, all four checked before
    /// the first is written.
    ///
    /// # Errors
    /// Files that are missing, unreadable or not MNIST's; a cache that cannot be written.
    pub fn import(&self, folder: &Path, on_event: &mut dyn FnMut(Event)) -> Result<(), DataError> {
        let mut contents = Vec::new();
        for (index, name) in FILES.into_iter().enumerate() {
            let path = idx::find(folder, name)?;
            let bytes = idx::read_bytes(&path)?;
            check(index, &bytes).map_err(|reason| DataError::NotMnist(path, reason))?;
            contents.push(bytes);
        }
        let _lock = self.lock(on_event)?;
        for (index, bytes) in contents.iter().enumerate() {
            self.put(index, bytes)?;
        }
        Ok(())
    }

    /// Waits for other processes that change the cache. Where the file system has no locks, each
    /// file is still written whole: two processes at once do the work twice.
    pub(super) fn lock(&self, on_event: &mut dyn FnMut(Event)) -> Result<Lock, DataError> {
        fs::create_dir_all(&self.root).map_err(DataError::io("create", &self.root))?;
        let path = self.root.join(".lock");
        let lock = wait_for_lock(&path).map_err(DataError::io("lock", &path))?;
        if let Lock::Unsupported(error) = &lock {
            on_event(Event::Notice(format!(
                "the file system of {} has no file locks ({error}): nothing keeps other processes from changing the cache at the same time",
                self.root.display()
            )));
        }
        Ok(lock)
    }

    /// Indices of the files that are missing or wrong.
    pub(super) fn missing(&self) -> Vec<usize> {
        let status = self.status();
        (0..status.len())
            .filter(|&index| !status[index].ok)
            .collect()
    }

    /// Puts a content that was checked in its place.
    pub(super) fn put(&self, index: usize, bytes: &[u8]) -> Result<(), DataError> {
        let path = self.file(index);
        write_whole(&path, bytes).map_err(DataError::io("write", path))
    }

    fn file(&self, index: usize) -> PathBuf {
        let name = FILES[index];
        let train = Split::Train.files().contains(&name);
        self.root
            .join(if train { "train" } else { "test" })
            .join(name)
    }
}
