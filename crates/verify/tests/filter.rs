//! The plain loop against results worked on paper, and what it refuses.

use digits_verify::VerifyError;
use digits_verify::filter::{
    Geometry, Grid, Padding, convolve, correlate, gradients, parse_kernel, sheet_filters,
    sheet_image, terms,
};

fn geometry(stride: usize, dilation: usize, padding: Padding) -> Geometry {
    Geometry {
        stride,
        dilation,
        padding,
    }
}

fn counting() -> Grid<i64> {
    Grid::of([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
}

#[test]
fn a_window_of_four_sums_its_four_pixels() {
    let ones = Grid::of([[1, 1], [1, 1]]);
    // Worked by hand: 1+2+4+5, 2+3+5+6, …
    assert_eq!(
        correlate(&counting(), &ones, Geometry::default()).unwrap(),
        Grid::of([[12, 16], [24, 28]])
    );
    // same: the odd zero goes to the right and below.
    let same = correlate(&counting(), &ones, geometry(1, 1, Padding::Same)).unwrap();
    assert_eq!(same, Grid::of([[12, 16, 9], [24, 28, 15], [15, 17, 9]]));
}

#[test]
fn stride_skips_windows_and_dilation_spreads_the_kernel() {
    let ones = Grid::of([[1, 1], [1, 1]]);
    assert_eq!(
        correlate(&counting(), &ones, geometry(2, 1, Padding::Valid)).unwrap(),
        Grid::of([[12]])
    );
    assert_eq!(
        correlate(&counting(), &ones, geometry(1, 2, Padding::Valid)).unwrap(),
        Grid::of([[1 + 3 + 7 + 9]])
    );
    assert_eq!(
        correlate(&counting(), &Grid::of([[1]]), geometry(2, 1, Padding::Same)).unwrap(),
        Grid::of([[1, 3], [7, 9]])
    );
}

#[test]
fn convolution_turns_the_kernel_and_correlation_does_not() {
    let kernel = Grid::of([[1, 0], [0, 0]]);
    assert_eq!(
        correlate(&counting(), &kernel, Geometry::default()).unwrap(),
        Grid::of([[1, 2], [4, 5]])
    );
    assert_eq!(
        convolve(&counting(), &kernel, Geometry::default()).unwrap(),
        Grid::of([[5, 6], [8, 9]])
    );
}

#[test]
fn whole_numbers_that_overflow_are_an_error() {
    let huge = Grid::of([[i64::MAX, 1]]);
    assert!(matches!(
        correlate(&huge, &Grid::of([[1, 1]]), Geometry::default()),
        Err(VerifyError::Overflow)
    ));
}

#[test]
fn windows_that_do_not_fit_are_an_error() {
    let kernel = Grid::of([[1, 1], [1, 1]]);
    for wrong in [
        geometry(0, 1, Padding::Valid),
        geometry(1, 0, Padding::Valid),
        geometry(1, 3, Padding::Valid),
        geometry(1, usize::MAX, Padding::Same),
    ] {
        assert!(
            matches!(
                correlate(&counting(), &kernel, wrong),
                Err(VerifyError::Geometry { .. })
            ),
            "{wrong:?}"
        );
    }
    let upstream = Grid::of([[1.0]]);
    assert!(
        gradients(
            &counting().to_f64(),
            &kernel.to_f64(),
            &upstream,
            Geometry::default()
        )
        .is_err()
    );
}

#[test]
fn kernels_are_read_from_text() {
    assert_eq!(
        parse_kernel("1 0 -1; 2,0,-2 ;1 0 -1;").unwrap(),
        Grid::of([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    );
    let sixteen = vec!["1"; 16].join(" ");
    for wrong in [
        "",
        ";",
        "1 2; 3",
        "1 x",
        "NaN",
        "inf",
        "1;;1",
        sixteen.as_str(),
        &sixteen.replace(' ', ";"),
    ] {
        assert!(
            matches!(parse_kernel(wrong), Err(VerifyError::Kernel { .. })),
            "{wrong:?}"
        );
    }
    assert_eq!(
        parse_kernel(&vec!["1"; 15].join(" ")).unwrap().columns(),
        15
    );
}

#[test]
fn the_terms_of_every_window_add_up_to_the_result() {
    let image = sheet_image().to_f64();
    for filter in sheet_filters() {
        for padding in [Padding::Valid, Padding::Same] {
            for stride in [1, 2] {
                let geometry = Geometry {
                    stride,
                    padding,
                    ..Geometry::default()
                };
                let kernel = filter.kernel.to_f64();
                let result = correlate(&image, &kernel, geometry).unwrap();
                let sums: Vec<f64> = terms(&image, &kernel, geometry)
                    .unwrap()
                    .iter()
                    .map(|cell| cell.iter().map(|term| term.product).sum())
                    .collect();
                assert_eq!(sums, result.values());
            }
        }
    }
    // The first window of `same` hangs over the upper left corner.
    let same = Geometry {
        padding: Padding::Same,
        ..Geometry::default()
    };
    let kernel = sheet_filters()[0].kernel.to_f64();
    let corner = &terms(&image, &kernel, same).unwrap()[0];
    let outside = corner.iter().filter(|term| term.at.is_none()).count();
    assert_eq!((outside, corner[4].at), (5, Some((0, 0))));
}
