use digits_data::Normalization;
use digits_models::{ModelConfig, ModelError};

use crate::layout::parts;

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
    let mut class = model.kind().to_owned();
    class[..1].make_ascii_uppercase(); // as Python names classes
    let input = model.input();
    let parts = parts(model)?;
    let mut init = String::new();
    for part in &parts {
        init += &format!("        self.{} = nn.Sequential(\n", part.name);
        for layer in &part.layers {
            init += &format!("            {},\n", layer.python);
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
