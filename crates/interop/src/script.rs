use digits_data::Normalization;
use digits_models::{Activation, ModelConfig, ModelError};

use crate::layout::{Layer, parts, variant};

/// A PyTorch module equal to the network of `model`, which loads the exported `file`, and the
/// function that normalizes pixels for it.
///
/// # Errors
/// A configuration that describes no network.
pub fn script(
    model: &ModelConfig,
    normalization: &Normalization,
    file: &str,
) -> Result<String, ModelError> {
    let class = variant(model);
    let input = model.input();
    let parts = parts(model)?;
    let mut init = String::new();
    for part in &parts {
        init += &format!("        self.{} = nn.Sequential(\n", part.name);
        for (layer, _) in &part.layers {
            init += &format!("            {},\n", expression(layer));
        }
        init += "        )\n";
    }
    let features = if parts.len() == 2 {
        "self.features(images)"
    } else {
        "images"
    };
    let Normalization { mean, std } = normalization;
    let file = serde_json::Value::from(file); // a JSON string is a Python string
    Ok(format!(
        r#""""A network exported by digits. Needs: torch, safetensors."""

import torch
from safetensors.torch import load_file
from torch import nn

MEAN, STD = {mean:?}, {std:?}  # of the training pixels, scaled to 0..1


class {class}(nn.Module):
    """images [batch, 1, {height}, {width}], normalized -> logits [batch, {classes}]"""

    def __init__(self):
        super().__init__()
{init}
    def forward(self, images):
        return self.classifier(torch.flatten({features}, 1))


def normalize(pixels):
    """Bytes, 0 = background, 255 = ink -> what the network was trained on."""
    return (pixels.to(torch.float32) / 255 - MEAN) / STD


def load(file={file}):
    model = {class}()
    model.load_state_dict(load_file(file), strict=True)
    return model.eval()


if __name__ == "__main__":
    print(load())
"#,
        height = input.height,
        width = input.width,
        classes = input.classes,
    ))
}

fn expression(layer: &Layer) -> String {
    match layer {
        Layer::ZeroPad([rows, columns]) => format!(
            "nn.ZeroPad2d(({}, {}, {}, {}))",
            columns.before, columns.after, rows.before, rows.after
        ),
        Layer::Conv {
            inputs,
            outputs,
            kernel,
            stride,
            padding,
            bias,
            ..
        } => {
            let stride = match stride {
                1 => String::new(),
                _ => format!(", stride={stride}"),
            };
            let bias = if *bias { "" } else { ", bias=False" };
            format!("nn.Conv2d({inputs}, {outputs}, {kernel}{stride}{padding}{bias})")
        }
        Layer::BatchNorm(channels) => format!("nn.BatchNorm2d({channels})"),
        Layer::Activation(Activation::Relu) => "nn.ReLU()".to_owned(),
        Layer::Activation(Activation::Sigmoid) => "nn.Sigmoid()".to_owned(),
        Layer::Activation(Activation::Tanh) => "nn.Tanh()".to_owned(),
        Layer::MaxPool(size) => format!("nn.MaxPool2d({size})"),
        Layer::Dropout(probability) => format!("nn.Dropout({probability})"),
        Layer::Linear { inputs, outputs } => format!("nn.Linear({inputs}, {outputs})"),
    }
}
