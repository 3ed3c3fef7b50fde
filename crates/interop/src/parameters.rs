use std::collections::BTreeMap;
use std::fmt::Display;

use burn::tensor::{Bytes, DType, Device};
use burn_pack::{Reader, Writer};
use digits_models::{Model, ModelConfig};
use digits_train::weights;

use crate::InteropError;
use crate::layout::{TorchTensor, torch_tensors};

/// The parameters and running statistics of a network, in the order and layout of PyTorch.
#[derive(Debug)]
pub(crate) struct Parameters(pub Vec<(TorchTensor, Vec<f32>)>);

impl Parameters {
    /// Those of a `model.bpk`. The message of an error says what is wrong with it.
    pub fn from_saved(config: &ModelConfig, bytes: Vec<u8>) -> Result<Self, String> {
        let text = |error: burn_pack::Error| error.to_string();
        let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(text)?;
        let mut saved = BTreeMap::new();
        for tensor in reader.into_tensors().map_err(text)? {
            let (name, dtype, _, _, bytes) = tensor.into_parts().map_err(text)?;
            if dtype != DType::F32 {
                return Err(format!("{name} is {dtype:?}, not F32"));
            }
            let values = bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes);
            saved.insert(name, values.collect::<Vec<_>>());
        }
        let tensors = torch_tensors(config).map_err(|error| error.to_string())?;
        let found = tensors.into_iter().map(|tensor| {
            let values = saved.remove(&tensor.ours);
            let Some(values) = values.filter(|values| values.len() == tensor.elements()) else {
                return Err(format!("it has no {} of the right shape", tensor.ours));
            };
            let values = tensor.to_torch(values);
            Ok((tensor, values))
        });
        found.collect::<Result<_, _>>().map(Self)
    }

    /// The network with these parameters.
    ///
    /// # Errors
    /// A backend that fails.
    pub fn build(&self, config: &ModelConfig, device: &Device) -> Result<Model, InteropError> {
        let tensors = self.0.iter().zip(1..).map(|((tensor, values), id)| {
            let bytes = tensor.to_burn(values.clone()).into_iter();
            burn_pack::Tensor::new(
                tensor.ours.clone(),
                DType::F32,
                tensor.our_shape(),
                Some(id),
                Bytes::from_bytes_vec(bytes.flat_map(f32::to_le_bytes).collect()),
            )
        });
        let failed = |error: &dyn Display| InteropError::backend("building the network", error);
        let bytes = Writer::new(tensors.collect()).into_bytes();
        let bytes = bytes.map_err(|error| failed(&error))?.to_vec();
        weights::from_bytes(config, bytes, device).map_err(|error| failed(&error))
    }
}
