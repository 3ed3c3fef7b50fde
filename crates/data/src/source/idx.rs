//! The IDX format of LeCun, Cortes and Burges, and data sets of four such files.
//!
//! A file is a magic number (0, 0, element type 8 = unsigned byte, number of dimensions), one
//! big-endian 32-bit size a dimension, then the elements, last dimension fastest. Files may be
//! gzipped; the content decides, not the name.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::{Dataset, Source};
use crate::DataError;
use crate::files::{sha256, write_whole};
use crate::images::{ImageShape, Images};

/// Names of the files for training: images and labels.
pub const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
/// Names of the files for testing.
pub const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
/// All four.
pub const FILES: [&str; 4] = [TRAIN[0], TRAIN[1], TEST[0], TEST[1]];

/// Files above this many bytes, unpacked, are refused: 2 GiB, forty times MNIST.
const MAX_BYTES: u64 = 2 << 30;
/// Images above this many pixels a side are refused.
const MAX_SIDE: u32 = 1024;

/// The place of a file in a folder: as it is, or gzipped.
///
/// # Errors
/// Neither is there.
pub fn find(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let places = [name.to_owned(), format!("{name}.gz")].map(|file| folder.join(file));
    let found = places.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| {
        let (folder, files) = (folder.display(), FILES.join(", "));
        DataError::Invalid(format!(
            "{folder} holds no {name} (nor {name}.gz). A data set is four files: {files}"
        ))
    })
}

fn invalid(path: &Path, reason: impl Display) -> DataError {
    let path = path.display();
    DataError::Invalid(format!("{path} is not a valid IDX file: {reason}"))
}

/// The content of a file, unpacked if it is gzipped.
///
/// # Errors
/// A file that cannot be read, is empty, is a web page, is a damaged gzip, or is larger than
/// 2 GiB unpacked.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let file = File::open(path).map_err(DataError::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(DataError::io("read", path))?;
    if bytes.is_empty() {
        return Err(invalid(
            path,
            "it is empty (0 bytes). Fetch or copy it again",
        ));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = unpack(&bytes, MAX_BYTES + 1)
            .map_err(|reason| invalid(path, reason + ". Fetch or copy it again"))?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(path, "it is larger than 2 GiB unpacked"));
    }
    Ok(bytes)
}

/// The first `most` bytes of what a gzip holds.
pub(super) fn unpack(packed: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("its gzip compression is damaged or cut off ({error})"))?;
    Ok(bytes)
}

/// Opens a folder.
pub(super) fn open(folder: &Path) -> Result<Dataset, DataError> {
    if !folder.is_dir() {
        return Err(super::unknown(&folder.display()));
    }
    // All four are looked for first: a missing test split is known before training starts.
    for name in FILES {
        find(folder, name)?;
    }
    let files = read(folder, TRAIN)?;
    let train = parse(&files, None)?;
    let hash = |(_, bytes)| sha256(bytes);
    let mut hashes = files.map(hash).concat();
    hashes += &read(folder, TEST)?.map(hash).concat();
    let path = folder
        .canonicalize()
        .map_err(DataError::io("read", folder))?;
    let name = path.file_name().unwrap_or("folder".as_ref());
    Ok(Dataset {
        name: name.to_string_lossy().into_owned(),
        fingerprint: sha256(hashes),
        source: Source::Folder(path),
        train,
    })
}

/// Place and content of the two files of a split.
pub(super) fn read(folder: &Path, files: [&str; 2]) -> Result<[(PathBuf, Vec<u8>); 2], DataError> {
    let read = |name| {
        let path = find(folder, name)?;
        read_bytes(&path).map(|bytes| (path, bytes))
    };
    Ok([read(files[0])?, read(files[1])?])
}

