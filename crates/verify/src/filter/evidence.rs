use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use super::correlation::{convolve, correlate};
use super::geometry::{Geometry, Padding};
use super::grid::Grid;
use super::sheet::sheet_filters;
use crate::error::VerifyError;

/// Something the program found out about a filter, and whether it is as claimed.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// The claim, in one line.
    pub claim: String,
    /// The numbers that were computed.
    pub found: String,
    /// Whether they bear the claim out, exactly.
    pub holds: bool,
}

/// The facts about one filter.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    /// The filter's name.
    pub filter: &'static str,
    /// Answer to "what does it do?", borne out by the facts.
    pub answer: &'static str,
    /// What was tried.
    pub facts: Vec<Fact>,
}

/// "What do they do?", answered by trying: each filter on test images, in whole numbers.
///
/// # Errors
/// None that the fixed test images could give; they are passed on all the same.
pub fn evidence() -> Result<Vec<Evidence>, VerifyError> {
    let [vertical, horizontal, laplacian] = sheet_filters();
    let edge = "A smoothed first derivative. It is silent on flat areas and on edges along its own \
                derivative, answers a step with a band of one sign, and names the direction by that sign: \
                as cross-correlation, positive where the image is brighter on the left (top) than on the \
                right (bottom).";
    Ok(vec![
        Evidence {
            filter: vertical.name,
            answer: edge,
            facts: edge_facts(&vertical.kernel, false)?,
        },
        Evidence {
            filter: horizontal.name,
            answer: edge,
            facts: edge_facts(&horizontal.kernel, true)?,
        },
        Evidence {
            filter: laplacian.name,
            answer: "The second derivative, in all directions at once. It is silent on flat areas and on ramps, \
                     answers a step with a pair of opposite signs (the edge is where it crosses zero), a line twice \
                     as strongly as a step and a point four times; it amplifies noise.",
            facts: laplacian_facts(&laplacian.kernel)?,
        },
    ])
}

/// A 7×7 test image.
fn image(cell: impl Fn(i64, i64) -> i64) -> Grid<i64> {
    Grid::from_fn(7, 7, |r, c| cell(r as i64, c as i64))
}

/// Dark, then bright from the fourth column on.
fn step() -> Grid<i64> {
    image(|_, c| i64::from(c >= 3))
}

/// A single bright cell in the middle.
fn point() -> Grid<i64> {
    image(|r, c| i64::from(r == 3 && c == 3))
}

/// `0 everywhere`, the one row or column that all are equal to, or all rows.
fn summary(grid: &Grid<i64>) -> String {
    let first = grid.values()[0];
    if grid.values().iter().all(|&v| v == first) {
        return format!("{first} everywhere");
    }
    for (name, grid) in [("row", grid), ("column", &grid.transposed())] {
        let first = &grid.values()[..grid.columns()];
        if grid.iter_rows().all(|row| row == first) {
            return format!("every {name} {first:?}");
        }
    }
    let rows: Vec<String> = grid.iter_rows().map(|row| format!("{row:?}")).collect();
    rows.join(" ")
}

/// The 5×5 result that has this value everywhere.
fn flat(value: i64) -> Grid<i64> {
    Grid::of([[value; 5]; 5])
}

/// The 5×5 result that has this row five times.
fn rows(row: [i64; 5]) -> Grid<i64> {
    Grid::of([row; 5])
}

fn said(claim: impl Into<String>, found: impl Into<String>, holds: bool) -> Fact {
    Fact {
        claim: claim.into(),
        found: found.into(),
        holds,
    }
}

fn fact(claim: impl Into<String>, found: &Grid<i64>, wanted: &Grid<i64>) -> Fact {
    said(claim, summary(found), found == wanted)
}

