"""Training speed of digits against PyTorch on the CPU, as ratios.

Run by `just bench-pytorch`. Both train the same network on MNIST with batches of 128 and the same
number of threads, in turns: one epoch of digits as a user runs it (its own batches, loss,
autodiff, Adam), then the same number of steps of PyTorch on images that already lie in memory,
in the best of eager, channels_last and torch.compile, with fused Adam. The ratio of the medians
counts. Inference is compared with onnxruntime as well.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional

BATCH = 128


def network(name):
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)), 0.0
    if name == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1568, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 10),
        ), 0.05
    if name == "cnn-torch":
        return nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(128, 10),
        ), 0.0
    if name == "untuned":
        # A recipe that nobody tuned for: 24 and 48 channels, 3×3, same, pooled.
        return nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(2352, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 10),
        ), 0.05
    raise SystemExit(f"no network named {name}")


UNTUNED = [
    f"--set=model.blocks.{block}.{key}={value}"
    for block, channels in enumerate([24, 48])
    for key, value in [("channels", channels), ("kernel", 3)]
]


def mnist(folder):
    def read(name, offset):
        path = os.path.join(folder, name)
        opened = gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")
        with opened as file:
            return torch.frombuffer(bytearray(file.read()[offset:]), dtype=torch.uint8)

    images = read("train-images-idx3-ubyte", 16).view(-1, 1, 28, 28).float() / 255
    return (images - 0.1307) / 0.3081, read("train-labels-idx1-ubyte", 8).long()


class Torch:
    def __init__(self, name, variant, images, labels):
        torch.manual_seed(1)
        model, self.smoothing = network(name)
        self.layout = torch.channels_last if variant == "channels_last" else torch.contiguous_format
        self.model = model.to(memory_format=self.layout)
        if variant == "compile":
            self.model = torch.compile(self.model)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        self.images, self.labels = images, labels

    def images_per_second(self, steps):
        order = torch.randperm(len(self.labels))
        started = time.perf_counter()
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            x = self.images[chosen].contiguous(memory_format=self.layout)
            self.optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(
                self.model(x), self.labels[chosen], label_smoothing=self.smoothing
            )
            loss.backward()
            self.optimizer.step()
            loss.item()
        return steps * BATCH / (time.perf_counter() - started)


def digits(program, name, backend, threads, images, data, run):
    recipe, extra = ("cnn", UNTUNED) if name == "untuned" else (name, [])
    command = [
        program, "train", recipe, f"--backend={backend}", f"--threads={threads}", "--epochs=1",
        f"--set=training.validation={60000 - images}", f"--data={data}", "--quiet", "--json",
        f"--run={run}", *extra,
    ]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(result.stdout)["images_per_second"]


def inference(arguments, images):
    """Images/s without gradients: digits on its test split, onnxruntime and PyTorch on as many."""
    import onnxruntime

    count, batch = 10_000, 256
    x = images[:count]
    for name in arguments.networks.split(","):
        model = network(name)[0].eval()
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model.onnx"
            torch.onnx.export(model, (x[:batch],), path, input_names=["x"], dynamo=False,
                              dynamic_axes={"x": {0: "batch"}})
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = arguments.threads
            session = onnxruntime.InferenceSession(path, options)
            digits(arguments.program, name, "flex", arguments.threads, 1280, arguments.data,
                   f"{folder}/run")
            batches = [x[i : i + batch].numpy() for i in range(0, count, batch)]

            def onnx():
                started = time.perf_counter()
                for pixels in batches:
                    session.run(None, {"x": pixels})
                return count / (time.perf_counter() - started)

            def eager():
                started = time.perf_counter()
                with torch.inference_mode():
                    for i in range(0, count, batch):
                        model(x[i : i + batch])
                return count / (time.perf_counter() - started)

            def ours():
                command = [arguments.program, "evaluate", f"{folder}/run", "--json",
                           f"--threads={arguments.threads}", f"--data={arguments.data}"]
                result = subprocess.run(command, check=True, capture_output=True, text=True)
                return json.loads(result.stdout)["images_per_second"]

            rates = {"digits": [], "onnxruntime": [], "PyTorch": []}
            for _ in range(arguments.rounds):
                for who, measure in zip(rates, [ours, onnx, eager]):
                    rates[who].append(measure())
        medians = {who: statistics.median(each) for who, each in rates.items()}
        listed = ", ".join(f"{who} {rate:,.0f}" for who, rate in medians.items())
        ratio = medians["digits"] / max(medians["onnxruntime"], medians["PyTorch"])
        print(f"{name}, inference: {listed}; ratio to the best {ratio:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="target/release/digits")
    parser.add_argument("--data", default="../shared/mnist")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks", default="mlp,cnn,cnn-torch,untuned")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images, labels = mnist(arguments.data)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, batch {BATCH}, median of "
          f"{arguments.rounds} rounds, images/s")
    for name in arguments.networks.split(","):
        steps = {"mlp": 320, "cnn-torch": 40}.get(name, 160)
        variants = {}
        for variant in ["eager", "channels_last", "compile"]:
            trained = Torch(name, variant, images, labels)
            try:
                trained.images_per_second(8)
                variants[variant] = (trained, [])
            except Exception as error:  # torch.compile needs a C++ compiler
                print(f"{name}: {variant} does not run here: {str(error).splitlines()[0][:80]}")
        ours = {"flex": [], "ndarray": []}
        for _ in range(arguments.rounds):
            for backend, rates in ours.items():
                with tempfile.TemporaryDirectory() as folder:
                    rates.append(digits(arguments.program, name, backend, arguments.threads,
                                        steps * BATCH, arguments.data, f"{folder}/run"))
            for trained, rates in variants.values():
                rates.append(trained.images_per_second(steps))
        medians = {variant: statistics.median(rates) for variant, (_, rates) in variants.items()}
        best = max(medians, key=medians.get)
        listed = ", ".join(f"{variant} {rate:,.0f}" for variant, rate in medians.items())
        for backend, rates in ours.items():
            median = statistics.median(rates)
            print(f"{name}: digits on {backend} {median:,.0f}; PyTorch {listed}; "
                  f"ratio to its best ({best}) {median / medians[best]:.2f}", flush=True)
    inference(arguments, images)


if __name__ == "__main__":
    main()
