//! The runs of `artifacts/pretrained/`, compiled in: a binary that was moved or is run from
//! another folder still has them, and the 2.5 MB cost less than an installer would.

use std::path::{Path, PathBuf};

use crate::TrainError;
use crate::run_folder::{CompiledIn, RunFolder};

/// First part of the name of every pretrained run.
const PRETRAINED: &str = "pretrained";

macro_rules! run {
    ($name:literal, $($file:literal)*) => {
        ($name, &[$((
            $file,
            include_bytes!(concat!("../../../artifacts/pretrained/", $name, "/", $file)),
        )),*])
    };
}

/// Name and files of each.
const RUNS: [(&str, &[CompiledIn]); 2] = [
    run!("cnn", "run.json" "config.toml" "model.bpk" "metrics.csv" "curves.svg"),
    run!("mlp", "run.json" "config.toml" "model.bpk" "metrics.csv" "curves.svg"),
];

impl RunFolder {
    /// The pretrained runs, the CNN first: trained by the recipes `cnn` and `mlp` on MNIST.
    pub fn all_pretrained() -> impl Iterator<Item = Self> {
        RUNS.iter().map(|(name, files)| Self {
            path: Path::new(PRETRAINED).join(name),
            compiled_in: Some(files),
        })
    }

    /// The pretrained run of a recipe, `cnn` or `mlp`.
    ///
    /// # Errors
    /// Another name; the message lists the right ones.
    pub fn pretrained(name: &str) -> Result<Self, TrainError> {
        let wanted = Self::new(Path::new(PRETRAINED).join(name));
        let known = RUNS.map(|(name, _)| format!("{PRETRAINED}/{name}"));
        let problem = format!(
            "is neither a run folder nor one of the pretrained runs: {}",
            known.join(", ")
        );
        let mut runs = Self::all_pretrained();
        runs.find(|run| run.path == wanted.path)
            .ok_or_else(|| wanted.refused(problem))
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
            (Some(first), Some(name), None) if first == PRETRAINED && !path.exists() => {
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
        for ((run, (_, files)), (name, accuracy)) in RunFolder::all_pretrained()
            .zip(RUNS)
            .zip([("cnn", 0.99), ("mlp", 0.98)])
        {
            let loaded = run.load(&Device::flex()).unwrap();
            let (record, config) = (loaded.record, loaded.config);
            assert_eq!(loaded.path, Path::new(PRETRAINED).join(name));
            let mut recipe = Recipe::built_in(name).unwrap();
            for change in ["data=mnist", &format!("threads={}", config.threads)] {
                recipe.set(change).unwrap();
            }
            assert_eq!(config, recipe.resolve().unwrap(), "{name}");
            assert_eq!((&*record.recipe, record.status), (name, Status::Finished));
            assert_eq!(record.dataset.name, "mnist");
            assert!(record.result.unwrap().test_accuracy > accuracy, "{name}");

            // What this program writes has the same settings and fields in the same order. Not
            // the numbers of run.json: reading JSON may move their last bits.
            let text = |file| {
                let (_, bytes) = files.iter().find(|(name, _)| *name == file).unwrap();
                std::str::from_utf8(bytes).unwrap()
            };
            let names = |json: &str| -> Vec<String> {
                let lines = json.lines();
                lines
                    .map(|line| line.split(':').next().unwrap().to_owned())
                    .collect()
            };
            let again = serde_json::to_string_pretty(&record).unwrap();
            assert_eq!(names(&again), names(text("run.json")));
            assert_eq!(config.to_toml().unwrap(), text("config.toml"));
        }
    }

    #[test]
    fn their_files_are_small_and_name_no_folder_of_a_machine() {
        let files = || RUNS.into_iter().flat_map(|(_, files)| files);
        // Parameters may spell anything; every other file is text.
        for (file, bytes) in files().filter(|(file, _)| *file != "model.bpk") {
            let text = std::str::from_utf8(bytes).unwrap();
            for root in ["/home", "/root", "/tmp", "/work", "/Users", ":\\"] {
                assert!(!text.contains(root), "{file} names {root}");
            }
        }
        let total: usize = files().map(|(_, bytes)| bytes.len()).sum();
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
