//! Weights from and to PyTorch and ONNX.
//!
//! [`export`] writes a run's network under the names and in the layout of the equivalent
//! `torch.nn` module, or as an ONNX model; [`script`] writes that module; [`WeightFile`] and
//! [`import`] read `.safetensors` files and those of `torch.save` back into a run folder. A file
//! from elsewhere is only ever read: no pickle is executed, no claimed size is believed before it
//! is compared with the bytes that are there, and nothing is written before everything has been
//! checked.

mod error;
mod export;
mod import;
mod layout;
mod matching;
mod onnx;
mod outline;
mod parameters;
mod safetensors_file;
mod script;
mod stored;
mod torch_file;
mod weight_file;

#[cfg(test)]
mod tests;

pub use error::InteropError;
pub use export::{Export, FloatType, export};
pub use import::import;
pub use layout::{TorchTensor, torch_tensors};
pub use matching::{Assignment, How, Match, NameMap};
pub use script::script;
pub use weight_file::WeightFile;
