use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use digits_verify::filter::parse_kernel;
use digits_verify::{NamedDevice, Options, Part, Values, render, verify};

use crate::device::Backend;
use crate::shared::{CliError, Done, OutputArgs, folder, print, write};

/// `digits verify`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only one part: 4-1 with its worked derivation, or 4-2
    #[arg(value_enum)]
    part: Option<PartArg>,
    /// Try rules that are wrong on purpose as well; each must be caught
    #[arg(long)]
    mutants: bool,
    /// Backend to check on [default: flex and ndarray, and wgpu where there is an adapter]
    #[arg(long, value_enum, env = "DIGITS_BACKEND", help_heading = "Device")]
    backend: Option<Backend>,
    #[command(flatten)]
    derivation: Derivation,
    /// Folder for report.html and report.md [default: artifacts/verify]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Print Markdown
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    markdown: bool,
    /// Print the result as one JSON document
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No notices on standard error
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

/// The numbers of the worked derivation.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Worked derivation")]
struct Derivation {
    /// Numbers of the worked derivation: a TOML file with input, target, v, w, learning_rate, activation
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// x, for example "1 0.5"
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true)]
    input: Option<String>,
    /// t, for example "1 0"
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true)]
    target: Option<String>,
    /// Input to hidden: one row for each unit, bias first, "0.1 0.3 -0.2; -0.3 0.5 0.4"
    #[arg(long, value_name = "ROWS", allow_hyphen_values = true)]
    v: Option<String>,
    /// Hidden to output: one row for each unit, bias first
    #[arg(long, value_name = "ROWS", allow_hyphen_values = true)]
    w: Option<String>,
    /// η
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    learning_rate: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PartArg {
    /// 4-1, with the worked derivation
    Backprop,
    /// 4-2
    Filters,
}

/// `digits verify`; a check that fails gives exit status 1.
pub fn run(args: &Args) -> Done {
    let options = Options {
        part: match args.part {
            None => Part::All,
            Some(PartArg::Backprop) => Part::Backprop,
            Some(PartArg::Filters) => Part::Filters,
        },
        values: args.derivation.values()?,
        mutants: args.mutants,
        ..Options::default()
    };
    options.values.network().map_err(CliError::usage)?;
    let report = verify(&options, &devices(args.backend)?)?;
    let folder = folder(args.out.as_ref(), "verify");
    let page = folder.join("report.html");
    let markdown = render::markdown(&report)?;
    write(&page, render::html(&report)?.as_bytes())?;
    write(&folder.join("report.md"), markdown.as_bytes())?;
    if args.markdown {
        print(&markdown)?;
    } else {
        let (json, quiet) = (args.json, args.quiet);
        OutputArgs { json, quiet }.print(&render::json(&report), || {
            render::terminal(&report, options.part == Part::Backprop)
        })?;
    }
    if !args.quiet {
        eprintln!("the whole report, with pictures: {}", page.display());
    }
    Ok(ExitCode::from(u8::from(!report.passed())))
}

impl Derivation {
    /// Those of the file, or of the sheet, with the changes of the other options.
    fn values(&self) -> Result<Values, CliError> {
        let mut values = match &self.values {
            Some(path) => Values::read(path)?,
            None => Values::default(),
        };
        let rows = |text: &str| -> Result<Vec<Vec<f64>>, CliError> {
            let grid = parse_kernel(text).map_err(CliError::usage)?;
            Ok(grid.iter_rows().map(<[f64]>::to_vec).collect())
        };
        if let Some(text) = &self.input {
            values.input = rows(text)?.concat();
        }
        if let Some(text) = &self.target {
            values.target = rows(text)?.concat();
        }
        if let Some(text) = &self.v {
            values.v = rows(text)?;
        }
        if let Some(text) = &self.w {
            values.w = rows(text)?;
        }
        values.learning_rate = self.learning_rate.unwrap_or(values.learning_rate);
        Ok(values)
    }
}

/// The CPU backends in f64; a GPU in f32, or the reason why there is none.
fn devices(only: Option<Backend>) -> Result<Vec<NamedDevice>, CliError> {
    let named = |backend: Backend| NamedDevice {
        name: backend.name(),
        device: backend.device(),
        precision: backend.precision(),
    };
    let Some(backend) = only else {
        let each = [Backend::Flex, Backend::Ndarray, Backend::Wgpu];
        return Ok(each.map(named).into());
    };
    let only = named(backend);
    only.device.clone().map_err(CliError::failed)?;
    Ok(vec![only])
}
