use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use digits_data::prepare::{Bounds, Prepared, prepare};
use digits_report::Picture;
use digits_train::{Prediction, RunFolder, image_shape, predict};
use serde::Serialize;

use crate::shared::{CliError, DeviceArgs, Done, OutputArgs, newest, percent, unreadable, write};

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

#[derive(Serialize)]
struct Answer<'a> {
    image: &'a str,
    #[serde(flatten)]
    prediction: &'a Prediction,
    /// The network that answered and what it was trained on.
    run: &'a Path,
    dataset: &'a str,
}

/// `digits predict`
pub fn run(args: &Args) -> Done {
    let folder = match &args.run {
        Some(path) => RunFolder::named(path)?,
        None => match newest(|record| record.model == "cnn" && record.has_network()) {
            Some(path) => RunFolder::new(path),
            None => RunFolder::pretrained("cnn")?,
        },
    };
    // One picture is less work than starting threads for it.
    let device = args.device.open(1)?;
    let run = folder.load(&device)?;
    if !args.output.quiet {
        let why = if args.run.is_none() && folder.is_pretrained() {
            ", as artifacts holds no trained CNN"
        } else {
            ""
        };
        eprintln!(
            "using {} ({} trained on {}{why})",
            run.path.display(),
            run.record.recipe,
            run.record.dataset.name
        );
    }
    let shape = image_shape(&run.config.model);

    let mut pictures: Vec<(String, Prepared)> = Vec::new();
    let mut failed = false;
    for path in expand(&args.images)? {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        match read(&path).and_then(|bytes| Ok(prepare(&name, &bytes, shape, Bounds::FILE)?)) {
            Ok(picture) => pictures.push((name, picture)),
            Err(error) => {
                error.report();
                failed = true;
            }
        }
    }
    if let Some(folder) = &args.save_prepared {
        for (number, (name, picture)) in pictures.iter().enumerate() {
            save(folder, number, name, picture)?;
        }
    }
    let pixels = pictures.iter().map(|(_, picture)| picture.pixels.clone());
    let predictions = predict(&run, &pixels.collect::<Vec<_>>(), &device)?;

    let answers = pictures.iter().zip(&predictions);
    let answers: Vec<Answer> = answers
        .map(|((image, _), prediction)| Answer {
            image,
            prediction,
            run: &run.path,
            dataset: &run.record.dataset.name,
        })
        .collect();
    args.output.print(&answers, || {
        let widths = pictures.iter().map(|(name, _)| name.chars().count());
        let width = widths.max().unwrap_or(0);
        let mut text = String::new();
        for ((name, picture), prediction) in pictures.iter().zip(&predictions) {
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
        text
    })?;
    Ok(ExitCode::from(u8::from(failed)))
}

/// Folders become the pictures in them, sorted by name.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut inside = fs::read_dir(path)
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.path()))
                    .collect::<io::Result<Vec<_>>>()
            })
            .map_err(|error| unreadable(path, &error))?;
        inside.retain(|file| {
            let ending = file.extension().unwrap_or_default().to_string_lossy();
            ENDINGS.contains(&ending.to_lowercase().as_str())
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
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    }
    .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(unreadable(path, &"it is larger than 256 MB"));
    }
    Ok(bytes)
}

/// `NUMBER-NAME.png` in the folder, so that equal names do not meet.
fn save(folder: &Path, number: usize, name: &str, picture: &Prepared) -> Result<(), CliError> {
    let stem = Path::new(name).file_stem().unwrap_or("picture".as_ref());
    let file = format!("{number:03}-{}.png", stem.to_string_lossy());
    let (width, height) = (picture.shape.width as u32, picture.shape.height as u32);
    let png = Picture::gray(width, height, picture.pixels.clone())?.png()?;
    write(&folder.join(file), &png)
}

/// Two rows of pixels a line of text, in the five shades that every terminal has.
fn preview(picture: &Prepared) -> String {
    const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
    let (width, height) = (picture.shape.width, picture.shape.height);
    let ink = |row: usize, column: usize| {
        let pixel = picture.pixels.get(row * width + column); // none below the last row
        usize::from(pixel.copied().unwrap_or(0))
    };
    let edge = "─".repeat(width);
    let mut text = format!("┌{edge}┐\n");
    for row in (0..height).step_by(2) {
        let shades = (0..width).map(|column| {
            let shade = (ink(row, column) + ink(row + 1, column)) * SHADES.len() / 511;
            SHADES[shade.min(SHADES.len() - 1)]
        });
        text += &format!("│{}│\n", shades.collect::<String>());
    }
    text + &format!("└{edge}┘\n")
}
