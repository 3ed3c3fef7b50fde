//! PyTorch as the judge of layers, loss, gradients and optimizers: everything in
//! `tests/pytorch`, or, where `DIGITS_PYTORCH_CASES` names a folder, everything there.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use digits_data::Normalization;
use digits_models::{Model, ModelConfig};
use digits_train::{Optimizer, OptimizerConfig, cross_entropy, weights};
use serde::Deserialize;

use super::support::{contents, fixture};
use crate::parameters::Parameters;
use crate::{WeightFile, script, torch_tensors};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    label_smoothing: f64,
    batch: usize,
    model: ModelConfig,
}

/// One network with PyTorch's results.
struct Reference {
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
    let mut table = String::new();
    let folder = env::var_os("DIGITS_PYTORCH_CASES").map_or_else(|| fixture(""), PathBuf::from);
    for (path, case) in cases(&folder) {
        let reference = Reference::read(&path, case);
        let errors = reference.errors(device);
        table += &format!("{:<16}", reference.name);
        for (what, error, limit) in &errors {
            table += &format!("  {what} {error:.1e}");
            if ![LOGITS, GRADIENT, PARAMETER].contains(limit) {
                table += &format!(" (of {limit:.1e})");
            }
        }
        table += "\n";
        for (what, error, limit) in errors {
            // Not `error > limit`, which NaN would pass.
            let name = &reference.name;
            assert!(error <= limit, "{name}: {what}: {error:e}\n{table}");
        }
    }
    println!("largest differences from PyTorch, {device:?}\n{table}");
}

#[test]
fn the_references_were_made_with_the_modules_that_are_printed_now() {
    for (path, case) in cases(&fixture("")) {
        let none = Normalization::new(0.0, 1.0).unwrap();
        let text = script(&case.model, &none, "network.safetensors").unwrap();
        let module = path.with_extension("py");
        if env::var_os("DIGITS_WRITE_MODULES").is_some() {
            fs::write(&module, &text).unwrap();
        }
        let saved = fs::read_to_string(&module).unwrap();
        assert_eq!(saved, text, "{}", module.display());
    }
}

/// The cases in a folder.
fn cases(folder: &Path) -> Vec<(PathBuf, Case)> {
    let entries = fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    found.sort();
    assert!(!found.is_empty(), "no case in {}", folder.display());
    let read = |path: PathBuf| {
        let case = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        (path, case)
    };
    found.into_iter().map(read).collect()
}