/// Checked images of one split, from place and content of its two files, images and labels. The
/// number of classes is `classes`, or the largest label + 1 for `None`.
///
/// # Errors
/// Wrong magic numbers, sizes that do not fit the content, different counts, a label that is
/// not below `classes`; each names the file.
pub fn parse(
    [(images_path, images), (labels_path, labels)]: &[(PathBuf, Vec<u8>); 2],
    classes: Option<usize>,
) -> Result<Images, DataError> {
    let ([count, height, width], pixels) = header::<3>(images_path, images, "images")?;
    let ([label_count], labels) = header::<1>(labels_path, labels, "labels")?;
    if height > MAX_SIDE || width > MAX_SIDE {
        let reason = format!(
            "its images are {height}×{width}; at most {MAX_SIDE} pixels a side are possible"
        );
        return Err(invalid(images_path, reason));
    }
    if count != label_count {
        let (labels, images) = (labels_path.display(), images_path.display());
        return Err(DataError::Invalid(format!(
            "{labels}: it holds {label_count} labels for the {count} images of {images}"
        )));
    }
    let Some(&most) = labels.iter().max() else {
        return Err(invalid(images_path, "it holds no images"));
    };
    let classes = classes.unwrap_or(usize::from(most) + 1);
    let unknown = |&label: &u8| usize::from(label) >= classes;
    if let Some(position) = labels.iter().position(unknown) {
        let (label, place) = (labels[position], 8 + position);
        let reason = format!(
            "label {label} at byte {place} is not below the {classes} classes of the training split"
        );
        return Err(invalid(labels_path, reason));
    }
    let shape = ImageShape::new(height as usize, width as usize);
    Images::new(shape, classes, pixels.to_vec(), labels.to_vec())
}

/// Checks magic number and sizes; returns the sizes and the elements.
fn header<'a, const D: usize>(
    path: &Path,
    bytes: &'a [u8],
    what: &str,
) -> Result<([u32; D], &'a [u8]), DataError> {
    let bad = |reason: &str| Err(invalid(path, reason));
    if bytes.trim_ascii_start().starts_with(b"<") {
        let reason = "it is a web page (HTML), probably an error page saved by a download";
        return bad(&format!("{reason}. Fetch it again"));
    }
    let length = 4 + 4 * D;
    let Some((header, elements)) = bytes.split_at_checked(length) else {
        let found = bytes.len();
        return bad(&format!(
            "it has {found} bytes, fewer than the header's {length}"
        ));
    };
    let (magic, header) = header.split_at(4);
    let expected = [0, 0, 8, D as u8];
    if magic != expected {
        let other = match magic {
            [0, 0, 8, 1] => "; it holds labels",
            [0, 0, 8, 3] => "; it holds images",
            _ => "",
        };
        return bad(&format!(
            "its magic number is {magic:02x?}, and a file of {what} starts with {expected:02x?}{other}"
        ));
    }
    let fields = header.as_chunks().0;
    let sizes: [u32; D] = std::array::from_fn(|place| u32::from_be_bytes(fields[place]));
    // Three sizes of 32 bits have a product of 96.
    let promised: u128 = sizes.iter().map(|&size| u128::from(size)).product();
    let found = elements.len();
    if promised != found as u128 {
        return bad(&format!(
            "its header {sizes:?} promises {promised} bytes, and {found} follow"
        ));
    }
    Ok((sizes, elements))
}

/// Writes images and labels as the two files of one split, uncompressed. Each file appears
/// whole or not at all.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(folder: &Path, files: [&str; 2], images: &Images) -> Result<(), DataError> {
    let shape = images.shape();
    let mut pixels = vec![0, 0, 8, 3];
    for size in [images.len(), shape.height, shape.width] {
        pixels.extend((size as u32).to_be_bytes());
    }
    pixels.extend(images.bytes());
    let mut labels = vec![0, 0, 8, 1];
    labels.extend((images.len() as u32).to_be_bytes());
    labels.extend(images.labels());
    for (name, bytes) in files.into_iter().zip([pixels, labels]) {
        let path = folder.join(name);
        write_whole(&path, &bytes).map_err(DataError::io("write", &path))?;
    }
    Ok(())
}
