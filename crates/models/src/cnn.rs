use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, activation, module::max_pool2d, ops::MaxPoolOptions};
use burn_fused_cpu::{Epilogue, Implementation, conv_block, conv_block_implementation};
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::dense::{Dense, DenseConfig, dense};
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
        self.parameters()?;
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
            dense: self.dense(self.features()?.pixels()).init(device),
        })
    }

    /// The exact number of trainable parameters.
    ///
    /// # Errors
    /// As [`CnnConfig::init`].
    pub fn parameters(&self) -> Result<usize, ModelError> {
        let features = self.features()?;
        let (mut total, mut channels) = (0, 1_usize);
        for (index, block) in self.blocks.iter().enumerate() {
            let layer = format!("blocks[{index}]");
            let inputs = channels
                .saturating_mul(block.kernel)
                .saturating_mul(block.kernel);
            let per_output = match block.norm {
                Norm::None => 1,  // bias
                Norm::Batch => 2, // scale and shift
            };
            total = add_parameters(total, &layer, inputs, block.channels, per_output)?;
            channels = block.channels;
        }
        self.dense(features.pixels()).parameters(total)
    }

    /// Multiply-adds to classify one image; biases, normalization, activations and pooling are
    /// not counted.
    ///
    /// # Errors
    /// As [`CnnConfig::init`].
    pub fn macs(&self) -> Result<u64, ModelError> {
        self.parameters()?;
        let mut map = FeatureMap::of(self.input);
        let mut total = 0;
        for (index, block) in self.blocks.iter().enumerate() {
            let conv = map.convolve(index, block)?;
            total += (conv.pixels() * map.channels * block.kernel * block.kernel) as u64;
            map = conv.pool(index, block)?;
        }
        Ok(total + self.dense(map.pixels()).macs())
    }

    /// The feature map after the last block.
    fn features(&self) -> Result<FeatureMap, ModelError> {
        self.input.check()?;
        let mut map = FeatureMap::of(self.input);
        for (index, block) in self.blocks.iter().enumerate() {
            check_dropout(&format!("blocks[{index}]"), block.dropout)?;
            map = map.convolve(index, block)?.pool(index, block)?;
        }
        Ok(map)
    }

    fn dense(&self, inputs: usize) -> DenseConfig<'_> {
        dense(
            inputs,
            &self.hidden,
            Activation::Relu,
            self.dropout,
            self.input,
        )
    }
}

/// Size of the tensor between two layers, for checks before anything is built.
#[derive(Debug, Clone, Copy)]
struct FeatureMap {
    channels: usize,
    height: usize,
    width: usize,
}

impl FeatureMap {
    fn of(input: InputConfig) -> Self {
        Self {
            channels: 1,
            height: input.height,
            width: input.width,
        }
    }

    fn pixels(&self) -> usize {
        self.channels
            .saturating_mul(self.height)
            .saturating_mul(self.width)
    }

    fn convolve(self, index: usize, block: &Block) -> Result<Self, ModelError> {
        let layer = format!("blocks[{index}]");
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
        let size = |edge: usize| match block.padding {
            Padding::Valid => edge
                .checked_sub(block.kernel)
                .map(|room| room / block.stride + 1),
            // A kernel more than twice as large as the image would see zeros only on some sides.
            Padding::Same => (block.kernel <= 2 * edge).then(|| edge.div_ceil(block.stride)),
        };
        match (size(self.height), size(self.width)) {
            (Some(height), Some(width)) => Ok(Self {
                channels: block.channels,
                height,
                width,
            }),
            _ => Err(self.too_small(layer, "kernel", block.kernel)),
        }
    }

    fn pool(self, index: usize, block: &Block) -> Result<Self, ModelError> {
        let (height, width) = (self.height / block.pool, self.width / block.pool);
        if height == 0 || width == 0 {
            return Err(self.too_small(format!("blocks[{index}]"), "pool", block.pool));
        }
        Ok(Self {
            height,
            width,
            ..self
        })
    }