impl Reference {
    fn read(path: &Path, case: Case) -> Self {
        let file = WeightFile::open(&path.with_extension("safetensors")).unwrap();
        let tensors = contents(&file).into_iter();
        let images = tensors.clone().find(|(name, ..)| *name == "images");
        let results = tensors.map(|(name, _, values)| (name.to_owned(), values));
        Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            images: images.unwrap().1.try_into().unwrap(),
            results: results.collect(),
            case,
        }
    }

    /// What was compared, the largest difference, and how large it may be.
    fn errors(&self, device: &Device) -> Vec<(String, f64, f64)> {
        let training = device.clone().autodiff();
        let largest = |values: &[f32]| values.iter().fold(0.0, |m, v| f64::max(m, v.abs().into()));

        let images = self.get("images").to_vec();
        let images = Tensor::from_data(TensorData::new(images, self.images), device);
        let ours = self.model(device).forward(images);
        let ours = ours.try_into_vec_as::<f32>().unwrap();
        let torch = self.get("logits");
        let error = difference(&ours, torch) / largest(torch).max(1.0);
        let mut errors = vec![("logits".to_owned(), error, LOGITS)];

        let model = self.model(&training).train();
        let (loss, gradients) = self.gradients(&model, 0, &training);
        let error = difference(&[loss], self.get("loss"));
        errors.push(("loss".to_owned(), error, LOGITS));
        let mut collect = Collect {
            gradients: &gradients,
            path: Vec::new(),
            found: BTreeMap::new(),
        };
        model.visit(&mut collect);
        let tensors = torch_tensors(&self.case.model).unwrap();
        let trained = tensors.iter().filter(|t| !t.name.contains(".running_"));
        let error = trained.fold(0.0, |most, tensor| {
            let torch = self.get(&format!("gradient.{}", tensor.name));
            let ours = tensor.to_torch(collect.found[&tensor.ours].clone());
            larger(most, difference(&ours, torch) / largest(torch).max(1e-12))
        });
        let limit = self.limit("gradient", GRADIENT);
        errors.push(("gradient".to_owned(), error, limit));

        let configs: BTreeMap<String, OptimizerConfig> = toml::from_str(OPTIMIZERS).unwrap();
        for (name, config) in configs {
            let rate = if name.starts_with("adam") {
                0.001
            } else {
                0.05
            };
            let mut model = self.model(&training).train();
            let mut optimizer = Optimizer::new(&config, None);
            for step in 0..STEPS {
                let (_, gradients) = self.gradients(&model, step, &training);
                model = optimizer.step(rate, model, gradients);
            }
            let bytes = weights::to_bytes(&model).unwrap().to_vec();
            let ours = Parameters::from_saved(&self.case.model, bytes).unwrap();
            let error = ours.0.iter().fold(0.0, |most, (tensor, ours)| {
                let torch = self.get(&format!("{name}.{}", tensor.name));
                larger(most, difference(ours, torch))
            });
            let limit = self.limit(&name, PARAMETER);
            errors.push((name, error, limit));
        }
        errors
    }

    fn limit(&self, what: &str, usual: f64) -> f64 {
        let moves = self.get(&format!("sensitivity.{what}"))[0];
        usual.max(SENSITIVITY * f64::from(moves))
    }

    fn get(&self, name: &str) -> &[f32] {
        let found = self.results.get(name);
        found.unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    fn model(&self, device: &Device) -> Model {
        let tensors = torch_tensors(&self.case.model).unwrap().into_iter();
        let parameters = tensors.map(|tensor| {
            let values = self.get(&format!("weights.{}", tensor.name)).to_vec();
            (tensor, values)
        });
        let parameters = Parameters(parameters.collect());
        parameters.build(&self.case.model, device).unwrap()
    }

    /// Loss and gradients of one batch; batches run through the images in a circle.
    fn gradients(&self, model: &Model, step: usize, device: &Device) -> (f32, GradientsParams) {
        let [count, _, height, width] = self.images;
        let batch = self.case.batch;
        let (images, labels) = (self.get("images"), self.get("labels"));
        let places = (0..batch).map(|index| (step * batch + index) % count);
        let size = height * width;
        let rows = places.clone().map(|place| &images[place * size..][..size]);
        let pixels = TensorData::new(rows.collect::<Vec<_>>().concat(), [batch, 1, height, width]);
        let labels: Vec<u8> = places.map(|place| labels[place] as u8).collect();
        let images = Tensor::<4>::from_data(pixels, device);
        let logits = model.forward_train(images, 0);
        let loss = cross_entropy(logits, &labels, self.case.label_smoothing, device);
        let value = loss.clone().into_scalar::<f32>();
        (value, GradientsParams::from_grads(loss.backward(), model))
    }
}

/// Configurations by name. The same constants stand in scripts/pytorch.py.
const OPTIMIZERS: &str = "
sgd = { kind = 'sgd', momentum = 0.9, nesterov = false, weight_decay = 1e-3 }
nesterov = { kind = 'sgd', momentum = 0.9, nesterov = true, weight_decay = 0.0 }
adam = { kind = 'adam', beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8 }
adamw = { kind = 'adamw', beta_1 = 0.8, beta_2 = 0.99, epsilon = 1e-8, weight_decay = 0.1 }
";

struct Collect<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let values = gradient.try_into_vec_as::<f32>().unwrap();
            self.found.insert(self.path.join("."), values);
        }
    }
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
