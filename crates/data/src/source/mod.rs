//! Where data comes from: a file or folder for each source, and the one enum that names them.
//!
//! A source gives its training images when it is opened, and its test images on request. A new
//! one is a file here, an entry in [`Source`], and what the compiler then asks for.

pub mod drawn;
pub mod idx;
mod mnist;
mod opening;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::images::Images;
#[cfg(feature = "fetch")]
pub use mnist::{Cache, FileStatus, MIRRORS};
pub use opening::{Event, OpenOptions};

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
    let (source, opened) = match source {
        Source::Folder(folder) => {
            let (folder, opened) = idx::open(folder)?;
            (Source::Folder(folder), opened)
        }
        Source::Drawn(count) => (source.clone(), drawn::open(*count, source.to_string())?),
        Source::Mnist => (Source::Mnist, mnist::open(options, on_event)?),
        Source::Auto => match mnist::open(options, on_event) {
            Ok(opened) => (Source::Mnist, opened),
            Err(error) => {
                on_event(Event::Notice(instead_of_mnist(error)?));
                return open(&Source::Drawn(drawn::TRAIN), options, on_event);
            }
        },
    };
    let known = opened.fingerprint == mnist::fingerprint();
    Ok(Dataset {
        name: if known {
            Source::Mnist.to_string()
        } else {
            opened.name
        },
        source,
        fingerprint: opened.fingerprint,
        train: opened.train,
    })
}

/// Says on one line why MNIST is unavailable and what is used instead; `--data mnist` tells the
/// whole story. `Err` for any other error. A cache that is nowhere, or cannot be written, is no
/// reason to fail either. (One that holds MNIST is never written.)
fn instead_of_mnist(error: DataError) -> Result<String, DataError> {
    let reason = match error {
        DataError::Unavailable { brief, .. } => brief,
        DataError::FetchIsOff => "this build cannot fetch it".to_owned(),
        DataError::NoCacheFolder => "there is no folder for a cache".to_owned(),
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

impl Dataset {
    /// Reads the test split.
    ///
    /// # Errors
    /// As [`open`]; images or classes that are not those of the training split.
    pub fn open_test(&self) -> Result<Images, DataError> {
        let test = match &self.source {
            Source::Folder(folder) => idx::open_test(folder, self.train.classes())?,
            Source::Mnist => mnist::open_test()?,
            Source::Drawn(_) | Source::Auto => drawn::open_test(self.train.len())?,
        };
        if test.shape() != self.train.shape() {
            let (train, test) = (self.train.shape(), test.shape());
            return Err(DataError::Inconsistent(
                self.source.to_string(),
                format!("its training images are {train}, its test images {test}"),
            ));
        }
        Ok(test)
    }
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unknown = || DataError::UnknownSource(text.to_owned());
        match text {
            "auto" => Ok(Self::Auto),
            "mnist" => Ok(Self::Mnist),
            "drawn" => Ok(Self::Drawn(drawn::TRAIN)),
            "" => Err(unknown()),
            _ => match text.strip_prefix("drawn:").map(str::parse) {
                Some(Ok(count @ 1..=drawn::MOST)) => Ok(Self::Drawn(count)),
                Some(_) => Err(unknown()),
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

impl fmt::Display for Source {
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
        for text in [
            "auto",
            "mnist",
            "drawn",
            "drawn:200000",
            "drawn:1",
            "some/folder",
        ] {
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
