use burn::tensor::Device;

use crate::cases;
use crate::check::{Check, Group};
use crate::check::{best, central, steps, sweep};
use crate::check::{max_error, tolerance};
use crate::engine::{Engine, Precision};
use crate::error::VerifyError;
use crate::network::{Example, Network};
use crate::report::{Backprop, Options, Training};
use crate::worked::Worked;

const LEARNING_RATE: f64 = 0.5;
const TRAINING_STEPS: usize = 1000;
/// Steps for the random cases: around the best one, 10⁻⁵.
const CASE_STEPS: [f64; 5] = [1e-3, 1e-4, 1e-5, 3e-6, 1e-6];

pub(super) fn run(
    options: &Options,
    devices: &[(&str, &Device, Precision)],
    groups: &mut Vec<Group>,
) -> Result<Backprop, VerifyError> {
    let mut add = |title: String, checks: Vec<Check>| {
        groups.push(Group {
            title,
            part: "Backpropagation",
            checks,
        });
    };
    let worked = Worked::new(options.values.clone())?;
    let (network, example) = options.values.network()?;
    let batch = [example];
    let loss = |p: &[f64]| network.with_parameters(p).loss(&batch);
    let each = |prefix: String, found: &[f64], tolerance: f64, expected: &[f64]| -> Vec<Check> {
        if found.len() != expected.len() {
            return vec![Check::holds(format!("{prefix}/count"), false)];
        }
        let pairs = worked.names.iter().zip(found.iter().zip(expected));
        let check = |(name, (a, b)): (&String, (&f64, &f64))| {
            let error = max_error(&[*a], &[*b]);
            Check::new(format!("{prefix}/{name}"), error, tolerance, 1)
        };
        pairs.map(check).collect()
    };

    add(
        "the worked lines are the computed numbers".to_owned(),
        vec![Check::holds("backprop/worked", worked.is_sound())],
    );
    let points = sweep(loss, &network.parameters(), &worked.gradient, &steps());
    let step = points.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let step = step.map_or(1e-5, |(step, _)| *step);
    let differences = central(loss, &network.parameters(), step);
    let (tolerance, prefix) = (tolerance::FINITE_DIFFERENCE, "backprop/differences");
    add(
        format!(
            "central differences, each parameter (best of {} steps)",
            points.len()
        ),
        each(prefix.to_owned(), &differences, tolerance, &worked.gradient),
    );
    let mut engines = vec![
        ("by hand".to_owned(), worked.gradient.clone()),
        ("differences".to_owned(), differences),
    ];
    for &(name, device, precision) in devices {
        let mut engine = Engine::new(&network, device, precision);
        let (tolerance, gradient) = (precision.analytic(), engine.gradient(&batch)?);
        let prefix = format!("backprop/autodiff/{name}");
        add(
            format!("autodiff on {name}, each parameter"),
            each(prefix, &worked.gradient, tolerance, &gradient),
        );
        engine.step(&batch, options.values.learning_rate);
        let prefix = format!("backprop/sgd/{name}");
        add(
            format!("one SGD step on {name}, each new parameter"),
            each(prefix, &worked.new, tolerance, &engine.parameters()?),
        );
        engines.push((name.to_owned(), gradient));
    }

    let cases = options.cases;
    add(
        format!("central differences on {cases} random networks, batches of 1 to 8"),
        vec![random_differences(cases)],
    );
    for &(name, device, precision) in devices {
        add(
            format!("autodiff on {name}: {cases} random networks, batches of 1 to 8"),
            random_networks(name, cases, device, precision)?,
        );
        add(
            format!("autodiff on {name}: saturated units, zero inputs, after burn-in"),
            edge_cases(name, device, precision)?,
        );
    }
    let mut training = Vec::new();
    for &(name, device, precision) in devices {
        let run = train(name, device, precision)?;
        let worst = run.differences.iter().copied().fold(0.0, f64::max);
        let learned = run.losses.last().is_some_and(|last| *last < 0.01);
        let prefix = format!("backprop/training/{name}");
        let falls = format!("{prefix}/the loss falls below 0.01");
        let compared = run.differences.len() * 12;
        add(
            format!("training beside Burn on {name}, {TRAINING_STEPS} steps, every parameter"),
            vec![
                Check::new(prefix, worst, precision.training(), compared),
                Check::holds(falls, learned),
            ],
        );
        training.push(run);
    }
    Ok(Backprop {
        worked,
        engines,
        sweep: points,
        training,
    })
}

