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

/// All of them worked by hand: 1+2+4+5, 2+3+5+6, …
#[test]
fn stride_dilation_and_padding_give_the_results_worked_by_hand() {
    use Padding::{Same, Valid};
    let (ones, one) = (Grid::of([[1, 1], [1, 1]]), Grid::of([[1]]));
    let cases = [
        (&ones, geometry(1, 1, Valid), Grid::of([[12, 16], [24, 28]])),
        // same: the odd zero goes to the right and below.
        (
            &ones,
            geometry(1, 1, Same),
            Grid::of([[12, 16, 9], [24, 28, 15], [15, 17, 9]]),
        ),
        (&ones, geometry(2, 1, Valid), Grid::of([[12]])),
        (&ones, geometry(1, 2, Valid), Grid::of([[1 + 3 + 7 + 9]])),
        (&one, geometry(2, 1, Same), Grid::of([[1, 3], [7, 9]])),
    ];
    for (kernel, geometry, expected) in cases {
        let found = correlate(&counting(), kernel, geometry).unwrap();
        assert_eq!(found, expected, "{geometry:?}");
    }
}

#[test]
fn convolution_turns_the_kernel_and_correlation_does_not() {
    let (kernel, valid) = (Grid::of([[1, 0], [0, 0]]), Geometry::default());
    let correlated = correlate(&counting(), &kernel, valid).unwrap();
    assert_eq!(correlated, Grid::of([[1, 2], [4, 5]]));
    let convolved = convolve(&counting(), &kernel, valid).unwrap();
    assert_eq!(convolved, Grid::of([[5, 6], [8, 9]]));
}

#[test]
fn whole_numbers_that_overflow_are_an_error() {
    let huge = Grid::of([[i64::MAX, 1]]);
    let result = correlate(&huge, &Grid::of([[1, 1]]), Geometry::default());
    assert!(result.unwrap_err().to_string().contains("64-bit"));
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
        let result = correlate(&counting(), &kernel, wrong);
        assert!(matches!(result, Err(VerifyError::Invalid(_))), "{wrong:?}");
    }
    let (image, kernel, upstream) = (counting().to_f64(), kernel.to_f64(), Grid::of([[1.0]]));
    assert!(gradients(&image, &kernel, &upstream, Geometry::default()).is_err());
}

#[test]
fn kernels_are_read_from_text() {
    assert_eq!(
        parse_kernel("1 0 -1; 2,0,-2 ;1 0 -1;").unwrap(),
        sheet_filters()[0].kernel.to_f64()
    );
    let long = |count: usize| vec!["1"; count].join(" ");
    assert_eq!(parse_kernel(&long(15)).unwrap().columns(), 15);
    let (row, column) = (long(16), long(16).replace(' ', ";"));
    for wrong in [
        "", ";", "1 2; 3", "1 x", "NaN", "inf", "1;;1", &row, &column,
    ] {
        let result = parse_kernel(wrong);
        assert!(matches!(result, Err(VerifyError::Invalid(_))), "{wrong:?}");
    }
}

#[test]
fn the_terms_of_every_window_add_up_to_the_result() {
    let image = sheet_image().to_f64();
    for filter in sheet_filters() {
        let kernel = filter.kernel.to_f64();
        for (padding, stride) in [(Padding::Valid, 1), (Padding::Same, 1), (Padding::Same, 2)] {
            let geometry = geometry(stride, 1, padding);
            let terms = terms(&image, &kernel, geometry).unwrap();
            let sums = terms
                .iter()
                .map(|cell| cell.iter().map(|term| term.product).sum());
            let result = correlate(&image, &kernel, geometry).unwrap();
            assert_eq!(sums.collect::<Vec<f64>>(), result.values());
        }
    }
    // The first window of `same` hangs over the upper left corner.
    let kernel = sheet_filters()[0].kernel.to_f64();
    let corner = &terms(&image, &kernel, geometry(1, 1, Padding::Same)).unwrap()[0];
    let outside = corner.iter().filter(|term| term.at.is_none()).count();
    assert_eq!((outside, corner[4].at), (5, Some((0, 0))));
}
