//! The convolution block against a naive f64 loop, against Burn's own operations, and against
//! itself on other instructions and numbers of threads.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

mod cases;
mod gradients;
mod paths;
mod random;
mod sizes;
mod specials;
