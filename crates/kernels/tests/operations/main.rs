//! The operations against Burn's own in f64, against central differences, and against themselves
//! on other instructions and numbers of threads.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

mod adam;
mod batch_norm;
mod choice;
mod common;
mod conv;
mod dense;
mod dropout;
mod gradients;