fn edge_facts(kernel: &Grid<i64>, transposed: bool) -> Result<Vec<Fact>, VerifyError> {
    // For the horizontal filter every test image is transposed, so one list serves both.
    let turn = |grid: Grid<i64>| if transposed { grid.transposed() } else { grid };
    let (along, across) = if transposed {
        ("top to bottom", "left to right")
    } else {
        ("left to right", "top to bottom")
    };
    let valid = Geometry::default();
    let apply = |image: Grid<i64>| correlate(&turn(image), kernel, valid).map(turn);
    let mut facts = Vec::new();

    let claim = "a constant image gives 0: the weights sum to 0";
    facts.push(fact(claim, &apply(image(|_, _| 7))?, &flat(0)));
    let claim =
        format!("a ramp rising {along} by 1 gives −8: 2 (over two pixels) · 4 (weights 1+2+1)");
    facts.push(fact(claim, &apply(image(|_, c| c))?, &flat(-8)));
    let claim = format!("a ramp rising {across} gives 0");
    facts.push(fact(claim, &apply(image(|r, _| r))?, &flat(0)));
    let claim =
        format!("a step from dark to bright, {along}, gives −4 in the two windows that see it");
    facts.push(fact(claim, &apply(step())?, &rows([0, -4, -4, 0, 0])));
    let claim = "a step from bright to dark gives +4: the sign is the direction";
    let down = apply(image(|_, c| i64::from(c < 3)))?;
    facts.push(fact(claim, &down, &rows([0, 4, 4, 0, 0])));
    let claim = format!("a step {across} gives 0");
    facts.push(fact(claim, &apply(step().transposed())?, &flat(0)));
    let claim = "a diagonal step is seen, but more weakly (3, not 4)";
    let diagonal = apply(image(|r, c| i64::from(c >= r)))?;
    let weak = diagonal.values().iter().map(|v| v.abs()).max() == Some(3);
    facts.push(said(claim, summary(&diagonal), weak));
    let claim = "a single point gives back the kernel turned by 180°: this is cross-correlation";
    let around = turn(apply(point())?);
    let impulse = Grid::from_fn(3, 3, |r, c| around[(r + 1, c + 1)]);
    facts.push(fact(claim, &impulse, &kernel.rotated()));

    let noisy = noise();
    let once = correlate(&noisy, kernel, valid)?;
    let first = once.values()[0];
    let claim = "it is separable: [1 2 1]ᵀ · [1 0 −1], smoothing times derivative";
    let (smooth, derivative) = (Grid::of([[1], [2], [1]]), Grid::of([[1, 0, -1]]));
    let product = Grid::from_fn(3, 3, |r, c| smooth[(r, 0)] * derivative[(0, c)]);
    let product = turn(product);
    let derived = correlate(&noisy, &turn(derivative), valid)?;
    let separable = product == *kernel && correlate(&derived, &turn(smooth), valid)? == once;
    facts.push(said(claim, summary(&product), separable));
    let claim = "true convolution turns the kernel, which flips the sign of this one";
    let negated = once.with(&once, |v, _| -v);
    let convolved = convolve(&noisy, kernel, valid)?;
    let other = convolved.values()[0];
    let found = format!("on noise: correlation {first} …, convolution {other} …");
    facts.push(said(claim, found, convolved == negated));
    let claim = "turning the image by 180° turns the result and flips its sign";
    let rotated = correlate(&noisy.rotated(), kernel, valid)?.rotated();
    let found = format!("first cell {} against {first}", rotated.values()[0]);
    facts.push(said(claim, found, rotated == negated));
    let claim = "transposing image and kernel transposes the result";
    let swapped = correlate(&noisy.transposed(), &kernel.transposed(), valid)?.transposed();
    let pairs = once.values().iter().zip(swapped.values());
    let equal = pairs.filter(|(a, b)| a == b).count();
    let found = format!("{equal} of {} cells equal", once.values().len());
    facts.push(said(claim, found, swapped == once));
    Ok(facts)
}

