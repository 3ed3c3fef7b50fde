//! The filters of the exercise sheet, and how much of a learned one they explain.

use serde::{Deserialize, Serialize};

/// The filters of the exercise sheet.
const SHEET: [(&str, [[f64; 3]; 3]); 3] = [
    (
        "vertical",
        [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]],
    ),
    (
        "horizontal",
        [[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]],
    ),
    (
        "Laplacian",
        [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]],
    ),
];

/// A small matrix with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedKernel {
    pub name: String,
    pub rows: Vec<Vec<f64>>,
}

/// A filter of the CNN's first layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedFilter {
    pub rows: Vec<Vec<f64>>,
    /// How much of its squared norm lies in the span of the sheet's three filters, laid on its
    /// middle, 0 to 1; none for a filter smaller than 3×3.
    pub share: Option<f64>,
    /// The sheet's filter that it resembles most, and the cosine of the angle between them.
    pub nearest: Option<(String, f64)>,
}

pub(crate) fn sheet() -> Vec<NamedKernel> {
    let named = SHEET.map(|(name, rows)| NamedKernel {
        name: name.to_owned(),
        rows: rows.map(Vec::from).into(),
    });
    named.into()
}

/// How much of a filter the sheet's three, laid on its middle, can say. They are orthogonal to
/// each other, so the shares of the three add up.
pub(crate) fn learned(rows: Vec<Vec<f64>>) -> LearnedFilter {
    let size = rows.len();
    let norm: f64 = rows.iter().flatten().map(|v| v * v).sum();
    if size < 3 || norm == 0.0 {
        return LearnedFilter {
            rows,
            share: None,
            nearest: None,
        };
    }
    let start = (size - 3) / 2;
    let cosines = SHEET.map(|(name, kernel)| {
        let dot: f64 = (0..3)
            .flat_map(|row| (0..3).map(move |column| (row, column)))
            .map(|(row, column)| kernel[row][column] * rows[start + row][start + column])
            .sum();
        let length: f64 = kernel.iter().flatten().map(|v| v * v).sum();
        (name, dot / (norm * length).sqrt())
    });
    let share = cosines.iter().map(|(_, cosine)| cosine * cosine).sum();
    let nearest = cosines
        .into_iter()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .map(|(name, cosine)| (name.to_owned(), cosine));
    LearnedFilter {
        rows,
        share: Some(share),
        nearest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole share for each of the three: they are orthogonal to each other.
    #[test]
    fn a_filter_of_the_sheet_lies_in_their_span_and_a_constant_one_does_not() {
        for (name, kernel) in SHEET {
            let mut rows = vec![vec![0.0; 5]; 5];
            for (row, weights) in rows[1..4].iter_mut().zip(kernel) {
                row[1..4].copy_from_slice(&weights.map(|weight| -2.0 * weight));
            }
            let filter = learned(rows);
            assert!((filter.share.unwrap() - 1.0).abs() < 1e-12);
            let (nearest, cosine) = filter.nearest.unwrap();
            assert_eq!(nearest, name);
            assert!((cosine + 1.0).abs() < 1e-12);
        }
        assert_eq!(learned(vec![vec![1.0; 3]; 3]).share, Some(0.0));
        assert_eq!(learned(vec![vec![1.0; 2]; 2]).share, None);
    }
}
