use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use digits_data::Normalization;
use digits_data::files::sha256;
use digits_models::ModelConfig;
use digits_train::TrainError;
use serde::de::DeserializeOwned;

use crate::error::printable;
use crate::stored::{Stored, read_safetensors};
use crate::{InteropError, torch_file};

/// Files above this size are not read: twice the largest network that this program builds.
const MOST_BYTES: u64 = 1 << 30;

/// Keys of the metadata that an exported file carries.
pub(crate) const MODEL: &str = "model";
pub(crate) const RECIPE: &str = "recipe";
pub(crate) const NORMALIZATION: &str = "normalization";
pub(crate) const DATASET: &str = "dataset";

/// A file of tensors, read and checked as far as it can be without a network to compare it with.
#[derive(Debug)]
pub struct WeightFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What stands before the name of every tensor in the file and is left out, for example
    /// `state_dict.`; mostly empty.
    pub prefix: String,
    pub(crate) tensors: Vec<Stored>,
    /// Whether they stand in the order in which the module has them, or else are sorted by name.
    pub(crate) ordered: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl WeightFile {
    /// Reads a `.safetensors` file or a PyTorch state dict (`.pt`, `.pth`).
    ///
    /// # Errors
    /// A file that cannot be read, that is damaged in any way, or that refers to code.
    pub fn open(path: &Path) -> Result<Self, InteropError> {
        let information = fs::metadata(path).map_err(TrainError::io("read", path))?;
        let format = |reason: String| InteropError::unreadable(path, &reason);
        if !information.is_file() {
            return Err(format("it is not a file".to_owned()));
        }
        if information.len() > MOST_BYTES {
            let [size, most] = [information.len(), MOST_BYTES].map(|bytes| bytes >> 20);
            let problem = "and no network of this program needs more than";
            return Err(format(format!("it has {size} MiB, {problem} {most}")));
        }
        let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
        let extension = path.extension().unwrap_or_default();
        let named = extension.eq_ignore_ascii_case("safetensors");
        let (tensors, metadata) = if named || bytes.get(8) == Some(&b'{') {
            read_safetensors(&bytes).map_err(format)?
        } else {
            (
                torch_file::read(path, &bytes).map_err(format)?,
                BTreeMap::new(),
            )
        };
        if tensors.is_empty() {
            return Err(format("it holds no tensor".to_owned()));
        }
        let mut file = Self {
            path: path.to_owned(),
            sha256: sha256(&bytes),
            prefix: String::new(),
            tensors,
            ordered: false,
            bytes,
            metadata,
        };
        for tensor in &mut file.tensors {
            tensor.name = printable(&tensor.name); // they are shown, and kept in run.json
        }
        file.unwrap();
        let places: HashSet<usize> = file.tensors.iter().filter_map(|t| t.place).collect();
        file.ordered = places.len() == file.tensors.len();
        if file.ordered {
            file.tensors.sort_by_key(|tensor| tensor.place);
        } else {
            let by_name = |a: &Stored, b: &Stored| natural(&a.name).cmp(&natural(&b.name));
            file.tensors.sort_by(by_name);
        }
        Ok(file)
    }

    /// The network that the file says it holds, with the name of its recipe, if it says so;
    /// `digits export` does.
    ///
    /// # Errors
    /// A description that is none.
    pub fn model(&self) -> Result<Option<(String, ModelConfig)>, InteropError> {
        // It becomes the name of folders, and part of what is printed.
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let usable = |name: &&String| (1..=40).contains(&name.len()) && name.bytes().all(plain);
        let recipe = self.metadata.get(RECIPE).filter(usable);
        let recipe = recipe.map_or("imported", String::as_str);
        let model = self.described(MODEL)?;
        Ok(model.map(|model| (recipe.to_owned(), model)))
    }

    /// How pixels become numbers, if the file says so.
    ///
    /// # Errors
    /// A description that is none.
    pub fn normalization(&self) -> Result<Option<Normalization>, InteropError> {
        self.described(NORMALIZATION)
    }

    /// Name of the data set that the network was trained on, if the file says so.
    pub fn dataset(&self) -> Option<String> {
        let name = printable(self.metadata.get(DATASET)?.trim());
        (1..=100).contains(&name.len()).then_some(name)
    }

    fn described<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, InteropError> {
        let text = self.metadata.get(key);
        let described = text.map(|text| serde_json::from_str(text));
        described.transpose().map_err(|error| {
            let reason = format!("its metadata `{key}` are invalid: {error}");
            InteropError::unreadable(&self.path, &reason)
        })
    }

    /// Takes off what training scripts wrap around a state dict: `{"state_dict": …}`, and the
    /// `module.` of `DataParallel`. (What stands beside a `{"model": …}` of its own in a
    /// checkpoint has been left out where it was read; names alone would not tell it from a layer
    /// called `model`.)
    fn unwrap(&mut self) {
        for wrapper in ["state_dict.", "model_state_dict.", "model.", "module."] {
            let inside = |tensor: &Stored| tensor.name.starts_with(wrapper);
            let count = self.tensors.iter().filter(|tensor| inside(tensor)).count();
            let beside_others = wrapper.ends_with("state_dict.");
            if count == self.tensors.len() || (count > 0 && beside_others) {
                self.tensors.retain(inside);
                for tensor in &mut self.tensors {
                    tensor.name.drain(..wrapper.len());
                }
                self.prefix += wrapper;
            }
        }
    }
}

/// Parts of a name, numbers in it as numbers: `conv2` before `conv10`. And the name itself.
fn natural(name: &str) -> (Vec<(&[u8], u64)>, &str) {
    let parts = name.as_bytes();
    let parts = parts.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let number = |part| -> Option<u64> { std::str::from_utf8(part).ok()?.parse().ok() };
    let parts = parts.map(|part| number(part).map_or((part, 0), |number| (&[][..], number)));
    (parts.collect(), name)
}
