//! Checks of single settings; the message of each names the setting in full.

use crate::TrainError;

pub(crate) fn at_least_one(name: impl Into<String>, value: usize) -> Result<(), TrainError> {
    ensure(value > 0, name, value, "1 or more")
}

pub(crate) fn positive(name: impl Into<String>, value: f64) -> Result<(), TrainError> {
    let valid = value.is_finite() && value > 0.0;
    ensure(valid, name, value, "a positive number")
}

pub(crate) fn not_negative(name: impl Into<String>, value: f64) -> Result<(), TrainError> {
    let valid = value.is_finite() && value >= 0.0;
    ensure(valid, name, value, "0 or a positive number")
}

pub(crate) fn fraction(name: impl Into<String>, value: f64) -> Result<(), TrainError> {
    let valid = (0.0..1.0).contains(&value);
    ensure(valid, name, value, "a number with 0 ≤ x < 1")
}

pub(crate) fn ensure(
    valid: bool,
    name: impl Into<String>,
    value: impl ToString,
    wanted: &'static str,
) -> Result<(), TrainError> {
    if valid {
        return Ok(());
    }
    Err(TrainError::Setting {
        name: name.into(),
        value: value.to_string(),
        wanted,
    })
}
