use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use digits_models::ModelError;
use digits_train::TrainError;

/// Why weights could not be taken in or out. Every message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InteropError {
    /// The file is not what it should be.
    #[error("{path} cannot be read: {}", printable(.reason))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of `torch.save` that holds something else than weights.
    #[error(
        "{path} cannot be read: {}. It refers to the Python object `{}`, which is not part of a state dict. \
         Nothing was executed. Save the weights alone: torch.save(model.state_dict(), FILE)",
        printable(.reason), printable(.object)
    )]
    ForeignObject {
        /// The file.
        path: PathBuf,
        /// Its full Python name.
        object: String,
        /// Why no tensors were found.
        reason: String,
    },
    /// The tensors of the file are not those of the network.
    #[error("the tensors of {path} do not fit the network:{}{}", lines(.problems), .hint)]
    Tensors {
        /// The file.
        path: PathBuf,
        /// One line for each tensor that is missing, unexpected or of another size.
        problems: Vec<String>,
        /// What to do, on a line of its own.
        hint: String,
    },
    /// Tensors that fit, but whose values cannot be used.
    #[error("{path} holds values that cannot be used:{}", lines(.problems))]
    Values {
        /// The file.
        path: PathBuf,
        /// One line for each tensor.
        problems: Vec<String>,
    },
    /// A value does not fit into the type asked for.
    #[error("{tensor} holds {value:e}, which {to} cannot hold; use {instead}")]
    OutOfRange {
        /// The tensor.
        tensor: String,
        /// The value.
        value: f32,
        /// The type asked for.
        to: &'static str,
        /// A type that can hold it.
        instead: &'static str,
    },
    /// The file that renames tensors is invalid.
    #[error("{path}: {reason}")]
    Map {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The network's configuration describes no network.
    #[error("the model cannot be built: {0}")]
    Model(#[from] ModelError),
    /// Reading or writing failed.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl InteropError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| {
            Self::Train(TrainError::Io {
                action,
                path,
                source,
            })
        }
    }

    pub(crate) fn backend(doing: &'static str, message: impl Display) -> Self {
        Self::Train(TrainError::Backend {
            doing,
            message: message.to_string(),
        })
    }
}

fn lines(problems: &[String]) -> String {
    /// More lines than this help nobody.
    const MOST: usize = 60;
    let mut text: String = problems
        .iter()
        .take(MOST)
        .map(|problem| format!("\n  {problem}"))
        .collect();
    if problems.len() > MOST {
        text += &format!("\n  and {} more", problems.len() - MOST);
    }
    text
}

/// Text out of a file from elsewhere, fit for a terminal: what controls it (colors, the cursor,
/// the window's title, the direction of writing) becomes �.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '�',
            c if c.is_control() => '�',
            c => c,
        })
        .collect()
}
