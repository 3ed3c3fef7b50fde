//! What the whole workspace does with files: checksums, writing without half-written files, locks.

use std::fs::{File, TryLockError, create_dir_all, remove_file, rename};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal, 64 digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file beside its place and moves it there once it is on the disk, so that it appears
/// whole or not at all. Makes its folder. Permissions are those of [`File::create`].
///
/// # Errors
/// A folder or file that cannot be written; nothing is left behind then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Unique per call, so that two processes or threads that write one file do not mix.
    static CALLS: AtomicU64 = AtomicU64::new(0);
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}-{call}.part", std::process::id()));
    let temporary = path.with_file_name(name);
    let result = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
        .and_then(|()| rename(&temporary, path));
    if result.is_err() {
        // Best effort: the message about the first error matters more than a left-over.
        let _ = remove_file(&temporary);
    }
    result
}

/// What came of asking for the lock of a file.
#[derive(Debug)]
pub enum Lock {
    /// It is ours until this is dropped or the process ends.
    Held(File),
    /// Another process has it.
    HeldByAnother,
    /// The file system has no locks (Lustre, some NFS). Nothing protects from other processes
    /// then: tell the person, and go on.
    Unsupported(io::Error),
}

/// Asks for the lock of the file at `path`, which is made if it is not there, or waits for it.
///
/// # Errors
/// A file that cannot be made, or a lock that fails for any other reason than those of [`Lock`].
pub fn lock(path: &Path, wait: bool) -> io::Result<Lock> {
    let file = File::create(path)?;
    let taken = match wait {
        true => file.lock().map_err(TryLockError::Error),
        false => file.try_lock(),
    };
    outcome(file, taken)
}

fn outcome(file: File, taken: Result<(), TryLockError>) -> io::Result<Lock> {
    // No lock daemon; it has no `ErrorKind` of its own.
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    let no_daemon = |error: &io::Error| cfg!(unix) && error.raw_os_error() == Some(ENOLCK);
    match taken {
        Ok(()) => Ok(Lock::Held(file)),
        Err(TryLockError::WouldBlock) => Ok(Lock::HeldByAnother),
        Err(TryLockError::Error(error))
            if error.kind() == ErrorKind::Unsupported || no_daemon(&error) =>
        {
            Ok(Lock::Unsupported(error))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_in_a_new_folder_and_nothing_is_left_of_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        std::thread::scope(|scope| {
            for byte in 0..8 {
                let path = &path;
                scope.spawn(move || write_whole(path, &vec![byte; 1 << 16]).unwrap());
            }
        });
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes, vec![bytes[0]; 1 << 16]);
        let plain = folder.path().join("plain");
        File::create(&plain).unwrap();
        let permissions = |path: &Path| path.metadata().unwrap().permissions();
        assert_eq!(permissions(&path), permissions(&plain));
        // A folder stands in the way of the last step.
        let blocked = folder.path().join("new");
        write_whole(&blocked, b"x").unwrap_err();
        let names = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
        assert_eq!((names(&blocked), names(folder.path())), (1, 2));
    }

    #[test]
    fn a_lock_tells_held_by_another_from_a_file_system_without_locks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let first = lock(&path, true).unwrap();
        assert!(matches!(first, Lock::Held(_)));
        assert!(matches!(lock(&path, false).unwrap(), Lock::HeldByAnother));
        drop(first);
        assert!(matches!(lock(&path, false).unwrap(), Lock::Held(_)));

        // Linux: EOPNOTSUPP, ENOSYS and ENOLCK against EIO.
        #[cfg(target_os = "linux")]
        for (number, unsupported) in [(95, true), (38, true), (37, true), (5, false)] {
            let error = TryLockError::Error(io::Error::from_raw_os_error(number));
            let found = outcome(File::open(&path).unwrap(), Err(error));
            assert_eq!(matches!(found, Ok(Lock::Unsupported(_))), unsupported);
            assert_eq!(found.is_err(), !unsupported);
        }
    }
}
