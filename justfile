# digits: train, compare and use networks that read handwritten digits.
#
# Every recipe passes what follows on to the program: `just train-cnn --epochs 3`.
# Another backend: `just backend=wgpu train-cnn`.

# backend: flex (the program's default), ndarray, wgpu, cuda, vulkan, metal, rocm
backend := ""

# flex and ndarray are always in; the others are features of the binary.
features := if backend =~ '^(|flex|ndarray)$' { "" } else { "--features digits-cli/" + backend }
# From the workspace root and without -p, so that tests and runs share what is compiled.
digits := chosen + "sh scripts/digits.sh " + quote(features)
chosen := if backend == "" { "" } else { "DIGITS_BACKEND=" + backend + " " }

# Arguments reach the program as they were typed, with their spaces and quotes.
set positional-arguments

# Show the recipes
[private]
default:
    @just --list --unsorted

# Train the feed-forward network (784-512-10)
train-mlp *args:
    @{{ digits }} train mlp "$@"

alias train-ffn := train-mlp

# Train the convolutional network
train-cnn *args:
    @{{ digits }} train cnn "$@"

# Train by any recipe: mlp-small, cnn-small, cnn-torch, cnn-best, cnn-fast …
train *args:
    @{{ digits }} train "$@"

# Compare the feed-forward network and the CNN: the experiment and its report (--quick, --thorough)
compare-ffn-cnn *args:
    @{{ digits }} compare "$@"

# Measure a trained network (default: the newest)
evaluate *args:
    @{{ digits }} evaluate "$@"

# Read digits from pictures
predict *args:
    @{{ digits }} predict "$@"

# Write a network's weights for PyTorch, or as ONNX: export RUN --to FILE.safetensors|FILE.onnx [--script]
export *args:
    @{{ digits }} export "$@"

# Make a run of weights from PyTorch: import FILE --model RECIPE
import *args:
    @{{ digits }} import "$@"

# Prove the mathematics: backpropagation and filters (verify backprop | filters, --mutants)
verify *args:
    @{{ digits }} verify "$@"

# Apply the three filters, or one of your own, to a picture
filter *args:
    @{{ digits }} filter "$@"

# Serve the local page: draw a digit, filters, backpropagation, runs
playground *args:
    @{{ digits }} playground "$@"

# The data: data status | fetch | import DIR | draw DIR | sheet FILE.png
data *args:
    @{{ digits }} data "$@"

# Train the networks of artifacts/pretrained/ again (needs MNIST; then build again)
pretrained:
    rm -rf artifacts/pretrained.new
    {{ digits }} train mlp --backend flex --seed 42 --data mnist --threads 2 --run artifacts/pretrained.new/mlp
    {{ digits }} train cnn --backend flex --seed 42 --data mnist --threads 2 --run artifacts/pretrained.new/cnn
    rm -f artifacts/pretrained.new/*/.lock
    rm -rf artifacts/pretrained
    mv artifacts/pretrained.new artifacts/pretrained

# Which backends this build has and whether they work
devices *args:
    @{{ digits }} devices "$@"

# Run the tests
test *args:
    cargo test --release --workspace "$@"

# The playground's page in headless Chromium (Debian: chromium, chromium-driver)
test-browser *args:
    cargo test --release --workspace --test browser -- --ignored --test-threads 1 "$@"

# Pictures of every part of the page, light and dark, phone and desktop, in target/screenshots
screenshots:
    cargo test --release --workspace --test browser -- --ignored screenshots --nocapture

# The playground's server under 64 clients for 30 seconds
test-load:
    cargo test --release --workspace --test server -- --ignored --nocapture

# Benchmarks: data path, and every kernel against Burn's own operation
bench:
    cargo bench --workspace --profile release --bench data_path --bench kernels

# Speed and memory against PyTorch (installed from PyPI under target/), held to targets
bench-pytorch *args: pytorch
    cargo build --release --bin digits
    target/pytorch/bin/python scripts/bench_pytorch.py "$@"

# From process start to 99 % of MNIST's test split: five seeds, at most 10 s
bench-99 *args:
    cargo build --release --workspace --bin digits
    python3 scripts/bench_99.py "$@"

# The kernels' tests under valgrind (which knows no AVX-512: plain code and AVX2), on few cases
check-memory:
    cargo test --release --workspace --test operations --no-run
    DIGITS_FEW_CASES=1 CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --quiet --error-exitcode=1" \
        cargo test --release --workspace --test operations -- --test-threads 1

# Everything that CI checks
check: test check-style check-wgpu test-browser test-load

# Format, lints, documentation, pictures without the network, no circles of files
check-style:
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps
    cargo check -p digits-data --no-default-features --target-dir target/without-fetch
    python3 scripts/circles.py

# Hold wgpu's results against flex; without a GPU this needs Mesa's software Vulkan
check-wgpu:
    cargo clippy --release --workspace --features digits-cli/wgpu -- -D warnings
    cargo test --release --workspace --features digits-cli/wgpu --test wgpu -- --nocapture

# Hold real networks against PyTorch on MNIST (installs PyTorch, some GB, in target/pytorch)
check-pytorch mnist="../shared/mnist" *args: pytorch
    cargo build --release --workspace
    target/pytorch/bin/python scripts/pytorch.py live --mnist {{ mnist }} {{ args }}

# Both PyTorch recipes share the folder, so that it gets what either needs; pip leaves be what is there.
[private]
pytorch:
    test -x target/pytorch/bin/python || python3 -m venv target/pytorch
    target/pytorch/bin/python -m pip install --quiet torch numpy safetensors onnx onnxruntime onnxscript
