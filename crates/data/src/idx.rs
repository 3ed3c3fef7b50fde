//! The IDX format of LeCun, Cortes and Burges, and data sets of four such files.
//!
//! A file is a magic number (0, 0, element type 8 = unsigned byte, number of dimensions), one
//! big-endian 32-bit size a dimension, then the elements, last dimension fastest. Files may be
//! gzipped; the content decides, not the name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::DataError;
use crate::files::write_whole;
use crate::images::{ImageShape, Images};

/// Names of the four files: images and labels for training, images and labels for testing.
pub const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Files above this many bytes, unpacked, are refused: 2 GiB, forty times MNIST.
const MAX_BYTES: u64 = 2 << 30;
/// Images above this many pixels a side are refused.
const MAX_SIDE: u32 = 1024;

/// One of the two halves of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// For training and validation.
    Train,
    /// For the final test.
    Test,
}

impl Split {
    /// Names of the images' and the labels' file.
    pub fn files(self) -> [&'static str; 2] {
        match self {
            Self::Train => [FILES[0], FILES[1]],
            Self::Test => [FILES[2], FILES[3]],
        }
    }
}

/// The place of a file in a folder: as it is, or gzipped.
///
/// # Errors
/// Neither is there.
pub fn find(folder: &Path, name: &'static str) -> Result<PathBuf, DataError> {
    [name.to_owned(), format!("{name}.gz")]
        .into_iter()
        .map(|file| folder.join(file))
        .find(|path| path.is_file())
        .ok_or_else(|| DataError::MissingFile {
            folder: folder.to_owned(),
            name,
        })
}

/// The content of a file, unpacked if it is gzipped.
///
/// # Errors
/// A file that cannot be read, is empty, is a web page, is a damaged gzip, or is larger than
/// 2 GiB unpacked.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut file = File::open(path).map_err(DataError::io("read", path))?;
    let mut raw = Vec::new();
    let mut limited = (&mut file).take(MAX_BYTES + 1);
    limited
        .read_to_end(&mut raw)
        .map_err(DataError::io("read", path))?;
    if raw.is_empty() {
        return Err(DataError::idx(
            path,
            "it is empty (0 bytes). Fetch or copy it again",
        ));
    }
    let bytes = if raw.starts_with(&[0x1f, 0x8b]) {
        unpack(path, &raw)?
    } else {
        raw
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DataError::idx(path, "it is larger than 2 GiB unpacked"));
    }
    Ok(bytes)
}

fn unpack(path: &Path, packed: &[u8]) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            DataError::idx(
                path,
                format!(
                    "its gzip compression is damaged or cut off ({error}). Fetch or copy it again"
                ),
            )
        })?;
    Ok(bytes)
}

/// Checked images of one split; `images` and `labels` are file contents, the paths are for
/// messages. The number of classes is `classes`, or the largest label + 1 for `None`.
///
/// # Errors
/// Wrong magic numbers, sizes that do not fit the content, different counts, a label that is
/// not below `classes`; each names the file.
pub fn parse(
    (images_path, images): (&Path, &[u8]),
    (labels_path, labels): (&Path, &[u8]),
    classes: Option<usize>,
) -> Result<Images, DataError> {
    let ([count, height, width], pixels) = header::<3>(images_path, images, "images")?;
    let ([label_count], labels) = header::<1>(labels_path, labels, "labels")?;
    if height > MAX_SIDE || width > MAX_SIDE {
        return Err(DataError::idx(
            images_path,
            format!(
                "its images are {height}×{width}; at most {MAX_SIDE} pixels a side are possible"
            ),
        ));
    }
    if count != label_count {
        return Err(DataError::Inconsistent {
            place: labels_path.display().to_string(),
            reason: format!(
                "it holds {label_count} labels for the {count} images of {}",
                images_path.display()
            ),
        });
    }
    if count == 0 {
        return Err(DataError::idx(images_path, "it holds no images"));
    }
    let found = labels
        .iter()
        .max()
        .map_or(0, |&label| usize::from(label) + 1);
    let classes = classes.unwrap_or(found);
    if let Some(position) = labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
    {
        return Err(DataError::idx(
            labels_path,
            format!(
                "label {} at byte {} is not below the {classes} classes of the training split",
                labels[position],
                8 + position
            ),
        ));
    }
    let shape = ImageShape {
        height: height as usize,
        width: width as usize,
    };
    Images::new(shape, classes, pixels.to_vec(), labels.to_vec())
}

/// Checks magic number and sizes; returns the sizes and the elements.
fn header<'a, const D: usize>(
    path: &Path,
    bytes: &'a [u8],
    what: &str,
) -> Result<([u32; D], &'a [u8]), DataError> {
    let length = 4 + 4 * D;
    let start: String = String::from_utf8_lossy(&bytes[..bytes.len().min(64)])
        .trim_start()
        .to_lowercase();
    if start.starts_with('<') {
        return Err(DataError::idx(
            path,
            "it is a web page (HTML), probably an error page saved by a download. Fetch it again",
        ));
    }
    if bytes.len() < length {
        return Err(DataError::idx(
            path,
            format!(
                "it has {} bytes, fewer than the header's {length}",
                bytes.len()
            ),
        ));
    }
    let magic = [bytes[0], bytes[1], bytes[2], bytes[3]];
    let expected = [0, 0, 8, D as u8];
    if magic != expected {
        let other = match magic {
            [0, 0, 8, 1] => "; it holds labels",
            [0, 0, 8, 3] => "; it holds images",
            _ => "",
        };
        return Err(DataError::idx(
            path,
            format!(
                "its magic number is {magic:02x?}, and a file of {what} starts with {expected:02x?}{other}"
            ),
        ));
    }
    let mut sizes = [0; D];
    for (size, field) in sizes.iter_mut().zip(bytes[4..length].chunks_exact(4)) {
        *size = u32::from_be_bytes([field[0], field[1], field[2], field[3]]);
    }
    let elements = &bytes[length..];
    let expected = sizes
        .iter()
        .try_fold(1_u64, |product, &size| product.checked_mul(u64::from(size)));
    if expected != Some(elements.len() as u64) {
        let expected = expected.map_or_else(
            || "more than 2⁶⁴".to_owned(),
            |expected| expected.to_string(),
        );
        return Err(DataError::idx(
            path,
            format!(
                "its header {sizes:?} promises {expected} bytes, and {} follow",
                elements.len()
            ),
        ));
    }
    Ok((sizes, elements))
}

/// Writes images and labels as the two files of one split, uncompressed. Each file appears
/// whole or not at all.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(folder: &Path, split: Split, images: &Images) -> Result<(), DataError> {
    let shape = images.shape();
    let mut pixels = vec![0, 0, 8, 3];
    for size in [images.len(), shape.height, shape.width] {
        pixels.extend((size as u32).to_be_bytes());
    }
    for index in 0..images.len() {
        pixels.extend(images.pixels(index));
    }
    let mut labels = vec![0, 0, 8, 1];
    labels.extend((images.len() as u32).to_be_bytes());
    labels.extend(images.labels());
    for (name, bytes) in split.files().into_iter().zip([pixels, labels]) {
        let path = folder.join(name);
        write_whole(&path, &bytes).map_err(DataError::io("write", path))?;
    }
    Ok(())
}
