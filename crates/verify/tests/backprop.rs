//! The hand rules against numbers from elsewhere, and what they refuse.

use burn::tensor::Device;
use digits_verify::{
    Activation, Check, Example, Layer, Loss, NamedDevice, Network, Options, Precision, Values,
    VerifyError, Worked, max_error, render, tolerance, verify,
};

fn named(name: &str, device: Result<Device, String>) -> NamedDevice {
    NamedDevice {
        name: name.to_owned(),
        device,
        precision: Precision::F64,
    }
}

#[test]
fn the_default_derivation_agrees_with_numpy() {
    // NumPy 2.4, complex-step derivatives Im L(p + 1e-30 i eⱼ) / 1e-30: no backpropagation in it.
    let gradient = [
        -0.002_090_204_850_074_603_6,
        -0.002_090_204_850_074_603_6,
        -0.001_045_102_425_037_301_8,
        0.023_134_914_742_070_935,
        0.023_134_914_742_070_935,
        0.011_567_457_371_035_468,
        -0.108_109_082_644_777_67,
        -0.062_102_453_524_665_736,
        -0.064_723_573_725_505_65,
        0.140_787_741_555_783_86,
        0.080_874_464_595_533_92,
        0.084_287_883_564_548_87,
    ];
    let worked = Worked::new(Values::default()).unwrap();
    assert!(max_error(&worked.gradient, &gradient) <= 1e-15);
    assert!(
        max_error(
            &[worked.loss, worked.loss_after],
            &[0.262_661_140_347_806_1, 0.236_141_470_549_818_19]
        ) <= 1e-15
    );
    assert!(worked.is_sound());
}

#[test]
fn a_published_worked_example_gives_the_published_numbers() {
    // M. Mazur, "A Step by Step Backpropagation Example" (2015): 2-2-2, sigmoid, η = 0.5; the
    // weights after one step. It leaves the biases as they are, so they are not compared.
    let values = Values {
        input: vec![0.05, 0.10],
        target: vec![0.01, 0.99],
        v: vec![vec![0.35, 0.15, 0.20], vec![0.35, 0.25, 0.30]],
        w: vec![vec![0.60, 0.40, 0.45], vec![0.60, 0.50, 0.55]],
        learning_rate: 0.5,
        activation: Activation::Sigmoid,
    };
    let worked = Worked::new(values).unwrap();
    assert!((worked.loss - 0.298_371_109).abs() < 1e-9);
    let published = [
        0.149_780_716,
        0.199_561_43,
        0.249_751_14,
        0.299_502_29,
        0.358_916_48,
        0.408_666_186,
        0.511_301_270,
        0.561_370_121,
    ];
    let new: Vec<f64> = worked
        .new
        .chunks(3)
        .flat_map(|row| row[1..].to_vec())
        .collect();
    assert!(max_error(&new, &published) < 1e-8, "{new:?}");
}

