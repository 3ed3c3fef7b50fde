use std::ops::{Index, IndexMut};

use serde::Serialize;
use serde::ser::Serializer;

use crate::error::{VerifyError, check_length, invalid};

/// A number that images are made of: `f64`, or `i64` with no rounding at all.
pub trait Number: Copy + PartialEq + std::fmt::Debug {
    /// 0
    const ZERO: Self;
    /// `self + a · b`, `None` where that does not fit.
    fn add_product(self, a: Self, b: Self) -> Option<Self>;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    fn add_product(self, a: Self, b: Self) -> Option<Self> {
        Some(self + a * b)
    }
}

impl Number for i64 {
    const ZERO: Self = 0;
    fn add_product(self, a: Self, b: Self) -> Option<Self> {
        self.checked_add(a.checked_mul(b)?)
    }
}

/// An image, a kernel or a result: numbers in rows and columns, at least one of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid<T> {
    rows: usize,
    columns: usize,
    values: Vec<T>,
}

impl<T: Number> Grid<T> {
    /// # Errors
    /// No values, or a number of values that is not rows · columns.
    pub fn new(rows: usize, columns: usize, values: Vec<T>) -> Result<Self, VerifyError> {
        let what = format!("a {rows}×{columns} grid");
        if values.is_empty() {
            return Err(invalid(&what, "it is empty; give at least one number"));
        }
        let expected = rows.saturating_mul(columns);
        check_length(&what, values.len(), expected)?;
        Ok(Self {
            rows,
            columns,
            values,
        })
    }

    /// A grid of known size.
    pub fn of<const R: usize, const C: usize>(values: [[T; C]; R]) -> Self {
        const { assert!(R > 0 && C > 0) };
        Self {
            rows: R,
            columns: C,
            values: values.concat(),
        }
    }

    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            values: vec![T::ZERO; rows * columns],
        }
    }

    /// Every cell from its row and column.
    pub(crate) fn from_fn(
        rows: usize,
        columns: usize,
        mut cell: impl FnMut(usize, usize) -> T,
    ) -> Self {
        let mut grid = Self::zeros(rows, columns);
        for (r, c) in cells(rows, columns) {
            grid[(r, c)] = cell(r, c);
        }
        grid
    }

    /// Cell by cell with another grid of this size.
    pub(crate) fn with(&self, other: &Self, join: impl Fn(T, T) -> T) -> Self {
        Self::from_fn(self.rows, self.columns, |r, c| {
            join(self[(r, c)], other[(r, c)])
        })
    }

    /// The number in a cell, 0 outside.
    pub(crate) fn or_zero(&self, row: usize, column: usize) -> T {
        if row < self.rows && column < self.columns {
            self[(row, column)]
        } else {
            T::ZERO
        }
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |r, c| self[(c, r)])
    }

    /// Turned by 180°.
    pub fn rotated(&self) -> Self {
        let mut values = self.values.clone();
        values.reverse();
        Self { values, ..*self }
    }
}

impl<T> Grid<T> {
    /// Height.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows and columns.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// Row by row.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The rows, top to bottom.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[T]> {
        self.values.chunks(self.columns)
    }
}

impl Grid<i64> {
    /// The same numbers as `f64`.
    pub fn to_f64(&self) -> Grid<f64> {
        Grid {
            rows: self.rows,
            columns: self.columns,
            values: self.values.iter().map(|&v| v as f64).collect(),
        }
    }
}

impl<T> Index<(usize, usize)> for Grid<T> {
    type Output = T;
    fn index(&self, (row, column): (usize, usize)) -> &T {
        &self.values[row * self.columns + column]
    }
}

impl<T> IndexMut<(usize, usize)> for Grid<T> {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut T {
        &mut self.values[row * self.columns + column]
    }
}

impl<T: Serialize> Serialize for Grid<T> {
    /// A list of rows.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter_rows())
    }
}

/// Reads a kernel written as `"1 0 -1; 2 0 -2; 1 0 -1"`: rows separated by `;`, numbers by blanks
/// or commas, 1 to 15 rows and columns.
///
/// # Errors
/// Anything else, and it says what.
pub fn parse_kernel(text: &str) -> Result<Grid<f64>, VerifyError> {
    let problem = |problem: String| {
        let text: String = text.chars().take(60).collect();
        let example = "Write rows separated by `;`, for example \"1 0 -1; 2 0 -2; 1 0 -1\"";
        VerifyError::Invalid(format!(
            "cannot read the kernel {text:?}: {problem}. {example}"
        ))
    };
    let number = |word: &str| match word.parse::<f64>() {
        Err(_) => Err(problem(format!("{word:?} is not a number"))),
        Ok(value) if value.is_nan() || value.abs() > 1e6 => Err(problem(format!(
            "{word} is not a finite number of at most a million"
        ))),
        Ok(value) => Ok(value),
    };
    let rows = text.trim().trim_end_matches(';').split(';').map(|row| {
        let words = row.split(|c: char| c.is_whitespace() || c == ',');
        words.filter(|word| !word.is_empty()).map(number).collect()
    });
    let rows = rows.collect::<Result<Vec<Vec<f64>>, VerifyError>>()?;
    let columns = rows[0].len();
    if let Some(uneven) = rows.iter().position(|row| row.len() != columns) {
        return Err(problem(format!(
            "row {} has {} numbers, row 1 has {columns}",
            uneven + 1,
            rows[uneven].len()
        )));
    }
    if rows.len() > 15 || columns > 15 {
        return Err(problem("more than 15 rows or columns".to_owned()));
    }
    if columns == 0 {
        return Err(problem("it holds no numbers".to_owned()));
    }
    Grid::new(rows.len(), columns, rows.concat())
}

/// Row and column of every cell, row by row.
pub(super) fn cells(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |r| (0..columns).map(move |c| (r, c)))
}
