use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// Where the data comes from: what `--data` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// MNIST if it is in the cache or can be had, else the drawn digits.
    Auto,
    /// MNIST, never anything else.
    Mnist,
    /// Digits that the project draws itself.
    Drawn,
    /// A folder with four files in IDX form.
    Folder(PathBuf),
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "auto" => Ok(Self::Auto),
            "mnist" => Ok(Self::Mnist),
            "drawn" => Ok(Self::Drawn),
            "" => Err(DataError::UnknownSource {
                given: text.to_owned(),
            }),
            path => Ok(Self::Folder(PathBuf::from(path))),
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
            Self::Drawn => f.write_str("drawn"),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}
