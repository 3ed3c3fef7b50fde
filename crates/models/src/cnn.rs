use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};
use burn_fused_cpu::{
    Epilogue, Implementation, conv_block, conv_block_implementation, convolution_size,
};
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::dense::{Dense, DenseConfig};
use crate::dropout::drop_out;
use crate::error::{ModelError, add_parameters, check_dropout};
use crate::input::InputConfig;
use crate::norm;

/// The convolutional network: blocks of convolution, ReLU and pooling, then dense layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnConfig {
    /// Image size and number of classes.
    pub input: InputConfig,
    /// Units of each hidden dense layer after the blocks.
    pub hidden: Vec<usize>,
    /// Dropout probability after each hidden dense layer, 0 ≤ p < 1.
    pub dropout: f64,
    /// The convolution blocks, in order.
    pub blocks: Vec<Block>,
}

/// One block: convolution → normalization → ReLU → max-pool → dropout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Output channels.
    pub channels: usize,
    /// Edge length of the square kernel in pixels.
    pub kernel: usize,
    /// Step of the kernel in pixels.
    #[serde(default = "one")]
    pub stride: usize,
    /// What happens at the edge of the image.
    #[serde(default)]
    pub padding: Padding,
    /// Edge length and step of the max-pool window in pixels; 1 for none.
    #[serde(default = "one")]
    pub pool: usize,
    /// Normalization between convolution and ReLU.
    #[serde(default)]
    pub norm: Norm,
    /// Dropout probability at the end of the block, 0 ≤ p < 1.
    #[serde(default)]
    pub dropout: f64,
}

fn one() -> usize {
    1
}

/// Padding of a convolution, in the sense of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Only windows that lie inside the image: it shrinks by kernel − 1 pixels.
    #[default]
    Valid,
    /// Zeros around the image so that at stride 1 its size stays.
    Same,
}

/// Normalization inside a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// None; the convolution has a bias.
    #[default]
    None,
    /// Batch normalization (Ioffe and Szegedy 2015); it brings the bias.
    Batch,
}

impl Default for CnnConfig {
    /// The network of `configs/cnn.toml`.
    fn default() -> Self {
        let block = |channels| Block {
            channels,
            kernel: 5,
            stride: 1,
            padding: Padding::Same,
            pool: 2,
            norm: Norm::None,
            dropout: 0.0,
        };
        Self {
            input: InputConfig::MNIST,
            hidden: vec![128],
            dropout: 0.0,
            blocks: vec![block(16), block(32)],
        }
    }
}

impl CnnConfig {
    /// Checks the configuration and builds the network on `device`, parameters drawn by Burn's
    /// initializers from the device's random state.
    ///
    /// # Errors
    /// A size of 0, a window larger than the image that reaches it, a dropout outside
    /// 0 ≤ p < 1, or a network too large to hold; each names the layer.
    pub fn init(&self, device: &Device) -> Result<Cnn, ModelError> {
        let features = self.sizes()?.features;
        let mut channels = 1;
        let blocks = self
            .blocks
            .iter()
            .map(|block| {
                let layer = block.init(channels, device);
                channels = block.channels;
                layer
            })
            .collect();
        Ok(Cnn {
            blocks,
            dense: self.dense(features).init(device),
        })
    }

    /// The exact number of trainable parameters.
    ///
    /// # Errors
    /// As [`CnnConfig::init`].
    pub fn parameters(&self) -> Result<usize, ModelError> {
        Ok(self.sizes()?.parameters)
    }

    /// Multiply-accumulates to classify one image; biases, normalization, activations and pooling
    /// are not counted.
    ///
    /// # Errors
    /// As [`CnnConfig::init`].
    pub fn macs(&self) -> Result<u64, ModelError> {
        Ok(self.sizes()?.macs)
    }

