use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use digits_data::prepare::{Prepared, prepare};
use digits_train::{Prediction, RunFolder, image_shape, predict};
use image::GrayImage;
use serde::Serialize;

use crate::args::{DeviceArgs, OutputArgs, artifacts};
use crate::error::CliError;
use crate::open;
use crate::output::{self, percent};
use crate::runs;

/// A picture file larger than this is not read: 256 MB.
const MAX_FILE: u64 = 256 << 20;
/// File name endings that a folder is searched for.
const ENDINGS: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "pgm", "ppm", "pnm"];

/// Options of `digits predict`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Pictures (PNG, JPEG, BMP, PGM; any size, dark on light or light on dark), folders of
    /// them, or - for standard input
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    /// Run folder, pretrained/cnn or pretrained/mlp [default: the newest trained CNN in
    /// artifacts/, else pretrained/cnn]
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// Show what the network sees
    #[arg(long)]
    preview: bool,
    /// Write what the network sees as PNG files into this folder
    #[arg(long, value_name = "DIR")]
    save_prepared: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    image: &'a str,
    #[serde(flatten)]
    prediction: &'a Prediction,
    /// The network that answered and what it was trained on.
    run: &'a Path,
    dataset: &'a str,
}

/// `digits predict`
pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let folder = match &args.run {
        Some(path) => RunFolder::named(path)?,
        None => match runs::find_newest(|record| record.model == "cnn" && record.has_network()) {
            Some(path) => RunFolder::new(path),
            None => RunFolder::pretrained("cnn")?,
        },
    };
    // One picture is less work than starting threads for it.
    let threads = args.device.threads.unwrap_or(1);
    let (device, _) = open::device(args.device.backend(), threads)?;
    let run = folder.load(&device)?;
    if !args.output.quiet {
        let why = if args.run.is_none() && folder.is_pretrained() {
            format!(", as {} holds no trained CNN", artifacts().display())
        } else {
            String::new()
        };
        eprintln!(
            "using {} ({} trained on {}{why})",
            run.path.display(),
            run.record.recipe,
            run.record.dataset.name
        );
    }
    let shape = image_shape(&run.config.model);

    let mut names = Vec::new();
    let mut prepared: Vec<Prepared> = Vec::new();
    let mut failed = false;
    for path in expand(&args.images)? {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        match read(&path).and_then(|bytes| Ok(prepare(&name, &bytes, shape)?)) {
            Ok(picture) => {
                names.push(name);
                prepared.push(picture);
            }
            Err(error) => {
                error.report();
                failed = true;
            }
        }
    }
    if let Some(folder) = &args.save_prepared {
        for (number, (name, picture)) in names.iter().zip(&prepared).enumerate() {
            save(folder, number, name, picture)?;
        }
    }
    let pixels: Vec<Vec<u8>> = prepared
        .iter()
        .map(|picture| picture.pixels.clone())
        .collect();
    let predictions = predict(&run, &pixels, &device)?;

    if args.output.json {
        let answers: Vec<Answer> = names
            .iter()
            .zip(&predictions)
            .map(|(image, prediction)| Answer {
                image,
                prediction,
                run: &run.path,
                dataset: &run.record.dataset.name,
            })
            .collect();
        output::json(&answers)?;
    } else {
        let width = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for ((name, prediction), picture) in names.iter().zip(&predictions).zip(&prepared) {
            if args.preview {
                text += &preview(picture);
            }
            let others: Vec<String> = prediction.top[1..]
                .iter()
                .map(|ranked| format!("{} {}", ranked.label, percent(ranked.probability)))
                .collect();
            text += &format!(
                "{name:<width$}  {}  {:>8}   ({})\n",
                prediction.label,
                percent(prediction.probability),
                others.join(", ")
            );
        }
        output::text(&text)?;
    }
    if failed {
        Err(CliError::Reported)
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Folders become the pictures in them, sorted by name.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let problem =
            |error: io::Error| CliError::failed(format!("cannot read {}: {error}", path.display()));
        let mut inside: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path).map_err(problem)? {
            inside.push(entry.map_err(problem)?.path());
        }
        inside.retain(|file| {
            let ending = file
                .extension()
                .map(|ending| ending.to_string_lossy().to_lowercase());
            ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
        });
        if inside.is_empty() {
            return Err(CliError::failed(format!(
                "{} holds no pictures (files ending in {})",
                path.display(),
                ENDINGS.join(", ")
            )));
        }
        inside.sort();
        all.extend(inside);
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let problem = |reason: &dyn std::fmt::Display| {
        CliError::failed(format!("cannot read {}: {reason}", path.display()))
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    }
    .map_err(|error| problem(&error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(problem(&"it is larger than 256 MB"));
    }
    Ok(bytes)
}

/// `NUMBER-NAME.png` in the folder, so that equal names do not meet.
fn save(folder: &Path, number: usize, name: &str, picture: &Prepared) -> Result<(), CliError> {
    let problem = |reason: &dyn std::fmt::Display| {
        CliError::failed(format!("cannot write to {}: {reason}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(|error| problem(&error))?;
    let stem = Path::new(name)
        .file_stem()
        .map_or_else(|| "picture".into(), |stem| stem.to_string_lossy());
    let image = GrayImage::from_raw(
        picture.shape.width as u32,
        picture.shape.height as u32,
        picture.pixels.clone(),
    )
    .ok_or_else(|| problem(&"the picture has no pixels"))?;
    image
        .save(folder.join(format!("{number:03}-{stem}.png")))
        .map_err(|error| problem(&error))
}

/// Two rows of pixels a line of text, in the five shades that every terminal has.
fn preview(picture: &Prepared) -> String {
    const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
    let shade = |row: usize, column: usize| -> usize {
        let value = |row: usize| {
            picture
                .pixels
                .get(row * picture.shape.width + column)
                .copied()
                .unwrap_or(0)
        };
        (usize::from(value(row)) + usize::from(value(row + 1))) * SHADES.len() / 511
    };
    let edge = "─".repeat(picture.shape.width);
    let mut text = format!("┌{edge}┐\n");
    for row in (0..picture.shape.height).step_by(2) {
        text.push('│');
        text.extend(
            (0..picture.shape.width).map(|column| SHADES[shade(row, column).min(SHADES.len() - 1)]),
        );
        text += "│\n";
    }
    text + &format!("└{edge}┘\n")
}
