use serde::Serialize;

use crate::error::ApiError;

/// What a handler gives back.
pub(crate) enum Answer {
    /// One JSON document.
    Json(Vec<u8>),
    /// `u32` rows, `u32` columns, then `f32` values row by row, all little-endian.
    Grid(Vec<u8>),
}

impl Answer {
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_vec(value)
            .map(Self::Json)
            .map_err(ApiError::failed)
    }
}
