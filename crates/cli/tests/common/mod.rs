//! What every test of the program needs: the program, and a data set that trains in no time.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use digits_data::idx;
use digits_data::{ImageShape, Images};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

/// The program with these arguments (words of a line), away from the user's own settings and data.
pub fn digits(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_digits"));
    command.args(line.split_whitespace());
    command.env_remove("DIGITS_DATA");
    command.env_remove("DIGITS_BACKEND");
    command
}

/// Runs the program.
pub fn run(line: &str) -> Output {
    digits(line).output().unwrap()
}

/// Standard output of a call that must succeed.
pub fn stdout(line: &str) -> String {
    succeeds(&mut digits(line)).0
}

/// Standard output and standard error of a program that must succeed.
pub fn succeeds(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stderr(&output);
    (String::from_utf8(output.stdout).unwrap(), said)
}

/// The JSON document of a call that must succeed.
pub fn json(line: &str) -> Value {
    serde_json::from_str(&stdout(line)).unwrap()
}

/// Everything the program said on standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A call that must fail with this exit status and one message that holds all of `parts`.
pub fn fails(status: i32, line: &str, parts: &[&str]) {
    failed(&run(line), status, parts);
}

/// A failure with this exit status and one message that holds all of `parts`; returns what was
/// said.
pub fn failed(output: &Output, status: i32, parts: &[&str]) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(status), "{parts:?}: {said}");
    assert!(output.stdout.is_empty(), "{parts:?}");
    let errors = said.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    said
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
pub fn without_network(home: &Path, line: &str) -> Command {
    let mut command = digits(line);
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
        .filter(|line| line.contains("the program draws itself"))
        .collect()
}

/// A folder for one test, removed at the end. `bars` in it is a data set of 28×28 images whose
/// class is the place of a bright bar on a noisy ground: learned in a few steps.
pub struct Sandbox(tempfile::TempDir);

impl Sandbox {
    /// With so many training images, and 40 for the test.
    pub fn new(train: usize) -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        for (split, count, seed) in [(idx::TRAIN, train, 1), (idx::TEST, 40, 2)] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut pixels = Vec::new();
            for index in 0..count {
                let bar = 2 * (index % 10) + 3;
                pixels.extend((0..28 * 28).map(|pixel| match pixel % 28 {
                    column if (bar..bar + 3).contains(&column) => 200,
                    _ => rng.random_range(0..40),
                }));
            }
            let labels = (0..count).map(|index| (index % 10) as u8).collect();
            let images = Images::new(ImageShape::MNIST, 10, pixels, labels).unwrap();
            idx::write(&sandbox.path("bars"), split, &images).unwrap();
        }
        sandbox
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A place in the folder, as an argument.
    pub fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The line that trains a small network of `recipe` on the bars into the folder `run`; `more`
    /// are options, which stand instead of the defaults.
    pub fn training(&self, recipe: &str, run: &str, more: &str) -> String {
        let (data, run) = (self.at("bars"), self.at(run));
        let mut line = format!(
            "train {recipe} --data {data} --run {run} --set training.validation=40 \
             --set training.save_every=2 {more}"
        );
        for (option, value) in [("--batch-size", 16), ("--epochs", 3), ("--threads", 2)] {
            if !more.contains(option) {
                line += &format!(" {option} {value}");
            }
        }
        line
    }
}

/// A JSON file.
pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Ctrl-C for a program.
#[cfg(unix)]
pub fn interrupt(child: &std::process::Child) {
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(status.success());
}
