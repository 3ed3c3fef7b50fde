use std::path::{Path, PathBuf};

use burn_dataset::Dataset as _;
use burn_dataset::vision::MnistDataset;

use crate::DataError;
use crate::cache::{Cache, mnist_fingerprint};
use crate::download::{self, Failure, MIRRORS};
use crate::drawn;
use crate::event::Event;
use crate::files::sha256;
use crate::idx::{self, FILES, Split};
use crate::images::{ImageShape, Images};
use crate::source::Source;

/// A labelled data set: the training images, and the test split on request.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// `mnist`, `drawn` (with the number of its training images, unless it is the usual one), or
    /// the folder's name.
    pub name: String,
    /// Where it really came from; never [`Source::Auto`].
    pub source: Source,
    /// SHA-256 over the contents of all four parts.
    pub fingerprint: String,
    /// Images for training and validation.
    pub train: Images,
}

/// How to open a data set.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Never use the network.
    pub offline: bool,
    /// Addresses to fetch MNIST from instead of [`MIRRORS`]; for tests.
    pub mirrors: Option<Vec<String>>,
}

impl Dataset {
    /// Reads the test split.
    ///
    /// # Errors
    /// As [`open`]; images or classes that are not those of the training split.
    pub fn open_test(&self) -> Result<Images, DataError> {
        let test = match &self.source {
            Source::Folder(folder) => {
                read_split(folder, Split::Test, Some(self.train.classes()))?.0
            }
            Source::Mnist => from_burn(&MnistDataset::test())?,
            Source::Drawn(_) | Source::Auto => {
                let first = drawn::first_test(self.train.len());
                drawn::images(drawn::SEED, first, drawn::TEST)?
            }
        };
        if test.shape() != self.train.shape() {
            return Err(DataError::Inconsistent {
                place: self.source.to_string(),
                reason: format!(
                    "its training images are {}, its test images {}",
                    self.train.shape(),
                    test.shape()
                ),
            });
        }
        Ok(test)
    }
}

/// Opens a data set and reads its training images.
///
/// # Errors
/// A folder that lacks a file or holds a damaged one; MNIST that is neither in the cache nor to
/// be had.
pub fn open(
    source: &Source,
    options: &OpenOptions,
    on_event: &mut dyn FnMut(Event),
) -> Result<Dataset, DataError> {
    match source {
        Source::Folder(folder) => open_folder(folder),
        Source::Drawn(count) => open_drawn(*count),
        Source::Mnist => open_mnist(options, on_event),
        Source::Auto => match open_mnist(options, on_event) {
            Err(error) => match not_to_be_had(&error) {
                Some(reason) => fall_back(&reason, on_event),
                None => Err(error),
            },
            dataset => dataset,
        },
    }
}

/// Why MNIST is not to be had, in a few words; `None` for any other error. A cache that is
/// nowhere, or cannot be written, is no MNIST, too. (One that holds MNIST is never written.)
fn not_to_be_had(error: &DataError) -> Option<String> {
    match error {
        DataError::Unavailable { brief, .. } => Some(brief.clone()),
        DataError::NoCacheFolder => Some("there is no folder for a cache".to_owned()),
        DataError::Io { path, source, .. } => Some(format!(
            "the cache {} cannot be used: {source}",
            path.display()
        )),
        _ => None,
    }
}

/// Brings MNIST into the cache unless it is there.
///
/// # Errors
/// [`DataError::Unavailable`], or a cache that cannot be written.
pub(crate) fn ensure_mnist(
    cache: &Cache,
    options: &OpenOptions,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), DataError> {
    if cache.is_whole() {
        return Ok(());
    }
    let unavailable = |reasons: String, brief: String| DataError::Unavailable {
        cache: cache.path().to_owned(),
        reasons,
        brief,
    };
    if options.offline {
        let reason = "the network is switched off (--offline)".to_owned();
        return Err(unavailable(format!("  {reason}\n"), reason));
    }
    let _lock = cache.lock(on_event)?;
    let mirrors = options
        .mirrors
        .clone()
        .unwrap_or_else(|| MIRRORS.map(str::to_owned).to_vec());
    download::fetch(cache, &mirrors, on_event).map_err(|failures| {
        let lines = failures
            .iter()
            .map(|Failure { place, reason }| format!("  {place}: {reason}\n"))
            .collect();
        // They mostly agree; the last is the one that ended the attempt.
        let brief = failures.last().map_or("no mirror", |last| &last.reason);
        unavailable(lines, brief.to_owned())
    })
}

