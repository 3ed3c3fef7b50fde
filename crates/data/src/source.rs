use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DataError, drawn};

/// Where the data comes from: what `--data` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// MNIST if it is in the cache or can be had, else the drawn digits.
    Auto,
    /// MNIST, never anything else.
    Mnist,
    /// Digits that the project draws itself: so many training images, and
    /// [`drawn::TEST`] test images.
    Drawn(usize),
    /// A folder with four files in IDX form.
    Folder(PathBuf),
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "auto" => Ok(Self::Auto),
            "mnist" => Ok(Self::Mnist),
            "drawn" => Ok(Self::Drawn(drawn::TRAIN)),
            "" => Err(DataError::UnknownSource {
                given: text.to_owned(),
            }),
            text => match text.strip_prefix("drawn:") {
                Some(count) => match count.parse() {
                    Ok(count @ 1..=drawn::MOST) => Ok(Self::Drawn(count)),
                    _ => Err(DataError::DrawnCount {
                        given: text.to_owned(),
                        most: drawn::MOST,
                    }),
                },
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
        assert_eq!(
            "drawn:60000".parse::<Source>().unwrap(),
            Source::Drawn(drawn::TRAIN)
        );
        for text in [
            "drawn:",
            "drawn:0",
            "drawn:many",
            "drawn:-1",
            "drawn:99999999999",
        ] {
            let message = text.parse::<Source>().unwrap_err().to_string();
            assert!(
                message.contains(text) && message.contains("drawn:N"),
                "{message}"
            );
        }
    }
}
