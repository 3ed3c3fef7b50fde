//! What goes out, and into run folders.

use std::sync::Barrier;
use std::thread;

use burn::tensor::{Bytes, Device};
use burn_pack::Reader;
use digits_data::Normalization;
use digits_train::{Recipe, RunFolder, TrainError, recipe_names, weights};
use serde_json::Value;

use super::support::{config, fixture, settings, take, with_first_value, written};
use crate::{FloatType, InteropError, WeightFile, export, import, script, torch_tensors};

#[test]
fn metadata_say_the_type_and_whose_accuracies_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::pretrained("cnn").unwrap();
    for (to, key) in [
        (FloatType::F32, "test_accuracy"),
        (FloatType::F16, "test_accuracy_f32"),
        (FloatType::Bf16, "test_accuracy_f32"),
    ] {
        let export = export(&run, to).unwrap();
        let length = u64::from_le_bytes(export.bytes()[..8].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&export.bytes()[8..8 + length]).unwrap();
        let metadata = header["__metadata__"].as_object().unwrap();
        assert_eq!(metadata["dtype"], to.name());
        let accuracies = metadata
            .keys()
            .filter(|key| key.starts_with("test_accuracy"));
        assert_eq!(accuracies.collect::<Vec<_>>(), [key]);
        // What it was trained on comes back with it.
        let file = written(folder.path(), "cnn.safetensors", export.bytes());
        let dataset = WeightFile::open(&file).unwrap().dataset();
        assert_eq!(dataset.as_deref(), Some("mnist"));
    }
}

#[test]
fn a_value_beyond_the_range_of_a_type_is_named_and_fits_into_a_wider_one() {
    let network = config("cnn-batchnorm");
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    take(&fixture("state-dict.pt"), None, &network, &run).unwrap();
    let good = export(&RunFolder::new(&run), FloatType::F32).unwrap();
    for (value, narrow, wide, advice) in [
        (70_000.0, FloatType::F16, FloatType::Bf16, "use bf16 or f32"),
        (f32::MAX, FloatType::Bf16, FloatType::F32, "use f32"),
    ] {
        let bytes = with_first_value(&good, "classifier.0.weight", value);
        let file = written(folder.path(), "x.safetensors", &bytes);
        let run = folder.path().join(narrow.name());
        take(&file, None, &network, &run).unwrap();
        let run = RunFolder::new(run);
        let error = export(&run, narrow).unwrap_err();
        let InteropError::OutOfRange {
            tensor,
            value: found,
            to,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(
            (tensor.as_str(), *found, *to),
            ("classifier.0.weight", value, narrow.name())
        );
        assert!(error.to_string().ends_with(advice), "{error}");
        export(&run, wide).unwrap();
    }
}

#[test]
fn of_several_imports_into_one_folder_one_succeeds() {
    let network = config("cnn-batchnorm");
    let folder = tempfile::tempdir().unwrap();
    let file = WeightFile::open(&fixture("state-dict.pt")).unwrap();
    let assignment = file.assign(&network.model, None).unwrap();
    let attempt =
        |run: &RunFolder| import(&file, &assignment, settings(&network), run, &Device::flex());
    for round in 0..20 {
        let run = RunFolder::new(folder.path().join(round.to_string()));
        let barrier = Barrier::new(4);
        let made: usize = thread::scope(|scope| {
            let work = || {
                barrier.wait();
                usize::from(attempt(&run).is_ok())
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(made, 1, "round {round}");
    }
    // Whether a run is there is looked up under the lock: who cannot have it learns no more.
    let run = RunFolder::new(folder.path().join("0"));
    let lock = run.lock().unwrap();
    let error = attempt(&run).unwrap_err();
    assert!(
        matches!(error, InteropError::Train(TrainError::Locked { .. })),
        "{error}"
    );
    drop(lock);
    let error = attempt(&run).unwrap_err();
    assert!(
        matches!(error, InteropError::Train(TrainError::Exists { .. })),
        "{error}"
    );
}

#[test]
fn the_script_has_the_dropout_layers_and_counts_them_in_the_names() {
    let mut recipe = Recipe::built_in("cnn").unwrap();
    for change in ["model.dropout=0.5", "model.blocks.0.dropout=0.25"] {
        recipe.set(change).unwrap();
    }
    let model = recipe.resolve().unwrap().model;
    let normalization = Normalization::new(0.0, 1.0).unwrap();
    let text = script(&model, &normalization, "x.safetensors").unwrap();
    let layers = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("nn."));
    let expected = [
        "nn.Conv2d(1, 16, 5, padding=\"same\"),",
        "nn.ReLU(),",
        "nn.MaxPool2d(2),",
        "nn.Dropout(0.25),",
        "nn.Conv2d(16, 32, 5, padding=\"same\"),",
        "nn.ReLU(),",
        "nn.MaxPool2d(2),",
        "nn.Linear(1568, 128),",
        "nn.ReLU(),",
        "nn.Dropout(0.5),",
        "nn.Linear(128, 10),",
    ];
    assert_eq!(layers.collect::<Vec<_>>(), expected);
    let tensors = torch_tensors(&model).unwrap();
    let layers = tensors
        .iter()
        .filter_map(|tensor| tensor.name.strip_suffix(".weight"));
    let expected = ["features.0", "features.4", "classifier.0", "classifier.3"];
    assert_eq!(layers.collect::<Vec<_>>(), expected);
}

#[test]
fn names_and_shapes_of_every_recipe_are_those_of_the_saved_network() {
    for name in recipe_names() {
        let config = Recipe::built_in(name).unwrap().resolve().unwrap();
        let model = weights::seeded(&config.model, 1, &Device::flex()).unwrap();
        let bytes = weights::to_bytes(&model).unwrap().to_vec();
        let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap();
        let saved = reader.into_tensors().unwrap().into_iter();
        let mut saved: Vec<_> = saved.map(|t| (t.name.clone(), t.shape.to_vec())).collect();
        let listed = torch_tensors(&config.model).unwrap();
        let mut listed: Vec<_> = listed
            .iter()
            .map(|t| (t.ours.clone(), t.our_shape()))
            .collect();
        saved.sort();
        listed.sort();
        assert_eq!(saved, listed, "{name}");
    }
}
