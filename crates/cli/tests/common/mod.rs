//! What every test of the program needs: the program, and a data set that trains in no time.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use digits_data::idx::{self, Split};
use digits_data::{ImageShape, Images};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The program, away from the user's own settings and data.
pub fn digits() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_digits"));
    command
        .env_remove("DIGITS_DATA")
        .env_remove("DIGITS_BACKEND");
    command
}

/// Runs the program.
pub fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    digits().args(args).output().unwrap()
}

/// Standard output of a call that must succeed.
pub fn stdout<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> String {
    let output = run(args);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The JSON document of a call that must succeed.
pub fn json<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> serde_json::Value {
    serde_json::from_str(&stdout(args)).unwrap()
}

/// Everything the program said on standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A call that must fail with this exit status and one message that holds all of `parts`.
pub fn fails<S: AsRef<std::ffi::OsStr>>(
    status: i32,
    args: impl IntoIterator<Item = S>,
    parts: &[&str],
) {
    let output = run(args);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(
        said.contains("error: ") && !said.contains("panicked"),
        "{said}"
    );
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

/// The real MNIST, or `None` (and a line that says so) where it is not at hand. In CI
/// (`CI=true`) it must be: a test that checks nothing would pass unnoticed.
pub fn mnist() -> Option<PathBuf> {
    let folder = std::env::var_os("DIGITS_MNIST_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mnist"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    let message = format!("no MNIST in {} (set DIGITS_MNIST_DIR)", folder.display());
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "{message}");
    println!("skipped: {message}");
    None
}

/// The program on a machine with no network (a proxy that nobody answers at) and no data (an
/// empty home). `home` may be anything at all.
pub fn without_network(home: &Path) -> Command {
    let mut command = digits();
    command.env("HOME", home).env("XDG_CACHE_HOME", home);
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
        command.env(name.to_lowercase(), "http://127.0.0.1:9");
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    command
}

/// The lines of `said` that tell that other digits are used than those asked for.
pub fn notices(said: &str) -> Vec<&str> {
    said.lines()
        .filter(|line| line.contains("MNIST is unavailable"))
        .collect()
}

/// Writes a data set of 28×28 images whose class is the place of a bright bar on a noisy ground:
/// learned in a few steps, by the MLP and by the CNN.
pub fn bars(folder: &Path, train: usize, test: usize) {
    for (split, count, seed) in [(Split::Train, train, 1), (Split::Test, test, 2)] {
        idx::write(folder, split, &bar_images(count, seed)).unwrap();
    }
}

/// `count` images of [`bars`].
pub fn bar_images(count: usize, seed: u64) -> Images {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for index in 0..count {
        let class = index % 10;
        for _row in 0..28 {
            for column in 0..28 {
                let bar = (2 * class + 3..2 * class + 6).contains(&column);
                pixels.push(if bar { 200 } else { rng.random_range(0..40) });
            }
        }
        labels.push(class as u8);
    }
    Images::new(ImageShape::MNIST, 10, pixels, labels).unwrap()
}

/// Arguments that train a small network on the bars.
pub fn training(data: &Path, run: &Path) -> Vec<String> {
    [
        "train",
        "mlp-small",
        "--data",
        &data.display().to_string(),
        "--run",
        &run.display().to_string(),
        "--batch-size",
        "16",
        "--epochs",
        "3",
        "--threads",
        "2",
        "--set",
        "training.validation=40",
        "--set",
        "training.save_every=2",
    ]
    .map(str::to_owned)
    .to_vec()
}
