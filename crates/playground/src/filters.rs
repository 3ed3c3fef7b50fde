//! The sheet's filters, window by window and on whole pictures.

use digits_verify::filter::{
    Geometry, Grid, Padding, Placement, Term, correlate, parse_kernel, placement, terms,
};
use serde::{Deserialize, Serialize};

use crate::error::{Answer, ApiError};
use crate::picture::gray;
use crate::query::Query;

/// The editable image has at most this many rows and columns.
const MAX_IMAGE: usize = 12;
/// A kernel has at most this many.
const MAX_KERNEL: usize = 7;
/// A whole picture has at most this many pixels a side; the page makes larger ones smaller. At
/// most 13 million products, a few hundredths of a second.
const MAX_SIDE: usize = 512;
/// Largest step of the window in the editor.
const MAX_STRIDE: usize = 8;
/// Values beyond this are refused.
const MAX_VALUE: f64 = 1e6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    image: Vec<Vec<f64>>,
    kernel: Vec<Vec<f64>>,
    stride: usize,
    padding: Padding,
}

#[derive(Serialize)]
struct Windows {
    rows: usize,
    columns: usize,
    /// The result, row by row.
    sums: Vec<f64>,
    /// The products behind each sum.
    terms: Vec<Vec<Term>>,
    /// Where the windows lie.
    #[serde(flatten)]
    placement: Placement,
}

/// Every window over a small image, with its products and their sum.
pub(crate) fn window(body: &[u8]) -> Result<Answer, ApiError> {
    let question: Question = serde_json::from_slice(body)?;
    let image = grid("image", question.image, MAX_IMAGE)?;
    let kernel = grid("kernel", question.kernel, MAX_KERNEL)?;
    if question.stride > MAX_STRIDE {
        return Err(ApiError::bad(format!(
            "the stride is {}; give at most {MAX_STRIDE}",
            question.stride
        )));
    }
    let geometry = Geometry {
        stride: question.stride,
        dilation: 1,
        padding: question.padding,
    };
    let result = correlate(&image, &kernel, geometry)?;
    Answer::json(&Windows {
        rows: result.rows(),
        columns: result.columns(),
        sums: result.values().to_vec(),
        terms: terms(&image, &kernel, geometry)?,
        placement: placement(&image, &kernel, geometry)?,
    })
}

/// The kernel on a whole picture (grey values 0 to 255).
pub(crate) fn picture(query: &Query, body: &[u8]) -> Result<Answer, ApiError> {
    let kernel = parse_kernel(query.get("kernel").unwrap_or_default())?;
    if kernel.rows() > MAX_KERNEL || kernel.columns() > MAX_KERNEL {
        return Err(ApiError::bad(format!(
            "the kernel has {}×{} cells; give at most {MAX_KERNEL}×{MAX_KERNEL}",
            kernel.rows(),
            kernel.columns()
        )));
    }
    let geometry = Geometry {
        stride: query.value("stride", 1)?,
        dilation: 1,
        padding: match query.get("padding") {
            None | Some("valid") => Padding::Valid,
            Some("same") => Padding::Same,
            Some(_) => return Err(ApiError::bad("padding is `valid` or `same`")),
        },
    };
    let image = gray(body)?;
    if image.rows() > MAX_SIDE || image.columns() > MAX_SIDE {
        return Err(ApiError::bad(format!(
            "the picture has {}×{} pixels; send at most {MAX_SIDE} a side",
            image.columns(),
            image.rows()
        )));
    }
    let result = correlate(&image, &kernel, geometry)?;
    let all = || result.values().iter().copied();
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    let size = |edge: usize| u32::try_from(edge).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = Vec::with_capacity(16 + 4 * result.values().len());
    bytes.extend(size(result.rows()));
    bytes.extend(size(result.columns()));
    for &value in [low, high].iter().chain(result.values()) {
        bytes.extend((value as f32).to_le_bytes());
    }
    Ok(Answer::Grid(bytes))
}

fn grid(what: &str, rows: Vec<Vec<f64>>, most: usize) -> Result<Grid<f64>, ApiError> {
    let columns = rows.first().map_or(0, Vec::len);
    if rows.is_empty() || columns == 0 || rows.len() > most || columns > most {
        return Err(ApiError::bad(format!(
            "the {what} has {}×{columns} cells; give 1×1 to {most}×{most}",
            rows.len()
        )));
    }
    if rows.iter().any(|row| row.len() != columns) {
        return Err(ApiError::bad(format!(
            "the rows of the {what} have different lengths"
        )));
    }
    let within = |value: &f64| value.abs() <= MAX_VALUE;
    if !rows.iter().flatten().all(within) {
        return Err(ApiError::bad(format!(
            "the {what} holds a value beyond a million"
        )));
    }
    Ok(Grid::new(rows.len(), columns, rows.concat())?)
}
