//! In place of `opened.rs` where the feature `fetch` is off.

use crate::DataError;
use crate::images::Images;
use crate::source::opening::{Event, OpenOptions, Opened};

pub(in crate::source) fn open(
    _: &OpenOptions,
    _: &mut dyn FnMut(Event),
) -> Result<Opened, DataError> {
    Err(DataError::FetchIsOff)
}

pub(in crate::source) fn open_test() -> Result<Images, DataError> {
    Err(DataError::FetchIsOff)
}
