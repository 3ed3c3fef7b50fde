//! Why a command failed, and the exit status that says so.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Why a command did not do its work, and what the exit status says of it.
#[derive(Debug)]
pub enum CliError {
    /// The command line asks for something that makes no sense: exit status 2.
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

    /// Prints the chain of causes and gives the exit status.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                print_chain(error.as_ref());
                ExitCode::from(2)
            }
            Self::Failed(error) => {
                print_chain(error.as_ref());
                ExitCode::FAILURE
            }
            Self::Reported => ExitCode::FAILURE,
        }
    }
}

/// The message, then every cause that it does not already contain.
pub fn print_chain(error: &dyn Error) {
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
}

impl<E: Error + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// A message of this crate's own.
#[derive(Debug)]
pub struct Message(pub String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Message {}
