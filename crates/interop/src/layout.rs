use std::collections::BTreeMap;

use burn::tensor::{Bytes, DType, Device};
use burn_pack::{Reader, Writer};
use digits_models::{Activation, Block, Model, ModelConfig, ModelError, Norm, Padding};
use digits_train::{TrainError, weights};

use crate::InteropError;

/// One tensor of the equivalent `torch.nn` module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TorchTensor {
    /// Its name in the module's state dict, for example `features.0.weight`.
    pub name: String,
    /// Its shape there. Matrices, which `Linear` alone has, are `[outputs, inputs]`; Burn keeps
    /// their transpose.
    pub shape: Vec<usize>,
    /// Its name in `model.bpk`, for example `Cnn.blocks.0.conv.weight`.
    pub ours: String,
}

impl TorchTensor {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The transpose of a matrix with that many columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| values.iter().skip(column).step_by(columns).copied())
        .collect()
}

/// Every tensor with values of the module that `digits export --script` prints, in its order.
/// (`num_batches_tracked` of batch normalization is a counter and not among them.)
pub(crate) fn torch_tensors(model: &ModelConfig) -> Result<Vec<TorchTensor>, ModelError> {
    let layers = parts(model)?.into_iter().flat_map(|part| part.layers);
    Ok(layers.flat_map(|layer| layer.tensors).collect())
}

/// One `nn.Sequential` of the module.
pub(crate) struct Part {
    pub name: &'static str,
    pub layers: Vec<Layer>,
}

