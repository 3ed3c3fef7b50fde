use super::Shape;
use super::numbers::seeds;
use crate::*;

pub(super) fn answer(shape: Shape) -> Vec<Sentence> {
    let tested = shape.seeds > 1;
    let sentence = |question: &str, text: &str, test: Option<&str>, p: f64| Sentence {
        question: question.to_owned(),
        text: text.to_owned(),
        test: test.filter(|_| tested).map(str::to_owned),
        p: (tested && test.is_some()).then_some(p),
        p_adjusted: (tested && test.is_some()).then_some((p * 9.0).min(1.0)),
    };
    let t = Some("paired t-test, 5 seeds");
    vec![
        sentence(
            "accuracy",
            "The CNN is right more often: 99.27 % of the test images against 98.21 %, a difference of 1.06 percentage points (95 % interval 0.95 to 1.17).",
            t,
            3.4e-5,
        ),
        sentence(
            "accuracy",
            "With about 6,400 parameters each, the CNN still leads, by 4.12 percentage points.",
            t,
            8.1e-6,
        ),
        sentence(
            "cost",
            "The CNN has 0.53 times the parameters of the MLP but needs 6.9 times the multiply-adds and 3.1 times the training time.",
            None,
            0.0,
        ),
        sentence(
            "tolerance",
            "The CNN is more tolerant of shifts: averaged over 1 to 6 pixels it keeps 71.0 % against 55.2 %.",
            t,
            2.2e-4,
        ),
        sentence(
            "corruptions",
            "Averaged over eight kinds of damage the CNN is right on 86.1 % of the images, the MLP on 80.7 %.",
            t,
            0.0011,
        ),
        sentence(
            "permutation",
            "Shuffling the pixels costs the CNN 2.61 percentage points and the MLP none that could be found.",
            t,
            4.0e-7,
        ),
        sentence(
            "samples",
            "With 10 images of each class the CNN reaches 84.0 %, the MLP 71.3 %.",
            t,
            0.0021,
        ),
        sentence(
            "calibration",
            "As trained the MLP is better calibrated (ECE 0.93 % against 4.12 %); after temperature scaling no difference was found.",
            t,
            0.41,
        ),
        sentence(
            "mistakes",
            "Both networks of seed 1 miss 39 test images; only the MLP misses 139, only the CNN 26.",
            Some("McNemar's exact test, seed 1"),
            1.2e-19,
        ),
        sentence(
            "features",
            "The learned filters lie in the span of the sheet's three filters hardly more than chance would have it (14.1 % against 12.0 %).",
            Some("t-test, 5 seeds"),
            0.062,
        ),
    ]
}

pub(super) fn plan(shape: Shape) -> Plan {
    Plan {
        data: digits_data::Source::Mnist,
        backend: "flex".to_owned(),
        threads: 2,
        seeds: seeds(shape),
        networks: Pair {
            mlp: "mlp".to_owned(),
            cnn: "cnn".to_owned(),
        },
        matched: Pair {
            mlp: "mlp-small".to_owned(),
            cnn: "cnn-small".to_owned(),
        },
        set: vec!["training.epochs=5".to_owned()],
        tolerance: TolerancePlan {
            seeds: shape.seeds,
            augmented_seeds: shape.seeds.min(3),
            augmentation_shift: 3.0,
            images: 2000,
            shifts: (0..=6).map(f64::from).collect(),
            rotations: (-9..=9).map(|step| f64::from(step) * 5.0).collect(),
            scales: (0..=8).map(|step| (6.0 + f64::from(step)) / 10.0).collect(),
        },
        corruptions: CorruptionPlan {
            seeds: shape.seeds,
            images: 2000,
            severities: vec![1, 2, 3, 4, 5],
            seed: 7,
        },
        permutation: PermutationPlan {
            seeds: shape.seeds,
            permutation: 11,
        },
        samples: SamplePlan {
            seeds: shape.seeds,
            per_class: vec![10, 30, 100, 300, 1000],
            batch_size: 64,
            steps: 400,
        },
        calibration_bins: 15,
        gallery: 12,
    }
}

pub(super) fn networks() -> Vec<NetworkSummary> {
    [
        ("mlp", Network::Mlp, "784-512-10", 407_050, 0.0, 0.0),
        (
            "cnn",
            Network::Cnn,
            "5×5, 16 · pool 2 · 5×5, 32 · pool 2 · 128-10",
            215_370,
            0.05,
            0.4,
        ),
        ("mlp-small", Network::Mlp, "784-8-8-10", 6_442, 0.0, 0.0),
        (
            "cnn-small",
            Network::Cnn,
            "5×5, 6 · pool 2 · 5×5, 6 · pool 2 · 50-10",
            6_422,
            0.0,
            0.0,
        ),
    ]
    .map(
        |(recipe, network, layers, parameters, label_smoothing, dropout)| NetworkSummary {
            recipe: recipe.to_owned(),
            network,
            layers: layers.to_owned(),
            parameters,
            config: format!(
                "seed = 1\n\n[model]\nkind = \"{}\"\n\n[training]\nepochs = 5\nbatch_size = 128\n",
                network.name().to_lowercase()
            ),
            label_smoothing,
            dropout,
        },
    )
    .to_vec()
}

pub(super) fn cost(networks: &[NetworkSummary], shape: Shape) -> Cost {
    let measured = [
        (406_528, 0.93, 241_000.0, 1_632_900),
        (2_818_000, 4.31, 32_480.0, 866_200),
        (6_416, 0.41, 402_000.0, 26_900),
        (149_200, 1.62, 98_700.0, 27_100),
    ];
    Cost {
        networks: networks
            .iter()
            .zip(measured)
            .map(
                |(network, (multiply_adds, seconds, rate, bytes))| NetworkCost {
                    recipe: network.recipe.clone(),
                    network: network.network,
                    parameters: network.parameters,
                    multiply_adds,
                    seconds_per_epoch: seconds,
                    inference_images_per_second: rate,
                    bytes,
                    reaches: [0.97, 0.98, 0.99]
                        .into_iter()
                        .enumerate()
                        .map(|(number, accuracy)| {
                            let never = number == 2 && network.network == Network::Mlp;
                            Reaches {
                                accuracy,
                                seeds: if never {
                                    0
                                } else {
                                    shape.seeds - number.min(shape.seeds - 1) / 2
                                },
                                of: shape.seeds,
                                epoch: (!never).then_some(number as f64 + 1.0),
                                seconds: (!never).then_some(seconds * (number as f64 + 1.0)),
                            }
                        })
                        .collect(),
                },
            )
            .collect(),
    }
}
