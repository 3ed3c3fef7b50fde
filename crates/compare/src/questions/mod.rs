//! One module a question; each takes trained runs and returns a plain result.

pub(crate) mod accuracy;
pub(crate) mod calibration;
pub(crate) mod corruptions;
pub(crate) mod cost;
pub(crate) mod features;
pub(crate) mod mistakes;
pub(crate) mod permutation;
pub(crate) mod samples;
pub(crate) mod tolerance;
