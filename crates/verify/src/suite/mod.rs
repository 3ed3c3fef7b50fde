//! Everything that `digits verify` runs.

mod backprop;
mod filters;
#[cfg(test)]
mod tests;

use std::time::Instant;

use serde::Serialize;

use crate::check::{Check, Group, NotChecked};
use crate::compare::tolerance;
use crate::differences::SweepPoint;
use crate::engine::{NamedDevice, Precision};
use crate::error::VerifyError;
use crate::filter::{Evidence, Grid, Learned, NamedFilter, sheet_filters, sheet_image};
use crate::mutants::{Mutant, control, mutants};
use crate::worked::{Values, Worked};

/// What to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// Both parts.
    #[default]
    All,
    /// 4-1.
    Backprop,
    /// 4-2.
    Filters,
}

/// How [`verify`] works.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to check.
    pub part: Part,
    /// The numbers of the worked derivation.
    pub values: Values,
    /// Whether to try the mutants, too.
    pub mutants: bool,
    /// Random cases of each property. Default 1,000.
    pub cases: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            part: Part::All,
            values: Values::default(),
            mutants: false,
            cases: 1000,
        }
    }
}

/// Everything that was found. The renderers of this crate make it text, Markdown, HTML or JSON.
#[derive(Debug, Clone)]
pub struct Report {
    /// The checks, in groups.
    pub groups: Vec<Group>,
    /// What could not be checked here.
    pub not_checked: Vec<NotChecked>,
    /// 4-1, unless only filters were asked for.
    pub backprop: Option<Backprop>,
    /// 4-2, unless only backpropagation was asked for.
    pub filters: Option<Filters>,
    /// The mutants, if asked for.
    pub mutants: Option<Vec<Mutant>>,
    /// How long it took.
    pub seconds: f64,
}

/// What part 4-1 shows beside its checks.
#[derive(Debug, Clone, Serialize)]
pub struct Backprop {
    /// The derivation on numbers.
    pub worked: Worked,
    /// The gradient of the worked network, engine by engine.
    pub engines: Vec<(String, Vec<f64>)>,
    /// Error of central differences on the worked network, for every step.
    pub sweep: Vec<SweepPoint>,
    /// The 2-2-2 network trained by hand and by Burn.
    pub training: Vec<Training>,
}

/// A training by the hand rules beside one by Burn.
#[derive(Debug, Clone, Serialize)]
pub struct Training {
    /// The device that Burn trained on.
    pub device: String,
    /// The loss by the hand rules after every step.
    pub losses: Vec<f64>,
    /// The largest difference of any parameter after every step.
    pub differences: Vec<f64>,
}

/// What part 4-2 shows beside its checks.
#[derive(Debug, Clone, Serialize)]
pub struct Filters {
    /// The sheet's image.
    pub image: Grid<i64>,
    /// The filters, each with its result on the image.
    pub results: Vec<(NamedFilter, Grid<i64>)>,
    /// What they do.
    pub evidence: Vec<Evidence>,
    /// Each filter, learned back.
    pub learned: Vec<Learned>,
}

impl Report {
    /// Whether every check passed, and every mutant that was tried was caught.
    pub fn passed(&self) -> bool {
        !self.groups.is_empty()
            && self.groups.iter().all(Group::passed)
            && self
                .mutants
                .as_ref()
                .is_none_or(|mutants| mutants.iter().all(|mutant| mutant.caught))
    }

    /// Every check of every group.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.groups.iter().flat_map(|group| &group.checks)
    }
}

/// Runs the checks on every device that is there; names the ones that are not.
///
/// # Errors
/// Values that fit no network, or a device that fails while it computes. A check that fails is
/// no error.
pub fn verify(options: &Options, devices: &[NamedDevice]) -> Result<Report, VerifyError> {
    let start = Instant::now();
    let mut report = Report {
        groups: Vec::new(),
        not_checked: Vec::new(),
        backprop: None,
        filters: None,
        mutants: None,
        seconds: 0.0,
    };
    for named in devices {
        if let Err(reason) = &named.device {
            report.not_checked.push(NotChecked {
                name: named.name.clone(),
                reason: reason.clone(),
            });
        }
    }
    if options.part != Part::Filters {
        report.backprop = Some(backprop::run(options, devices, &mut report.groups)?);
    }
    if options.part != Part::Backprop {
        let evidence = crate::filter::evidence()?;
        let image = sheet_image();
        let mut results = Vec::new();
        let mut learned = Vec::new();
        for (number, filter) in sheet_filters().into_iter().enumerate() {
            learned.push(crate::filter::learn(
                &filter.kernel.to_f64(),
                number as u64,
            )?);
            let result = filter.apply(&image)?;
            results.push((filter, result));
        }
        let filters = Filters {
            image,
            results,
            evidence,
            learned,
        };
        filters::run(&filters, options, devices, &mut report.groups)?;
        report.filters = Some(filters);
    }
    if options.mutants {
        match available(devices).next() {
            Some((_, device, precision)) => {
                let checks = vec![Check::new(
                    "mutants/control",
                    control(device, precision)?,
                    tolerance::MUTANT.max(precision.analytic()),
                    1,
                )];
                report.groups.push(Group {
                    title: "the right rules pass where mutants must not".to_owned(),
                    part: "Mutants",
                    checks,
                });
                report.mutants = Some(mutants(device, precision)?);
            }
            None => report.not_checked.push(NotChecked {
                name: "mutants".to_owned(),
                reason: "no device".to_owned(),
            }),
        }
    }
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}

/// The devices that are there.
fn available(
    devices: &[NamedDevice],
) -> impl Iterator<Item = (&str, &burn::tensor::Device, Precision)> {
    devices.iter().filter_map(|named| {
        Some((
            named.name.as_str(),
            named.device.as_ref().ok()?,
            named.precision,
        ))
    })
}
