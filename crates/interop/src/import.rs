use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use digits_data::Normalization;
use digits_models::ModelConfig;
use digits_train::{DatasetRecord, Origin, RunConfig, RunFolder, RunRecord, TrainError, weights};
use serde::Serialize;

use crate::InteropError;
use crate::error::lines;
use crate::layout::{Parameters, TorchTensor, torch_tensors};
use crate::stored::Stored;
use crate::weight_file::WeightFile;

/// Which tensor of a file becomes which tensor of the network.
#[derive(Debug)]
pub struct Assignment {
    /// How it was found.
    pub how: How,
    /// One entry for each tensor of the network, in its order.
    pub matches: Vec<Match>,
    /// The same, with the place in the file.
    pub(crate) pairs: Vec<(TorchTensor, usize)>,
}

/// How tensors were assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The names are those that `digits export` writes.
    Names,
    /// A file said so.
    Map,
    /// By shape, and by order among layers of equal shapes.
    ShapeAndOrder,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Name in the file.
    pub file: String,
    /// Name in the module that `digits export --script` prints.
    pub network: String,
    /// Shape, as in PyTorch.
    pub shape: Vec<usize>,
}

/// New names for the tensors of a file, read from TOML: `"conv1" = "features.0"` for a layer,
/// `"conv1.weight" = "features.0.weight"` for one tensor, `"extra" = ""` to leave one out.
#[derive(Debug, Clone)]
pub struct NameMap {
    path: PathBuf,
    names: BTreeMap<String, String>,
}

impl NameMap {
    /// Reads a map.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not a table of names.
    pub fn open(path: &Path) -> Result<Self, InteropError> {
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        let names = toml::from_str(&text).map_err(|error| {
            let (path, error) = (path.display(), error.to_string());
            let wanted = "it is not a table of names, such as \"conv1\" = \"features.0\"";
            InteropError::Refused(format!("{path}: {wanted}: {}", error.trim_end()))
        })?;
        let path = path.to_owned();
        Ok(Self { path, names })
    }

    /// The new name of a tensor; `None` to leave it out. Notes which entry was used.
    fn rename<'a>(&'a self, name: &str, used: &mut BTreeSet<&'a str>) -> Option<String> {
        // The longest entry that is the name or a layer around it.
        let dots = name.match_indices('.').map(|(end, _)| end);
        let ends = dots.chain([name.len()]);
        let found = |end| Some((self.names.get_key_value(&name[..end])?, &name[end..]));
        let Some(((old, new), rest)) = ends.rev().find_map(found) else {
            return Some(name.to_owned());
        };
        used.insert(old);
        (!new.is_empty()).then(|| format!("{new}{rest}"))
    }
}

impl WeightFile {
    /// Finds the tensor of the file for every tensor of the network: by `map` if there is one,
    /// else by name, else by shape and order.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected or of another size, all at once; a configuration
    /// that describes no network; a map that names what is not there.
    pub fn assign(
        &self,
        model: &ModelConfig,
        map: Option<&NameMap>,
    ) -> Result<Assignment, InteropError> {
        let wanted = torch_tensors(model)?;
        let (path, names) = (self.path.clone(), BTreeMap::new());
        let none = NameMap { path, names };
        let renaming = map.unwrap_or(&none);
        let refused = |message| Err(InteropError::Refused(message));
        let path = renaming.path.display();
        // Name after renaming → place in the file.
        let mut names = BTreeMap::new();
        let mut used = BTreeSet::new();
        for (place, tensor) in self.tensors.iter().enumerate() {
            let name = renaming.rename(&tensor.name, &mut used);
            // Batch normalization's counters are in no network.
            if let Some(name) = name.filter(|name| !name.ends_with(".num_batches_tracked"))
                && let Some(other) = names.insert(name.clone(), place)
            {
                let (one, other) = (&self.tensors[other].name, &tensor.name);
                return refused(format!("{path}: {one} and {other} are both called {name}"));
            }
        }
        let mut keys = renaming.names.keys();
        if let Some(name) = keys.find(|name| !used.contains(name.as_str())) {
            let file = self.path.display();
            return refused(format!("{path}: {file} has no tensor or layer `{name}`"));
        }
        let own = |tensor: &TorchTensor| names.get(&tensor.name).copied();
        let by_name: Vec<Option<usize>> = wanted.iter().map(own).collect();
        let known = by_name.iter().flatten().count();
        let unfit = |problems: &[String], hint: &str| {
            let (path, problems) = (self.path.display(), lines(problems));
            let what = "do not fit the network";
            InteropError::Refused(format!("the tensors of {path} {what}:{problems}{hint}"))
        };
        let (how, found) = if map.is_some() {
            (How::Map, by_name)
        } else if known == wanted.len() {
            (How::Names, by_name)
        } else {
            let (found, ambiguous) = self.guess(&wanted, names.values().copied());
            let fits = self.problems(&wanted, &found, &names).is_empty();
            if fits && !ambiguous.is_empty() {
                return Err(unfit(&ambiguous, NO_ORDER));
            }
            // A network of ours that does not fit is reported under its own names.
            if known * 2 > wanted.len() && !fits {
                (How::Names, by_name)
            } else {
                (How::ShapeAndOrder, found)
            }
        };
        let problems = self.problems(&wanted, &found, &names);
        if !problems.is_empty() {
            return Err(unfit(&problems, hint(how)));
        }
        let pairs: Vec<_> = wanted
            .into_iter()
            .zip(found.into_iter().flatten())
            .collect();
        let matches = pairs.iter().map(|(tensor, place)| Match {
            file: format!("{}{}", self.prefix, self.tensors[*place].name),
            network: tensor.name.clone(),
            shape: tensor.shape.clone(),
        });
        Ok(Assignment {
            how,
            matches: matches.collect(),
            pairs,
        })
    }

