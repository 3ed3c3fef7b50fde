//! Ctrl-C during long work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CliError;

/// Exit status after Ctrl-C, as shells have it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Raised by the first Ctrl-C; the second one ends the program at once.
///
/// # Errors
/// A handler that cannot be set.
pub fn flag() -> Result<Arc<AtomicBool>, CliError> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!(
            "\nstopping after this step (Ctrl-C again: at once, losing the steps since the last save)"
        );
    })?;
    Ok(stop)
}
