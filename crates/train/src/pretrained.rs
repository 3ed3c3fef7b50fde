//! The runs of `artifacts/pretrained/`, compiled in: a binary that was moved or is run from
//! another folder still has them, and the 2.5 MB cost less than an installer would.

use std::path::{Path, PathBuf};

use crate::TrainError;
use crate::run_folder::{CompiledIn, RunFolder};

/// First part of the name of every pretrained run.
const FOLDER: &str = "pretrained";

/// One run folder of `artifacts/pretrained/`: its name, and the files that its record lists.
macro_rules! run {
    ($name:literal) => {
        (
            $name,
            &[
                run!($name, "run.json"),
                run!($name, "config.toml"),
                run!($name, "model.bpk"),
                run!($name, "metrics.csv"),
                run!($name, "curves.svg"),
            ],
        )
    };
    ($name:literal, $file:literal) => {
        (
            $file,
            include_bytes!(concat!("../../../artifacts/pretrained/", $name, "/", $file)),
        )
    };
}

const RUNS: [(&str, &[CompiledIn]); 2] = [run!("cnn"), run!("mlp")];

impl RunFolder {
    /// The pretrained runs, the CNN first: trained by the recipes `cnn` and `mlp` on MNIST.
    pub fn all_pretrained() -> impl Iterator<Item = Self> {
        RUNS.iter()
            .map(|(name, files)| Self::in_memory(Path::new(FOLDER).join(name), files))
    }

    /// The pretrained run of a recipe, `cnn` or `mlp`.
    ///
    /// # Errors
    /// Another name; the message lists the right ones.
    pub fn pretrained(name: &str) -> Result<Self, TrainError> {
        let path = Path::new(FOLDER).join(name);
        Self::all_pretrained()
            .find(|run| run.path() == path)
            .ok_or_else(|| TrainError::NotPretrained {
                path,
                known: Self::all_pretrained()
                    .map(|run| run.path().display().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// The run that a person names: a folder, or, where there is no such folder, a pretrained
    /// run as in `pretrained/cnn`. Whether a folder holds a run shows when it is read.
    ///
    /// # Errors
    /// `pretrained/…` with an unknown name.
    pub fn named(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        let path = path.into();
        let mut parts = path.iter();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(first), Some(name), None) if first == FOLDER && !path.exists() => {
                Self::pretrained(&name.to_string_lossy())
            }
            _ => Ok(Self::new(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{Recipe, Status};

    #[test]
    fn the_pretrained_runs_are_finished_runs_of_the_committed_recipes_on_mnist() {
        for (run, (name, accuracy)) in
            RunFolder::all_pretrained().zip([("cnn", 0.99), ("mlp", 0.98)])
        {
            let (record, config) = run.describe().unwrap();
            let mut recipe = Recipe::built_in(name).unwrap();
            recipe.set("data=mnist").unwrap();
            recipe.set_option("threads", config.threads).unwrap();
            assert_eq!(config, recipe.resolve().unwrap(), "{name}");
            assert_eq!(
                (record.recipe.as_str(), record.status),
                (name, Status::Finished)
            );
            assert_eq!(record.dataset.name, "mnist");
            assert!(record.result.unwrap().test_accuracy > accuracy, "{name}");
            let loaded = run.load(&Device::flex()).unwrap();
            assert_eq!(loaded.path, Path::new("pretrained").join(name));
        }
    }

    #[test]
    fn they_fit_into_three_megabytes_and_name_no_folder_of_a_machine() {
        let mut total = 0;
        for (name, files) in RUNS {
            for (file, bytes) in files {
                total += bytes.len();
                // Parameters may spell anything; every other file is text.
                if *file == "model.bpk" {
                    continue;
                }
                let text = std::str::from_utf8(bytes).unwrap();
                for root in ["/home", "/root", "/tmp", "/work", "/Users", ":\\"] {
                    assert!(!text.contains(root), "{name}/{file} names {root}");
                }
            }
        }
        assert!(total <= 3_000_000, "{total}");
    }

    #[test]
    fn a_flipped_bit_in_a_compiled_in_file_is_found() {
        let (_, files) = RUNS[1];
        for damaged in 0..files.len() {
            let mut copy = files.to_vec();
            let mut bytes = copy[damaged].1.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            copy[damaged].1 = Box::leak(bytes.into_boxed_slice());
            let run = RunFolder::in_memory("pretrained/copy", Box::leak(copy.into_boxed_slice()));
            let message = run.read().unwrap_err().to_string();
            assert!(
                message.contains(files[damaged].0) && message.contains("damaged"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_name_is_a_folder_first_then_a_pretrained_run_and_else_an_error_that_lists_them() {
        assert!(RunFolder::named("pretrained/cnn").unwrap().is_pretrained());
        assert!(!RunFolder::named("artifacts/cnn-1").unwrap().is_pretrained());
        assert!(
            !RunFolder::named("pretrained/cnn/more")
                .unwrap()
                .is_pretrained()
        );
        let folder = tempfile::tempdir().unwrap();
        assert!(!RunFolder::named(folder.path()).unwrap().is_pretrained());
        let message = RunFolder::named("pretrained/cmm").unwrap_err().to_string();
        assert!(
            message.contains("pretrained/cnn, pretrained/mlp"),
            "{message}"
        );
        let run = RunFolder::pretrained("cnn").unwrap();
        assert!(run.exists());
        assert!(matches!(run.lock(), Err(TrainError::CompiledIn { .. })));
    }
}
