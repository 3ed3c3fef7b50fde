use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::correlation::{correlate, gradients};
use super::geometry::Geometry;
use super::grid::Grid;
use crate::check::max_error;
use crate::error::VerifyError;

/// A kernel that gradient descent found from pairs of image and result.
#[derive(Debug, Clone)]
pub(crate) struct Learned {
    pub(crate) kernel: Grid<f64>,
    /// Largest difference to the kernel that made the results.
    pub(crate) error: f64,
    pub(crate) steps: usize,
}

/// The inverse question: from 8 random 8×8 images and what `kernel` makes of them, finds the
/// kernel by gradient descent on ½ · mean squared error, starting from zero, with the hand-derived
/// gradient. Stops at a loss of 10⁻¹² or after 2,000 steps.
pub(crate) fn learn(kernel: &Grid<f64>, seed: u64) -> Result<Learned, VerifyError> {
    const LEARNING_RATE: f64 = 0.5;
    const MAX_STEPS: usize = 2000;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let geometry = Geometry::default();
    let mut pairs = Vec::new();
    for _ in 0..8 {
        let image = Grid::from_fn(8, 8, |_, _| random.random_range(-1.0..1.0));
        let result = correlate(&image, kernel, geometry)?;
        pairs.push((image, result));
    }
    let mut found = Grid::zeros(kernel.rows(), kernel.columns());
    let mut steps = 0;
    loop {
        let mut loss = 0.0;
        let mut total = Grid::<f64>::zeros(kernel.rows(), kernel.columns());
        for (image, result) in &pairs {
            let out = correlate(image, &found, geometry)?;
            let share = 1.0 / (pairs.len() * result.values().len()) as f64;
            let upstream = out.with(result, |a, b| share * (a - b));
            let cells = out.values().iter().zip(result.values());
            let terms = cells.map(|(a, b)| 0.5 * share * (a - b) * (a - b));
            loss += terms.sum::<f64>();
            let (_, to_kernel) = gradients(image, &found, &upstream, geometry)?;
            total = total.with(&to_kernel, |a, b| a + b);
        }
        if loss <= 1e-12 || steps == MAX_STEPS {
            let error = max_error(found.values(), kernel.values());
            let kernel = found;
            return Ok(Learned {
                kernel,
                error,
                steps,
            });
        }
        steps += 1;
        found = found.with(&total, |w, g| w - LEARNING_RATE * g);
    }
}