    /// Layers of the file for layers of the network: first those whose tensors have the same
    /// names and shapes, then, so that they are reported as pairs, those of the same names and
    /// other shapes; among equals, in their order. And one line for all layers between which only
    /// their order would decide where the file does not keep it.
    fn guess(
        &self,
        wanted: &[TorchTensor],
        free: impl Iterator<Item = usize>,
    ) -> (Vec<Option<usize>>, Vec<String>) {
        let names = wanted.iter().map(|tensor| tensor.name.as_str());
        let wanted_layers = layers(names.zip(0..));
        let mut places: Vec<usize> = free.collect();
        places.sort_unstable();
        let name = |place: usize| self.tensors[place].name.as_str();
        let mut candidates = layers(places.into_iter().map(|place| (name(place), place)));
        let mut found = vec![None; wanted.len()];
        let mut ambiguous = Vec::new();
        for exact in [true, false] {
            for layer in &wanted_layers {
                if layer.values().any(|&place| found[place].is_some()) {
                    continue;
                }
                let fits = |candidate: &Layer<'_>| {
                    let mut pairs = candidate.values().zip(layer.values());
                    candidate.keys().eq(layer.keys())
                        && pairs.all(|(&there, &here)| {
                            let (there, here) = (&self.tensors[there].shape, &wanted[here].shape);
                            there == here || (!exact && there.len() == here.len())
                        })
                };
                let Some(position) = candidates.iter().position(fits) else {
                    continue;
                };
                if exact && !self.ordered {
                    let rivals = candidates.iter().filter(|candidate| fits(candidate));
                    ambiguous.extend(self.not_told_apart(rivals));
                }
                let candidate = candidates.remove(position);
                for (&there, &here) in candidate.values().zip(layer.values()) {
                    found[here] = Some(there);
                }
            }
        }
        // What is left over under the very name has another size and is not missing.
        for (tensor, place) in wanted.iter().zip(&mut found) {
            if place.is_none() {
                let mut left = candidates.iter().flat_map(BTreeMap::values).copied();
                *place = left.find(|&index| name(index) == tensor.name);
            }
        }
        (found, ambiguous)
    }

    /// The names of layers of equal shapes, unless these names say their order, as `conv1` and
    /// `conv2` do.
    fn not_told_apart<'a>(&self, layers: impl Iterator<Item = &'a Layer<'a>>) -> Option<String> {
        let places = layers.flat_map(BTreeMap::values);
        let names = places.map(|&place| layer_of(&self.tensors[place].name).0);
        let names: BTreeSet<&str> = names.collect();
        let without_numbers = |name: &&str| name.replace(|c: char| c.is_ascii_digit(), "");
        let kinds: BTreeSet<String> = names.iter().map(without_numbers).collect();
        let names: Vec<&str> = names.into_iter().collect();
        (kinds.len() > 1).then(|| format!("in any order: {}", names.join(", ")))
    }

    /// One line for every tensor that is missing, of another size, or unexpected.
    fn problems(
        &self,
        wanted: &[TorchTensor],
        found: &[Option<usize>],
        names: &BTreeMap<String, usize>,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        for (tensor, place) in wanted.iter().zip(found) {
            let needs = format!("{} {}", tensor.name, shown(&tensor.shape));
            match place.map(|place| &self.tensors[place]) {
                None => problems.push(format!("missing: {needs}")),
                Some(Stored { name, shape, .. }) if *shape != tensor.shape => {
                    let shape = shown(shape);
                    problems.push(format!("size mismatch: {name} {shape} for {needs}"));
                }
                Some(_) => {}
            }
        }
        let used: BTreeSet<usize> = found.iter().flatten().copied().collect();
        let unexpected = names.values().filter(|place| !used.contains(place));
        for tensor in unexpected.map(|&place| &self.tensors[place]) {
            let shape = shown(&tensor.shape);
            problems.push(format!("unexpected: {} {shape}", tensor.name));
        }
        problems
    }
}

