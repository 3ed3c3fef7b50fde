//! MNIST: verified files in the cache of Burn's `MnistDataset`, fetched where they are missing.

#[cfg(feature = "fetch")]
mod fetch;

#[cfg(feature = "fetch")]
pub use fetch::{Cache, FileStatus};
#[cfg(feature = "fetch")]
pub(super) use fetch::{open, open_test};
#[cfg(not(feature = "fetch"))]
pub(super) use unavailable::{open, open_test};

/// SHA-256 of the four files of MNIST, uncompressed, in the order of `idx::FILES`.
const HASHES: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

/// Fingerprint of MNIST: the SHA-256 of the SHA-256s of its four files.
pub(super) fn fingerprint() -> String {
    crate::files::sha256(HASHES.concat())
}

#[cfg(not(feature = "fetch"))]
mod unavailable {
    use crate::DataError;
    use crate::images::Images;
    use crate::source::{Dataset, Event, OpenOptions};

    pub fn open(_: &OpenOptions, _: &mut dyn FnMut(Event)) -> Result<Dataset, DataError> {
        Err(unavailable())
    }

    pub fn open_test() -> Result<Images, DataError> {
        Err(unavailable())
    }

    fn unavailable() -> DataError {
        let story = "MNIST is not part of this build (feature `fetch`): use another data set (drawn, or any folder in IDX form)";
        let brief = "this build cannot fetch it";
        DataError::Unavailable(story.to_owned(), brief.to_owned())
    }
}
