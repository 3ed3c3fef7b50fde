use std::io;
use std::net::SocketAddr;

use digits_data::DataError;
use digits_train::TrainError;
use digits_verify::VerifyError;
use hyper::StatusCode;
use serde::Serialize;

/// Why the playground could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaygroundError {
    /// Another program listens at this address.
    #[error("port {} of {} is taken by another program; stop it, or choose another port: digits playground --port {}", .0.port(), .0.ip(), next_port(.0))]
    PortTaken(SocketAddr),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason that the system gives.
        source: io::Error,
    },
    /// A run that was named on the command line cannot be used.
    #[error(transparent)]
    Run(#[from] TrainError),
}

fn next_port(address: &SocketAddr) -> u16 {
    address.port().checked_add(1).unwrap_or(8814)
}

/// An answer that is no success: the status and one sentence for the person at the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// 4xx for what the page sent, 5xx for what failed here.
    pub status: StatusCode,
    /// What is wrong and what to do.
    pub message: String,
    /// The methods that are answered, where another one was used.
    pub allow: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            allow: None,
        }
    }

    /// Another method is needed here.
    pub(crate) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("only {allow} is answered here"),
            )
        }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Device(_) => Self::failed(error),
            _ => Self::bad(error.to_string()),
        }
    }
}

impl From<DataError> for ApiError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Picture(_) | DataError::Blank(_) | DataError::Setting(_) => {
                Self::bad(error.to_string())
            }
            _ => Self::failed(error),
        }
    }
}

impl From<TrainError> for ApiError {
    fn from(error: TrainError) -> Self {
        Self::failed(error)
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::bad(format!("the request cannot be understood: {error}"))
    }
}

/// What a handler gives back.
pub(crate) enum Answer {
    /// One JSON document.
    Json(Vec<u8>),
    /// `u32` rows, `u32` columns, then `f32` values row by row, all little-endian.
    Grid(Vec<u8>),
}

impl Answer {
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_vec(value)
            .map(Self::Json)
            .map_err(ApiError::failed)
    }
}
