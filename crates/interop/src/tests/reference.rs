//! PyTorch as the judge of layers, loss, gradients and optimizers: everything in
//! `tests/pytorch`, or, where `DIGITS_PYTORCH_CASES` names a folder, everything there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use digits_data::Normalization;
use digits_models::ModelConfig;
use digits_train::{Optimizer, OptimizerConfig, cross_entropy, weights};
use serde::Deserialize;

use super::{contents, fixture};
use crate::WeightFile;
use crate::export::script;
use crate::layout::{Parameters, torch_tensors};

/// Largest difference of a logit, relative to the largest logit of all or to 1.
const LOGITS: f64 = 1e-5;
/// Largest difference of a gradient's element, relative to the largest element of its tensor.
const GRADIENT: f64 = 1e-4;
/// Largest difference of a parameter after ten steps.
const PARAMETER: f64 = 1e-4;
/// Where PyTorch's own result moves by more when its images change by a millionth, rounding
/// decides (on which side of a kink of ReLU or max-pooling a value lies); then this many times
/// that is allowed.
const SENSITIVITY: f64 = 4.0;
/// Steps taken together.
const STEPS: usize = 10;
/// So large a step along the gradient leaves nothing of the parameters but the gradient, exactly
/// but for rounding.
const RATE: f64 = 1_048_576.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    label_smoothing: f64,
    batch: usize,
    model: ModelConfig,
}

/// One network with PyTorch's results.
struct Reference {
    /// Its module, and the name without an ending.
    module: PathBuf,
    name: String,
    case: Case,
    results: BTreeMap<String, Vec<f32>>,
    images: [usize; 4],
}

#[test]
fn logits_loss_gradients_and_ten_steps_of_every_optimizer_are_those_of_pytorch() {
    hold_to_pytorch(&Device::flex());
}

#[test]
#[expect(deprecated, reason = "burn-ndarray is a promised backend")]
fn on_ndarray_they_are_those_of_pytorch_too() {
    hold_to_pytorch(&Device::ndarray());
}

fn hold_to_pytorch(device: &Device) {
    let (mut table, mut wrong) = (String::new(), Vec::new());
    let folder = env::var_os("DIGITS_PYTORCH_CASES").map_or_else(|| fixture(""), PathBuf::from);
    for reference in references(&folder) {
        table += &format!("{:<16}", reference.name);
        for (what, error, limit) in reference.errors(device) {
            table += &format!("  {what} {error:.1e}");
            if ![LOGITS, GRADIENT, PARAMETER].contains(&limit) {
                table += &format!(" (of {limit:.1e})");
            }
            let held = error <= limit; // not so for NaN
            if !held {
                wrong.push(format!("{}: {what}", reference.name));
            }
        }
        table += "\n";
    }
    println!("largest differences from PyTorch, {device:?}\n{table}");
    assert!(wrong.is_empty(), "{wrong:?}\n{table}");
}

#[test]
fn the_references_were_made_with_the_modules_that_are_printed_now() {
    for Reference { module, case, .. } in references(&fixture("")) {
        let none = Normalization::new(0.0, 1.0).unwrap();
        let text = script(&case.model, &none, "network.safetensors").unwrap();
        if env::var_os("DIGITS_WRITE_MODULES").is_some() {
            fs::write(&module, &text).unwrap();
        }
        let saved = fs::read_to_string(&module).unwrap();
        assert_eq!(saved, text, "{}", module.display());
    }
}

/// The references in a folder.
fn references(folder: &Path) -> Vec<Reference> {
    let entries = fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    found.sort();
    assert!(!found.is_empty(), "no case in {}", folder.display());
    let read = |path: PathBuf| {
        let file = WeightFile::open(&path.with_extension("safetensors")).unwrap();
        let tensors = contents(&file).into_iter();
        let images = tensors.clone().find(|(name, ..)| *name == "images");
        let results = tensors.map(|(name, _, values)| (name.to_owned(), values));
        Reference {
            module: path.with_extension("py"),
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            case: toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
            images: images.unwrap().1.try_into().unwrap(),
            results: results.collect(),
        }
    };
    found.into_iter().map(read).collect()
}

