use serde::Serialize;

use super::correlation::correlate;
use super::geometry::Geometry;
use super::grid::Grid;
use crate::error::VerifyError;

/// One of the sheet's filters with its result on the sheet's image.
#[derive(Debug, Clone, Serialize)]
pub struct NamedFilter {
    /// `vertical`, `horizontal` or `laplacian`.
    pub name: &'static str,
    /// One sentence: what it does.
    pub does: &'static str,
    /// 3×3 weights.
    pub kernel: Grid<i64>,
}

impl NamedFilter {
    /// The filter on an image, in whole numbers, `valid`, stride 1.
    ///
    /// # Errors
    /// An image smaller than 3×3, or overflow.
    pub fn apply(&self, image: &Grid<i64>) -> Result<Grid<i64>, VerifyError> {
        correlate(image, &self.kernel, Geometry::default())
    }
}

/// The sheet's 5×5 image: a dark column crossed by a bright row.
pub fn sheet_image() -> Grid<i64> {
    Grid::of([
        [5, 5, 2, 5, 5],
        [5, 5, 2, 5, 5],
        [7, 7, 5, 7, 7],
        [5, 5, 2, 5, 5],
        [5, 5, 2, 5, 5],
    ])
}

/// The three filters, in the sheet's order.
pub fn sheet_filters() -> [NamedFilter; 3] {
    [
        NamedFilter {
            name: "vertical",
            does: "finds vertical edges: smooths along the column, differentiates along the row",
            kernel: Grid::of([[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
        },
        NamedFilter {
            name: "horizontal",
            does: "finds horizontal edges: the vertical filter, transposed",
            kernel: Grid::of([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
        },
        NamedFilter {
            name: "laplacian",
            does: "finds edges, lines and points in every direction: the sum of both second differences",
            kernel: Grid::of([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        },
    ]
}
