use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use digits_data::files::{Lock, lock, sha256};
use digits_models::Model;
use serde::de::DeserializeOwned;

use crate::TrainError;
use crate::config::RunConfig;
use crate::record::{RunRecord, Status};
use crate::weights;

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const MODEL: &str = "model.bpk";
pub(crate) const METRICS: &str = "metrics.csv";
pub(crate) const CURVES: &str = "curves.svg";
/// Folder of the files that only a run in progress has.
const CHECKPOINT: &str = "checkpoint/";
const RECORD: &str = "run.json";
const LOCK: &str = ".lock";
const NOT_A_RUN: &str = "is not a run folder: it has no run.json. Name a folder that `digits train` made, pretrained/cnn or pretrained/mlp";

/// The folder of one run.
///
/// A set of files changes as one: each new content is first written beside its file as
/// `NAME.new`, then `run.json` is replaced by one rename, which lists the SHA-256 of the new set,
/// then each `NAME.new` takes its place. Whatever moment the power fails at, every file that
/// `run.json` lists is there, as `NAME` or as `NAME.new`, and readers take whichever fits.
///
/// The pretrained runs ([`RunFolder::pretrained`]) are compiled into the program: they are read
/// as any other folder is, with the same checks, and cannot be written.
#[derive(Debug, Clone)]
pub struct RunFolder {
    pub(crate) path: PathBuf,
    pub(crate) compiled_in: Option<&'static [CompiledIn]>,
}

/// Name and content of a file that is part of the program.
pub(crate) type CompiledIn = (&'static str, &'static [u8]);

/// What the files of a run hold, by their names.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Held while a process trains in a folder; released when dropped, or when the process ends.
#[derive(Debug)]
pub struct RunLock {
    /// What people should know where the file system has no locks.
    pub(crate) notice: Option<String>,
    _lock: Lock,
}

/// A trained network with everything needed to use it.
#[derive(Debug)]
pub struct LoadedRun {
    /// The folder it came from.
    pub path: PathBuf,
    /// Its configuration.
    pub config: RunConfig,
    /// Its record.
    pub record: RunRecord,
    /// The best network by validation, ready for inference.
    pub model: Model,
}

