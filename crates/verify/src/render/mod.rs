//! A report as text, Markdown, HTML or JSON. Nothing here computes or writes a file.

mod html;
mod json;
mod markdown;
mod svg;
mod table;

pub use html::html;
pub use json::json;
pub use markdown::markdown;
pub use table::{derivation, table};

use crate::report::Report;

/// `12 of 12`, and the verdict in a sentence.
fn verdict(report: &Report) -> String {
    let (all, passed) = (
        report.checks().count(),
        report.checks().filter(|check| check.passed).count(),
    );
    let numbers: usize = report.checks().map(|check| check.compared).sum();
    let mut text = if passed == all {
        format!(
            "All {all} checks passed ({} numbers compared) in {:.1} s.",
            thousands(numbers),
            report.seconds
        )
    } else {
        format!("{} of {all} checks FAILED.", all - passed)
    };
    if let Some(mutants) = &report.mutants {
        let caught = mutants.iter().filter(|mutant| mutant.caught).count();
        text += &format!(" {caught} of {} mutants caught.", mutants.len());
    }
    for missing in &report.not_checked {
        text += &format!(" Not checked: {}.", missing.name);
    }
    text
}

fn thousands(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2.8e-17`, `0`, or `not a number` for anything that is not finite.
fn error(value: f64) -> String {
    if !value.is_finite() {
        "no number".to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value:.1e}")
    }
}

/// 1e-12, or `exact`.
fn bound(value: f64) -> String {
    if value == 0.0 {
        "exact".to_owned()
    } else {
        format!("{value:.0e}")
    }
}
