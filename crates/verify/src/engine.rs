//! The same network in Burn: gradients by autodiff, steps by Burn's SGD.

use burn::module::{Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{DType, Device, Tensor, TensorData, activation};

use crate::check::tolerance;
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

/// A [`Network`] as a Burn module: `[units, 1 + inputs]` for each layer, the biases first.
#[derive(Module, Debug)]
pub struct BurnNetwork {
    layers: Vec<Param<Tensor<2>>>,
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
        let layers = network.layers().iter();
        let matrices = layers.clone().map(|layer| {
            let rows = layer.rows.iter().map(Vec::as_slice);
            Param::from_tensor(matrix(rows, &device, dtype))
        });
        Self {
            module: BurnNetwork {
                layers: matrices.collect(),
            },
            optimizer: SgdConfig::new().init(),
            activations: layers.map(|layer| layer.activation).collect(),
            loss: network.loss,
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
        let gradient = |layer: &Param<Tensor<2>>| {
            let gradient = layer.val().grad(&gradients);
            read(gradient.ok_or_else(|| no_gradient("a parameter"))?)
        };
        let all = self.module.layers.iter().map(gradient);
        Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// One whole step of Burn's SGD.
    pub fn step(&mut self, batch: &[Example], learning_rate: f64) {
        let gradients = GradientsParams::from_grads(self.loss(batch).backward(), &self.module);
        let module = self.module.clone();
        self.module = self.optimizer.step(learning_rate, module, gradients);
    }

    /// The parameters, in the order of [`Network::parameters`].
    ///
    /// # Errors
    /// A device that does not hand values back.
    pub fn parameters(&self) -> Result<Vec<f64>, VerifyError> {
        let all = self.module.layers.iter().map(|layer| read(layer.val()));
        Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The mean loss `[1]` over the batch.
    fn loss(&self, batch: &[Example]) -> Tensor<1> {
        let (device, dtype) = (&self.device, self.dtype);
        let targets = batch.iter().map(|example| &*example.target);
        let targets = matrix(targets, device, dtype); // [batch, outputs]
        let inputs = batch.iter().map(|example| &*example.input);
        let mut x = matrix(inputs, device, dtype); // [batch, inputs]
        for (layer, f) in self.module.layers.iter().zip(&self.activations) {
            let [_, length] = layer.val().dims();
            let bias = layer.val().narrow(1, 0, 1).transpose(); // [1, units]
            let weights = layer.val().narrow(1, 1, length - 1); // [units, inputs]
            let sums = x.matmul(weights.transpose()) + bias; // [batch, units]
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

fn matrix<'a>(
    rows: impl ExactSizeIterator<Item = &'a [f64]>,
    device: &Device,
    dtype: DType,
) -> Tensor<2> {
    let count = rows.len();
    let values = rows.collect::<Vec<_>>().concat();
    let shape = [count, values.len() / count.max(1)];
    tensor(values, shape, device, dtype)
}

pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, VerifyError> {
    let values = tensor.try_into_vec_as::<f64>();
    values.map_err(|error| VerifyError::Device(error.to_string()))
}

pub(crate) fn no_gradient(of: &str) -> VerifyError {
    VerifyError::Device(format!("autodiff has no gradient for {of}"))
}