impl RunFolder {
    /// The folder at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            compiled_in: None,
        }
    }

    /// Where it is; for a pretrained run, its name, as in `pretrained/cnn`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is a pretrained run, compiled into the program.
    pub fn is_pretrained(&self) -> bool {
        self.compiled_in.is_some()
    }

    /// Whether a run has been written here.
    pub fn exists(&self) -> bool {
        self.is_pretrained() || self.file(RECORD).exists()
    }

    /// Makes the folder and takes its lock.
    ///
    /// # Errors
    /// A folder that cannot be made, one that another process is working in, or a pretrained run.
    pub fn lock(&self) -> Result<RunLock, TrainError> {
        if self.is_pretrained() {
            let problem = "is part of the program and cannot be changed. Name a folder with --run";
            return Err(self.refused(problem));
        }
        fs::create_dir_all(&self.path).map_err(TrainError::io("create", &self.path))?;
        let path = self.file(LOCK);
        self.locked(lock(&path, false).map_err(TrainError::io("lock", &path))?)
    }

    fn locked(&self, lock: Lock) -> Result<RunLock, TrainError> {
        let notice = match &lock {
            Lock::Held(_) => None,
            Lock::HeldByAnother => return Err(TrainError::Locked(self.path.clone())),
            Lock::Unsupported(error) => Some(format!(
                "the file system of {} has no file locks ({error}): do not train in this folder from two processes at once",
                self.path.display()
            )),
        };
        Ok(RunLock {
            notice,
            _lock: lock,
        })
    }

    /// Whether a process is training here at this moment. Takes the lock for an instant, shared
    /// with others who ask.
    pub fn in_use(&self) -> bool {
        // No lock file: nobody has ever trained here, or the run is compiled in.
        File::open(self.file(LOCK))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
    }

    /// Reads and checks the folder, and returns its record and its configuration.
    ///
    /// # Errors
    /// No run here, a newer schema, or any file that is not what was written, by name.
    pub fn describe(&self) -> Result<(RunRecord, RunConfig), TrainError> {
        let (record, mut files) = self.read()?;
        Ok((record, self.parsed(&mut files, CONFIG)?))
    }

    /// Reads and checks the folder: its record, its configuration and the bytes of its best
    /// network, `model.bpk`.
    ///
    /// # Errors
    /// As [`RunFolder::describe`], and a run whose first epoch is not finished.
    pub fn saved(&self) -> Result<(RunRecord, RunConfig, Vec<u8>), TrainError> {
        let (record, mut files) = self.read()?;
        let config = self.parsed(&mut files, CONFIG)?;
        let bytes = files.remove(MODEL).ok_or_else(|| {
            self.refused(format!(
                "has no trained network yet: its first epoch is not finished. Resume it: digits train --resume --run {}",
                self.path.display()
            ))
        })?;
        Ok((record, config, bytes))
    }

    /// Reads, checks and builds the best network on `device`.
    ///
    /// # Errors
    /// As [`RunFolder::saved`].
    pub fn load(&self, device: &Device) -> Result<LoadedRun, TrainError> {
        let (record, config, bytes) = self.saved()?;
        let model = weights::from_bytes(&config.model, bytes, device)
            .map_err(|reason| self.damaged(MODEL, reason))?;
        Ok(LoadedRun {
            path: self.path.clone(),
            config,
            record,
            model,
        })
    }

    /// Reads `run.json` alone, without the files that it lists: for lists of runs.
    ///
    /// # Errors
    /// No run here, a newer schema, or a record that is not what was written.
    pub fn record(&self) -> Result<RunRecord, TrainError> {
        self.read_record().map(|(_, record)| record)
    }

    /// Reads `config.toml` alone, unchecked: for lists of runs, not for using one.
    ///
    /// # Errors
    /// A file that cannot be read or is no configuration.
    pub fn settings(&self) -> Result<RunConfig, TrainError> {
        let bytes = self.read_bytes(CONFIG);
        let bytes = bytes.map_err(TrainError::io("read", self.file(CONFIG)))?;
        self.parsed(&mut Files::from([(CONFIG.to_owned(), bytes)]), CONFIG)
    }

    /// Makes a finished run of a network (the bytes of a `model.bpk`) that was not trained here.
    /// Where the file system has no locks, two processes that do it at once are not told apart.
    ///
    /// # Errors
    /// A folder that holds a run, is in use or cannot be written.
    pub fn create(
        &self,
        record: &mut RunRecord,
        config: &RunConfig,
        model: Vec<u8>,
    ) -> Result<(), TrainError> {
        let config = config.to_toml()?.into_bytes();
        // In this order: between a look and the lock, another process could have made its run.
        let _lock = self.lock()?;
        if self.exists() {
            return Err(TrainError::Exists(self.path.clone()));
        }
        record.status = Status::Finished;
        self.commit(record, &[(CONFIG, config), (MODEL, model)])
    }

    /// The record, and every file that it lists, checked.
    pub(crate) fn read(&self) -> Result<(RunRecord, Files), TrainError> {
        let (mut text, mut record) = self.read_record()?;
        // A training process may replace the set between two reads; then run.json has changed.
        for _ in 0..20 {
            let files = record.files.iter();
            let files: Result<Files, TrainError> = files
                .map(|(name, expected)| Ok((name.clone(), self.read_checked(name, expected)?)))
                .collect();
            let error = match files {
                Ok(files) => return Ok((record, files)),
                Err(error) => error,
            };
            let (again, newer) = self.read_record()?;
            if again == text {
                return Err(error);
            }
            (text, record) = (again, newer);
        }
        Err(TrainError::Locked(self.path.clone()))
    }

    /// One of the files that [`RunFolder::read`] returned.
    pub(crate) fn taken(&self, files: &mut Files, name: &str) -> Result<Vec<u8>, TrainError> {
        let file = files.remove(name);
        file.ok_or_else(|| self.damaged(RECORD, format!("it does not list {name}")))
    }

    /// What one of them holds, as TOML.
    pub(crate) fn parsed<T: DeserializeOwned>(
        &self,
        files: &mut Files,
        name: &str,
    ) -> Result<T, TrainError> {
        toml::from_slice(&self.taken(files, name)?).map_err(|error| self.damaged(name, error))
    }

    /// Replaces files and the record as one set; `record.files` is brought up to date.
    pub(crate) fn commit(
        &self,
        record: &mut RunRecord,
        files: &[(&str, Vec<u8>)],
    ) -> Result<(), TrainError> {
        for (name, bytes) in files {
            self.write(&self.fresh(name), bytes)?;
            record.files.insert((*name).to_owned(), sha256(bytes));
        }
        self.write(&self.fresh(RECORD), record.seal()?.as_bytes())?;
        self.take_place(RECORD)?;
        for (name, _) in files {
            self.take_place(name)?;
        }
        Ok(())
    }

    /// Writes the final record and removes the checkpoint, which a finished run does not need.
    pub(crate) fn finish(&self, record: &mut RunRecord) -> Result<(), TrainError> {
        record.files.retain(|name, _| !name.starts_with(CHECKPOINT));
        self.commit(record, &[])?;
        let folder = self.file(CHECKPOINT);
        fs::remove_dir_all(&folder).map_err(TrainError::io("remove", folder))
    }

    /// Ends a replacement that was cut off: called with the lock held, before a run is resumed.
    pub(crate) fn repair(&self, record: &RunRecord) -> Result<(), TrainError> {
        for (name, expected) in &record.files {
            let fresh = self.fresh(name);
            match fs::read(&fresh) {
                Ok(bytes) if sha256(&bytes) == *expected => self.take_place(name)?,
                Ok(_) => fs::remove_file(&fresh).map_err(TrainError::io("remove", fresh))?,
                Err(_) => {} // nothing to end
            }
        }
        Ok(())
    }

    /// This is not the run for that.
    pub(crate) fn refused(&self, problem: impl Display) -> TrainError {
        TrainError::Refused(format!("{} {problem}", self.path.display()))
    }

    pub(crate) fn damaged(&self, name: &str, reason: impl Display) -> TrainError {
        TrainError::damaged(self.file(name), reason)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn fresh(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.new"))
    }

    fn take_place(&self, name: &str) -> Result<(), TrainError> {
        let path = self.file(name);
        fs::rename(self.fresh(name), &path).map_err(TrainError::io("write", path))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(TrainError::io("create", parent))?;
        }
        let mut file = File::create(path).map_err(TrainError::io("write", path))?;
        file.write_all(bytes)
            .and_then(|()| file.sync_data())
            .map_err(TrainError::io("write", path))
    }

    fn read_record(&self) -> Result<(String, RunRecord), TrainError> {
        let path = self.file(RECORD);
        let bytes = self
            .read_bytes(RECORD)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => self.refused(NOT_A_RUN),
                _ => TrainError::io("read", &path)(error),
            })?;
        let text = String::from_utf8(bytes).map_err(|error| TrainError::damaged(&path, error))?;
        let record = RunRecord::from_text(&path, &text)?;
        Ok((text, record))
    }

    /// The content of a file with this SHA-256, or of what is about to take its place.
    fn read_checked(&self, name: &str, expected: &str) -> Result<Vec<u8>, TrainError> {
        let mut reason = "it is missing";
        for candidate in [name, &format!("{name}.new")] {
            match self.read_bytes(candidate) {
                Ok(bytes) if sha256(&bytes) == expected => return Ok(bytes),
                Ok(_) if candidate == name => reason = "its SHA-256 is not the one in run.json",
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(TrainError::io("read", self.file(candidate))(error)),
            }
        }
        Err(self.damaged(name, reason))
    }

    /// The content of one file, from the folder or from the program.
    fn read_bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        match self.compiled_in {
            None => fs::read(self.file(name)),
            Some(files) => {
                let file = files.iter().find(|(known, _)| *known == name);
                let (_, bytes) = file.ok_or(io::ErrorKind::NotFound)?;
                Ok(bytes.to_vec())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_locks_is_a_notice_and_a_lock_of_another_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let lock = run.lock().unwrap();
        assert_eq!(lock.notice, None);
        assert!(run.in_use());
        assert!(matches!(run.lock(), Err(TrainError::Locked(_))));

        let error = io::Error::from(io::ErrorKind::Unsupported);
        let notice = run.locked(Lock::Unsupported(error)).unwrap().notice;
        assert!(notice.unwrap().contains("has no file locks"));
    }
}
