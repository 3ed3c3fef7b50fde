use burn::tensor::Device;

use super::{Filters, Options, available};
use crate::cases;
use crate::check::{Check, Group};
use crate::compare::{max_error, tolerance};
use crate::differences::central;
use crate::engine::{NamedDevice, Precision};
use crate::error::VerifyError;
use crate::filter::{
    Geometry, Grid, Padding, burn_correlate, burn_gradients, correlate, gradients,
};

/// The sheet's results: vertical, horizontal, laplacian.
const SHEET: [[[i64; 3]; 3]; 3] = [
    [[11, 0, -11], [10, 0, -10], [11, 0, -11]],
    [[-9, -10, -9], [0, 0, 0], [9, 10, 9]],
    [[-1, 9, -1], [-6, -2, -6], [-1, 9, -1]],
];

pub(super) fn run(
    filters: &Filters,
    _options: &Options,
    devices: &[NamedDevice],
    groups: &mut Vec<Group>,
) -> Result<(), VerifyError> {
    let group = |title: String, checks| Group {
        title,
        part: "Filters",
        checks,
    };
    let given = filters
        .results
        .iter()
        .zip(SHEET)
        .map(|((filter, result), sheet)| {
            Check::holds(
                format!("filters/sheet/{}", filter.name),
                *result == Grid::of(sheet),
            )
        });
    groups.push(group(
        "the sheet's three results, in whole numbers".to_owned(),
        given.collect(),
    ));
    for (name, device, precision) in available(devices) {
        let mut checks = Vec::new();
        for (filter, result) in &filters.results {
            let found = burn_correlate(
                &filters.image.to_f64(),
                &filter.kernel.to_f64(),
                Geometry::default(),
                device,
                precision,
            )?;
            let error = max_error(found.values(), result.to_f64().values());
            checks.push(Check::new(
                format!("filters/conv2d/{name}/{}", filter.name),
                error,
                tolerance::EXACT,
                9,
            ));
        }
        groups.push(group(
            format!("conv2d on {name} gives the same, exactly"),
            checks,
        ));
    }
    let all = geometries();
    groups.push(group(
        format!(
            "gradients against central differences, {} geometries",
            all.len()
        ),
        vec![differences(&all)?],
    ));
    for (name, device, precision) in available(devices) {
        groups.push(group(
            format!(
                "gradients against autodiff on {name}, {} geometries",
                all.len()
            ),
            against_burn(name, &all, device, precision)?,
        ));
    }
    for evidence in &filters.evidence {
        let checks = evidence.facts.iter().map(|fact| {
            Check::holds(
                format!("filters/{}/{}", evidence.filter, fact.claim),
                fact.holds,
            )
        });
        groups.push(group(
            format!(
                "what the {} filter does: {} facts",
                evidence.filter,
                evidence.facts.len()
            ),
            checks.collect(),
        ));
    }
    let learned = filters
        .results
        .iter()
        .zip(&filters.learned)
        .map(|((filter, _), learned)| {
            Check::new(
                format!("filters/learned/{}", filter.name),
                learned.error,
                tolerance::LEARNED,
                9,
            )
        });
    groups.push(group(
        "each filter learned back from examples".to_owned(),
        learned.collect(),
    ));
    Ok(())
}

/// Every combination that fits: image 5 to 8, kernel 1 to 5, stride 1 to 3, dilation 1 and 2, both
/// paddings.
fn geometries() -> Vec<(usize, usize, Geometry)> {
    let mut all = Vec::new();
    for image in [5, 8] {
        for kernel in 1..=5 {
            for stride in 1..=3 {
                for dilation in 1..=2 {
                    for padding in [Padding::Valid, Padding::Same] {
                        if padding == Padding::Same || dilation * (kernel - 1) < image {
                            all.push((
                                image,
                                kernel,
                                Geometry {
                                    stride,
                                    dilation,
                                    padding,
                                },
                            ));
                        }
                    }
                }
            }
        }
    }
    all
}

/// L = Σ G · out with a fixed random G, so that ∂L/∂out = G.
struct Case {
    image: Grid<f64>,
    kernel: Grid<f64>,
    upstream: Grid<f64>,
    out: Grid<f64>,
}

fn case(seed: usize, image: usize, kernel: usize, geometry: Geometry) -> Result<Case, VerifyError> {
    let (image, kernel) = cases::image_and_kernel(seed as u64, image, kernel);
    let out = correlate(&image, &kernel, geometry)?;
    let (random, _) = cases::image_and_kernel(seed as u64 + 1000, 10, 1);
    let upstream = Grid::from_fn(out.rows(), out.columns(), |r, c| random[(r, c)]);
    Ok(Case {
        image,
        kernel,
        upstream,
        out,
    })
}

fn differences(all: &[(usize, usize, Geometry)]) -> Result<Check, VerifyError> {
    let (mut worst, mut compared) = (0.0_f64, 0);
    for (seed, &(image, kernel, geometry)) in all.iter().enumerate() {
        let case = case(seed, image, kernel, geometry)?;
        let (to_image, to_kernel) = gradients(&case.image, &case.kernel, &case.upstream, geometry)?;
        let split = case.image.values().len();
        let loss = |values: &[f64]| -> f64 {
            let grid = |size: usize, values: &[f64]| Grid::new(size, size, values.to_vec());
            let out = grid(image, &values[..split])
                .and_then(|x| correlate(&x, &grid(kernel, &values[split..])?, geometry));
            out.map_or(f64::NAN, |out| {
                out.values()
                    .iter()
                    .zip(case.upstream.values())
                    .map(|(a, b)| a * b)
                    .sum()
            })
        };
        let point = [case.image.values(), case.kernel.values()].concat();
        let by_hand = [to_image.values(), to_kernel.values()].concat();
        let errors =
            [1e-2, 1e-3, 1e-4, 1e-5].map(|step| max_error(&central(loss, &point, step), &by_hand));
        worst = worst.max(errors.into_iter().fold(f64::INFINITY, f64::min));
        compared += by_hand.len();
    }
    Ok(Check::new(
        "filters/differences",
        worst,
        tolerance::FINITE_DIFFERENCE,
        compared,
    ))
}

fn against_burn(
    name: &str,
    all: &[(usize, usize, Geometry)],
    device: &Device,
    precision: Precision,
) -> Result<Vec<Check>, VerifyError> {
    let (mut outs, mut images, mut kernels) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (seed, &(image, kernel, geometry)) in all.iter().enumerate() {
        let case = case(seed, image, kernel, geometry)?;
        let (to_image, to_kernel) = gradients(&case.image, &case.kernel, &case.upstream, geometry)?;
        let out = burn_correlate(&case.image, &case.kernel, geometry, device, precision)?;
        let burn = burn_gradients(
            &case.image,
            &case.kernel,
            &case.upstream,
            geometry,
            device,
            precision,
        )?;
        outs = outs.max(max_error(case.out.values(), out.values()));
        images = images.max(max_error(to_image.values(), burn.0.values()));
        kernels = kernels.max(max_error(to_kernel.values(), burn.1.values()));
    }
    let check = |what: &str, error| {
        Check::new(
            format!("filters/autodiff/{name}/{what}"),
            error,
            precision.analytic(),
            all.len(),
        )
    };
    Ok(vec![
        check("result", outs),
        check("image", images),
        check("kernel", kernels),
    ])
}
