//! Results of a real experiment that is as small as it can be.

use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::Device;
use digits_data::{OpenOptions, Source, drawn, idx, open};

use crate::results::answer;
use crate::{Experiment, Plan, Results, Watcher, compare};

const PLAN: &str = r#"
seeds = [1, 2, 3, 4, 5]
set = ["training.epochs=2", "training.validation=40", "training.batch_size=16"]
threads = 2
calibration_bins = 5
gallery = 3
networks = { mlp = "mlp-small", cnn = "cnn-small" }
matched = { mlp = "mlp-small", cnn = "cnn-small" }
corruptions = { seeds = 5, images = 20, severities = [1, 5], seed = 1 }
permutation = { seeds = 2, permutation = 1 }
samples = { seeds = 2, per_class = [2, 5], batch_size = 16, steps = 20 }
[tolerance]
seeds = 5
augmented_seeds = 3
augmentation_shift = 2.0
images = 20
shifts = [0, 1, 6]
rotations = [-30, 0, 30]
scales = [0.8, 1]
"#;

/// Five seeds.
pub fn results() -> Results {
    measured()[0].clone()
}

/// A single seed.
pub fn one_seed() -> Results {
    measured()[1].clone()
}

/// Writes the answer to changed findings.
pub fn answered(results: &mut Results) {
    results.answer = answer(&results.findings.questions(), &results.context());
}

fn measured() -> &'static [Results; 2] {
    static MEASURED: OnceLock<[Results; 2]> = OnceLock::new();
    MEASURED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let plan: Plan = toml::from_str(PLAN).unwrap();
        [plan.clone(), plan.with_seeds(vec![1])].map(|plan| experiment(folder.path(), plan))
    })
}

fn experiment(folder: &Path, mut plan: Plan) -> Results {
    let data = folder.join("digits");
    for (split, first, count) in [(idx::TRAIN, 0, 200), (idx::TEST, 200, 60)] {
        let images = drawn::images(drawn::SEED, first, count).unwrap();
        idx::write(&data, split, &images).unwrap();
    }
    plan.data = Source::Folder(data);
    let dataset = open(&plan.data, &OpenOptions::default(), &mut |_| {}).unwrap();
    let experiment = Experiment {
        plan: &plan,
        dataset: &dataset,
        device: &Device::flex(),
        folder,
    };
    let watcher = Watcher {
        on_event: &mut |_| {},
        should_stop: &|| false,
    };
    compare(&experiment, watcher).unwrap()
}
