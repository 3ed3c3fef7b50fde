//! The part of an address after the question mark.

use std::str::FromStr;

use crate::error::ApiError;

/// Keys and values, percent-decoded; what is not an escape stands for itself.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_absent_ones_have_their_default_and_others_are_refused() {
        let query = Query::parse("left=run%3Amy+cnn&rotation=-12.5&flag&x=&n=two");
        assert_eq!(query.get("left"), Some("run:my cnn"));
        assert_eq!(query.value("rotation", 0.0), Ok(-12.5));
        assert_eq!((query.value("x", 3), query.value("y", 4)), (Ok(3), Ok(4)));
        assert_eq!(query.get("flag"), Some(""));
        assert!(query.value::<usize>("n", 0).is_err());
    }
}
