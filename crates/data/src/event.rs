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
