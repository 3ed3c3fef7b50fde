//! Bytes to batches: MNIST, any data set in the four-file IDX form, and whatever a person hands
//! in as a picture, prepared the way MNIST was. Knows no model.

mod affine;
mod augmentation;
mod batcher;
mod cache;
mod corruption;
mod dataset;
mod download;
pub mod drawn;
mod error;
mod event;
pub mod files;
pub mod idx;
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
pub use cache::{Cache, FileStatus};
pub use corruption::{Corruption, Severity};
pub use dataset::{Dataset, OpenOptions, open};
pub use download::MIRRORS;
pub use error::DataError;
pub use event::Event;
pub use images::{ImageShape, Images};
pub use normalization::Normalization;
pub use perturbation::Perturbation;
pub use source::Source;
pub use split::{Subsets, shuffled, stratified_split};
pub use view::View;
