use crate::files::sha256;
use crate::source::idx::FILES;

/// Size in bytes and SHA-256 of the four files of MNIST, uncompressed, in the order of [`FILES`].
const MNIST: [(u64, &str); 4] = [
    (
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    (
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    (
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    (
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
];

/// Fingerprint of MNIST: the SHA-256 of the SHA-256s of its four files.
pub(in crate::source) fn fingerprint() -> String {
    sha256(MNIST.map(|(_, hash)| hash).concat())
}

/// Whether a content is the MNIST file of this index; `Err` says what is wrong.
#[cfg(feature = "fetch")]
pub(super) fn check(index: usize, bytes: &[u8]) -> Result<(), String> {
    let (size, hash) = MNIST[index];
    let name = FILES[index];
    let length = bytes.len();
    if length as u64 != size {
        return Err(format!("it has {length} bytes, and {name} has {size}"));
    }
    let found = sha256(bytes);
    if found != hash {
        return Err(format!(
            "its SHA-256 is {found}, and that of {name} is {hash}"
        ));
    }
    Ok(())
}
