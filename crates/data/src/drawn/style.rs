//! The generator's settings, tuned by transfer: a network trained on drawn digits alone was
//! read on MNIST's training images (never its test images).

/// Roundness of curves: 0.5 is Catmull and Rom's, less is more angular (from, to).
pub(super) const ROUNDNESS: (f64, f64) = (0.4, 0.56);
/// Width over height relative to the skeleton's box (mean, relative deviation).
pub(super) const ASPECT: (f64, f64) = (0.82, 0.28);
/// Shift to the right per height, top against bottom (mean, deviation).
pub(super) const SLANT: (f64, f64) = (0.18, 0.28);
/// Rotation in turns (deviation).
pub(super) const ROTATION: f64 = 0.03;
/// Elastic displacement in heights of the digit (deviation of the grid's vectors, from, to).
pub(super) const ELASTIC: (f64, f64) = (0.02, 0.13);
/// Tremor in heights of the digit (the largest deviation of one step).
pub(super) const TREMOR: f64 = 0.012;
/// How much wider the pen is along one diagonal (deviation).
pub(super) const NIB: f64 = 0.1;
/// Slow changes of the pen's radius (relative deviation).
pub(super) const PRESSURE: f64 = 0.1;
/// Lighter ends (share of ends, largest loss of radius).
pub(super) const TAPER: (f64, f64) = (0.35, 0.5);
/// How far writers stray from the form (least, most; the product of two uniforms between).
pub(super) const SLOPPINESS: (f64, f64) = (0.5, 2.5);
/// The pen's mean radius in pixels: smallest, what a uniform draw adds, and what the cube of one
/// adds (the few thick pens).
pub(super) const PEN: (f64, f64, f64) = (0.6, 1.1, 1.3);
/// Width in pixels over which an edge fades from ink to paper (from, to).
pub(super) const EDGE: (f64, f64) = (0.75, 1.5);
