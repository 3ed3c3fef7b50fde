//! Results on standard output.

use std::io::{self, Write};
use std::path::Path;

use digits_data::files::write_whole;
use serde::Serialize;

use crate::error::CliError;

/// Prints a result as one JSON document.
///
/// # Errors
/// Standard output that cannot be written.
pub fn json(value: &impl Serialize) -> Result<(), CliError> {
    text(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints text. A reader that went away (`digits … | head`) is not an error.
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
    write_whole(path, bytes)
        .map_err(|error| CliError::failed(format!("cannot write {}: {error}", path.display())))
}

/// 0.99345 → `99.35 %`.
pub fn percent(fraction: f64) -> String {
    digits_report::text::percent(fraction, 2)
}
