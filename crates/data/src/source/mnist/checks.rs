use crate::files::sha256;
#[cfg(feature = "fetch")]
use crate::source::idx::FILES;

/// Sizes in bytes of the four files of MNIST, uncompressed, in the order of
/// `idx::FILES`.
#[cfg(feature = "fetch")]
const SIZES: [usize; 4] = [47_040_016, 60_008, 7_840_016, 10_008];
/// Their SHA-256.
const HASHES: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

/// Fingerprint of MNIST: the SHA-256 of the SHA-256s of its four files.
pub(in crate::source) fn fingerprint() -> String {
    sha256(HASHES.concat())
}

/// Whether a content is the MNIST file of this index; `Err` says what is wrong.
#[cfg(feature = "fetch")]
pub(super) fn check(index: usize, bytes: &[u8]) -> Result<(), String> {
    let (name, size, hash) = (FILES[index], SIZES[index], HASHES[index]);
    if bytes.len() != size {
        return Err(format!(
            "it has {} bytes, and {name} has {size}",
            bytes.len()
        ));
    }
    let found = sha256(bytes);
    if found != hash {
        return Err(format!(
            "its SHA-256 is {found}, and that of {name} is {hash}"
        ));
    }
    Ok(())
}
