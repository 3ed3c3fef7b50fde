//! The part of an address after the question mark.

use std::str::FromStr;

use crate::error::ApiError;

/// Keys and values, percent-decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    /// An escape that is none, or bytes that are no text.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(key)?, decode(value)?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of `key`, or `default` where there is none.
    ///
    /// # Errors
    /// A value that is none of this kind.
    pub(crate) fn value<T: FromStr>(&self, key: &str, default: T) -> Result<T, ApiError> {
        match self.get(key) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().map_err(|_| {
                ApiError::bad(format!(
                    "{key} is {text:?}, which is not a number of this kind"
                ))
            }),
        }
    }
}

fn decode(text: &str) -> Result<String, ApiError> {
    let problem = || ApiError::bad("the address holds an escape that cannot be read");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let byte = rest.next().ok_or_else(problem)?;
                    char::from(byte).to_digit(16).ok_or_else(problem)
                };
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_absent_ones_have_their_default() {
        let query = Query::parse("left=run%3Amy+cnn&rotation=-12.5&flag&x=").unwrap();
        assert_eq!(query.get("left"), Some("run:my cnn"));
        assert_eq!(query.value("rotation", 0.0), Ok(-12.5));
        assert_eq!((query.value("x", 3), query.value("y", 4)), (Ok(3), Ok(4)));
        assert_eq!(query.get("flag"), Some(""));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["a=%", "a=%1", "a=%zz", "a=%ff"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        assert!(
            Query::parse("n=two")
                .unwrap()
                .value::<usize>("n", 0)
                .is_err()
        );
    }
}
