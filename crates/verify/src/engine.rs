//! The same network in Burn: gradients by autodiff, steps by Burn's SGD.

use burn::module::{Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{DType, Device, Tensor, TensorData, activation};

use crate::compare::tolerance;
use crate::error::VerifyError;
use crate::network::{Activation, Example, Loss, Network};

/// The number format in which a device is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 64 bits, for the CPU backends.
    F64,
    /// 32 bits, for GPUs.
    F32,
}

/// A device to check on, made by whoever knows backends.
#[derive(Debug, Clone)]
pub struct NamedDevice {
    /// How the tables call it, for example `flex`.
    pub name: String,
    /// The device without autodiff, or why there is none (`no adapter`).
    pub device: Result<Device, String>,
    /// The number format to check in.
    pub precision: Precision,
}

impl Precision {
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
        }
    }

    pub(crate) fn analytic(self) -> f64 {
        match self {
            Self::F64 => tolerance::ANALYTIC_F64,
            Self::F32 => tolerance::ANALYTIC_F32,
        }
    }

    pub(crate) fn training(self) -> f64 {
        match self {
            Self::F64 => tolerance::TRAINING_F64,
            Self::F32 => tolerance::TRAINING_F32,
        }
    }
}

/// A [`Network`] as a Burn module.
#[derive(Module, Debug)]
pub struct BurnNetwork {
    /// `[units, inputs]` for each layer.
    weights: Vec<Param<Tensor<2>>>,
    /// `[units]` for each layer.
    biases: Vec<Param<Tensor<1>>>,
}

/// A Burn network, its optimizer, and what autodiff says.
pub struct Engine {
    module: BurnNetwork,
    optimizer: ModuleOptimizer,
    activations: Vec<Activation>,
    loss: Loss,
    device: Device,
    dtype: DType,
}

impl Engine {
    /// Copies the network to a device, with autodiff.
    pub fn new(network: &Network, device: &Device, precision: Precision) -> Self {
        let (device, dtype) = (device.clone().autodiff(), precision.dtype());
        let layers = network.layers();
        let module = BurnNetwork {
            weights: layers
                .iter()
                .map(|layer| Param::from_tensor(matrix(&layer.weights, &device, dtype)))
                .collect(),
            biases: layers
                .iter()
                .map(|layer| {
                    Param::from_tensor(tensor(
                        layer.bias.clone(),
                        [layer.bias.len()],
                        &device,
                        dtype,
                    ))
                })
                .collect(),
        };
        Self {
            module,
            optimizer: SgdConfig::new().init(),
            activations: layers.iter().map(|layer| layer.activation).collect(),
            loss: network.loss_kind(),
            device,
            dtype,
        }
    }

    /// ∂L/∂(every parameter) by autodiff, in the order of [`Network::parameters`].
    ///
    /// # Errors
    /// A device that does not hand values back.
    pub fn gradient(&self, batch: &[Example]) -> Result<Vec<f64>, VerifyError> {
        let gradients = self.loss(batch).backward();
        let missing = || VerifyError::Device {
            what: "a gradient",
            problem: "autodiff has none for a parameter".to_owned(),
        };
        let mut all = Vec::new();
        for (weights, bias) in self.module.weights.iter().zip(&self.module.biases) {
            let bias = read(bias.val().grad(&gradients).ok_or_else(missing)?)?;
            let gradient = weights.val().grad(&gradients).ok_or_else(missing)?;
            let inputs = gradient.dims()[1];
            interleave(&mut all, &bias, &read(gradient)?, inputs);
        }
        Ok(all)
    }

    /// One whole step of Burn's SGD.
    pub fn step(&mut self, batch: &[Example], learning_rate: f64) {
        let gradients = GradientsParams::from_grads(self.loss(batch).backward(), &self.module);
        self.module = self
            .optimizer
            .step(learning_rate, self.module.clone(), gradients);
    }

    /// The parameters, in the order of [`Network::parameters`].
    ///
    /// # Errors
    /// A device that does not hand values back.
    pub fn parameters(&self) -> Result<Vec<f64>, VerifyError> {
        let mut all = Vec::new();
        for (weights, bias) in self.module.weights.iter().zip(&self.module.biases) {
            let inputs = weights.val().dims()[1];
            interleave(&mut all, &read(bias.val())?, &read(weights.val())?, inputs);
        }
        Ok(all)
    }

    /// The mean loss `[1]` over the batch.
    fn loss(&self, batch: &[Example]) -> Tensor<1> {
        let inputs: Vec<Vec<f64>> = batch.iter().map(|example| example.input.clone()).collect();
        let targets: Vec<Vec<f64>> = batch.iter().map(|example| example.target.clone()).collect();
        let targets = matrix(&targets, &self.device, self.dtype); // [batch, outputs]
        let mut x = matrix(&inputs, &self.device, self.dtype); // [batch, inputs]
        for ((weights, bias), f) in self
            .module
            .weights
            .iter()
            .zip(&self.module.biases)
            .zip(&self.activations)
        {
            let sums = x.matmul(weights.val().transpose()) + bias.val().unsqueeze(); // [batch, units]
            x = match f {
                // σ(a) = ½ (1 + tanh ½a). Burn's own sigmoid computes in f32 on ndarray, whatever the
                // dtype (burn-backend 0.22.1, ops/activation.rs); a test below holds flex's to f64.
                Activation::Sigmoid => ((sums * 0.5).tanh() + 1.0) * 0.5,
                Activation::Tanh => sums.tanh(),
                Activation::Relu => activation::relu(sums),
                Activation::Identity => sums,
            };
        }
        let total = match self.loss {
            Loss::HalfSquares => (x - targets).powf_scalar(2.0).sum() * 0.5,
            Loss::SoftmaxCrossEntropy => -(activation::log_softmax(x, 1) * targets).sum(),
        };
        // Not `total / n`: the backward pass of a division by a scalar computes 1/n in f32
        // (burn-autodiff 0.22.1, ops/tensor.rs, `DivScalar`).
        total * (1.0 / batch.len() as f64)
    }
}

pub(crate) fn tensor<const D: usize>(
    values: Vec<f64>,
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, VerifyError> {
    tensor
        .try_into_vec_as::<f64>()
        .map_err(|error| VerifyError::Device {
            what: "values",
            problem: error.to_string(),
        })
}

fn matrix(rows: &[Vec<f64>], device: &Device, dtype: DType) -> Tensor<2> {
    let columns = rows.first().map_or(0, Vec::len);
    tensor(rows.concat(), [rows.len(), columns], device, dtype)
}

/// Unit by unit, the bias before the weights.
fn interleave(all: &mut Vec<f64>, bias: &[f64], weights: &[f64], inputs: usize) {
    for (b, row) in bias.iter().zip(weights.chunks(inputs)) {
        all.push(*b);
        all.extend(row);
    }
}
