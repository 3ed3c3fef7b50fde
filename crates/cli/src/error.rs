//! Why a command failed, and the exit status that says so.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Why a command did not do its work, and what the exit status says of it.
#[derive(Debug)]
pub enum CliError {
    /// The command line asks for something invalid: exit status 2.
    Usage(Box<dyn Error>),
    /// The work failed: exit status 1.
    Failed(Box<dyn Error>),
    /// The work failed and everything has been said: exit status 1.
    Reported,
}

impl CliError {
    /// A usage error with this message.
    pub fn usage(error: impl Into<Box<dyn Error>>) -> Self {
        Self::Usage(error.into())
    }

    /// A failure with this message.
    pub fn failed(error: impl Into<Box<dyn Error>>) -> Self {
        Self::Failed(error.into())
    }

    /// Prints the message, then every cause that it does not already contain; returns the exit
    /// status.
    pub fn report(&self) -> ExitCode {
        let (error, status) = match self {
            Self::Usage(error) => (error, 2),
            Self::Failed(error) => (error, 1),
            Self::Reported => return ExitCode::FAILURE,
        };
        let mut said = error.to_string();
        eprintln!("error: {said}");
        let mut cause = error.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !said.contains(&message) {
                eprintln!("  because: {message}");
                said = message;
            }
            cause = error.source();
        }
        ExitCode::from(status)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) | Self::Failed(error) => error.fmt(f),
            Self::Reported => f.write_str("reported above"),
        }
    }
}

impl<E: Error + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}
