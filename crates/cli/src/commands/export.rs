use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args as ClapArgs;
use digits_data::{Dataset, Images};
use digits_interop::{Export, FloatType, export};
use digits_report::text::count;
use digits_train::{RunFolder, TrainError, check_fit, evaluate};
use serde::Serialize;

use crate::shared::{
    self, CliError, DataArgs, DeviceArgs, Done, OutputArgs, one_of, percent, print, write,
};

const DTYPES: &[(&str, &str)] = &[
    ("f32", "32 bits, nothing lost"),
    ("f16", "IEEE half precision"),
    ("bf16", "The upper half of an f32"),
];

/// Options of `digits export`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Run folder [default: the newest trained run in artifacts/]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// File to write: .safetensors for PyTorch, or an .onnx model, which takes the bytes of images
    /// as `image` and gives `logits`
    #[arg(
        long,
        value_name = "FILE.safetensors|FILE.onnx",
        required_unless_present = "script"
    )]
    to: Option<PathBuf>,
    /// Type of the numbers; for f16 and bf16 the accuracy that it costs is measured
    #[arg(long, value_parser = one_of::<FloatType>(DTYPES), default_value = "f32")]
    dtype: FloatType,
    /// Print the PyTorch module that loads the file, instead of a summary
    #[arg(long)]
    script: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    file: Option<&'a Path>,
    dtype: FloatType,
    tensors: usize,
    parameters: usize,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<&'a str>,
}

/// What rounding the parameters does on the test split.
#[derive(Serialize)]
struct Cost {
    dataset: String,
    images: usize,
    accuracy_f32: f64,
    accuracy: f64,
    /// Images that the rounded network reads correctly less those that the original does.
    gained: i64,
}

/// `digits export`
pub fn run(args: &Args) -> Done {
    let onnx = args
        .to
        .as_deref()
        .map_or(Ok(false), |file| is_onnx(file, args))?;
    let folder = shared::run(args.run.as_deref())?;
    let path = folder.path();
    let device = args.device.open(0)?;
    let export = export(&folder, args.dtype)?;
    let name = args.to.as_deref().unwrap_or(Path::new("model.safetensors"));
    let script = args.script.then(|| export.script(name)).transpose()?;
    let bytes = if onnx { &export.onnx()? } else { &export.bytes };
    if let Some(file) = &args.to {
        write(file, bytes)?;
    }
    let cost = match (args.dtype, &args.to) {
        (FloatType::F32, _) | (_, None) => None,
        _ => cost(args, &folder, &export, &device)?,
    };
    let report = Report {
        run: path,
        file: args.to.as_deref(),
        dtype: args.dtype,
        tensors: export.tensors,
        parameters: export.record.parameters,
        bytes: bytes.len(),
        cost,
        script: script.as_deref(),
    };
    let mut summary = summary(&report);
    if let (Some(script), false) = (&script, args.output.json) {
        if !args.output.quiet {
            eprint!("{summary}");
        }
        return print(script);
    }
    summary += &if onnx {
        "input `image`: bytes [batch, 1, height, width], 0 = background, 255 = ink; output `logits`\n".to_owned()
    } else {
        let path = path.display();
        format!("next: digits export {path} --script > network.py\n")
    };
    args.output.print(&report, || summary)
}

fn summary(report: &Report) -> String {
    let mut summary = String::new();
    if let Some(file) = report.file {
        summary += &format!(
            "{} → {}: {} tensors, {} parameters, {}, {} bytes\n",
            report.run.display(),
            file.display(),
            report.tensors,
            count(report.parameters),
            report.dtype.name(),
            count(report.bytes),
        );
    }
    if let Some(cost) = &report.cost {
        summary += &format!(
            "test accuracy on {}: {} in f32, {} with parameters in {} ({:+} of {} images right)\n",
            cost.dataset,
            percent(cost.accuracy_f32),
            percent(cost.accuracy),
            report.dtype.name(),
            cost.gained,
            count(cost.images),
        );
    }
    summary
}

/// Whether the name of the file asks for an ONNX model, or else for `.safetensors`.
fn is_onnx(file: &Path, args: &Args) -> Result<bool, CliError> {
    let extension = file.extension().unwrap_or_default();
    let onnx = extension.eq_ignore_ascii_case("onnx");
    let problem = if !onnx && !extension.eq_ignore_ascii_case("safetensors") {
        "the file that is written is FILE.safetensors, which PyTorch reads with safetensors.torch.load_file, or FILE.onnx"
    } else if onnx && (args.script || args.dtype != FloatType::F32) {
        "--script and --dtype go with FILE.safetensors"
    } else {
        return Ok(onnx);
    };
    Err(CliError::usage(format!(
        "--to {}: {problem}",
        file.display()
    )))
}

/// Both networks on the test split; `None`, with a notice, where the run's data are not at hand.
fn cost(
    args: &Args,
    folder: &RunFolder,
    export: &Export,
    device: &Device,
) -> Result<Option<Cost>, CliError> {
    let (dataset, test) = match images(args, export) {
        Ok(found) => found,
        Err(error) if args.data.data.is_none() => {
            eprintln!(
                "what {} costs was not measured: {error}. Name the data with --data",
                args.dtype.name()
            );
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let normalization = &export.record.dataset.normalization;
    let original = folder.load(device)?.model;
    let before = evaluate(&original, &test, None, normalization, device)?;
    let after = evaluate(&export.model(device)?, &test, None, normalization, device)?;
    Ok(Some(Cost {
        dataset: dataset.name,
        images: test.len(),
        accuracy_f32: before.accuracy,
        accuracy: after.accuracy,
        gained: after.correct() as i64 - before.correct() as i64,
    }))
}

fn images(args: &Args, export: &Export) -> Result<(Dataset, Images), TrainError> {
    let dataset = args.data.open(&export.config.data, args.output.quiet)?;
    let test = export
        .config
        .view
        .permute(&dataset.open_test()?)
        .into_owned();
    let run = args.run.clone().unwrap_or_default();
    check_fit(&run, &export.config.model, &dataset.name, &test)?;
    Ok((dataset, test))
}