/// A layer of `torch.nn`, as every format has it.
pub(crate) struct Layer {
    /// Its name, for example `features.0`.
    pub name: String,
    /// The Python expression that makes it.
    pub python: String,
    /// The ONNX operator and its attributes; none where a network that is not trained does nothing.
    pub operator: Option<(&'static str, Vec<Attribute>)>,
    /// The constants of the operator, in its order.
    pub tensors: Vec<TorchTensor>,
}

/// An attribute of an ONNX operator.
pub(crate) enum Attribute {
    Float(&'static str, f32),
    Int(&'static str, i64),
    Ints(&'static str, Vec<usize>),
}

/// The module as one or two `nn.Sequential`: `features` (a CNN's blocks) and `classifier`.
pub(crate) fn parts(model: &ModelConfig) -> Result<Vec<Part>, ModelError> {
    model.parameters()?; // checks every size
    let input = model.input();
    let [mut features, mut classifier] = ["features", "classifier"].map(|name| Part {
        name,
        layers: Vec::new(),
    });
    let mut map = [1, input.height, input.width];
    let (ours, hidden, activation) = match model {
        ModelConfig::Mlp(mlp) => ("Mlp", &mlp.hidden, mlp.activation),
        ModelConfig::Cnn(cnn) => {
            for (index, block) in cnn.blocks.iter().enumerate() {
                map = features.add_block(map, block, &format!("Cnn.blocks.{index}"));
            }
            ("Cnn", &cnn.hidden, Activation::Relu)
        }
    };
    let mut inputs = map.iter().product();
    for (index, &outputs) in hidden.iter().enumerate() {
        classifier.add_linear(inputs, outputs, &format!("{ours}.dense.hidden.{index}"));
        classifier.add_activation(activation);
        classifier.add_dropout(model.dropout());
        inputs = outputs;
    }
    classifier.add_linear(inputs, input.classes, &format!("{ours}.dense.output"));
    let mut parts = vec![features, classifier];
    parts.retain(|part| !part.layers.is_empty());
    Ok(parts)
}

impl Part {
    /// Appends a layer with tensors of these names in PyTorch and shapes; `ours` is its name in
    /// `model.bpk`.
    fn add(
        &mut self,
        python: String,
        operator: Option<(&'static str, Vec<Attribute>)>,
        ours: &str,
        tensors: &[(&str, &[usize])],
    ) {
        let name = format!("{}.{}", self.name, self.layers.len());
        let tensors = tensors.iter().map(|&(leaf, shape)| {
            let our_leaf = match leaf {
                "weight" if ours.ends_with(".norm") => "gamma",
                "bias" if ours.ends_with(".norm") => "beta",
                other => other,
            };
            TorchTensor {
                name: format!("{name}.{leaf}"),
                shape: shape.to_vec(),
                ours: format!("{ours}.{our_leaf}"),
            }
        });
        let tensors = tensors.collect();
        self.layers.push(Layer {
            name,
            python,
            operator,
            tensors,
        });
    }

    /// Appends one block for a map `[channels, height, width]`; returns the map after it.
    fn add_block(
        &mut self,
        [inputs, height, width]: [usize; 3],
        block: &Block,
        ours: &str,
    ) -> [usize; 3] {
        let (channels, kernel) = (block.channels, block.kernel);
        let (stride, pool) = (block.stride, block.pool);
        let [[top, bottom], [left, right]] = [height, width].map(|edge| {
            // Zeros so that ⌈edge / stride⌉ windows fit; the odd one goes after.
            let total = match block.padding {
                Padding::Valid => 0,
                Padding::Same => {
                    ((edge.div_ceil(stride) - 1) * stride + kernel).saturating_sub(edge)
                }
            };
            [total / 2, total - total / 2]
        });
        let even = top == bottom && left == right;
        let padding = match (block.padding, stride) {
            (Padding::Valid, _) => String::new(),
            (Padding::Same, 1) => ", padding=\"same\"".to_owned(), // PyTorch has it for stride 1 only
            (Padding::Same, _) if even && top == left => format!(", padding={top}"),
            (Padding::Same, _) if even => format!(", padding=({top}, {left})"),
            (Padding::Same, _) => {
                // In ONNX they belong to the convolution.
                let python = format!("nn.ZeroPad2d(({left}, {right}, {top}, {bottom}))");
                self.add(python, None, ours, &[]);
                String::new()
            }
        };
        let strided = match stride {
            1 => String::new(),
            _ => format!(", stride={stride}"),
        };
        let normalized = block.norm == Norm::Batch;
        let bias = if normalized { ", bias=False" } else { "" };
        let attributes = vec![
            Attribute::Ints("kernel_shape", vec![kernel; 2]),
            Attribute::Ints("strides", vec![stride; 2]),
            Attribute::Ints("pads", vec![top, left, bottom, right]),
        ];
        let tensors: [(_, &[usize]); 2] = [
            ("weight", &[channels, inputs, kernel, kernel]),
            ("bias", &[channels]),
        ];
        self.add(
            format!("nn.Conv2d({inputs}, {channels}, {kernel}{strided}{padding}{bias})"),
            Some(("Conv", attributes)),
            &format!("{ours}.conv"),
            &tensors[..if normalized { 1 } else { 2 }],
        );
        if normalized {
            let epsilon = Attribute::Float("epsilon", 1e-5); // as Burn and PyTorch have it
            let (tensors, shape) = (
                ["weight", "bias", "running_mean", "running_var"],
                [channels],
            );
            self.add(
                format!("nn.BatchNorm2d({channels})"),
                Some(("BatchNormalization", vec![epsilon])),
                &format!("{ours}.norm"),
                &tensors.map(|leaf| (leaf, &shape[..])),
            );
        }
        self.add_activation(Activation::Relu);
        if pool > 1 {
            let both = ["kernel_shape", "strides"];
            let operator = (
                "MaxPool",
                both.map(|key| Attribute::Ints(key, vec![pool; 2])).into(),
            );
            self.add(format!("nn.MaxPool2d({pool})"), Some(operator), ours, &[]);
        }
        self.add_dropout(block.dropout);
        // `parts` has checked that every window fits.
        let size = |edge: usize| block.convolved(edge).unwrap_or_default() / pool;
        [channels, size(height), size(width)]
    }

    fn add_linear(&mut self, inputs: usize, outputs: usize, ours: &str) {
        let transposed = Attribute::Int("transB", 1); // [outputs, inputs], as in PyTorch
        self.add(
            format!("nn.Linear({inputs}, {outputs})"),
            Some(("Gemm", vec![transposed])),
            ours,
            &[("weight", &[outputs, inputs]), ("bias", &[outputs])],
        );
    }

    fn add_activation(&mut self, activation: Activation) {
        let (python, operator) = match activation {
            Activation::Relu => ("nn.ReLU()", "Relu"),
            Activation::Sigmoid => ("nn.Sigmoid()", "Sigmoid"),
            Activation::Tanh => ("nn.Tanh()", "Tanh"),
        };
        self.add(python.to_owned(), Some((operator, Vec::new())), "", &[]);
    }

    fn add_dropout(&mut self, probability: f64) {
        if probability > 0.0 {
            self.add(format!("nn.Dropout({probability})"), None, "", &[]);
        }
    }
}

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
            let values = match tensor.shape[..] {
                [outputs, _] => transposed(&values, outputs),
                _ => values,
            };
            Ok((tensor, values))
        });
        found.collect::<Result<_, _>>().map(Self)
    }

    /// The network with these parameters.
    pub fn build(&self, config: &ModelConfig, device: &Device) -> Result<Model, InteropError> {
        let tensors = self.0.iter().zip(1..).map(|((tensor, values), id)| {
            let (shape, values) = match tensor.shape[..] {
                [outputs, inputs] => (vec![inputs, outputs], transposed(values, inputs)),
                _ => (tensor.shape.clone(), values.clone()),
            };
            let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
            let bytes = Bytes::from_bytes_vec(bytes);
            burn_pack::Tensor::new(tensor.ours.clone(), DType::F32, shape, Some(id), bytes)
        });
        let what = "building the network";
        let bytes = Writer::new(tensors.collect()).into_bytes();
        let bytes = bytes.map_err(|error| TrainError::backend(what, error))?;
        let model = weights::from_bytes(config, bytes.to_vec(), device);
        Ok(model.map_err(|error| TrainError::backend(what, error))?)
    }
}
