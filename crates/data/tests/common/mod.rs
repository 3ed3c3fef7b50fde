//! Where the tests find the real MNIST.

use std::path::{Path, PathBuf};

/// The folder with MNIST's four gzipped files, or `None` (and a line that says so) where it is
/// not at hand. In CI (`CI=true`) it must be: a test that checks nothing would pass unnoticed.
pub fn mnist() -> Option<PathBuf> {
    let folder = std::env::var_os("DIGITS_MNIST_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mnist"),
        PathBuf::from,
    );
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    there(folder, ci)
}

fn there(folder: PathBuf, ci: bool) -> Option<PathBuf> {
    if folder.join("t10k-labels-idx1-ubyte.gz").is_file() {
        return Some(folder);
    }
    let message = format!(
        "no gzipped MNIST in {} (set DIGITS_MNIST_DIR)",
        folder.display()
    );
    assert!(!ci, "{message}");
    println!("skipped: {message}");
    None
}

#[test]
#[should_panic(expected = "set DIGITS_MNIST_DIR")]
fn without_mnist_the_tests_fail_in_ci() {
    assert_eq!(there("no/such/folder".into(), false), None);
    there("no/such/folder".into(), true);
}
