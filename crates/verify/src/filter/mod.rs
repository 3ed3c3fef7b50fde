//! Cross-correlation from the sheet's formula, its gradients, and what the three filters do.

mod engine;
mod evidence;
mod grid;
mod learn;
mod placement;
mod sheet;

pub use engine::{burn_correlate, burn_gradients};
pub use evidence::{Evidence, Fact, evidence};
pub use grid::{Grid, Number, parse_kernel};
pub use learn::{Learned, learn};
pub use placement::{Margins, Placement, placement};
pub use sheet::{NamedFilter, sheet_filters, sheet_image};

use crate::error::VerifyError;

/// What happens at the edge of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Only windows that lie inside the image.
    #[default]
    Valid,
    /// Zeros around it: at stride 1 the size stays. An odd zero goes to the right and below.
    Same,
}

/// How the window moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels from one kernel cell to the next.
    pub dilation: usize,
    /// What happens at the edge.
    pub padding: Padding,
}

impl Default for Geometry {
    fn default() -> Self {
        Self {
            stride: 1,
            dilation: 1,
            padding: Padding::Valid,
        }
    }
}

/// One axis: which input a pair (output, kernel cell) meets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) before: usize,
    pub(crate) after: usize,
    stride: usize,
    dilation: usize,
}

impl Axis {
    /// The input index `s·o + d·k − p`, or `None` where it is padding.
    fn index(self, output: usize, kernel: usize) -> Option<usize> {
        (output * self.stride + kernel * self.dilation)
            .checked_sub(self.before)
            .filter(|&i| i < self.input)
    }
}

impl Geometry {
    pub(crate) fn axes<T, U>(
        self,
        image: &Grid<T>,
        kernel: &Grid<U>,
    ) -> Result<[Axis; 2], VerifyError> {
        Ok([
            self.axis("height", image.rows(), kernel.rows())?,
            self.axis("width", image.columns(), kernel.columns())?,
        ])
    }

    fn axis(self, what: &str, input: usize, kernel: usize) -> Result<Axis, VerifyError> {
        let problem = |problem: String| VerifyError::Geometry {
            what: what.to_owned(),
            problem,
        };
        if self.stride == 0 || self.dilation == 0 {
            return Err(problem(
                "stride and dilation count from 1; 0 was given".to_owned(),
            ));
        }
        let reach = self
            .dilation
            .checked_mul(kernel - 1)
            .filter(|&reach| reach < 1 << 20 && self.stride < 1 << 20)
            .ok_or_else(|| {
                problem("stride or dilation is too large; give at most 1,000".to_owned())
            })?;
        let total = match self.padding {
            Padding::Valid => 0,
            Padding::Same => reach,
        };
        let room = (input + total).checked_sub(reach + 1).ok_or_else(|| {
            problem(format!("a window of {} does not fit into an image of {input}; use a smaller kernel or padding same", reach + 1))
        })?;
        Ok(Axis {
            input,
            output: room / self.stride + 1,
            before: total / 2,
            after: total - total / 2,
            stride: self.stride,
            dilation: self.dilation,
        })
    }
}

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
    let [vertical, horizontal] = geometry.axes(image, kernel)?;
    let mut out = Grid::zeros(vertical.output, horizontal.output);
    for r in 0..vertical.output {
        for c in 0..horizontal.output {
            let mut sum = T::ZERO;
            for u in 0..kernel.rows() {
                for v in 0..kernel.columns() {
                    if let (Some(i), Some(j)) = (vertical.index(r, u), horizontal.index(c, v)) {
                        sum = sum
                            .add_product(kernel[(u, v)], image[(i, j)])
                            .ok_or(VerifyError::Overflow)?;
                    }
                }
            }
            out[(r, c)] = sum;
        }
    }
    Ok(out)
}

/// One product of the sum that makes one cell of the result.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
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
    let [vertical, horizontal] = geometry.axes(image, kernel)?;
    let mut cells = Vec::with_capacity(vertical.output * horizontal.output);
    for r in 0..vertical.output {
        for c in 0..horizontal.output {
            let mut cell = Vec::with_capacity(kernel.values().len());
            for u in 0..kernel.rows() {
                for v in 0..kernel.columns() {
                    let at = vertical.index(r, u).zip(horizontal.index(c, v));
                    let (weight, value) = (kernel[(u, v)], at.map_or(0.0, |at| image[at]));
                    cell.push(Term {
                        kernel: weight,
                        at,
                        image: value,
                        product: weight * value,
                    });
                }
            }
            cells.push(cell);
        }
    }
    Ok(cells)
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
    let [vertical, horizontal] = geometry.axes(image, kernel)?;
    let expected = vertical.output * horizontal.output;
    if upstream.rows() != vertical.output || upstream.columns() != horizontal.output {
        return Err(VerifyError::Size {
            what: "the upstream gradient".to_owned(),
            expected,
            found: upstream.values().len(),
        });
    }
    let mut to_image = Grid::zeros(image.rows(), image.columns());
    let mut to_kernel = Grid::zeros(kernel.rows(), kernel.columns());
    for r in 0..vertical.output {
        for c in 0..horizontal.output {
            for u in 0..kernel.rows() {
                for v in 0..kernel.columns() {
                    if let (Some(i), Some(j)) = (vertical.index(r, u), horizontal.index(c, v)) {
                        to_image[(i, j)] += upstream[(r, c)] * kernel[(u, v)];
                        to_kernel[(u, v)] += upstream[(r, c)] * image[(i, j)];
                    }
                }
            }
        }
    }
    Ok((to_image, to_kernel))
}