/// The hand rules against autodiff, central differences and SGD on 1,000 random networks, and
/// the filters, on both CPU backends.
#[test]
fn everything_passes_every_mutant_is_caught_and_one_failure_fails_the_report() {
    let options = Options {
        mutants: true,
        ..Options::default()
    };
    #[expect(
        deprecated,
        reason = "Burn deprecates ndarray in favour of flex; both are checked"
    )]
    let devices = [
        named("flex", Ok(Device::flex())),
        named("ndarray", Ok(Device::ndarray())),
        named("wgpu", Err("no adapter".to_owned())),
    ];
    let mut report = verify(&options, &devices).unwrap();
    let failed: Vec<_> = report.checks().filter(|check| !check.passed).collect();
    assert!(report.passed(), "{failed:?}");
    for parameter in ["v₁₀", "v₂₂", "w₁₀", "w₂₂"] {
        let name = format!("backprop/autodiff/ndarray/{parameter}");
        assert!(report.checks().any(|check| check.name == name), "{name}");
    }
    let mutants = report.mutants.as_ref().unwrap();
    assert!(mutants.len() == 12 && mutants.iter().all(|mutant| mutant.caught));

    let json = render::json(&report);
    assert_eq!(json["passed"], true);
    let laplacian = serde_json::json!([[-1, 9, -1], [-6, -2, -6], [-1, 9, -1]]);
    assert_eq!(json["filters"]["laplacian"], laplacian);
    assert_eq!(json["not_checked"][0]["reason"], "no adapter");
    assert_eq!(json["mutants"][0]["caught"], true);
    let page = render::html(&report).unwrap();
    for text in [
        &render::terminal(&report, false),
        &render::markdown(&report).unwrap(),
        &page,
    ] {
        assert!(text.contains("no adapter"));
    }
    for outside in ["http", "<script", "src="] {
        assert!(!page.contains(outside), "the page is self-contained");
    }

    let check = report.groups[1].checks[3].clone();
    report.groups[1].checks[3] = Check::new("spoilt", f64::NAN, 1.0, 1);
    assert!(!report.passed());
    assert!(render::terminal(&report, false).contains("✗ spoilt"));
    assert_eq!(render::json(&report)["passed"], false);
    report.groups[1].checks[3] = check;
    assert!(report.passed());
    report.mutants.as_mut().unwrap()[0].caught = false;
    assert!(!report.passed());
}

#[test]
fn burns_own_sigmoid_is_exact_to_f64_on_flex() {
    use burn::tensor::{DType, Tensor, TensorData, activation};
    let a = [-40.0, -3.0, -0.1, 0.0, 0.7, 5.0, 40.0];
    let x = Tensor::<1>::from_data(TensorData::from(a), (&Device::flex(), DType::F64));
    let found = activation::sigmoid(x).try_into_vec_as::<f64>().unwrap();
    assert!(max_error(&found, &a.map(|a| Activation::Sigmoid.value(a))) <= tolerance::ANALYTIC_F64);
}

#[test]
fn values_that_make_no_network_are_refused() {
    type Spoil = fn(&mut Values);
    let wrong: [Spoil; 6] = [
        |values| values.input = vec![1.0; 3],
        |values| values.input = vec![1.0; 10],
        |values| values.target.clear(),
        |values| values.v[0][2] = f64::NAN,
        |values| values.w.push(vec![0.0; 3]),
        |values| values.learning_rate = f64::INFINITY,
    ];
    for spoil in wrong {
        let mut values = Values::default();
        spoil(&mut values);
        assert!(Worked::new(values.clone()).is_err(), "{values:?}");
    }
    assert!(matches!(
        softmax(Activation::Sigmoid),
        Err(VerifyError::Invalid(_))
    ));
    assert!(Network::new(Vec::new(), Loss::HalfSquares).is_err());
}

#[test]
fn values_are_read_from_toml_and_unknown_keys_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("values.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Values::read(&path)
    };
    let values = read("input = [0.5, 0.25]\nlearning_rate = 0.1\nactivation = \"tanh\"\n");
    let expected = Values {
        input: vec![0.5, 0.25],
        learning_rate: 0.1,
        activation: Activation::Tanh,
        ..Values::default()
    };
    assert_eq!(values.unwrap(), expected);
    let error = read("inputs = [1]\n").unwrap_err();
    assert!(error.to_string().contains("inputs"), "{error}");
}

/// One input x, outputs 1000 x and −1000 x.
fn softmax(activation: Activation) -> Result<Network, VerifyError> {
    let layer = Layer {
        rows: vec![vec![0.0, 1000.0], vec![0.0, -1000.0]],
        activation,
    };
    Network::new(vec![layer], Loss::SoftmaxCrossEntropy)
}

#[test]
fn softmax_survives_sums_that_overflow_an_exponential() {
    let network = softmax(Activation::Identity).unwrap();
    let batch = [Example {
        input: vec![1.0],
        target: vec![0.0, 1.0],
    }];
    assert_eq!(network.loss(&batch), 2000.0);
    assert_eq!(network.gradient(&batch), [1.0, 1.0, -1.0, -1.0]);
}
