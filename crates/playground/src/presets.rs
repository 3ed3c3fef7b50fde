//! What the Filters part begins with: images that show what each filter answers to.

use digits_verify::filter::{Grid, sheet_filters, sheet_image};
use serde::Serialize;

use crate::error::{Answer, ApiError};

#[derive(Serialize)]
struct Presets {
    images: Vec<Preset>,
    kernels: Vec<Preset>,
}

#[derive(Serialize)]
struct Preset {
    name: &'static str,
    /// Every number in it is held against `correlate` by a test below.
    says: &'static str,
    rows: Grid<f64>,
}

/// The sheet's image and filters, and more of both.
pub(crate) fn presets() -> Result<Answer, ApiError> {
    Answer::json(&Presets {
        images: images().into(),
        kernels: kernels(),
    })
}

fn kernels() -> Vec<Preset> {
    let kernel = |name, says, cells: [[f64; 3]; 3]| Preset {
        name,
        says,
        rows: Grid::of(cells),
    };
    let sheet = sheet_filters().map(|filter| Preset {
        name: filter.name,
        says: filter.does,
        rows: filter.kernel.to_f64(),
    });
    let more = [
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
    ];
    sheet.into_iter().chain(more).collect()
}

fn images() -> [Preset; 8] {
    let image = |name, says, rows: Grid<i64>| Preset {
        name,
        says,
        rows: rows.to_f64(),
    };
    [
        image(
            "sheet",
            "the sheet's image, a dark column crossed by a bright row",
            sheet_image(),
        ),
        image(
            "flat",
            "one value everywhere: all three filters give 0; with padding same the zeros around it make an edge",
            Grid::of([[5; 5]; 5]),
        ),
        image(
            "vertical step",
            "dark on the left, bright on the right: the vertical filter gives −36 at the step, the Laplacian 9 and −9, the horizontal filter 0",
            Grid::of([[0, 0, 0, 9, 9]; 5]),
        ),
        image(
            "horizontal step",
            "dark above, bright below: the horizontal filter gives −36 at the step, the Laplacian 9 and −9, the vertical filter 0",
            Grid::of([[0; 5], [0; 5], [0; 5], [9; 5], [9; 5]]),
        ),
        image(
            "ramp",
            "steadily brighter to the right: the vertical filter gives −16 everywhere, the Laplacian 0, since a slope is no edge to it (padding valid)",
            Grid::of([[0, 2, 4, 6, 8]; 5]),
        ),
        image(
            "point",
            "one bright cell: the result is nine times the kernel, turned by 180°; −36 in the middle of the Laplacian's",
            Grid::of([[0; 5], [0; 5], [0, 0, 9, 0, 0], [0; 5], [0; 5]]),
        ),
        image(
            "line",
            "a bright column: the vertical filter gives −36 and 36 on its two sides and 0 on it, the Laplacian −18 on it and 9 beside it",
            Grid::of([[0, 0, 9, 0, 0]; 5]),
        ),
        image(
            "diagonal",
            "an edge at 45°: both edge filters answer, with at most 27 instead of 36",
            Grid::of([
                [9, 9, 9, 9, 9],
                [0, 9, 9, 9, 9],
                [0, 0, 9, 9, 9],
                [0, 0, 0, 9, 9],
                [0, 0, 0, 0, 9],
            ]),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use digits_verify::filter::{Geometry, Padding, correlate};

    use super::*;

    /// What a filter (0 vertical, 1 horizontal, 2 Laplacian) makes of an image.
    fn result(image: &Preset, filter: usize, padding: Padding) -> Grid<f64> {
        let kernel = sheet_filters()[filter].kernel.to_f64();
        let geometry = Geometry {
            padding,
            ..Geometry::default()
        };
        correlate(&image.rows, &kernel, geometry).unwrap()
    }

    #[test]
    fn every_sentence_about_an_image_is_what_correlate_computes() {
        // The numbers of the sentence, and every row of the vertical, the transposed horizontal
        // and the Laplacian filter's result; rows that are not all equal are looked at below.
        let (zero, step) = (Some([0.0; 3]), Some([0.0, -36.0, -36.0]));
        let edge = Some([0.0, 9.0, -9.0]);
        type Rows = [Option<[f64; 3]>; 3];
        let claims: [(&str, &[&str], Rows); 8] = [
            ("sheet", &[], [None; 3]),
            ("flat", &["0"], [zero; 3]),
            (
                "vertical step",
                &["−36", "9", "−9", "0"],
                [step, zero, edge],
            ),
            (
                "horizontal step",
                &["−36", "9", "−9", "0"],
                [zero, step, None],
            ),
            ("ramp", &["−16", "0"], [Some([-16.0; 3]), None, zero]),
            ("point", &["−36"], [None; 3]),
            (
                "line",
                &["−36", "36", "0", "−18", "9"],
                [Some([-36.0, 0.0, 36.0]), None, Some([9.0, -18.0, 9.0])],
            ),
            ("diagonal", &["27", "36"], [None; 3]),
        ];
        assert_eq!(
            images().map(|image| image.name),
            claims.map(|(name, ..)| name)
        );
        for (image, (name, numbers, rows)) in images().iter().zip(claims) {
            let text = image.says.replace("180°", "").replace("45°", "");
            let found: Vec<&str> = text
                .split(|c: char| !c.is_ascii_digit() && c != '−')
                .filter(|word| word.chars().any(|c| c.is_ascii_digit()))
                .collect();
            assert_eq!(found, numbers, "{name}");
            let [vertical, horizontal, laplacian] =
                [0, 1, 2].map(|filter| result(image, filter, Padding::Valid));
            let every = |grid: &Grid<f64>, row: [f64; 3]| {
                assert!(grid.iter_rows().all(|found| found == row), "{name}");
            };
            let grids = [&vertical, &horizontal.transposed(), &laplacian];
            for (grid, row) in grids.into_iter().zip(rows) {
                row.into_iter().for_each(|row| every(grid, row));
            }
            let most =
                |grid: &Grid<f64>| grid.values().iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let turned = image.rows.transposed();
            match name {
                "sheet" => {
                    let others = [0, 1, 3, 4];
                    let dark = |row: &[f64]| others.iter().all(|&at| row[2] < row[at]);
                    let bright = |row: &[f64]| others.iter().all(|&at| row[2] > row[at]);
                    assert!(image.rows.iter_rows().all(dark) && turned.iter_rows().all(bright));
                }
                // With padding the zeros around the image make an edge.
                "flat" => assert!((0..3).all(|f| most(&result(image, f, Padding::Same)) > 0.0)),
                "ramp" => assert!(most(&result(image, 2, Padding::Same)) > 0.0),
                "horizontal step" => every(&laplacian.transposed(), [0.0, 9.0, -9.0]),
                "point" => {
                    let results = [vertical, horizontal, laplacian];
                    for (found, filter) in results.iter().zip(sheet_filters()) {
                        let turned = filter.kernel.rotated().to_f64();
                        let nine: Vec<f64> = turned.values().iter().map(|v| 9.0 * v).collect();
                        assert_eq!(found.values(), nine);
                    }
                    assert_eq!(results[2][(1, 1)], -36.0);
                }
                "diagonal" => assert_eq!([most(&vertical), most(&horizontal)], [27.0; 2]),
                _ => {}
            }
        }
    }

    #[test]
    fn the_further_kernels_do_what_they_say() {
        let image = &images()[0].rows;
        let apply = |name: &str| {
            let kernel = kernels().into_iter().find(|k| k.name == name).unwrap();
            correlate(image, &kernel.rows, Geometry::default()).unwrap()
        };
        let (laplacian, middle) = (apply("laplacian"), apply("identity"));
        let sharp = apply("sharpen");
        for r in 0..3 {
            for c in 0..3 {
                assert_eq!(middle[(r, c)], image[(r + 1, c + 1)]);
                assert_eq!(sharp[(r, c)], middle[(r, c)] - laplacian[(r, c)]);
            }
        }
        let corner: f64 = (0..9).map(|at| image[(at / 3, at % 3)]).sum();
        assert!((apply("mean")[(0, 0)] - corner / 9.0).abs() < 1e-12);
    }
}
