//! The operations against definitions in f64, against Burn's own, against central differences, and
//! against themselves on other instructions and numbers of threads.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

mod adam;
mod batch_norm;
mod choice;
mod common;
mod conv_cases;
mod conv_sizes;
mod conv_specials;
mod dense;
mod dropout;
mod gradients;
