"""A network exported by digits. Needs: torch, safetensors."""

import torch
from safetensors.torch import load_file
from torch import nn

MEAN, STD = 0.0, 1.0  # of the training pixels, scaled to 0..1


class Cnn(nn.Module):
    """images [batch, 1, 9, 10], normalized -> logits [batch, 3]"""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 3, 5, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 4, 2, padding="same"),
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(80, 6),
            nn.ReLU(),
            nn.Linear(6, 5),
            nn.ReLU(),
            nn.Linear(5, 3),
        )

    def forward(self, images):
        return self.classifier(torch.flatten(self.features(images), 1))


def normalize(pixels):
    """Bytes, 0 = background, 255 = ink -> what the network was trained on."""
    return (pixels.to(torch.float32) / 255 - MEAN) / STD


def load(file="network.safetensors"):
    model = Cnn()
    model.load_state_dict(load_file(file), strict=True)
    return model.eval()


if __name__ == "__main__":
    print(load())
