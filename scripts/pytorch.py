"""Holds digits against PyTorch and ONNX Runtime. Needs torch, numpy, safetensors, onnx and onnxruntime.

fixture  writes the references in crates/interop/tests/pytorch, which the tests use.
live     takes real networks and MNIST through `digits import`, `evaluate` and `export`, in both
         directions, and writes references for them; then the same test is run on these.
"""

import argparse
import gzip
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import numpy
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "crates/interop/tests/pytorch"
STEPS = 10
DRAWS = 3
LOGITS = 1e-5  # as in reference.rs

# The same constants stand in crates/interop/src/tests/reference.rs.
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.001, betas=(0.9, 0.999), eps=1e-8),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.001, betas=(0.8, 0.99), eps=1e-8, weight_decay=0.1),
}


def module(path):
    """The class of a module that `digits export --script` printed, and its functions."""
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return getattr(loaded, "Cnn", None) or loaded.Mlp, loaded


def floats(prefix, state):
    return {
        f"{prefix}.{name}": value.detach().clone().contiguous()
        for name, value in state.items()
        if value.is_floating_point()
    }


def reference(build, state, images, labels, batch, smoothing):
    """What PyTorch makes of a network: see the README of the references."""
    criterion = nn.CrossEntropyLoss(label_smoothing=smoothing)

    # In f64: in f32 PyTorch's own gradient of cnn-best is 1.5e-4 from it, as rounding puts some
    # number on the other side of a kink of ReLU or max-pooling.
    def network():
        net = build()
        net.load_state_dict(state, strict=True)
        return net.train().double()

    out = floats("weights", state)
    out["images"], out["labels"] = images, labels.to(torch.float32)
    with torch.no_grad():
        out["logits"] = network().eval()(images.double()).float()

    def trained(images):
        images = images.double()

        def batch_of(step):
            index = torch.arange(step * batch, (step + 1) * batch) % len(images)
            return images[index], labels[index]

        made = {}
        net = network()
        x, y = batch_of(0)
        loss = criterion(net(x), y)
        loss.backward()
        made["loss"] = loss.detach().reshape(1)
        made |= {f"gradient.{name}": p.grad.clone() for name, p in net.named_parameters()}
        for name, make in OPTIMIZERS.items():
            net = network()
            optimizer = make(net.parameters())
            for step in range(STEPS):
                x, y = batch_of(step)
                optimizer.zero_grad()
                criterion(net(x), y).backward()
                optimizer.step()
            made |= floats(name, net.state_dict())
        return made

    made = trained(images)
    # How far the results move when rounding falls otherwise: ReLU and max-pooling have kinks,
    # and Adam makes whole steps of gradients that are nothing but rounding.
    others = [trained(images + 1e-6 * torch.randn_like(images)) for _ in range(DRAWS)]
    for what in ["gradient", *OPTIMIZERS]:
        moved = [
            (other[name] - value).abs().max() / (value.abs().max().clamp(min=1e-12) if what == "gradient" else 1)
            for other in others
            for name, value in made.items()
            if name.startswith(f"{what}.")
        ]
        out[f"sensitivity.{what}"] = torch.stack(moved).max().reshape(1).float()
    return out | {name: value.float() for name, value in made.items()}


def fixture(args):
    for number, description in enumerate(sorted(CASES.glob("*.toml"))):
        if args.names and description.stem not in args.names:
            continue
        torch.manual_seed(number + 1)
        case = tomllib.loads(description.read_text())
        shape = case["model"]["input"]
        build, _ = module(description.with_suffix(".py"))
        net = build()
        for name, value in net.state_dict().items():
            # Statistics as after some training: their initial 0 and 1 would hide mistakes.
            if name.endswith("running_mean"):
                value.normal_(0, 0.3)
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
        images = torch.randn(20, 1, shape["height"], shape["width"])
        labels = torch.randint(shape["classes"], (20,))
        made = reference(build, net.state_dict(), images, labels, case["batch"], case["label_smoothing"])
        file = description.with_suffix(".safetensors")
        save_file(made, file)
        file.chmod(0o644)
        if description.stem == "cnn-batchnorm":
            saved_by_pytorch(net)
        print(description.stem, sum(p.numel() for p in net.parameters()), "parameters")


def saved_by_pytorch(net):
    """The network of cnn-batchnorm as notebooks save it, well and less well."""

    def save(name, thing, **options):
        torch.save(thing, CASES / f"{name}.pt", **options)

    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(2, 1, 8, 8)).sum().backward()
    optimizer.step()  # so that a checkpoint has a state of the optimizer
    save("state-dict", net.state_dict())
    names = {"features.0": "conv1", "features.1": "bn1", "features.4": "conv2", "features.5": "bn2"}
    names |= {"classifier.0": "fc1", "classifier.2": "out"}
    renamed = {}
    for name, value in net.state_dict().items():
        layer, _, leaf = name.rpartition(".")
        renamed[f"module.{names[layer]}.{leaf}"] = value
    save("checkpoint", {"epoch": 3, "state_dict": renamed, "optimizer": optimizer.state_dict()})
    save("whole-module", nn.Sequential(nn.Linear(2, 2)))
    save("before-1.6", {"weight": torch.zeros(2)}, _use_new_zipfile_serialization=False)
    # Views: a transposed matrix, and one row of a larger one that is saved whole.
    large = torch.arange(12.0).reshape(3, 4)
    save("views", {"transposed": large.T, "row": large[1], "expanded": torch.ones(1).expand(5), "double": large.double()})


