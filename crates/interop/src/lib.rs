//! Weights from and to PyTorch and ONNX.
//!
//! [`export`] writes a run's network under the names and in the layout of the equivalent
//! `torch.nn` module, that module, or an ONNX model; [`WeightFile`] and [`import`] read
//! `.safetensors` files and those of `torch.save` into a run folder. A file from elsewhere is only
//! ever read: no pickle is executed, no claimed size is believed before it is compared with the
//! bytes that are there, and nothing is written before everything has been checked.

mod error;
mod export;
mod import;
mod layout;
mod onnx;
mod outline;
mod stored;
mod torch_file;
mod weight_file;

#[cfg(test)]
mod tests;

pub use error::InteropError;
pub use export::{Export, FloatType, export};
pub use import::{Assignment, How, Match, NameMap, import};
pub use weight_file::WeightFile;