    /// Walks through the layers before anything is built.
    fn sizes(&self) -> Result<Sizes, ModelError> {
        self.input.check()?;
        let mut map = FeatureMap {
            channels: 1,
            height: self.input.height,
            width: self.input.width,
        };
        let (mut parameters, mut macs) = (0, 0_u64);
        for (index, block) in self.blocks.iter().enumerate() {
            let layer = format!("blocks[{index}]");
            check_dropout(&layer, block.dropout)?;
            let taps = [map.channels, block.kernel, block.kernel]
                .into_iter()
                .fold(1, usize::saturating_mul);
            let convolved = map.convolve(&layer, block)?;
            let per_channel = match block.norm {
                Norm::None => 1,  // bias
                Norm::Batch => 2, // scale and shift
            };
            parameters = add_parameters(parameters, &layer, taps, block.channels, per_channel)?;
            macs = macs.saturating_add(convolved.numbers().saturating_mul(taps) as u64);
            map = convolved.pool(&layer, block)?;
        }
        let dense = self.dense(map.numbers());
        Ok(Sizes {
            features: map.numbers(),
            parameters: dense.parameters(parameters)?,
            macs: macs.saturating_add(dense.macs()),
        })
    }

    /// The layers after the blocks, which get `inputs` numbers.
    fn dense(&self, inputs: usize) -> DenseConfig<'_> {
        DenseConfig {
            inputs,
            hidden: &self.hidden,
            activation: Activation::Relu,
            dropout: self.dropout,
            classes: self.input.classes,
        }
    }
}

/// What follows from a configuration.
struct Sizes {
    /// Numbers of one image after the last block.
    features: usize,
    parameters: usize,
    macs: u64,
}

/// Size of the tensor between two layers, for one image.
#[derive(Debug, Clone, Copy)]
struct FeatureMap {
    channels: usize,
    height: usize,
    width: usize,
}

impl FeatureMap {
    fn numbers(self) -> usize {
        self.channels
            .saturating_mul(self.height)
            .saturating_mul(self.width)
    }

    fn convolve(self, layer: &str, block: &Block) -> Result<Self, ModelError> {
        for (value, what) in [
            (block.channels, "number of channels"),
            (block.kernel, "kernel size"),
            (block.stride, "stride"),
            (block.pool, "pool size"),
        ] {
            if value == 0 {
                return Err(ModelError::zero(layer, what));
            }
        }
        let sizes = block
            .convolved(self.height)
            .zip(block.convolved(self.width));
        let (height, width) = sizes.ok_or_else(|| self.too_small(layer, "kernel", block.kernel))?;
        Ok(Self {
            channels: block.channels,
            height,
            width,
        })
    }

    fn pool(self, layer: &str, block: &Block) -> Result<Self, ModelError> {
        let (height, width) = (self.height / block.pool, self.width / block.pool);
        if height == 0 || width == 0 {
            return Err(self.too_small(layer, "pool", block.pool));
        }
        Ok(Self {
            height,
            width,
            ..self
        })
    }

    fn too_small(self, layer: &str, what: &'static str, window: usize) -> ModelError {
        ModelError::WindowTooLarge {
            layer: layer.to_owned(),
            what,
            window,
            height: self.height,
            width: self.width,
        }
    }
}

impl Block {
    /// Height or width after the convolution and before the pool, of an image with this `edge`;
    /// `None` where the kernel does not fit.
    pub fn convolved(&self, edge: usize) -> Option<usize> {
        match self.padding {
            Padding::Valid => convolution_size(edge, self.kernel, self.stride),
            // A kernel more than twice as large as the image would see zeros only on some sides.
            Padding::Same => {
                (self.kernel <= edge.saturating_mul(2)).then(|| edge.div_ceil(self.stride))
            }
        }
    }

    fn init(&self, channels_in: usize, device: &Device) -> ConvBlock {
        let conv = Conv2dConfig::new([channels_in, self.channels], [self.kernel; 2])
            .with_stride([self.stride; 2])
            .with_padding(match self.padding {
                Padding::Valid => PaddingConfig2d::Valid,
                Padding::Same => PaddingConfig2d::Same,
            })
            .with_bias(self.norm == Norm::None)
            .init(device);
        let norm = match self.norm {
            Norm::None => None,
            Norm::Batch => Some(BatchNormConfig::new(self.channels).init(device)),
        };
        ConvBlock {
            conv,
            norm,
            pool: self.pool,
            dropout: self.dropout,
        }
    }
}

/// Built by [`CnnConfig::init`].
#[derive(Module, Debug)]
pub struct Cnn {
    /// Convolution blocks.
    pub blocks: Vec<ConvBlock>,
    /// Hidden dense layers and output layer.
    pub dense: Dense,
}

