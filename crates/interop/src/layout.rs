use digits_models::{Activation, Block, ModelConfig, ModelError, Norm, Padding};

/// One tensor of the equivalent `torch.nn` module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorchTensor {
    /// Its name in the module's state dict, for example `features.0.weight`.
    pub name: String,
    /// Its shape there; `torch.nn.Linear` keeps `[outputs, inputs]`.
    pub shape: Vec<usize>,
    /// Its name in `model.bpk`, for example `Cnn.blocks.0.conv.weight`.
    pub(crate) ours: String,
    /// Whether Burn keeps the transpose.
    pub(crate) transposed: bool,
}

impl TorchTensor {
    /// Its shape in `model.bpk`.
    pub(crate) fn our_shape(&self) -> Vec<usize> {
        let mut shape = self.shape.clone();
        if self.transposed {
            shape.reverse();
        }
        shape
    }

    /// Its values in the layout of PyTorch, from those of Burn.
    pub(crate) fn to_torch(&self, values: Vec<f32>) -> Vec<f32> {
        self.with_rows(values, self.shape[0])
    }

    /// Its values in the layout of Burn, from those of PyTorch.
    pub(crate) fn to_burn(&self, values: Vec<f32>) -> Vec<f32> {
        self.with_rows(values, self.elements() / self.shape[0])
    }

    /// The transpose with that many rows, if Burn keeps the transpose.
    fn with_rows(&self, values: Vec<f32>, rows: usize) -> Vec<f32> {
        if !self.transposed {
            return values;
        }
        let columns = values.len() / rows;
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| values[column * rows + row])
            .collect()
    }

    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The name of the network's variant in [`ModelConfig`], and of its class in PyTorch.
pub(crate) fn variant(model: &ModelConfig) -> &'static str {
    match model {
        ModelConfig::Mlp(_) => "Mlp",
        ModelConfig::Cnn(_) => "Cnn",
    }
}

/// Every tensor with values of the module that `digits export --script` prints, in its order.
/// (`num_batches_tracked` of batch normalization is a counter and not among them.)
///
/// # Errors
/// A configuration that describes no network.
pub fn torch_tensors(model: &ModelConfig) -> Result<Vec<TorchTensor>, ModelError> {
    let variant = variant(model);
    let mut tensors = Vec::new();
    for part in parts(model)? {
        for (index, (layer, ours)) in part.layers.iter().enumerate() {
            for (leaf, our_leaf, shape) in layer.tensors() {
                tensors.push(TorchTensor {
                    name: format!("{}.{index}.{leaf}", part.name),
                    shape,
                    ours: format!("{variant}.{ours}.{our_leaf}"),
                    transposed: matches!(layer, Layer::Linear { .. }) && leaf == "weight",
                });
            }
        }
    }
    Ok(tensors)
}

/// Names of the counters `num_batches_tracked` that PyTorch's batch normalization keeps.
pub(crate) fn counters(model: &ModelConfig) -> Result<Vec<String>, ModelError> {
    Ok(torch_tensors(model)?
        .iter()
        .filter_map(|tensor| tensor.name.strip_suffix("running_mean"))
        .map(|layer| format!("{layer}num_batches_tracked"))
        .collect())
}

/// One `nn.Sequential` of the module: its name, and its layers with their path in the network.
#[derive(Debug)]
pub(crate) struct Part {
    pub name: &'static str,
    pub layers: Vec<(Layer, String)>,
}

/// A layer of `torch.nn`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Layer {
    /// Zeros above and below, left and right of the image where the two differ, which `Conv2d`
    /// cannot express.
    ZeroPad([Sides; 2]),
    Conv {
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        /// All zeros around the image, those of a [`Layer::ZeroPad`] before it included.
        zeros: [Sides; 2],
        /// The argument of `Conv2d` for them, with a comma before it.
        padding: String,
        bias: bool,
    },
    BatchNorm(usize),
    Activation(Activation),
    MaxPool(usize),
    Dropout(f64),
    Linear {
        inputs: usize,
        outputs: usize,
    },
}

/// Zeros before and after, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sides {
    pub before: usize,
    pub after: usize,
}

impl Layer {
    /// Name in PyTorch, name in Burn, shape in PyTorch.
    fn tensors(&self) -> Vec<(&'static str, &'static str, Vec<usize>)> {
        match *self {
            Self::Conv {
                inputs,
                outputs,
                kernel,
                bias,
                ..
            } => {
                let mut tensors = vec![("weight", "weight", vec![outputs, inputs, kernel, kernel])];
                if bias {
                    tensors.push(("bias", "bias", vec![outputs]));
                }
                tensors
            }
            Self::BatchNorm(channels) => vec![
                ("weight", "gamma", vec![channels]),
                ("bias", "beta", vec![channels]),
                ("running_mean", "running_mean", vec![channels]),
                ("running_var", "running_var", vec![channels]),
            ],
            Self::Linear { inputs, outputs } => vec![
                ("weight", "weight", vec![outputs, inputs]),
                ("bias", "bias", vec![outputs]),
            ],
            Self::ZeroPad(_) | Self::Activation(_) | Self::MaxPool(_) | Self::Dropout(_) => {
                Vec::new()
            }
        }
    }
}

