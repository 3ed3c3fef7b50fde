//! Files from elsewhere are read or refused with one clear error, and PyTorch judges the networks.

mod onnx;
mod reading;
mod reference;
mod refusing;
mod support;
mod writing;
