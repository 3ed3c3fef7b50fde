use serde::Serialize;

use super::geometry::{Axis, Geometry};
use super::grid::{Grid, Number, cells};
use crate::error::VerifyError;

/// Where the windows of a cross-correlation lie, for whoever draws them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// The zeros around the image.
    pub margins: Margins,
    /// Row and column of every window's first cell in the image, row by row of the result;
    /// negative where it lies in the zeros.
    pub origins: Vec<(i64, i64)>,
    /// For every cell of the image the window whose middle is nearest to it.
    pub nearest: Vec<usize>,
}

/// Rows and columns of zeros around an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Margins {
    /// Above it.
    pub top: usize,
    /// Below it.
    pub bottom: usize,
    /// Left of it.
    pub left: usize,
    /// Right of it.
    pub right: usize,
}

/// Where [`super::correlate`] puts its windows.
///
/// # Errors
/// A window that does not fit.
pub fn placement<T: Number, U: Number>(
    image: &Grid<T>,
    kernel: &Grid<U>,
    geometry: Geometry,
) -> Result<Placement, VerifyError> {
    let [vertical, horizontal] = geometry.axes(image, kernel)?;
    let origins = cells(vertical.output, horizontal.output);
    let nearest = cells(image.rows(), image.columns()).map(|(r, c)| {
        vertical.nearest(r, kernel.rows()) * horizontal.output
            + horizontal.nearest(c, kernel.columns())
    });
    Ok(Placement {
        margins: Margins {
            top: vertical.before,
            bottom: vertical.after,
            left: horizontal.before,
            right: horizontal.after,
        },
        origins: origins
            .map(|(r, c)| (vertical.origin(r), horizontal.origin(c)))
            .collect(),
        nearest: nearest.collect(),
    })
}

impl Axis {
    /// The first input of a window.
    fn origin(self, output: usize) -> i64 {
        (output * self.stride) as i64 - self.before as i64
    }

    /// The window whose middle is nearest to this input, the first of equals.
    fn nearest(self, input: usize, kernel: usize) -> usize {
        // Twice the distance, so that the middle of an even window is a whole number as well.
        let reach = (self.dilation * (kernel - 1)) as i64;
        let distance = |&o: &usize| (2 * self.origin(o) + reach - 2 * input as i64).abs();
        (0..self.output).min_by_key(distance).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Padding, terms};

    #[test]
    fn windows_lie_where_their_terms_are() {
        for (rows, columns) in [(1, 1), (2, 3), (3, 3), (4, 2), (5, 5)] {
            for padding in [Padding::Valid, Padding::Same] {
                for stride in 1..=3 {
                    let geometry = Geometry {
                        stride,
                        padding,
                        ..Geometry::default()
                    };
                    let image = Grid::from_fn(6, 7, |r, c| (7 * r + c) as f64);
                    let kernel = Grid::from_fn(rows, columns, |_, _| 1.0);
                    let found = placement(&image, &kernel, geometry).unwrap();
                    let all = terms(&image, &kernel, geometry).unwrap();
                    assert_eq!(found.origins.len(), all.len());
                    for (&(top, left), terms) in found.origins.iter().zip(&all) {
                        for (number, term) in terms.iter().enumerate() {
                            let r = top + (number / columns) as i64;
                            let c = left + (number % columns) as i64;
                            let inside = (0..6).contains(&r) && (0..7).contains(&c);
                            assert_eq!(term.at, inside.then_some((r as usize, c as usize)));
                        }
                        assert!(top >= -(found.margins.top as i64));
                        assert!(top + rows as i64 <= 6 + found.margins.bottom as i64);
                        assert!(left + columns as i64 <= 7 + found.margins.right as i64);
                    }
                }
            }
        }
    }

    #[test]
    fn the_nearest_window_is_the_one_around_the_cell() {
        let image = Grid::from_fn(5, 5, |_, _| 0.0);
        let kernel = Grid::from_fn(3, 3, |_, _| 1.0);
        let valid = placement(&image, &kernel, Geometry::default()).unwrap();
        assert_eq!(valid.nearest[0], 0, "a corner belongs to the first window");
        assert_eq!(valid.nearest[2 * 5 + 2], 4, "the middle to the middle one");
        assert_eq!(valid.nearest[24], 8);
        let same = Geometry {
            padding: Padding::Same,
            ..Geometry::default()
        };
        let same = placement(&image, &kernel, same).unwrap();
        assert_eq!(same.nearest, (0..25).collect::<Vec<_>>());
    }
}
