/// Why a part of a document could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The plotting library refused.
    #[error("chart {slug}: {message}")]
    Chart {
        /// Which chart.
        slug: String,
        /// What the library says.
        message: String,
    },
    /// Pixels that are not a picture, or that cannot be encoded.
    #[error("picture of {width} × {height} pixels: {message}")]
    Picture {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// What is wrong.
        message: String,
    },
}
