//! What goes out, and into run folders.

use std::fs;
use std::sync::Barrier;
use std::thread;

use digits_data::Normalization;
use digits_train::{Recipe, RunFolder, TrainError};

use super::support::{config, fixture, imported, opened, state_dict, take, with_first_value};
use crate::{FloatType, InteropError, WeightFile, export, script, torch_tensors};

#[test]
fn metadata_say_the_type_and_whose_accuracies_they_are() {
    let run = RunFolder::pretrained("cnn").unwrap();
    for (to, key) in [
        (FloatType::F32, "test_accuracy"),
        (FloatType::F16, "test_accuracy_f32"),
        (FloatType::Bf16, "test_accuracy_f32"),
    ] {
        let exported = export(&run, to).unwrap();
        let file = opened("cnn.safetensors", &exported.bytes).unwrap();
        assert_eq!(file.metadata["dtype"], to.name());
        let keys = file.metadata.keys();
        let keys: Vec<_> = keys
            .filter(|key| key.starts_with("test_accuracy"))
            .collect();
        assert_eq!(keys, [key]);
        // What it was trained on comes back with it.
        assert_eq!(file.dataset().as_deref(), Some("mnist"));
    }
}

#[test]
fn a_value_beyond_the_range_of_a_type_is_named_and_fits_into_a_wider_one() {
    let folder = tempfile::tempdir().unwrap();
    let good = state_dict();
    for (value, narrow, wide, advice) in [
        (70_000.0, FloatType::F16, FloatType::Bf16, "use bf16 or f32"),
        (f32::MAX, FloatType::Bf16, FloatType::F32, "use f32"),
    ] {
        let [file, run] =
            ["weights", "run"].map(|kind| folder.path().join(format!("{kind}-{value}")));
        fs::write(&file, with_first_value(&good, "classifier.0.weight", value)).unwrap();
        take(&file, None, &config("cnn-batchnorm"), &run).unwrap();
        let run = RunFolder::new(run);
        let (error, narrow) = (export(&run, narrow).unwrap_err(), narrow.name());
        assert_eq!(
            error.to_string(),
            format!("classifier.0.weight holds {value:e}, which {narrow} cannot hold; {advice}")
        );
        export(&run, wide).unwrap();
    }
}

#[test]
fn of_several_imports_into_one_folder_one_succeeds() {
    let network = config("cnn-batchnorm");
    let folder = tempfile::tempdir().unwrap();
    let file = WeightFile::open(&fixture("state-dict.pt")).unwrap();
    let assignment = file.assign(&network.model, None).unwrap();
    let attempt = |run: &RunFolder| imported(&file, &assignment, &network, run);
    for round in 0..20 {
        let run = RunFolder::new(folder.path().join(round.to_string()));
        let barrier = Barrier::new(4);
        let made = thread::scope(|scope| {
            let work = || {
                barrier.wait();
                attempt(&run).is_ok()
            };
            let threads = [(); 4].map(|()| scope.spawn(work));
            let made = threads.map(|thread| thread.join().unwrap());
            made.into_iter().filter(|made| *made).count()
        });
        assert_eq!(made, 1, "round {round}");
    }
    // Whether a run is there is looked up under the lock: who cannot have it learns no more.
    let run = RunFolder::new(folder.path().join("0"));
    let lock = run.lock().unwrap();
    let refused = || match attempt(&run) {
        Err(InteropError::Train(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(), TrainError::Locked { .. }));
    drop(lock);
    assert!(matches!(refused(), TrainError::Exists { .. }));
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
    for (layer, before) in [
        ("Dropout(0.25)", "MaxPool2d(2)"),
        ("Dropout(0.5)", "ReLU()"),
    ] {
        let both = format!("            nn.{before},\n            nn.{layer},\n");
        assert_eq!(text.matches(&both).count(), 1, "{both} is not in:\n{text}");
    }
    let tensors = torch_tensors(&model).unwrap();
    let names = tensors.iter().map(|tensor| tensor.name.as_str());
    let layers = names.filter_map(|name| name.strip_suffix(".weight"));
    let expected = ["features.0", "features.4", "classifier.0", "classifier.3"];
    assert_eq!(layers.collect::<Vec<_>>(), expected);
}
