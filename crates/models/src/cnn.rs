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

use crate::config::{InputConfig, ModelError, Sizes, check_dropout, check_positive};
use crate::dense::{Activation, Dense, DenseConfig, drop_out};
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
            input: InputConfig::default(),
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
        let (_, dense) = self.walk()?;
        let mut channels = 1;
        let build = |block: &Block| {
            let conv = Conv2dConfig::new([channels, block.channels], [block.kernel; 2])
                .with_stride([block.stride; 2])
                .with_padding(match block.padding {
                    Padding::Valid => PaddingConfig2d::Valid,
                    Padding::Same => PaddingConfig2d::Same,
                })
                .with_bias(block.norm == Norm::None)
                .init(device);
            channels = block.channels;
            let norm = || BatchNormConfig::new(channels).init(device);
            ConvBlock {
                conv,
                norm: (block.norm == Norm::Batch).then(norm),
                pool: block.pool,
                dropout: block.dropout,
            }
        };
        Ok(Cnn {
            blocks: self.blocks.iter().map(build).collect(),
            dense: dense.init(device),
        })
    }

    pub(crate) fn sizes(&self) -> Result<Sizes, ModelError> {
        Ok(self.walk()?.0)
    }

    /// Walks through the layers before anything is built: what they need, and what the dense ones
    /// are built from.
    fn walk(&self) -> Result<(Sizes, DenseConfig<'_>), ModelError> {
        self.input.check()?;
        let mut sizes = Sizes::default();
        let (mut channels, mut height, mut width) = (1, self.input.height, self.input.width);
        for (index, block) in self.blocks.iter().enumerate() {
            let layer = format!("blocks[{index}]");
            check_dropout(&layer, block.dropout)?;
            check_positive(&layer, block.channels, "number of channels")?;
            check_positive(&layer, block.kernel, "kernel size")?;
            check_positive(&layer, block.stride, "stride")?;
            check_positive(&layer, block.pool, "pool size")?;
            let too_large = |what, window, (height, width)| {
                let reason = format!(
                    "a {window}×{window} {what} does not fit into the {height}×{width} image that reaches it; \
                     use a smaller one, padding \"same\", or fewer layers before it"
                );
                ModelError::Misfit(layer.clone(), reason)
            };
            let convolved = block.convolved(height).zip(block.convolved(width));
            let (rows, columns) =
                convolved.ok_or_else(|| too_large("kernel", block.kernel, (height, width)))?;
            let taps = block.kernel.saturating_mul(block.kernel);
            let per_channel = match block.norm {
                Norm::None => 1,  // bias
                Norm::Batch => 2, // scale and shift
            };
            let weights = [taps.saturating_mul(channels), block.channels, per_channel];
            sizes.add(&layer, weights, rows.saturating_mul(columns))?;
            (height, width) = (rows / block.pool, columns / block.pool);
            if height == 0 || width == 0 {
                return Err(too_large("pool", block.pool, (rows, columns)));
            }
            channels = block.channels;
        }
        let dense = DenseConfig {
            inputs: channels.saturating_mul(height).saturating_mul(width),
            hidden: &self.hidden,
            activation: Activation::Relu,
            dropout: self.dropout,
            classes: self.input.classes,
        };
        dense.add_to(&mut sizes)?;
        Ok((sizes, dense))
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

    pub(crate) fn implementations(&self, images: Tensor<4>) -> Vec<Implementation> {
        let mut x = images;
        let mut found = Vec::new();
        for block in &self.blocks {
            let (weights, padding) = (block.conv.weight.val(), zeros_around(&block.conv));
            found.push(match block.conv.stride {
                [1, 1] => conv_block_implementation(&x, &weights, padding, block.epilogue()),
                _ => Implementation::Fallback,
            });
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
            // A frozen one normalizes as in inference.
            Some(layer) if training && layer.training.is_enabled() => {
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
