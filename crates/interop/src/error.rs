use std::path::Path;

use digits_models::ModelError;
use digits_train::TrainError;

/// Why weights could not be taken in or out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InteropError {
    /// A file, or a value in it, that cannot be used: what, why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The network's configuration describes no network.
    #[error("the model cannot be built: {0}")]
    Model(#[from] ModelError),
    /// Reading or writing failed.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl InteropError {
    /// A file that is not what it should be, for a reason that may quote it.
    pub(crate) fn unreadable(path: &Path, reason: &str) -> Self {
        let (path, reason) = (path.display(), printable(reason));
        Self::Refused(format!("{path} cannot be read: {reason}"))
    }
}

/// Problems on lines of their own.
pub(crate) fn lines(problems: &[String]) -> String {
    const MOST: usize = 60; // more lines than this help nobody
    let shown = problems.iter().take(MOST);
    let mut text: String = shown.map(|problem| format!("\n  {problem}")).collect();
    if problems.len() > MOST {
        text += &format!("\n  and {} more", problems.len() - MOST);
    }
    text
}

/// Text out of a file from elsewhere, fit for a terminal: what controls it (colors, the cursor,
/// the window's title, the direction of writing) becomes �.
pub(crate) fn printable(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(|c: char| c.is_control() || turns(c), "�")
}
