//! Dense layers, batch normalization, dropout and Adam against definitions in f64 and against
//! Burn's own.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

mod adam;
mod batch_norm;
mod common;
mod dense;
mod dropout;
mod threads;
