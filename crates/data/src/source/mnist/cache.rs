use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::HASHES;
use crate::DataError;
use crate::files::{Lock, lock, sha256, write_whole};
use crate::source::Event;
use crate::source::idx::{self, FILES};

/// Sizes in bytes of the four files of MNIST, uncompressed, in the order of [`FILES`].
const SIZES: [usize; 4] = [47_040_016, 60_008, 7_840_016, 10_008];

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
        let nowhere = || {
            let story = "no cache folder: neither XDG_CACHE_HOME nor HOME is set. Set one, or give a folder with --data DIR";
            let brief = "there is no folder for a cache";
            DataError::Unavailable(story.to_owned(), brief.to_owned())
        };
        let folder = dirs::cache_dir().ok_or_else(nowhere)?;
        Ok(Self::at(folder.join("burn-dataset/mnist")))
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
        let status = |index| {
            let path = self.file(index);
            let problem = match fs::read(&path) {
                Ok(bytes) => check(index, &bytes).err(),
                Err(error) if error.kind() == ErrorKind::NotFound => Some("not there".into()),
                Err(error) => Some(error.to_string()),
            };
            let ok = problem.is_none();
            FileStatus { path, ok, problem }
        };
        (0..FILES.len()).map(status).collect()
    }

    /// Whether all four files are there and right.
    pub fn is_whole(&self) -> bool {
        self.status().iter().all(|file| file.ok)
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
            if let Err(reason) = check(index, &bytes) {
                let path = path.display();
                let text = format!("{path} is not the MNIST file it is named after: {reason}");
                return Err(DataError::Invalid(text));
            }
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
        let lock = lock(&path, true).map_err(DataError::io("lock", &path))?;
        if let Lock::Unsupported(error) = &lock {
            on_event(Event::Notice(format!(
                "the file system of {} has no file locks ({error}): nothing keeps other processes from changing the cache at the same time",
                self.root.display()
            )));
        }
        Ok(lock)
    }

    /// Puts a content that was checked in its place.
    pub(super) fn put(&self, index: usize, bytes: &[u8]) -> Result<(), DataError> {
        let path = self.file(index);
        write_whole(&path, bytes).map_err(DataError::io("write", &path))
    }

    fn file(&self, index: usize) -> PathBuf {
        let split = if index < 2 { "train" } else { "test" };
        self.root.join(split).join(FILES[index])
    }
}

/// Whether a content is the MNIST file of this index; `Err` says what is wrong.
pub(super) fn check(index: usize, bytes: &[u8]) -> Result<(), String> {
    let (name, size, hash) = (FILES[index], SIZES[index], HASHES[index]);
    let length = bytes.len();
    if length != size {
        return Err(format!("it has {length} bytes, and {name} has {size}"));
    }
    match sha256(bytes) {
        found if found == hash => Ok(()),
        found => Err(format!(
            "its SHA-256 is {found}, and that of {name} is {hash}"
        )),
    }
}