/// Each network's worst parameter at its best step; the worst network counts.
fn random_differences(cases: u64) -> Check {
    let (mut worst, mut compared) = (0.0_f64, 0);
    for (network, batch) in (0..cases).map(cases::any) {
        let gradient = network.gradient(&batch);
        let loss = |p: &[f64]| network.with_parameters(p).loss(&batch);
        let error = best(loss, &network.parameters(), &gradient, &CASE_STEPS);
        worst = worst.max(error);
        compared += gradient.len();
    }
    let tolerance = tolerance::FINITE_DIFFERENCE;
    Check::new("backprop/differences/random", worst, tolerance, compared)
}

fn random_networks(
    name: &str,
    cases: u64,
    device: &Device,
    precision: Precision,
) -> Result<Vec<Check>, VerifyError> {
    let (mut gradients, mut steps, mut compared) = (0.0_f64, 0.0_f64, 0);
    for (network, batch) in (0..cases).map(cases::any) {
        let (gradient, step) = compare(&network, &batch, device, precision)?;
        gradients = gradients.max(gradient);
        steps = steps.max(step);
        compared += network.parameters().len();
    }
    let check = |what, error| {
        let name = format!("backprop/{what}/{name}/random");
        Check::new(name, error, precision.analytic(), compared)
    };
    Ok(vec![check("autodiff", gradients), check("sgd", steps)])
}

fn edge_cases(
    name: &str,
    device: &Device,
    precision: Precision,
) -> Result<Vec<Check>, VerifyError> {
    let kinds = [
        ("saturated units", 0..20),
        ("zero inputs", 20..40),
        ("after burn-in", 40..60),
    ];
    let mut checks = Vec::new();
    for (what, seeds) in kinds {
        let (mut worst, mut compared) = (0.0_f64, 0);
        for (mut network, mut batch) in seeds.map(cases::sheet_like) {
            match what {
                "saturated units" => {
                    let large: Vec<f64> = network.parameters().iter().map(|p| 40.0 * p).collect();
                    network = network.with_parameters(&large);
                }
                "zero inputs" => batch.iter_mut().for_each(|example| example.input.fill(0.0)),
                _ => (0..500)
                    .for_each(|_| network = network.step(&network.gradient(&batch), LEARNING_RATE)),
            }
            let (gradient, step) = compare(&network, &batch, device, precision)?;
            let loss = |p: &[f64]| network.with_parameters(p).loss(&batch);
            let by_hand = network.gradient(&batch);
            let differences = best(loss, &network.parameters(), &by_hand, &steps());
            if differences > tolerance::FINITE_DIFFERENCE {
                worst = f64::INFINITY;
            }
            worst = worst.max(gradient).max(step);
            compared += 2 * network.parameters().len();
        }
        let name = format!("backprop/autodiff/{name}/{what}");
        checks.push(Check::new(name, worst, precision.analytic(), compared));
    }
    Ok(checks)
}

/// Errors of gradient and of one step.
fn compare(
    network: &Network,
    batch: &[Example],
    device: &Device,
    precision: Precision,
) -> Result<(f64, f64), VerifyError> {
    let by_hand = network.gradient(batch);
    let mut engine = Engine::new(network, device, precision);
    let gradient = max_error(&by_hand, &engine.gradient(batch)?);
    engine.step(batch, LEARNING_RATE);
    let new = network.step(&by_hand, LEARNING_RATE).parameters();
    Ok((gradient, max_error(&new, &engine.parameters()?)))
}

fn train(name: &str, device: &Device, precision: Precision) -> Result<Training, VerifyError> {
    const RATE: f64 = 4.0;
    let batch = cases::two_classes();
    // One of the starts from which 2-2-2 solves the problem; from some it stops at a plateau.
    let (mut network, _) = cases::sheet_like(2);
    let mut engine = Engine::new(&network, device, precision);
    let mut run = Training {
        device: name.to_owned(),
        losses: vec![network.loss(&batch)],
        differences: Vec::new(),
    };
    for _ in 0..TRAINING_STEPS {
        network = network.step(&network.gradient(&batch), RATE);
        engine.step(&batch, RATE);
        run.losses.push(network.loss(&batch));
        let difference = max_error(&network.parameters(), &engine.parameters()?);
        run.differences.push(difference);
    }
    Ok(run)
}
