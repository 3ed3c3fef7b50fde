//! Results on standard output.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::error::CliError;

/// Prints a result as one JSON document.
///
/// # Errors
/// Standard output that cannot be written.
pub fn json(value: &impl Serialize) -> Result<(), CliError> {
    text(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints text. A reader that went away (`digits … | head`) is no error.
///
/// # Errors
/// Standard output that cannot be written.
pub fn text(text: &str) -> Result<(), CliError> {
    match io::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| io::stdout().flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Writes a file whole or not at all; makes its folder.
///
/// # Errors
/// A place that cannot be written to.
pub fn file(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    Ok(digits_compare::write(path, bytes)?)
}

/// 12345.6 → `12,346`.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// 0.99345 → `99.35 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (value, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (1_234_567.4, "1,234,567"),
            (-4321.0, "-4,321"),
        ] {
            assert_eq!(thousands(value), text);
        }
    }
}
