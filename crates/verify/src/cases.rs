//! Random networks, batches and images, each a function of its seed.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus as Random;

use crate::filter::Grid;
use crate::network::{Activation, Example, Layer, Loss, Network};

/// The sheet's 2-2-2 network with sigmoid units, and a batch of 1 to 8.
pub fn sheet_like(seed: u64) -> (Network, Vec<Example>) {
    let mut random = Random::seed_from_u64(seed ^ 0x0073_6865_6574);
    let layers = [2, 2].map(|inputs| layer(&mut random, inputs, 2, Activation::Sigmoid, 1.5));
    let size = random.random_range(1..=8);
    let batch = batch(&mut random, size, 2, 2, Loss::HalfSquares);
    let (layers, loss) = (layers.to_vec(), Loss::HalfSquares);
    (Network { layers, loss }, batch)
}

/// A network of 1 to 4 layers of 1 to 5 units, any activations, either loss, a batch of 1 to 8.
/// No ReLU of it is within 0.001 of its kink, where no derivative exists to compare with.
pub fn any(seed: u64) -> (Network, Vec<Example>) {
    let mut random = Random::seed_from_u64(seed ^ 0x0061_6e79);
    loop {
        let depth = random.random_range(1..=4);
        let loss = [Loss::HalfSquares, Loss::SoftmaxCrossEntropy][random.random_range(0..2)];
        let inputs = random.random_range(1..=5);
        let (mut below, mut layers) = (inputs, Vec::new());
        for number in 1..=depth {
            let units = random.random_range(1..=5);
            let activation = if number == depth && loss == Loss::SoftmaxCrossEntropy {
                Activation::Identity
            } else {
                Activation::ALL[random.random_range(0..4)]
            };
            layers.push(layer(&mut random, below, units, activation, 1.0));
            below = units;
        }
        let size = random.random_range(1..=8);
        let batch = batch(&mut random, size, inputs, below, loss);
        let network = Network { layers, loss };
        if !near_kink(&network, &batch) {
            return (network, batch);
        }
    }
}

/// A square image and a square kernel with values between −2 and 2.
pub fn image_and_kernel(seed: u64, image: usize, kernel: usize) -> (Grid<f64>, Grid<f64>) {
    let mut random = Random::seed_from_u64(seed ^ 0x0069_6d61_6765);
    let mut grid = |size| Grid::from_fn(size, size, |_, _| random.random_range(-2.0..2.0));
    (grid(image), grid(kernel))
}

/// A small problem of two classes that no line separates: the four corners of a square, the
/// classes on opposite corners, with some scatter. Targets are (1, 0) and (0, 1).
pub fn two_classes() -> Vec<Example> {
    let mut random = Random::seed_from_u64(0x0078_6f72);
    (0..8)
        .map(|number| {
            let (a, b) = (number & 1, number >> 1 & 1);
            let mut near = |corner: i32| f64::from(corner) + random.random_range(-0.1..0.1);
            let input = vec![near(a), near(b)];
            let target = [f64::from(a == b), f64::from(a != b)].to_vec();
            Example { input, target }
        })
        .collect()
}

fn layer(
    random: &mut Random,
    inputs: usize,
    units: usize,
    activation: Activation,
    scale: f64,
) -> Layer {
    let mut draw = |count: usize| -> Vec<f64> {
        let numbers = (0..count).map(|_| random.random_range(-scale..scale));
        numbers.collect()
    };
    let weights: Vec<Vec<f64>> = (0..units).map(|_| draw(inputs)).collect();
    let rows = draw(units).into_iter().zip(weights);
    Layer {
        rows: rows.map(|(b, w)| [vec![b], w].concat()).collect(),
        activation,
    }
}

fn batch(
    random: &mut Random,
    size: usize,
    inputs: usize,
    outputs: usize,
    loss: Loss,
) -> Vec<Example> {
    let mut draw = |count: usize, low: f64, high: f64| -> Vec<f64> {
        let numbers = (0..count).map(|_| random.random_range(low..high));
        numbers.collect()
    };
    let mut example = || {
        let input = draw(inputs, -2.0, 2.0);
        let mut target = draw(outputs, 0.0, 1.0);
        if loss == Loss::SoftmaxCrossEntropy {
            let sum: f64 = target.iter().sum();
            target.iter_mut().for_each(|t| *t /= sum);
        }
        Example { input, target }
    };
    (0..size).map(|_| example()).collect()
}

fn near_kink(network: &Network, batch: &[Example]) -> bool {
    batch.iter().any(|example| {
        let sums = network.forward(&example.input).sums;
        let mut layers = network.layers().iter().zip(&sums);
        layers.any(|(layer, sums)| {
            layer.activation == Activation::Relu && sums.iter().any(|a| a.abs() < 1e-3)
        })
    })
}