impl Cache {
    /// Fetches what is missing or wrong.
    ///
    /// # Errors
    /// [`DataError::Unavailable`] with one line for each mirror, or a cache that cannot be
    /// written.
    pub fn fetch(
        &self,
        options: &OpenOptions,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), DataError> {
        ensure_mnist(self, options, on_event)
    }
}

fn open_mnist(
    options: &OpenOptions,
    on_event: &mut dyn FnMut(Event),
) -> Result<Dataset, DataError> {
    ensure_mnist(&Cache::of_user()?, options, on_event)?;
    Ok(Dataset {
        name: "mnist".to_owned(),
        source: Source::Mnist,
        fingerprint: mnist_fingerprint(),
        train: from_burn(&MnistDataset::train())?,
    })
}

fn open_drawn(count: usize) -> Result<Dataset, DataError> {
    let source = Source::Drawn(count);
    let train = drawn::images(drawn::SEED, 0, count)?;
    Ok(Dataset {
        name: source.to_string(),
        source,
        // The test images follow from the same generator and seed.
        fingerprint: sha256(train.bytes()),
        train,
    })
}

/// Says on one line that these are other digits; `--data mnist` tells the whole story.
fn fall_back(reason: &str, on_event: &mut dyn FnMut(Event)) -> Result<Dataset, DataError> {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    on_event(Event::Notice(format!(
        "MNIST is not to be had ({reason}), so this uses the digits that the program draws itself (data set \"drawn\")"
    )));
    open_drawn(drawn::TRAIN)
}

fn from_burn(dataset: &MnistDataset) -> Result<Images, DataError> {
    let inconsistent = |reason: String| DataError::Inconsistent {
        place: "mnist".to_owned(),
        reason,
    };
    let mut pixels = Vec::with_capacity(dataset.len() * ImageShape::MNIST.pixels());
    let mut labels = Vec::with_capacity(dataset.len());
    for index in 0..dataset.len() {
        let item = dataset
            .get(index)
            .map_err(|error| inconsistent(error.to_string()))?;
        // Burn hands the bytes out as f32; they are whole numbers from 0 to 255.
        pixels.extend(item.image.iter().flatten().map(|&value| value as u8));
        labels.push(item.label);
    }
    Images::new(ImageShape::MNIST, 10, pixels, labels)
}

fn open_folder(folder: &Path) -> Result<Dataset, DataError> {
    if !folder.is_dir() {
        return Err(DataError::UnknownSource {
            given: folder.display().to_string(),
        });
    }
    // All four are looked for first: a missing test split is known before training starts.
    for name in FILES {
        idx::find(folder, name)?;
    }
    let (train, mut hashes) = read_split(folder, Split::Train, None)?;
    for name in Split::Test.files() {
        hashes.push(sha256(&idx::read_bytes(&idx::find(folder, name)?)?));
    }
    let folder: PathBuf = folder
        .canonicalize()
        .map_err(DataError::io("read", folder))?;
    let fingerprint = sha256(hashes.concat());
    let name = if fingerprint == mnist_fingerprint() {
        "mnist".to_owned()
    } else {
        folder.file_name().map_or_else(
            || "folder".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    };
    Ok(Dataset {
        name,
        source: Source::Folder(folder),
        fingerprint,
        train,
    })
}

fn read_split(
    folder: &Path,
    split: Split,
    classes: Option<usize>,
) -> Result<(Images, Vec<String>), DataError> {
    let [images_path, labels_path] = split.files().map(|name| idx::find(folder, name));
    let (images_path, labels_path) = (images_path?, labels_path?);
    let (images, labels) = (
        idx::read_bytes(&images_path)?,
        idx::read_bytes(&labels_path)?,
    );
    let hashes = vec![sha256(&images), sha256(&labels)];
    let parsed = idx::parse((&images_path, &images), (&labels_path, &labels), classes)?;
    Ok((parsed, hashes))
}
