use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Why data could not be read, fetched or used. Every message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}{}", hint(.source))]
    Io {
        /// `read`, `write`, `create` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file is not in the IDX format, or not the part of a data set that it should be: what is
    /// wrong, with the place in bytes where it helps.
    #[error("{0} is not a valid IDX file: {1}")]
    Idx(PathBuf, String),
    /// The parts of a data set (the first text says where) do not belong together.
    #[error("{0}: {1}")]
    Inconsistent(String, String),
    /// A folder lacks one of the four files: the folder, and the file's name.
    #[error(
        "{0} holds no {1} (nor {1}.gz). A data set is four files: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"
    )]
    MissingFile(PathBuf, &'static str),
    /// A file of MNIST is not MNIST's: the size or SHA-256 that does not fit.
    #[error("{0} is not the MNIST file it is named after: {1}")]
    NotMnist(PathBuf, String),
    /// MNIST is neither in the cache nor available.
    #[error(
        "MNIST is not in {cache} and could not be fetched:\n{reasons}\
         Three ways out: connect to the internet and run it again (or `digits data fetch`); \
         import the four files from a folder (`digits data import DIR`); \
         or use another data set (`--data drawn`, or `--data DIR` for any folder in IDX form)"
    )]
    Unavailable {
        /// The cache.
        cache: PathBuf,
        /// One line for each mirror.
        reasons: String,
        /// Why, in a few words.
        brief: String,
    },
    /// This build cannot fetch MNIST.
    #[error(
        "MNIST is not part of this build (feature `fetch`): use another data set (drawn, or any folder in IDX form)"
    )]
    FetchIsOff,
    /// There is no place for the cache.
    #[error(
        "no cache folder: neither XDG_CACHE_HOME nor HOME is set. Set one, or give a folder with --data DIR"
    )]
    NoCacheFolder,
    /// The name of a data set is not understood, or asks for an invalid number of drawn digits.
    #[error(
        "unknown data set `{0}`: give auto, mnist, drawn, drawn:N for N training images (1 to 2,000,000), or a folder that exists"
    )]
    UnknownSource(String),
    /// Mean and deviation that pixels cannot be normalized with.
    #[error(
        "pixels cannot be normalized with mean {0} and deviation {1}: give two finite numbers, the deviation above 0, as in 0.1307,0.3081"
    )]
    Normalization(f32, f32),
    /// A setting out of its range: name, value, and the range in words.
    #[error("{0} is {1}; give {2}")]
    Setting(&'static str, f64, String),
    /// A picture cannot be decoded.
    #[error("{0} is not a picture that this program reads (PNG, JPEG, BMP, PGM/PPM): {1}")]
    NotAPicture(String, String),
    /// A picture is larger than anyone needs.
    #[error(
        "{0} is too large: at most {1} pixels a side and {2} megapixels are read; scale it down first"
    )]
    TooLarge(String, u32, u64),
    /// A picture has nothing on it.
    #[error("{0} is blank: there is no ink on it to read")]
    Blank(String),
}

impl DataError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Checks a setting that is counted in `unit`.
pub(crate) fn within(
    name: &'static str,
    value: f64,
    range: RangeInclusive<f64>,
    unit: &str,
) -> Result<(), DataError> {
    if range.contains(&value) {
        return Ok(());
    }
    let wanted = format!("{unit} from {} to {}", range.start(), range.end());
    Err(DataError::Setting(name, value, wanted))
}

/// What a person can do about the usual reasons.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ". The disk is full: free some space; nothing was left half-written"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            ". Check the permissions, or use another folder (XDG_CACHE_HOME moves the cache)"
        }
        _ => "",
    }
}
