#![doc = include_str!("../README.md")]

mod batches;
mod choice;
mod corruption;
mod error;
pub mod files;
mod geometry;
mod images;
pub mod prepare;
mod source;

pub use batches::{Batcher, Normalization};
pub use choice::{Subsets, View, shuffled, stratified_split};
pub use corruption::Corruption;
pub use error::DataError;
pub use geometry::{Augmentation, Perturbation};
pub use images::{ImageShape, Images};
#[cfg(feature = "fetch")]
pub use source::{Cache, FileStatus};
pub use source::{Dataset, Event, OpenOptions, Source, drawn, idx, open};
