//! Digits that the project draws itself: endless, seeded, with no file and no network.
//!
//! Each image is written, not photographed: a skeleton of pen strokes (several forms a digit,
//! `skeleton`), bent, deformed and inked by a random hand (`stroke`), and prepared as MNIST
//! was (`raster`). Image `index` of a seed is the same bytes on every machine.

#[cfg(feature = "fetch")]
mod dataset;
mod hand;
mod images;
mod raster;
mod skeleton;
mod stroke;
mod style;

#[cfg(feature = "fetch")]
pub use dataset::DrawnDataset;
pub use images::{MOST, SEED, TEST, TRAIN, first_test, images};
pub(super) use images::{open, open_test};
