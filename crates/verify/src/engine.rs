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
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for layer in network.layers() {
            let rows: Vec<&[f64]> = layer.rows.iter().map(|row| &row[1..]).collect();
            let bias = layer.rows.iter().map(|row| row[0]).collect();
            let bias = tensor(bias, [layer.rows.len()], &device, dtype);
            weights.push(Param::from_tensor(matrix(&rows, &device, dtype)));
            biases.push(Param::from_tensor(bias));
        }
        Self {
            module: BurnNetwork { weights, biases },
            optimizer: SgdConfig::new().init(),
            activations: network.layers().iter().map(|l| l.activation).collect(),
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
        self.flattened(
            |weights| weights.grad(&gradients).ok_or_else(missing),
            |bias| bias.grad(&gradients).ok_or_else(missing),
        )
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
        self.flattened(Ok, Ok)
    }

    /// One number for each parameter, in the order of [`Network::parameters`].
    fn flattened(
        &self,
        of_weights: impl Fn(Tensor<2>) -> Result<Tensor<2>, VerifyError>,
        of_bias: impl Fn(Tensor<1>) -> Result<Tensor<1>, VerifyError>,
    ) -> Result<Vec<f64>, VerifyError> {
        let mut all = Vec::new();
        for (weights, bias) in self.module.weights.iter().zip(&self.module.biases) {
            let inputs = weights.val().dims()[1];
            let weights = read(of_weights(weights.val())?)?;
            for (b, row) in read(of_bias(bias.val())?)?
                .iter()
                .zip(weights.chunks(inputs))
            {
                all.push(*b);
                all.extend(row);
            }
        }
        Ok(all)
    }

    /// The mean loss `[1]` over the batch.
    fn loss(&self, batch: &[Example]) -> Tensor<1> {
        let inputs: Vec<&[f64]> = batch.iter().map(|example| &*example.input).collect();
        let targets: Vec<&[f64]> = batch.iter().map(|example| &*example.target).collect();
        let targets = matrix(&targets, &self.device, self.dtype); // [batch, outputs]
        let mut x = matrix(&inputs, &self.device, self.dtype); // [batch, inputs]
        let layers = self.module.weights.iter().zip(&self.module.biases);
        for ((weights, bias), f) in layers.zip(&self.activations) {
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

fn matrix(rows: &[&[f64]], device: &Device, dtype: DType) -> Tensor<2> {
    let columns = rows.first().map_or(0, |row| row.len());
    tensor(rows.concat(), [rows.len(), columns], device, dtype)
}
