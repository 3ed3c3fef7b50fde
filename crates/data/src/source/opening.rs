use crate::images::Images;

/// How to open a data set.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Never use the network.
    pub offline: bool,
    /// Addresses to fetch MNIST from instead of the usual ones; for tests.
    pub mirrors: Option<Vec<String>>,
}

/// What happens while a data set is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part of a file has arrived.
    Download {
        /// The file.
        file: &'static str,
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all, if the server tells.
        total: Option<u64>,
    },
    /// Something that a person should be told.
    Notice(String),
}

/// What a source gives when it is opened.
pub(super) struct Opened {
    /// The data set's name for people.
    pub(super) name: String,
    /// SHA-256 over all of its parts.
    pub(super) fingerprint: String,
    /// Its training images.
    pub(super) train: Images,
}
