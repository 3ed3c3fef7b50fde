use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use digits_data::Normalization;
use digits_interop::{Assignment, How, Match, NameMap, WeightFile, import};
use digits_report::text::count;
use digits_train::{Recipe, RunConfig};
use serde::Serialize;

use crate::device::Backend;
use crate::shared::{CliError, DataArgs, DeviceArgs, Done, OutputArgs, new_run};

/// Options of `digits import`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Weights: .safetensors, or .pt and .pth with a state dict
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Network of the weights: a recipe by name or file, or the config.toml of a run; files of
    /// `digits export` say it themselves
    #[arg(long, visible_alias = "config", value_name = "RECIPE|FILE")]
    model: Option<String>,
    /// Change any setting of the recipe, for example --set model.dropout=0.2
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the run [default: artifacts/imported-1, -2, …]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Which layer of the file is which, as TOML: "conv1" = "features.0"
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Mean and standard deviation that pixels of 0..1 were normalized with, for example
    /// 0.1307,0.3081; 0,1 for none
    #[arg(long, value_name = "MEAN,STD", value_parser = normalization)]
    normalize: Option<Normalization>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

fn normalization(text: &str) -> Result<Normalization, String> {
    let numbers = text
        .split_once(',')
        .and_then(|(mean, std)| Some((mean.trim().parse().ok()?, std.trim().parse().ok()?)));
    let (mean, std) = numbers.ok_or("give two numbers, as in 0.1307,0.3081")?;
    Normalization::new(mean, std).map_err(|error| error.to_string())
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    file: &'a Path,
    recipe: &'a str,
    parameters: usize,
    assigned_by: How,
    tensors: &'a [Match],
    normalization: Normalization,
}

/// `digits import`
pub fn run(args: &Args) -> Done {
    let file = WeightFile::open(&args.file)?;
    let (recipe, config) = configuration(args, &file)?;
    let map = args.map.as_deref().map(NameMap::open).transpose()?;
    let assignment = file.assign(&config.model, map.as_ref())?;
    let normalization = args.normalize.or(file.normalization()?).ok_or_else(|| {
        CliError::usage(format!(
            "{} does not say how pixels were normalized. Give --normalize MEAN,STD: 0.1307,0.3081 is common \
             for MNIST, 0,1 means that pixels were only divided by 255",
            args.file.display()
        ))
    })?;
    let folder = new_run(args.run.as_ref(), "imported");
    let record = import(&file, &assignment, &recipe, &config, normalization, &folder)?;
    let report = Report {
        run: folder.path(),
        file: &args.file,
        recipe: &recipe,
        parameters: record.parameters,
        assigned_by: assignment.how,
        tensors: &assignment.matches,
        normalization,
    };
    args.output.print(&report, || {
        let path = folder.path().display();
        format!(
            "{}\n{} parameters of {recipe}, pixels normalized as (x − {}) / {}\n\
             run folder {path}\n\
             next: digits evaluate {path}\n      digits train --init {path}\n",
            table(&assignment),
            count(record.parameters),
            normalization.mean,
            normalization.std,
        )
    })
}

/// The recipe asked for, or the one that the file carries.
fn configuration(args: &Args, file: &WeightFile) -> Result<(String, RunConfig), CliError> {
    let mut recipe = match &args.model {
        // A path is told from a name by its form, so that a file that is missing is called that.
        Some(name) if Path::new(name).is_file() || looks_like_a_path(name) => {
            Recipe::from_file(name.as_ref())?
        }
        Some(name) => Recipe::built_in(name).map_err(CliError::usage)?,
        None => {
            let Some((name, model)) = file.model()? else {
                return Err(CliError::usage(format!(
                    "{} does not say which network it holds. Give --model RECIPE, or --config FILE",
                    args.file.display()
                )));
            };
            // How the run was trained is not in the file; the recipe of that name says it best.
            let config = Recipe::built_in(&name)
                .or_else(|_| Recipe::built_in(model.kind()))?
                .resolve()?;
            Recipe::of_run(&name, &RunConfig { model, ..config })?
        }
    };
    for assignment in &args.set {
        recipe.set(assignment).map_err(CliError::usage)?;
    }
    let name = recipe.name.clone();
    let mut config = recipe.resolve().map_err(CliError::usage)?;
    let DeviceArgs { backend, threads } = args.device;
    config.data = args.data.data.clone().unwrap_or(config.data);
    config.backend = backend.map_or(config.backend, Backend::name);
    config.threads = threads.unwrap_or(config.threads);
    Ok((name, config))
}

fn looks_like_a_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some()
}

fn table(assignment: &Assignment) -> String {
    let matches = &assignment.matches;
    let width = |of: fn(&Match) -> &String| {
        let lengths = matches.iter().map(|m| of(m).chars().count());
        lengths.max().unwrap_or(0)
    };
    let (file, network) = (width(|m| &m.file), width(|m| &m.network));
    let mut text = String::new();
    for m in matches {
        let shape = &m.shape;
        text += &format!("{:<file$} → {:<network$}  {shape:?}\n", m.file, m.network);
    }
    text + match assignment.how {
        How::Names => "assigned by name",
        How::Map => "assigned as --map says",
        How::ShapeAndOrder => {
            "guessed by shape and, among equal shapes, by order; if it is wrong, say which is which with --map FILE"
        }
    }
}
