//! The parameters of a network: drawn from a seed, and as the bytes of a `model.bpk`.

use std::sync::Mutex;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device, Tensor};
use burn_pack::Writer;
use digits_models::{Model, ModelConfig};

use crate::TrainError;

/// Burn draws parameters from one random state a backend, shared by all threads.
static RANDOM_STATE: Mutex<()> = Mutex::new(());

/// A network whose parameters depend on `seed` alone, numbered from 1 in the order in which
/// they are visited (Burn's own numbers are random, and saved files would never be equal).
///
/// # Errors
/// A configuration that describes no network.
pub fn seeded(config: &ModelConfig, seed: u64, device: &Device) -> Result<Model, TrainError> {
    let _guard = RANDOM_STATE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    device.seed(seed);
    let model = config.init(device)?;
    // Parameters are lazy: this draws them now, while the random state is ours.
    Ok(model.map(&mut Number { next: 1 }))
}

struct Number {
    next: u64,
}

impl ModuleMapper for Number {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (_, value, mapper) = param.consume();
        let id = ParamId::from(self.next);
        self.next += 1;
        Param::from_mapped_value(id, value, mapper)
    }
}

/// The parameters and running statistics as one burnpack; equal networks give equal bytes.
///
/// # Errors
/// A backend that fails.
pub fn to_bytes(model: &Model) -> Result<Bytes, TrainError> {
    struct Collect {
        path: Vec<String>,
        tensors: Vec<burn_pack::Tensor>,
        error: Option<String>,
    }
    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            match param.transform_for_save().val().try_into_data() {
                Ok(data) => {
                    let (bytes, shape, dtype) = data.into_parts();
                    let id = self.tensors.len() as u64 + 1;
                    self.tensors.push(burn_pack::Tensor::new(
                        self.path.join("."),
                        dtype,
                        shape,
                        Some(id),
                        bytes,
                    ));
                }
                Err(error) => self.error = Some(error.to_string()),
            }
        }
    }
    // Batch normalization gathers its statistics per thread; a visit alone would miss what the
    // last steps added, and a resumed run would differ. `valid` brings them together.
    let model = model.valid();
    let mut collect = Collect {
        path: Vec::new(),
        tensors: Vec::new(),
        error: None,
    };
    model.visit(&mut collect);
    if let Some(error) = collect.error {
        return Err(TrainError::backend("reading the parameters", error));
    }
    Writer::new(collect.tensors)
        .into_bytes()
        .map_err(|error| TrainError::backend("writing the parameters", error))
}

/// A network from what [`to_bytes`] wrote.
///
/// # Errors
/// What does not fit, as text.
pub fn from_bytes(config: &ModelConfig, bytes: Vec<u8>, device: &Device) -> Result<Model, String> {
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))
        .map_err(|error| error.to_string())?;
    let model = config.init(device).map_err(|error| error.to_string())?;
    model
        .try_load_record(record)
        .map_err(|error| error.to_string())
}
