//! Where data comes from: a file or folder for each source, and the one enum that names them.
//!
//! A source gives its training images when it is opened, and its test images on request. A new
//! one is a file here, an entry in [`Source`], and what the compiler then asks for.

pub mod drawn;
pub mod idx;
mod mnist;

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::images::Images;
#[cfg(feature = "fetch")]
pub use mnist::{Cache, FileStatus};

/// Where the data comes from: what `--data` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// MNIST if it is in the cache or can be fetched, else the drawn digits.
    Auto,
    /// MNIST, never anything else.
    Mnist,
    /// Digits that the project draws itself: so many training images, and
    /// [`drawn::TEST`] test images.
    Drawn(usize),
    /// A folder with four files in IDX form.
    Folder(PathBuf),
}

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

/// A labelled data set: the training images, and the test split on request.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// `mnist`, `drawn` (with the number of its training images, unless it is the usual one), or
    /// the folder's name.
    pub name: String,
    /// Where it really came from; never [`Source::Auto`].
    pub source: Source,
    /// SHA-256 over the contents of all four parts.
    pub fingerprint: String,
    /// Images for training and validation.
    pub train: Images,
}

/// Opens a data set and reads its training images.
///
/// # Errors
/// A folder that lacks a file or holds a damaged one; MNIST that is neither in the cache nor
/// available.
pub fn open(
    source: &Source,
    options: &OpenOptions,
    on_event: &mut dyn FnMut(Event),
) -> Result<Dataset, DataError> {
    let mut dataset = match source {
        Source::Folder(folder) => idx::open(folder)?,
        Source::Drawn(count) => drawn::open(*count)?,
        Source::Mnist => mnist::open(options, on_event)?,
        Source::Auto => match mnist::open(options, on_event) {
            Ok(dataset) => dataset,
            Err(error) => {
                on_event(Event::Notice(instead_of_mnist(error)?));
                drawn::open(drawn::TRAIN)?
            }
        },
    };
    if dataset.fingerprint == mnist::fingerprint() {
        dataset.name = Source::Mnist.to_string();
    }
    Ok(dataset)
}

/// Says on one line why MNIST is unavailable and what is used instead; `--data mnist` tells the
/// whole story. `Err` for any other error. A cache that is nowhere, or cannot be written, is no
/// reason to fail either. (One that holds MNIST is never written.)
fn instead_of_mnist(error: DataError) -> Result<String, DataError> {
    let reason = match error {
        DataError::Unavailable(_, brief) => brief,
        DataError::Io { path, source, .. } => {
            format!("the cache {} cannot be used: {source}", path.display())
        }
        error => return Err(error),
    };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(format!(
        "MNIST is unavailable ({reason}), so this uses the digits that the program draws itself (data set \"drawn\")"
    ))
}

fn unknown(name: &dyn Display) -> DataError {
    DataError::Invalid(format!(
        "unknown data set `{name}`: give auto, mnist, drawn, drawn:N for N training images (1 to 2,000,000), or a folder that exists"
    ))
}

impl Dataset {
    /// Reads the test split.
    ///
    /// # Errors
    /// As [`open`]; images or classes that are not those of the training split.
    pub fn open_test(&self) -> Result<Images, DataError> {
        let train = &self.train;
        let test = match &self.source {
            Source::Folder(folder) => {
                idx::parse(&idx::read(folder, idx::TEST)?, Some(train.classes()))?
            }
            Source::Mnist => mnist::open_test()?,
            Source::Drawn(_) | Source::Auto => {
                drawn::images(drawn::SEED, drawn::first_test(train.len()), drawn::TEST)?
            }
        };
        if test.shape() != train.shape() {
            let (train, test) = (train.shape(), test.shape());
            return Err(DataError::Invalid(format!(
                "{}: its training images are {train}, its test images {test}",
                self.source
            )));
        }
        Ok(test)
    }
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "auto" => Ok(Self::Auto),
            "mnist" => Ok(Self::Mnist),
            "drawn" => Ok(Self::Drawn(drawn::TRAIN)),
            "" => Err(unknown(&text)),
            _ => match text.strip_prefix("drawn:").map(str::parse) {
                Some(Ok(count @ 1..=drawn::MOST)) => Ok(Self::Drawn(count)),
                Some(_) => Err(unknown(&text)),
                None => Ok(Self::Folder(PathBuf::from(text))),
            },
        }
    }
}

impl TryFrom<String> for Source {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Mnist => f.write_str("mnist"),
            Self::Drawn(drawn::TRAIN) => f.write_str("drawn"),
            Self::Drawn(count) => write!(f, "drawn:{count}"),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_back_as_it_is_written() {
        for text in "auto mnist drawn drawn:200000 drawn:1 a/folder".split(' ') {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        let usual: Source = "drawn:60000".parse().unwrap();
        assert_eq!(usual, Source::Drawn(drawn::TRAIN));
        assert_eq!(drawn::MOST, 2_000_000, "the message names it");
        for text in ["", "drawn:", "drawn:0", "drawn:-1", "drawn:2000001"] {
            let message = text.parse::<Source>().unwrap_err().to_string();
            let start = format!("unknown data set `{text}`: ");
            assert!(message.starts_with(&start), "{message}");
        }
    }
}
