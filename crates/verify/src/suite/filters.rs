use burn::tensor::Device;

use crate::cases;
use crate::check::best;
use crate::check::{Check, Group};
use crate::check::{max_error, tolerance};
use crate::engine::Precision;
use crate::error::VerifyError;
use crate::filter::{
    Geometry, Grid, Padding, burn_correlate, burn_gradients, correlate, evidence, gradients, learn,
    sheet_filters, sheet_image,
};
use crate::report::Filters;

/// The sheet's results: vertical, horizontal, laplacian.
const SHEET: [[[i64; 3]; 3]; 3] = [
    [[11, 0, -11], [10, 0, -10], [11, 0, -11]],
    [[-9, -10, -9], [0, 0, 0], [9, 10, 9]],
    [[-1, 9, -1], [-6, -2, -6], [-1, 9, -1]],
];

pub(super) fn run(
    devices: &[(&str, &Device, Precision)],
    groups: &mut Vec<Group>,
) -> Result<Filters, VerifyError> {
    let mut add = |title: String, checks: Vec<Check>| {
        groups.push(Group {
            title,
            part: "Filters",
            checks,
        });
    };
    let mut filters = Filters {
        image: sheet_image(),
        results: Vec::new(),
        evidence: evidence()?,
        learned: Vec::new(),
    };
    let (mut given, mut learned) = (Vec::new(), Vec::new());
    for ((seed, filter), sheet) in (0..).zip(sheet_filters()).zip(SHEET) {
        let result = filter.apply(&filters.image)?;
        let name = format!("filters/sheet/{}", filter.name);
        given.push(Check::holds(name, result == Grid::of(sheet)));
        let found = learn(&filter.kernel.to_f64(), seed)?;
        let name = format!("filters/learned/{}", filter.name);
        learned.push(Check::new(name, found.error, tolerance::LEARNED, 9));
        filters.learned.push(found);
        filters.results.push((filter, result));
    }
    add(
        "the sheet's three results, in whole numbers".to_owned(),
        given,
    );
    for &(name, device, precision) in devices {
        let mut checks = Vec::new();
        for (filter, result) in &filters.results {
            let (image, kernel) = (filters.image.to_f64(), filter.kernel.to_f64());
            let found = burn_correlate(&image, &kernel, Geometry::default(), device, precision)?;
            let error = max_error(found.values(), result.to_f64().values());
            let name = format!("filters/conv2d/{name}/{}", filter.name);
            checks.push(Check::new(name, error, tolerance::EXACT, 9));
        }
        add(format!("conv2d on {name} gives the same, exactly"), checks);
    }
    let cases = cases()?;
    let count = cases.len();
    add(
        format!("gradients against central differences, {count} geometries"),
        vec![differences(&cases)],
    );
    for &(name, device, precision) in devices {
        add(
            format!("gradients against autodiff on {name}, {count} geometries"),
            against_burn(name, &cases, device, precision)?,
        );
    }
    for evidence in &filters.evidence {
        let (filter, count) = (evidence.filter, evidence.facts.len());
        let checks = evidence.facts.iter();
        let checks =
            checks.map(|fact| Check::holds(format!("filters/{filter}/{}", fact.claim), fact.holds));
        add(
            format!("what the {filter} filter does: {count} facts"),
            checks.collect(),
        );
    }
    add("each filter learned back from examples".to_owned(), learned);
    Ok(filters)
}

/// A random image and kernel with L = Σ G · out for a fixed random G, so that ∂L/∂out = G, and
/// the gradients of L by hand.
struct Case {
    image: Grid<f64>,
    kernel: Grid<f64>,
    geometry: Geometry,
    upstream: Grid<f64>,
    out: Grid<f64>,
    to_image: Grid<f64>,
    to_kernel: Grid<f64>,
}

/// Every combination that fits: image 5 and 8, kernel 1 to 5, stride 1 to 3, dilation 1 and 2,
/// both paddings.
fn cases() -> Result<Vec<Case>, VerifyError> {
    let mut cases: Vec<Case> = Vec::new();
    for setting in 0..2 * 5 * 3 * 2 * 2 {
        let image = [5, 8][setting / 60];
        let kernel = 1 + setting / 12 % 5;
        let geometry = Geometry {
            stride: 1 + setting / 4 % 3,
            dilation: 1 + setting / 2 % 2,
            padding: [Padding::Valid, Padding::Same][setting % 2],
        };
        if geometry.padding == Padding::Same || geometry.dilation * (kernel - 1) < image {
            cases.push(case(cases.len() as u64, image, kernel, geometry)?);
        }
    }
    Ok(cases)
}

fn case(seed: u64, image: usize, kernel: usize, geometry: Geometry) -> Result<Case, VerifyError> {
    let (image, kernel) = cases::image_and_kernel(seed, image, kernel);
    let out = correlate(&image, &kernel, geometry)?;
    let (random, _) = cases::image_and_kernel(seed + 1000, 10, 1);
    let upstream = Grid::from_fn(out.rows(), out.columns(), |r, c| random[(r, c)]);
    let (to_image, to_kernel) = gradients(&image, &kernel, &upstream, geometry)?;
    Ok(Case {
        image,
        kernel,
        geometry,
        upstream,
        out,
        to_image,
        to_kernel,
    })
}

fn differences(cases: &[Case]) -> Check {
    let (mut worst, mut compared) = (0.0_f64, 0);
    for case in cases {
        let split = case.image.values().len();
        let square = |size: usize, values: &[f64]| Grid::new(size, size, values.to_vec());
        let loss = |values: &[f64]| -> f64 {
            let out = square(case.image.rows(), &values[..split]).and_then(|image| {
                let kernel = square(case.kernel.rows(), &values[split..])?;
                correlate(&image, &kernel, case.geometry)
            });
            out.map_or(f64::NAN, |out| {
                let pairs = out.values().iter().zip(case.upstream.values());
                pairs.map(|(a, b)| a * b).sum()
            })
        };
        let point = [case.image.values(), case.kernel.values()].concat();
        let by_hand = [case.to_image.values(), case.to_kernel.values()].concat();
        worst = worst.max(best(loss, &point, &by_hand, &[1e-2, 1e-3, 1e-4, 1e-5]));
        compared += by_hand.len();
    }
    let tolerance = tolerance::FINITE_DIFFERENCE;
    Check::new("filters/differences", worst, tolerance, compared)
}

fn against_burn(
    name: &str,
    cases: &[Case],
    device: &Device,
    precision: Precision,
) -> Result<Vec<Check>, VerifyError> {
    let mut worst = [("result", 0.0_f64), ("image", 0.0), ("kernel", 0.0)];
    for case in cases {
        let (image, kernel, geometry) = (&case.image, &case.kernel, case.geometry);
        let out = burn_correlate(image, kernel, geometry, device, precision)?;
        let (to_image, to_kernel) =
            burn_gradients(image, kernel, &case.upstream, geometry, device, precision)?;
        let pairs = [
            (&case.out, out),
            (&case.to_image, to_image),
            (&case.to_kernel, to_kernel),
        ];
        for ((_, worst), (by_hand, burn)) in worst.iter_mut().zip(pairs) {
            *worst = worst.max(max_error(by_hand.values(), burn.values()));
        }
    }
    let check = |(what, error)| {
        let name = format!("filters/autodiff/{name}/{what}");
        Check::new(name, error, precision.analytic(), cases.len())
    };
    Ok(worst.map(check).into())
}