const NO_ORDER: &str = "\nThese layers have equal shapes, and neither the file nor their names say in which order the module has them. \
     Say which is which: --map FILE";

fn hint(how: How) -> &'static str {
    match how {
        How::Names => "\nIs this the recipe (--model) that the file was made with?",
        How::Map => {
            "\nNames on the left of --map are the file's, those on the right are the ones listed here"
        }
        How::ShapeAndOrder => {
            "\nLayers were guessed by shape and order, because the names are not those that `digits export` writes. \
             Choose the recipe of this network (--model), or say which layer is which (--map FILE)"
        }
    }
}

/// Tensors grouped by layer (the name up to its last dot), in the order given.
fn layers<'a>(names: impl Iterator<Item = (&'a str, usize)>) -> Vec<Layer<'a>> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut layers: Vec<Layer<'_>> = Vec::new();
    for (name, place) in names {
        let (layer, leaf) = layer_of(name);
        let index = *known.entry(layer).or_insert(layers.len());
        if index == layers.len() {
            layers.push(Layer::new());
        }
        layers[index].insert(leaf, place);
    }
    layers
}

/// The layer of a tensor, and the rest of its name.
fn layer_of(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Names without the layer, and places.
type Layer<'a> = BTreeMap<&'a str, usize>;

/// A shape as PyTorch writes it.
fn shown(shape: &[usize]) -> String {
    match shape {
        [] => "[] (a single number)".to_owned(),
        _ => format!("{shape:?}"),
    }
}

/// Makes a run folder of a file of weights. Everything is checked before anything is written.
/// `recipe` is a name for the record, `config` the network and how it would be trained further,
/// `normalization` what its pixels went through.
///
/// # Errors
/// Values that are not finite, variances below 0, elements that are not floats, a folder that
/// holds a run or cannot be written.
pub fn import(
    file: &WeightFile,
    assignment: &Assignment,
    recipe: &str,
    config: &RunConfig,
    normalization: Normalization,
    folder: &RunFolder,
) -> Result<RunRecord, InteropError> {
    config.validate()?;
    let device = Device::flex(); // only to build the network once
    let model = parameters(file, assignment)?.build(&config.model, &device)?;
    let unknown = || "unknown (imported weights)".to_owned();
    let dataset = DatasetRecord {
        name: file.dataset().unwrap_or_else(unknown),
        fingerprint: String::new(),
        train_images: 0,
        valid_images: 0,
        normalization,
    };
    let origin = Origin::Imported {
        file: file.path.display().to_string(),
        sha256: file.sha256.clone(),
    };
    let mut record = RunRecord::new(recipe, config, dataset, Some(origin))?;
    record.passes = 1; // no epoch was trained here
    folder.create(&mut record, config, weights::to_bytes(&model)?.to_vec())?;
    Ok(record)
}

/// The values of every tensor, checked.
fn parameters(file: &WeightFile, assignment: &Assignment) -> Result<Parameters, InteropError> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for (tensor, place) in &assignment.pairs {
        let stored = &file.tensors[*place];
        let mut problem = |reason: String| problems.push(format!("{}: {reason}", stored.name));
        match stored.values(&file.bytes) {
            Err(reason) => problem(reason),
            Ok(values) => {
                let odd = values.iter().filter(|value| !value.is_finite()).count();
                let of = values.len();
                if odd > 0 {
                    let what = "values are not finite 32-bit numbers";
                    problem(format!("{odd} of {of} {what}"));
                }
                if tensor.name.ends_with(".running_var") && values.iter().any(|&v| v < 0.0) {
                    problem("a variance is negative".to_owned());
                }
                all.push((tensor.clone(), values));
            }
        }
    }
    if !problems.is_empty() {
        let (path, problems) = (file.path.display(), lines(&problems));
        let message = format!("{path} holds values that cannot be used:{problems}");
        return Err(InteropError::Refused(message));
    }
    Ok(Parameters(all))
}
