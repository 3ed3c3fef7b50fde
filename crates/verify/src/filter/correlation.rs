use serde::Serialize;

use super::geometry::{Axis, Geometry, window};
use super::grid::{Grid, Number, cells};
use crate::error::{VerifyError, invalid};

const OVERFLOW: &str = "the sum of products does not fit into a 64-bit integer; use smaller values, or decimal numbers";

/// Cross-correlation, the sheet's formula as a loop:
/// `out[r][c] = Σᵤ Σᵥ kernel[u][v] · image[s·r + d·u − p][s·c + d·v − p]`, zero outside.
///
/// # Errors
/// A window that does not fit, or whole numbers that overflow.
pub fn correlate<T: Number>(
    image: &Grid<T>,
    kernel: &Grid<T>,
    geometry: Geometry,
) -> Result<Grid<T>, VerifyError> {
    let axes = geometry.axes(image, kernel)?;
    let mut out = Grid::zeros(axes[0].output, axes[1].output);
    for cell in results(axes) {
        let mut sum = T::ZERO;
        for (weight, met) in window(axes, kernel.size(), cell) {
            if let Some(pixel) = met {
                let next = sum.add_product(kernel[weight], image[pixel]);
                sum = next.ok_or_else(|| VerifyError::Invalid(OVERFLOW.to_owned()))?;
            }
        }
        out[cell] = sum;
    }
    Ok(out)
}

/// One product of the sum that makes one cell of the result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Term {
    /// The weight.
    pub kernel: f64,
    /// Row and column of the image's cell that it meets; `None` where it meets padding.
    pub at: Option<(usize, usize)>,
    /// The value of that cell, 0 for padding.
    pub image: f64,
    /// The product.
    pub product: f64,
}

/// The products that [`correlate`] adds up, for every cell of the result row by row, each in the
/// order of the kernel's cells.
///
/// # Errors
/// A window that does not fit.
pub fn terms(
    image: &Grid<f64>,
    kernel: &Grid<f64>,
    geometry: Geometry,
) -> Result<Vec<Vec<Term>>, VerifyError> {
    let axes = geometry.axes(image, kernel)?;
    let term = |(weight, at): ((usize, usize), Option<(usize, usize)>)| {
        let (kernel, image) = (kernel[weight], at.map_or(0.0, |at| image[at]));
        Term {
            kernel,
            at,
            image,
            product: kernel * image,
        }
    };
    let sums = results(axes).map(|cell| window(axes, kernel.size(), cell).map(term).collect());
    Ok(sums.collect())
}

/// True convolution: cross-correlation with the kernel turned by 180°.
///
/// # Errors
/// As [`correlate`].
pub fn convolve<T: Number>(
    image: &Grid<T>,
    kernel: &Grid<T>,
    geometry: Geometry,
) -> Result<Grid<T>, VerifyError> {
    correlate(image, &kernel.rotated(), geometry)
}

/// The gradients of a loss with respect to image and kernel, from `G = ∂L/∂out`:
/// `∂L/∂image[s·r + d·u − p][…] += G[r][c] · kernel[u][v]` and
/// `∂L/∂kernel[u][v] = Σ G[r][c] · image[s·r + d·u − p][…]`.
///
/// # Errors
/// A window that does not fit, or an `upstream` that does not have the size of the output.
pub fn gradients(
    image: &Grid<f64>,
    kernel: &Grid<f64>,
    upstream: &Grid<f64>,
    geometry: Geometry,
) -> Result<(Grid<f64>, Grid<f64>), VerifyError> {
    let axes = geometry.axes(image, kernel)?;
    if upstream.size() != (axes[0].output, axes[1].output) {
        let (found, needed) = (upstream.size(), (axes[0].output, axes[1].output));
        let problem = format!("its size is {found:?}; the result's is {needed:?}");
        return Err(invalid("the upstream gradient", problem));
    }
    let mut to_image = Grid::zeros(image.rows(), image.columns());
    let mut to_kernel = Grid::zeros(kernel.rows(), kernel.columns());
    for cell in results(axes) {
        for (weight, met) in window(axes, kernel.size(), cell) {
            if let Some(pixel) = met {
                to_image[pixel] += upstream[cell] * kernel[weight];
                to_kernel[weight] += upstream[cell] * image[pixel];
            }
        }
    }
    Ok((to_image, to_kernel))
}

/// Every cell of the result.
fn results([vertical, horizontal]: [Axis; 2]) -> impl Iterator<Item = (usize, usize)> {
    cells(vertical.output, horizontal.output)
}