    fn too_small(self, layer: String, what: &'static str, window: usize) -> ModelError {
        ModelError::WindowTooLarge {
            layer,
            what,
            window,
            height: self.height,
            width: self.width,
        }
    }
}

impl Block {
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
    /// Inference: no dropout, batch normalization by the running statistics.
    ///
    /// # Shapes
    /// images `[batch, 1, height, width]` → logits `[batch, classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.apply(images, None)
    }

    /// Training: dropout masks are a function of `seed` alone, so any step can be repeated; batch
    /// normalization by the statistics of the batch, which move the running ones.
    ///
    /// # Shapes
    /// As [`Cnn::forward`].
    pub fn forward_train(&self, images: Tensor<4>, seed: u64) -> Tensor<2> {
        self.apply(images, Some(seed))
    }

    /// The feature maps after each block, `[batch, channels, height, width]`, in inference.
    pub fn feature_maps(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = images;
        self.blocks
            .iter()
            .map(|block| {
                x = block.forward(x.clone(), Mode::Inference);
                x.clone()
            })
            .collect()
    }

    /// Which code each layer takes for images like these in inference, for tests and the curious.
    pub fn implementations(&self, images: Tensor<4>) -> Vec<Implementation> {
        let mut x = images;
        let mut paths = Vec::new();
        for block in &self.blocks {
            paths.push(block.path(&x));
            x = block.forward(x, Mode::Inference);
        }
        paths.extend(self.dense.implementations(x.flatten(1, 3)));
        paths
    }

    fn apply(&self, images: Tensor<4>, dropout_seed: Option<u64>) -> Tensor<2> {
        let mode = match dropout_seed {
            Some(_) => Mode::Training,
            None => Mode::Inference,
        };
        let mut x = images;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, mode); // [batch, channels, height', width']
            x = drop_out(x, block.dropout, dropout_seed, index as u64);
        }
        self.dense.forward(x.flatten(1, 3), dropout_seed) // [batch, classes]
    }
}

/// What a layer does that is not the same in training and inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Training,
    Inference,
}

impl ConvBlock {
    /// # Shapes
    /// `[batch, channels in, height, width]` → `[batch, channels out, height', width']`
    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let (x, pooled) = match &self.norm {
            Some(layer) if mode == Mode::Training && norm::is_training(layer) => {
                let x = convolve(&self.conv, x, Epilogue::Nothing);
                (norm::train(layer, x), false)
            }
            Some(layer) => self.rectified(&norm::folded(layer, &self.conv), x),
            None => self.rectified(&self.conv, x),
        };
        if self.pool == 1 || pooled {
            x
        } else {
            max_pool2d(x, MaxPoolOptions::new([self.pool; 2]))
        }
    }

    /// Convolution and ReLU, and the pool if it can be one operation with them; whether it was.
    fn rectified(&self, conv: &Conv2d, x: Tensor<4>) -> (Tensor<4>, bool) {
        let epilogue = self.fused();
        (convolve(conv, x, epilogue), epilogue == Epilogue::ReluPool)
    }

    /// What is one operation with the convolution.
    fn fused(&self) -> Epilogue {
        match self.pool {
            2 => Epilogue::ReluPool,
            _ => Epilogue::Relu,
        }
    }

    fn path(&self, x: &Tensor<4>) -> Implementation {
        if self.conv.stride == [1, 1] {
            let padding = zeros_around(&self.conv);
            conv_block_implementation(x, &self.conv.weight.val(), padding, self.fused())
        } else {
            Implementation::Fallback
        }
    }
}

/// The convolution and what is fused with it.
fn convolve(conv: &Conv2d, x: Tensor<4>, epilogue: Epilogue) -> Tensor<4> {
    if conv.stride == [1, 1] {
        let bias = conv.bias.as_ref().map(|bias| bias.val());
        return conv_block(x, conv.weight.val(), bias, zeros_around(conv), epilogue);
    }
    let x = conv.forward(x);
    match epilogue {
        Epilogue::Nothing => x,
        Epilogue::Relu => activation::relu(x),
        Epilogue::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2; 2])),
    }
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
