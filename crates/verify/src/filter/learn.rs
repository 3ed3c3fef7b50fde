use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use super::correlation::{correlate, gradients};
use super::geometry::Geometry;
use super::grid::Grid;
use crate::compare::max_error;
use crate::error::VerifyError;

/// A kernel that gradient descent found from pairs of image and result.
#[derive(Debug, Clone, Serialize)]
pub struct Learned {
    /// The weights that were found.
    pub kernel: Grid<f64>,
    /// Largest difference to the kernel that made the results.
    pub error: f64,
    /// Steps that were taken.
    pub steps: usize,
    /// The loss after every step, beginning with the one before the first.
    pub losses: Vec<f64>,
}

/// The inverse question: from 8 random 8×8 images and what `kernel` makes of them, finds the
/// kernel by gradient descent on ½ · mean squared error, starting from zero, with the hand-derived
/// gradient. Stops at a loss of 10⁻¹² or after 2,000 steps.
///
/// # Errors
/// A kernel larger than 8×8.
pub fn learn(kernel: &Grid<f64>, seed: u64) -> Result<Learned, VerifyError> {
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
    let mut losses = Vec::new();
    for step in 0..=MAX_STEPS {
        let mut loss = 0.0;
        let mut total = Grid::<f64>::zeros(kernel.rows(), kernel.columns());
        for (image, result) in &pairs {
            let out = correlate(image, &found, geometry)?;
            let share = 1.0 / (pairs.len() * result.values().len()) as f64;
            let upstream = Grid::from_fn(out.rows(), out.columns(), |r, c| {
                share * (out[(r, c)] - result[(r, c)])
            });
            let cells = out.values().iter().zip(result.values());
            let terms = cells.map(|(a, b)| 0.5 * share * (a - b) * (a - b));
            loss += terms.sum::<f64>();
            let (_, to_kernel) = gradients(image, &found, &upstream, geometry)?;
            total = Grid::from_fn(total.rows(), total.columns(), |u, v| {
                total[(u, v)] + to_kernel[(u, v)]
            });
        }
        losses.push(loss);
        if loss <= 1e-12 || step == MAX_STEPS {
            break;
        }
        found = Grid::from_fn(found.rows(), found.columns(), |u, v| {
            found[(u, v)] - LEARNING_RATE * total[(u, v)]
        });
    }
    Ok(Learned {
        error: max_error(found.values(), kernel.values()),
        steps: losses.len() - 1,
        kernel: found,
        losses,
    })
}
