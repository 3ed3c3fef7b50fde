//! MNIST: verified files in the cache of Burn's `MnistDataset`, fetched where they are missing.

#[cfg(feature = "fetch")]
mod cache;
mod checks;
#[cfg(feature = "fetch")]
mod download;
#[cfg_attr(not(feature = "fetch"), path = "unavailable.rs")]
mod opened;

#[cfg(feature = "fetch")]
pub use cache::{Cache, FileStatus};
pub(super) use checks::fingerprint;
#[cfg(feature = "fetch")]
pub use download::MIRRORS;
pub(super) use opened::{open, open_test};