fn laplacian_facts(kernel: &Grid<i64>) -> Result<Vec<Fact>, VerifyError> {
    let valid = Geometry::default();
    let apply = |image: Grid<i64>| correlate(&image, kernel, valid);
    let mut facts = Vec::new();

    let claim = "a constant image gives 0";
    facts.push(fact(claim, &apply(image(|_, _| 7))?, &flat(0)));
    let claim = "a ramp in any direction gives 0: it has no second derivative";
    facts.push(fact(claim, &apply(image(|r, c| 2 * r + 3 * c))?, &flat(0)));
    let claim = "r² + c² gives 4 = ∂²/∂r² + ∂²/∂c²: it is the second derivative, exactly";
    facts.push(fact(claim, &apply(image(|r, c| r * r + c * c))?, &flat(4)));
    let claim = "a step left to right gives +1 −1: the edge lies where the sign changes";
    let edge = rows([0, 1, -1, 0, 0]);
    facts.push(fact(claim, &apply(step())?, &edge));
    let claim = "a step top to bottom gives the same, transposed";
    let turned = apply(step().transposed())?;
    facts.push(fact(claim, &turned, &edge.transposed()));
    let claim = "a line gives 1 −2 1, twice a step";
    let line = apply(image(|_, c| i64::from(c == 3)))?;
    facts.push(fact(claim, &line, &rows([0, 1, -2, 1, 0])));
    let claim = "a point gives −4, four times a step";
    let point = apply(point())?;
    facts.push(said(claim, summary(&point), point[(2, 2)] == -4));

    let noisy = noise();
    let once = apply(noisy.clone())?;
    let claim = "it is the sum of both second differences, [1 −2 1] and [1 −2 1]ᵀ";
    let second = Grid::of([[0, 0, 0], [1, -2, 1], [0, 0, 0]]);
    let across = correlate(&noisy, &second, valid)?;
    let down = correlate(&noisy, &second.transposed(), valid)?;
    let sum = across.with(&down, |a, b| a + b);
    let [a, b, c] = [&across, &down, &once].map(|grid| grid.values()[0]);
    let found = format!("on noise, first cell {a} + {b} = {c}");
    facts.push(said(claim, found, sum == once));
    let claim = "it has no direction: turned or transposed it is the same, so convolution is cross-correlation";
    let turned = apply(noisy.transposed())?.transposed();
    let symmetric = kernel.rotated() == *kernel && kernel.transposed() == *kernel;
    let same = symmetric && turned == once && convolve(&noisy, kernel, valid)? == once;
    let equal = if turned == once { "equal" } else { "unequal" };
    facts.push(said(claim, format!("{equal} everywhere on noise"), same));
    let claim = "it amplifies noise: the variance grows by 4² + 1 + 1 + 1 + 1 = 20 in expectation";
    let gain = variance(&once) / variance(&noisy);
    let found = format!("measured on a 64×64 noise image: × {gain:.1}");
    facts.push(said(claim, found, (gain - 20.0).abs() < 2.0));
    let claim = "with zeros around the image (same) the border of a constant looks like an edge";
    let padding = Padding::Same;
    let border = correlate(&image(|_, _| 1), kernel, Geometry { padding, ..valid })?;
    let seen = border[(0, 3)] == -1 && border[(0, 0)] == -2;
    facts.push(said(claim, summary(&border), seen));
    Ok(facts)
}

/// A 64×64 image of independent, uniform whole numbers from −100 to 100.
fn noise() -> Grid<i64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0x006e_6f69_7365);
    Grid::from_fn(64, 64, |_, _| random.random_range(-100..=100))
}

fn variance(grid: &Grid<i64>) -> f64 {
    let count = grid.values().len() as f64;
    let mean = grid.values().iter().sum::<i64>() as f64 / count;
    grid.values()
        .iter()
        .map(|&v| (v as f64 - mean).powi(2))
        .sum::<f64>()
        / count
}
