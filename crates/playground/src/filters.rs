//! The sheet's filters, window by window and on whole pictures.

use digits_verify::filter::{
    Geometry, Grid, Padding, Term, correlate, parse_kernel, sheet_filters, sheet_image, terms,
};
use serde::{Deserialize, Serialize};

use crate::app::Answer;
use crate::draw::gray;
use crate::error::Refusal;
use crate::query::Query;

/// The editable image has at most this many rows and columns.
const MAX_IMAGE: usize = 12;
/// The editable kernel has at most this many.
const MAX_KERNEL: usize = 7;
/// Largest step of the window in the editor.
const MAX_STRIDE: usize = 8;
/// Values beyond this are refused.
const MAX_VALUE: f64 = 1e6;

#[derive(Serialize)]
struct Presets {
    images: Vec<Preset>,
    kernels: Vec<Preset>,
}

#[derive(Serialize)]
struct Preset {
    name: &'static str,
    says: &'static str,
    rows: Grid<f64>,
}

/// The sheet's image and filters, and images that show what each filter answers to.
pub(crate) fn presets() -> Result<Answer, Refusal> {
    let image = |name, says, rows: Grid<i64>| Preset {
        name,
        says,
        rows: rows.to_f64(),
    };
    let kernel = |name, says, cells: [[f64; 3]; 3]| Preset {
        name,
        says,
        rows: Grid::of(cells),
    };
    let mut kernels: Vec<Preset> = sheet_filters()
        .iter()
        .map(|filter| image(filter.name, filter.does, filter.kernel.clone()))
        .collect();
    kernels.extend([
        kernel("mean", "blurs: the mean of the window", [[1.0 / 9.0; 3]; 3]),
        kernel(
            "sharpen",
            "the image minus its Laplacian",
            [[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]],
        ),
        kernel(
            "identity",
            "copies the middle of the window",
            [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
        ),
    ]);
    Answer::json(&Presets {
        images: vec![
            image(
                "sheet",
                "the sheet's image: a dark column crossed by a bright row",
                sheet_image(),
            ),
            image(
                "flat",
                "one value everywhere: all three filters are silent",
                Grid::of([[5; 5]; 5]),
            ),
            image(
                "vertical step",
                "dark on the left, bright on the right: the vertical filter answers",
                Grid::of([[0, 0, 0, 9, 9]; 5]),
            ),
            image(
                "horizontal step",
                "dark above, bright below: the horizontal filter answers",
                Grid::of([[0; 5], [0; 5], [0; 5], [9; 5], [9; 5]]),
            ),
            image(
                "ramp",
                "steadily brighter to the right: the Laplacian is silent, a slope is no edge to it",
                Grid::of([[0, 2, 4, 6, 8]; 5]),
            ),
            image(
                "point",
                "one bright cell: the result is the kernel itself, turned by 180°",
                Grid::of([[0; 5], [0; 5], [0, 0, 9, 0, 0], [0; 5], [0; 5]]),
            ),
            image(
                "line",
                "a bright column: the Laplacian answers most strongly",
                Grid::of([[0, 0, 9, 0, 0]; 5]),
            ),
            image(
                "diagonal",
                "an edge at 45°: both edge filters answer",
                Grid::of([
                    [9, 9, 9, 9, 9],
                    [0, 9, 9, 9, 9],
                    [0, 0, 9, 9, 9],
                    [0, 0, 0, 9, 9],
                    [0, 0, 0, 0, 9],
                ]),
            ),
        ],
        kernels,
    })
}

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
}

/// Every window over a small image, with its products and their sum.
pub(crate) fn window(body: &[u8]) -> Result<Answer, Refusal> {
    let question: Question = serde_json::from_slice(body)?;
    let image = grid("image", question.image, MAX_IMAGE)?;
    let kernel = grid("kernel", question.kernel, MAX_KERNEL)?;
    if question.stride > MAX_STRIDE {
        return Err(Refusal::bad(format!(
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
    })
}

/// The kernel on a whole picture (grey values 0 to 255).
pub(crate) fn picture(query: &Query, body: &[u8]) -> Result<Answer, Refusal> {
    let kernel = parse_kernel(query.get("kernel").unwrap_or_default())?;
    let geometry = Geometry {
        stride: query.value("stride", 1)?,
        dilation: 1,
        padding: match query.get("padding") {
            None | Some("valid") => Padding::Valid,
            Some("same") => Padding::Same,
            Some(_) => return Err(Refusal::bad("padding is `valid` or `same`")),
        },
    };
    let result = correlate(&gray(body)?, &kernel, geometry)?;
    let size = |edge: usize| u32::try_from(edge).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = Vec::with_capacity(8 + 4 * result.values().len());
    bytes.extend(size(result.rows()));
    bytes.extend(size(result.columns()));
    for &value in result.values() {
        bytes.extend((value as f32).to_le_bytes());
    }
    Ok(Answer::Grid(bytes))
}

fn grid(what: &str, rows: Vec<Vec<f64>>, most: usize) -> Result<Grid<f64>, Refusal> {
    let columns = rows.first().map_or(0, Vec::len);
    if rows.is_empty() || columns == 0 || rows.len() > most || columns > most {
        return Err(Refusal::bad(format!(
            "the {what} has {}×{columns} cells; give 1×1 to {most}×{most}",
            rows.len()
        )));
    }
    if rows.iter().any(|row| row.len() != columns) {
        return Err(Refusal::bad(format!(
            "the rows of the {what} have different lengths"
        )));
    }
    if rows
        .iter()
        .flatten()
        .any(|value| value.is_nan() || value.abs() > MAX_VALUE)
    {
        return Err(Refusal::bad(format!(
            "the {what} holds a value beyond a million"
        )));
    }
    Ok(Grid::new(rows.len(), columns, rows.concat())?)
}