/// Convolution → normalization → ReLU → max-pool → dropout.
#[derive(Module, Debug)]
pub struct ConvBlock {
    /// Convolution, weights `[channels out, channels in, kernel, kernel]`.
    pub conv: Conv2d,
    /// Batch normalization, where the recipe has it.
    pub norm: Option<BatchNorm>,
    #[module(skip)]
    pool: usize,
    #[module(skip)]
    dropout: f64,
}

impl Cnn {
    /// In training, `dropout_seed` alone decides the dropout masks, so any step can be repeated,
    /// and batch normalization takes the statistics of the batch, which move the running ones;
    /// `None` is inference, by the running ones.
    ///
    /// # Shapes
    /// images `[batch, 1, height, width]` → logits `[batch, classes]`
    pub fn forward(&self, images: Tensor<4>, dropout_seed: Option<u64>) -> Tensor<2> {
        let mut x = images;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, dropout_seed.is_some()); // [batch, channels, height', width']
            x = drop_out(x, block.dropout, dropout_seed, index as u64);
        }
        self.dense.forward(x.flatten(1, 3), dropout_seed) // [batch, classes]
    }

    /// The feature maps after each block, `[batch, channels, height, width]`, in inference.
    pub fn feature_maps(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = images;
        self.blocks
            .iter()
            .map(|block| {
                x = block.forward(x.clone(), false);
                x.clone()
            })
            .collect()
    }

    /// Which code each layer takes for images like these in inference, for tests and the curious.
    pub fn implementations(&self, images: Tensor<4>) -> Vec<Implementation> {
        let mut x = images;
        let mut found = Vec::new();
        for block in &self.blocks {
            found.push(block.implementation(&x));
            x = block.forward(x, false);
        }
        found.extend(self.dense.implementations(x.flatten(1, 3)));
        found
    }
}

impl ConvBlock {
    /// # Shapes
    /// `[batch, channels in, height, width]` → `[batch, channels out, height', width']`
    fn forward(&self, x: Tensor<4>, training: bool) -> Tensor<4> {
        let (x, done) = match &self.norm {
            Some(layer) if training && norm::is_training(layer) => {
                let x = convolve(&self.conv, x, Epilogue::Nothing);
                (norm::train(layer, x), Epilogue::Relu)
            }
            norm => {
                let folded = norm.as_ref().map(|layer| norm::folded(layer, &self.conv));
                let conv = folded.as_ref().unwrap_or(&self.conv);
                (convolve(conv, x, self.epilogue()), self.epilogue())
            }
        };
        if self.pool == 1 || done == Epilogue::ReluPool {
            x
        } else {
            max_pool2d(x, MaxPoolOptions::new([self.pool; 2]))
        }
    }

    /// What is one operation with the convolution.
    fn epilogue(&self) -> Epilogue {
        match self.pool {
            2 => Epilogue::ReluPool,
            _ => Epilogue::Relu,
        }
    }

    fn implementation(&self, x: &Tensor<4>) -> Implementation {
        if self.conv.stride == [1, 1] {
            let padding = zeros_around(&self.conv);
            conv_block_implementation(x, &self.conv.weight.val(), padding, self.epilogue())
        } else {
            Implementation::Fallback
        }
    }
}

/// The convolution and what is fused with it.
fn convolve(conv: &Conv2d, x: Tensor<4>, epilogue: Epilogue) -> Tensor<4> {
    if conv.stride != [1, 1] {
        return epilogue.apply(conv.forward(x));
    }
    let bias = conv.bias.as_ref().map(|bias| bias.val());
    conv_block(x, conv.weight.val(), bias, zeros_around(conv), epilogue)
}

/// Zeros at the top, left, bottom and right at stride 1; as Burn, an odd one goes to the end.
fn zeros_around(conv: &Conv2d) -> [usize; 4] {
    match conv.padding {
        PaddingConfig2d::Valid => [0; 4],
        PaddingConfig2d::Same => {
            let [height, width] = conv.kernel_size.map(|kernel| kernel - 1);
            [height / 2, width / 2, height.div_ceil(2), width.div_ceil(2)]
        }
        PaddingConfig2d::Explicit(top, left, bottom, right) => [top, left, bottom, right],
    }
}