impl Reference {
    /// What was compared, the largest difference, and how large it may be.
    fn errors(&self, device: &Device) -> Vec<(String, f64, f64)> {
        let images = TensorData::new(self.get("images").to_vec(), self.images);
        let model = self.weights().build(&self.case.model, device);
        let ours = model.unwrap().forward(Tensor::from_data(images, device));
        let ours = ours.try_into_vec_as::<f32>().unwrap();
        let torch = self.get("logits");
        let error = difference(&ours, torch) / largest(torch).max(1.0);
        let mut errors = vec![("logits".to_owned(), error, LOGITS)];

        let configs: BTreeMap<String, OptimizerConfig> = toml::from_str(OPTIMIZERS).unwrap();
        let before = self.weights().0;
        for (name, config) in configs {
            let (rate, steps, usual) = match name.as_str() {
                "gradient" => (RATE, 1, GRADIENT),
                "adam" | "adamw" => (0.001, STEPS, PARAMETER),
                _ => (0.05, STEPS, PARAMETER),
            };
            let (loss, mut ours) = self.trained(&config, rate, steps, device);
            let mut scale: fn(&[f32]) -> f64 = |_| 1.0;
            if name == "gradient" {
                let error = difference(&[loss], self.get("loss"));
                errors.push(("loss".to_owned(), error, LOGITS));
                for ((_, after), (_, before)) in ours.0.iter_mut().zip(&before) {
                    let pairs = after.iter_mut().zip(before);
                    pairs.for_each(|(after, before)| *after = (before - *after) / RATE as f32);
                }
                ours.0
                    .retain(|(tensor, _)| !tensor.name.contains(".running_"));
                scale = |torch| largest(torch).max(1e-12);
            }
            let error = ours.0.iter().fold(0.0, |most, (tensor, ours)| {
                let torch = self.get(&format!("{name}.{}", tensor.name));
                larger(most, difference(ours, torch) / scale(torch))
            });
            let moves = f64::from(self.get(&format!("sensitivity.{name}"))[0]);
            errors.push((name, error, usual.max(SENSITIVITY * moves)));
        }
        errors
    }

    fn get(&self, name: &str) -> &[f32] {
        let found = self.results.get(name);
        found.unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    fn weights(&self) -> Parameters {
        let tensors = torch_tensors(&self.case.model).unwrap().into_iter();
        let values = |name| self.get(&format!("weights.{name}")).to_vec();
        let pairs = tensors.map(|tensor| (tensor.clone(), values(tensor.name)));
        Parameters(pairs.collect())
    }

    /// The loss of the last batch and the parameters after these steps; batches run through the
    /// images in a circle.
    fn trained(
        &self,
        config: &OptimizerConfig,
        rate: f64,
        steps: usize,
        device: &Device,
    ) -> (f32, Parameters) {
        let device = &device.clone().autodiff();
        let [count, _, height, width] = self.images;
        let (images, labels) = (self.get("images"), self.get("labels"));
        let (batch, size) = (self.case.batch, height * width);
        let model = self.weights().build(&self.case.model, device);
        let mut model = model.unwrap().train();
        let mut optimizer = Optimizer::new(config, None);
        let mut last = f32::NAN;
        for step in 0..steps {
            let places = (0..batch).map(|index| (step * batch + index) % count);
            let rows = places.clone().map(|place| &images[place * size..][..size]);
            let rows = rows.collect::<Vec<_>>().concat();
            let labels: Vec<u8> = places.map(|place| labels[place] as u8).collect();
            let pixels = TensorData::new(rows, [batch, 1, height, width]);
            let logits = model.forward_train(Tensor::<4>::from_data(pixels, device), 0);
            let loss = cross_entropy(logits, &labels, self.case.label_smoothing, device);
            last = loss.clone().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(rate, model, gradients);
        }
        let bytes = weights::to_bytes(&model).unwrap().to_vec();
        let parameters = Parameters::from_saved(&self.case.model, bytes);
        (last, parameters.unwrap())
    }
}

/// Configurations by name: plain descent, and those of scripts/pytorch.py with the same constants.
const OPTIMIZERS: &str = "
gradient = { kind = 'sgd', momentum = 0.0 }
sgd = { kind = 'sgd', momentum = 0.9, nesterov = false, weight_decay = 1e-3 }
nesterov = { kind = 'sgd', momentum = 0.9, nesterov = true, weight_decay = 0.0 }
adam = { kind = 'adam', beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8 }
adamw = { kind = 'adamw', beta_1 = 0.8, beta_2 = 0.99, epsilon = 1e-8, weight_decay = 0.1 }
";

fn largest(values: &[f32]) -> f64 {
    values
        .iter()
        .fold(0.0, |most, value| f64::max(most, value.abs().into()))
}

/// The largest difference of two elements; infinite for other lengths, NaN if any is.
fn difference(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let pairs = a.iter().zip(b).map(|(&a, &b)| [a, b].map(f64::from));
    let differences = pairs.map(|[a, b]| (a - b).abs());
    differences.fold(0.0, larger)
}

/// Like `f64::max`, but NaN wins.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}
