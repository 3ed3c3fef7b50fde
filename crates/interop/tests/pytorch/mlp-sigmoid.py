"""A network exported by digits. Needs: torch, safetensors."""

import torch
from safetensors.torch import load_file
from torch import nn

MEAN, STD = 0.0, 1.0  # of the training pixels, scaled to 0..1


class Mlp(nn.Module):
    """images [batch, 1, 6, 5], normalized -> logits [batch, 4]"""

    def __init__(self):
        super().__init__()
        self.classifier = nn.Sequential(
            nn.Linear(30, 7),
            nn.Sigmoid(),
            nn.Linear(7, 5),
            nn.Sigmoid(),
            nn.Linear(5, 4),
        )

    def forward(self, images):
        return self.classifier(torch.flatten(images, 1))


def normalize(pixels):
    """Bytes, 0 = background, 255 = ink -> what the network was trained on."""
    return (pixels.to(torch.float32) / 255 - MEAN) / STD


def load(file="network.safetensors"):
    model = Mlp()
    model.load_state_dict(load_file(file), strict=True)
    return model.eval()


if __name__ == "__main__":
    print(load())
