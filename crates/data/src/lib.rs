#![doc = include_str!("../README.md")]

mod affine;
mod augmentation;
mod batcher;
mod corruption;
mod error;
pub mod files;
mod images;
mod normalization;
mod perturbation;
pub mod prepare;
mod random;
mod source;
mod split;
mod view;

pub use augmentation::Augmentation;
pub use batcher::Batcher;
pub use corruption::{Corruption, Severity};
pub use error::DataError;
pub use images::{ImageShape, Images};
pub use normalization::Normalization;
pub use perturbation::Perturbation;
#[cfg(feature = "fetch")]
pub use source::{Cache, FileStatus};
pub use source::{Dataset, Event, OpenOptions, Source, drawn, idx, open};
pub use split::{Subsets, shuffled, stratified_split};
pub use view::View;