def mnist(folder, split):
    def read(name, skip):
        path = folder / name
        data = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
        return torch.from_numpy(numpy.frombuffer(data, numpy.uint8, offset=skip).copy())

    return read(f"{split}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28), read(f"{split}-labels-idx1-ubyte", 8).long()


def write_idx(folder, split, images, labels):
    for kind, magic, array in [("images-idx3", 0x803, images[:, 0]), ("labels-idx1", 0x801, labels)]:
        header = numpy.array([magic, *array.shape], ">i4").tobytes()
        (folder / f"{split}-{kind}-ubyte").write_bytes(header + array.to(torch.uint8).numpy().tobytes())


def without_dropout(recipe):
    """The --set options that switch dropout off: PyTorch's masks are not ours."""
    model = tomllib.loads((ROOT / f"configs/{recipe}.toml").read_text())["model"]
    keys = ["model.dropout"] if model.get("dropout") else []
    keys += [f"model.blocks.{i}.dropout" for i, block in enumerate(model.get("blocks", [])) if block.get("dropout")]
    return [part for key in keys for part in ("--set", f"{key}=0.0")]


def train_a_little(net, images, labels, normalize):
    optimizer = torch.optim.Adam(net.train().parameters(), lr=0.001)
    for step in range(30):
        index = torch.randint(len(images), (64,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(normalize(images[index])), labels[index]).backward()
        optimizer.step()
    return net.eval()


def live(args):
    torch.manual_seed(1)
    test, test_labels = mnist(args.mnist, "t10k")
    train, train_labels = (part[:3000] for part in mnist(args.mnist, "train"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        data = folder / "data"  # a part of the training images: this is no benchmark
        data.mkdir(parents=True, exist_ok=True)
        write_idx(data, "train", train, train_labels)
        write_idx(data, "t10k", test, test_labels)
        cases = folder / "cases"
        cases.mkdir(exist_ok=True)
        with torch.random.fork_rng():  # what is checked besides changes nothing of what follows
            for description in sorted(CASES.glob("*.toml")):
                as_onnx(args, description, folder)
        for recipe in args.recipes:
            both_ways(args, recipe, folder, data, (train, train_labels), (test, test_labels), cases)
        print(f"\nlogits of 1,000 images, gradients of a batch of 64, {STEPS} steps of each optimizer:", flush=True)
        command = ["cargo", "test", "--release", "--workspace", "--lib", "reference::logits", "--", "--nocapture"]
        tested = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"DIGITS_PYTORCH_CASES": str(cases.resolve())}, capture_output=True, text=True
        )
        lines = [line for line in tested.stdout.splitlines() if "  logits " in line]
        print(*lines, sep="\n")
        if tested.returncode != 0 or len(lines) != len(args.recipes):
            sys.exit(tested.stdout + tested.stderr)


def digits_of(args):
    def digits(*arguments):
        done = subprocess.run([args.digits, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"digits {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    return digits


def onnx_error(file, images, expected):
    """The largest difference of a logit from PyTorch's, relative to the largest logit or to 1."""
    onnx.checker.check_model(str(file), full_check=True)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": images.to(torch.uint8).numpy()})
    error = (torch.from_numpy(logits) - expected).abs().max() / expected.abs().max().clamp(min=1)
    if not error <= LOGITS:
        sys.exit(f"{file}: ONNX Runtime's logits differ by {error:.1e}")
    return float(error)


def as_onnx(args, description, folder):
    """One of the small networks, with every kind of layer, through ONNX Runtime."""
    digits, name = digits_of(args), description.stem
    case, saved = tomllib.loads(description.read_text()), load_file(description.with_suffix(".safetensors"))
    build, _ = module(description.with_suffix(".py"))
    net = build()
    state = {key.removeprefix("weights."): value for key, value in saved.items() if key.startswith("weights.")}
    net.load_state_dict(state, strict=False)  # without the counters of batch normalization
    pickled, config, run = folder / f"{name}.pt", folder / f"{name}.toml", folder / f"{name}-run"
    torch.save(net.state_dict(), pickled)
    config.write_text(as_toml(case["model"]))
    digits("import", pickled, "--config", config, "--normalize", "0.2,0.4", "--run", run)
    file = folder / f"{name}.onnx"
    digits("export", run, "--to", file)
    shape = case["model"]["input"]
    images = torch.randint(256, (50, 1, shape["height"], shape["width"]))
    with torch.no_grad():
        expected = net.eval()((images.to(torch.float32) / 255 - 0.2) / 0.4)
    print(f"{name:<16} ONNX Runtime's logits differ from PyTorch's by {onnx_error(file, images, expected):.1e}", flush=True)


def both_ways(args, recipe, folder, data, train, test, cases):
    digits = digits_of(args)

    def right(net):
        with torch.no_grad():
            answers = [net(normalize(part)).argmax(1) for part in test[0].split(500)]
        return int((torch.cat(answers) == test[1]).sum())

    def compare(what, run, net):
        ours = json.loads(digits("evaluate", run, "--data", data, "--json"))
        ours, theirs = round(ours["accuracy"] * len(test[0])), right(net)
        print(f"{recipe:<10} {what:<28} digits {ours}, PyTorch {theirs} of {len(test[0]):,} test images right", flush=True)
        if abs(ours - theirs) > 1:  # one image may lie on the border
            sys.exit("they differ")

    run, file, script = (folder / f"{recipe}{end}" for end in ("", ".safetensors", "_net.py"))
    digits("train", recipe, "--data", data, "--run", run, "--epochs", 1, "--batch-size", 32, "--threads", 2,
           "--set", "training.validation=500", *without_dropout(recipe))
    script.write_text(digits("export", run, "--to", file, "--script"))
    build, functions = module(script)
    normalize = functions.normalize
    net = functions.load(file)
    compare("trained here, exported:", run, net)

    # As the recipe is, dropout layers and all: they count in the names of the others.
    if without_dropout(recipe):
        whole = folder / f"{recipe}-dropout"
        digits("train", recipe, "--data", data, "--run", whole, "--epochs", 1, "--batch-size", 32, "--threads", 2,
               "--set", "training.validation=500")
        at = folder / f"{recipe}_dropout_net.py"
        at.write_text(digits("export", whole, "--to", folder / f"{recipe}-dropout.safetensors", "--script"))
        with torch.random.fork_rng():
            compare("with dropout, exported:", whole, module(at)[1].load(folder / f"{recipe}-dropout.safetensors"))

    # Under the names and in the layout of the exported file, but further trained by PyTorch.
    net = train_a_little(net, *train, normalize)
    pickled, imported = folder / f"{recipe}.pt", folder / f"{recipe}-imported"
    torch.save(net.state_dict(), pickled)
    how = ["--config", run / "config.toml", "--normalize", f"{functions.MEAN},{functions.STD}"]
    digits("import", pickled, *how, "--run", imported)
    compare("trained there, imported:", imported, net)
    again = folder / f"{recipe}-again.safetensors"
    digits("export", imported, "--to", again)
    returned = load_file(again)
    for name, value in net.state_dict().items():
        if value.is_floating_point() and not torch.equal(returned[name], value):
            sys.exit(f"{name} came back with other bits")

    # Under names of the notebook's own, in a checkpoint with other things around.
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in net.state_dict()))
    renamed = {
        f"layer{layers.index(name.rpartition('.')[0])}.{name.rpartition('.')[2]}": value
        for name, value in net.state_dict().items()
    }
    torch.save({"epoch": 3, "state_dict": renamed}, pickled)
    guessed = folder / f"{recipe}-guessed"
    answer = json.loads(digits("import", pickled, *how, "--run", guessed, "--json"))
    if answer["assigned_by"] != "shape-and-order":
        sys.exit(f"assigned by {answer['assigned_by']}")
    if (guessed / "model.bpk").read_bytes() != (imported / "model.bpk").read_bytes():
        sys.exit("the names made a difference")

    images, labels = test[0][:1000], test[1][:1000]
    file = folder / f"{recipe}.onnx"
    digits("export", imported, "--to", file)
    with torch.no_grad():
        expected = net(normalize(images))
    print(f"{recipe:<10} ONNX Runtime's logits of 1,000 images differ from PyTorch's by {onnx_error(file, images, expected):.1e}", flush=True)
    model = tomllib.loads((run / "config.toml").read_text())["model"]
    made = reference(build, net.state_dict(), normalize(images), labels, 64, 0.05)
    save_file(made, cases / f"{recipe}.safetensors")
    (cases / f"{recipe}.toml").write_text("label_smoothing = 0.05\nbatch = 64\n" + as_toml(model))


def as_toml(model):
    """The table [model] of a run's configuration, as one line."""

    def value(item):
        if isinstance(item, dict):
            return "{ " + ", ".join(f"{key} = {value(item)}" for key, item in item.items()) + " }"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item)

    return f"model = {value(model)}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("fixture")
    command.set_defaults(run=fixture)
    command.add_argument("names", nargs="*", help="the networks to make references of; default: all")
    command = commands.add_parser("live")
    command.set_defaults(run=live)
    command.add_argument("recipes", nargs="*", default=["mlp", "cnn", "cnn-best"])
    command.add_argument("--mnist", type=pathlib.Path, required=True, help="folder with MNIST's four files")
    command.add_argument("--digits", default=ROOT / "target/release/digits", help="the program")
    command.add_argument("--keep", type=pathlib.Path, help="folder for what is made; default: a temporary one")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
