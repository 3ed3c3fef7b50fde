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
        let mut runs = Self::all_pretrained();
        runs.find(|run| run.path() == path).ok_or_else(|| {
            let known = Self::all_pretrained().map(|run| run.path().display().to_string());
            let known = known.collect::<Vec<_>>().join(", ");
            let problem =
                format!("is neither a run folder nor one of the pretrained runs: {known}");
            TrainError::folder(&path, problem)
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
    use crate::{Recipe, RunRecord, Status};

    #[test]
    fn the_pretrained_runs_are_finished_runs_of_the_committed_recipes_on_mnist() {
        for (run, (name, accuracy)) in
            RunFolder::all_pretrained().zip([("cnn", 0.99), ("mlp", 0.98)])
        {
            let loaded = run.load(&Device::flex()).unwrap();
            let (record, config) = (loaded.record, loaded.config);
            assert_eq!(loaded.path, Path::new("pretrained").join(name));
            let mut recipe = Recipe::built_in(name).unwrap();
            recipe.set("data=mnist").unwrap();
            recipe.set_option("threads", config.threads).unwrap();
            assert_eq!(config, recipe.resolve().unwrap(), "{name}");
            assert_eq!(record.recipe, name);
            assert_eq!(record.status, Status::Finished);
            assert_eq!(record.dataset.name, "mnist");
            assert!(record.result.unwrap().test_accuracy > accuracy, "{name}");
        }
    }

    /// The names of all fields, in their order.
    fn names(json: &str) -> impl Iterator<Item = &str> {
        json.lines()
            .map(|line| line.split(':').next().unwrap_or_default())
    }

    #[test]
    fn their_files_are_small_stay_as_they_are_and_name_no_folder_of_a_machine() {
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
                if *file == "run.json" {
                    // Not the numbers: reading JSON may move their last bits.
                    let record = RunRecord::from_text(Path::new(file), text).unwrap();
                    let again = serde_json::to_string_pretty(&record).unwrap();
                    assert!(names(&again).eq(names(text)), "{again}");
                }
                if *file == "config.toml" {
                    let config: crate::RunConfig = toml::from_str(text).unwrap();
                    assert_eq!(config.to_toml().unwrap(), text);
                }
            }
        }
        assert!(total <= 3_000_000, "{total}");
    }

    #[test]
    fn a_name_is_a_folder_first_then_a_pretrained_run_and_else_an_error_that_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        for (name, pretrained) in [
            ("pretrained/cnn", true),
            ("artifacts/cnn-1", false),
            ("pretrained/cnn/more", false),
            (folder, false),
        ] {
            let run = RunFolder::named(name).unwrap();
            assert_eq!(run.is_pretrained(), pretrained, "{name}");
        }
        let message = RunFolder::named("pretrained/cmm").unwrap_err().to_string();
        let known = "pretrained/cnn, pretrained/mlp";
        assert!(message.contains(known), "{message}");
        let run = RunFolder::pretrained("cnn").unwrap();
        assert!(run.exists());
        let message = run.lock().unwrap_err().to_string();
        assert!(message.contains("part of the program"), "{message}");
    }
}
