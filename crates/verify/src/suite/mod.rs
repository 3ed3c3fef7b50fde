//! Everything that `digits verify` runs.

mod backprop;
mod filters;

use std::time::Instant;

use crate::check::tolerance;
use crate::check::{Check, Group, NotChecked};
use crate::engine::NamedDevice;
use crate::error::VerifyError;
use crate::mutants::{control, mutants};
use crate::report::{Options, Part, Report};

/// Runs the checks on every device that is there; names the ones that are not.
///
/// # Errors
/// Values that fit no network, or a device that fails while it computes. A check that fails is
/// not an error.
pub fn verify(options: &Options, devices: &[NamedDevice]) -> Result<Report, VerifyError> {
    let start = Instant::now();
    let mut report = Report::default();
    let mut missing = |name: &str, reason: &str| {
        report.not_checked.push(NotChecked {
            name: name.to_owned(),
            reason: reason.to_owned(),
        });
    };
    let mut present = Vec::new();
    for NamedDevice {
        name,
        device,
        precision,
    } in devices
    {
        match device {
            Ok(device) => present.push((name.as_str(), device, *precision)),
            Err(reason) => missing(name, reason),
        }
    }
    if options.mutants && present.is_empty() {
        missing("mutants", "no device");
    }
    if options.part != Part::Filters {
        report.backprop = Some(backprop::run(options, &present, &mut report.groups)?);
    }
    if options.part != Part::Backprop {
        report.filters = Some(filters::run(&present, &mut report.groups)?);
    }
    if let (true, Some(&(_, device, precision))) = (options.mutants, present.first()) {
        let allowed = tolerance::MUTANT.max(precision.analytic());
        let control = Check::new("mutants/control", control(device, precision)?, allowed, 1);
        report.groups.push(Group {
            title: "the right rules pass where mutants must not".to_owned(),
            part: "Mutants",
            checks: vec![control],
        });
        report.mutants = Some(mutants(device, precision)?);
    }
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}
