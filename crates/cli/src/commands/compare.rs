use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args as ClapArgs;
use digits_compare::{CompareError, Experiment, Plan, Watcher, compare, report};

use crate::device::Backend;
use crate::progress::Progress;
use crate::shared::{
    CliError, DataArgs, DeviceArgs, Done, INTERRUPTED, OutputArgs, device, folder, interrupt_flag,
};

/// Options of `digits compare`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A first look in about a minute: one epoch, three seeds
    #[arg(long, conflicts_with_all = ["thorough", "config"])]
    quick: bool,
    /// Ten seeds, longer training: for an answer to be cited
    #[arg(long, conflicts_with = "config")]
    thorough: bool,
    /// Take the plan from a file; configs/compare.toml is one to start from
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Change any setting of all recipes, for example --set training.epochs=3
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Passes over the training images
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Images in one step
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Seeds of the networks, for example 1,2,3 [default: those of the plan]
    #[arg(long, value_name = "N,N,…", value_delimiter = ',')]
    seeds: Option<Vec<u64>>,
    /// Folder of the report and of the runs, which the next call uses again
    /// [default: artifacts/compare]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `digits compare`
pub fn run(args: &Args) -> Done {
    let mut plan = plan(args)?;
    plan.validate().map_err(CliError::usage)?;
    let (device, threads) = device(&plan.backend, plan.threads)?;
    plan.threads = threads;
    let dataset = args.data.open(&plan.data, args.output.quiet)?;
    plan.data = dataset.source.clone();
    let folder = folder(args.out.as_ref(), "compare");
    if !args.output.quiet {
        eprintln!(
            "comparing {} and {} on {}, {} backend, {} threads, {} seeds → {}",
            plan.networks.mlp,
            plan.networks.cnn,
            dataset.name,
            plan.backend,
            plan.threads,
            plan.seeds.len(),
            folder.display()
        );
    }
    let stop = interrupt_flag()?;
    let mut progress = Progress::new(args.output.quiet);
    let outcome = compare(
        &Experiment {
            plan: &plan,
            dataset: &dataset,
            device: &device,
            folder: &folder,
        },
        Watcher {
            on_event: &mut |event| progress.comparison(event),
            should_stop: &|| stop.load(Ordering::SeqCst),
        },
    );
    drop(progress);
    let results = match outcome {
        Err(CompareError::Interrupted) => {
            eprintln!("stopped. What is trained is kept: the same command resumes from here");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        other => other?,
    };
    let page = report::save(&folder, &results)?;
    let done = args.output.print(&results, || report::summary(&results))?;
    if !args.output.quiet {
        eprintln!("the whole report, with figures: {}", page.display());
    }
    Ok(done)
}

/// The plan, then what the command line changes.
fn plan(args: &Args) -> Result<Plan, CliError> {
    let mut plan = match &args.config {
        Some(file) => Plan::from_file(file)?,
        None if args.quick => Plan::parse("configs/compare-quick.toml", Plan::QUICK)?,
        None if args.thorough => Plan::parse("configs/compare-thorough.toml", Plan::THOROUGH)?,
        None => Plan::parse("configs/compare.toml", Plan::STANDARD)?,
    };
    let (epochs, batch_size) = (args.epochs, args.batch_size);
    plan.set.extend(args.set.iter().cloned());
    plan.set
        .extend(epochs.map(|value| format!("training.epochs={value}")));
    plan.set
        .extend(batch_size.map(|value| format!("training.batch_size={value}")));
    if let Some(seeds) = &args.seeds {
        plan = plan.with_seeds(seeds.clone());
    }
    let DeviceArgs { backend, threads } = args.device;
    plan.data = args.data.data.clone().unwrap_or(plan.data);
    plan.backend = backend.map_or(plan.backend, Backend::name);
    plan.threads = threads.unwrap_or(plan.threads);
    Ok(plan)
}