/// The module as one or two `nn.Sequential`: `features` (a CNN's blocks) and `classifier`.
pub(crate) fn parts(model: &ModelConfig) -> Result<Vec<Part>, ModelError> {
    model.parameters()?; // checks every size
    let input = model.input();
    Ok(match model {
        ModelConfig::Mlp(mlp) => vec![classifier(
            input.pixels(),
            &mlp.hidden,
            mlp.activation,
            mlp.dropout,
            input.classes,
        )],
        ModelConfig::Cnn(cnn) => {
            let mut map = [1, input.height, input.width];
            let mut layers = Vec::new();
            for (index, block) in cnn.blocks.iter().enumerate() {
                add_block(&mut layers, &mut map, block, &format!("blocks.{index}"));
            }
            let inputs = map.iter().product();
            let (activation, dropout) = (Activation::Relu, cnn.dropout);
            let classifier = classifier(inputs, &cnn.hidden, activation, dropout, input.classes);
            let name = "features";
            if cnn.blocks.is_empty() {
                vec![classifier]
            } else {
                vec![Part { name, layers }, classifier]
            }
        }
    })
}

/// Appends one block; `map` is `[channels, height, width]` before and after it.
fn add_block(layers: &mut Vec<(Layer, String)>, map: &mut [usize; 3], block: &Block, ours: &str) {
    let [inputs, height, width] = *map;
    let conv = format!("{ours}.conv");
    // `parts` has checked that every window fits.
    let size = |edge: usize| block.convolved(edge).unwrap_or_default() / block.pool;
    let zeros = [height, width].map(|edge| match block.padding {
        Padding::Valid => Sides::default(),
        Padding::Same => same_padding(edge, block.kernel, block.stride),
    });
    let [rows, columns] = zeros;
    let even = zeros.iter().all(|sides| sides.before == sides.after);
    let padding = match (block.padding, block.stride) {
        (Padding::Valid, _) => String::new(),
        (Padding::Same, 1) => ", padding=\"same\"".to_owned(), // PyTorch has it for stride 1 only
        (Padding::Same, _) if even && rows == columns => format!(", padding={}", rows.before),
        (Padding::Same, _) if even => format!(", padding=({}, {})", rows.before, columns.before),
        (Padding::Same, _) => {
            layers.push((Layer::ZeroPad(zeros), conv.clone()));
            String::new()
        }
    };
    let layer = Layer::Conv {
        inputs,
        outputs: block.channels,
        kernel: block.kernel,
        stride: block.stride,
        zeros,
        padding,
        bias: block.norm == Norm::None,
    };
    layers.push((layer, conv));
    if block.norm == Norm::Batch {
        layers.push((Layer::BatchNorm(block.channels), format!("{ours}.norm")));
    }
    layers.push((Layer::Activation(Activation::Relu), ours.to_owned()));
    if block.pool > 1 {
        layers.push((Layer::MaxPool(block.pool), ours.to_owned()));
    }
    if block.dropout > 0.0 {
        layers.push((Layer::Dropout(block.dropout), ours.to_owned()));
    }
    *map = [block.channels, size(height), size(width)];
}

/// Zeros so that ⌈edge / stride⌉ windows fit; the odd one goes after.
fn same_padding(edge: usize, kernel: usize, stride: usize) -> Sides {
    let total = ((edge.div_ceil(stride) - 1) * stride + kernel).saturating_sub(edge);
    Sides {
        before: total / 2,
        after: total - total / 2,
    }
}

fn classifier(
    mut inputs: usize,
    hidden: &[usize],
    activation: Activation,
    dropout: f64,
    classes: usize,
) -> Part {
    let mut layers = Vec::new();
    for (index, &outputs) in hidden.iter().enumerate() {
        let ours = format!("dense.hidden.{index}");
        layers.push((Layer::Linear { inputs, outputs }, ours.clone()));
        layers.push((Layer::Activation(activation), ours.clone()));
        if dropout > 0.0 {
            layers.push((Layer::Dropout(dropout), ours));
        }
        inputs = outputs;
    }
    let output = Layer::Linear {
        inputs,
        outputs: classes,
    };
    layers.push((output, "dense.output".to_owned()));
    Part {
        name: "classifier",
        layers,
    }
}
