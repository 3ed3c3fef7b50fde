use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use digits_data::idx::{self, Split};
use digits_data::{Cache, Images, OpenOptions, drawn};
use image::{GrayImage, Luma};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::error::{CliError, Message};
use crate::output;
use crate::progress::DataProgress;

/// `digits data …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show where MNIST is kept and whether it is whole
    Status(OutputArgs),
    /// Fetch what is missing or damaged
    Fetch(OutputArgs),
    /// Copy MNIST's four files, raw or gzipped, from a folder into the cache
    Import {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Write the digits that the program draws itself as a data set in IDX form
    Draw {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Seed of the drawing
        #[arg(long, value_name = "N", default_value_t = drawn::SEED)]
        seed: u64,
        /// Training images
        #[arg(long, value_name = "N", default_value_t = drawn::TRAIN)]
        train: usize,
        /// Test images
        #[arg(long, value_name = "N", default_value_t = drawn::TEST)]
        test: usize,
        /// Write a contact sheet of the first 200 training images, too
        #[arg(long, value_name = "FILE.png")]
        sheet: Option<PathBuf>,
    },
}

#[derive(Debug, Serialize)]
struct Report {
    cache: PathBuf,
    whole: bool,
    files: Vec<File>,
}

#[derive(Debug, Serialize)]
struct File {
    path: PathBuf,
    ok: bool,
    problem: Option<String>,
}

/// Runs `digits data …`.
pub fn run(command: &Command) -> Result<ExitCode, CliError> {
    let (cache, output) = match command {
        Command::Status(output) => (Cache::of_user()?, output),
        Command::Fetch(output) => {
            let cache = Cache::of_user()?;
            let mut progress = DataProgress::new(output.quiet);
            cache.fetch(&OpenOptions::default(), &mut |event| progress.show(event))?;
            (cache, output)
        }
        Command::Import { folder, output } => {
            let cache = Cache::of_user()?;
            cache.import(folder)?;
            (cache, output)
        }
        Command::Draw {
            folder,
            seed,
            train,
            test,
            sheet,
        } => return draw(folder, *seed, (*train, *test), sheet.as_deref()),
    };
    let report = report(&cache);
    if output.json {
        output::json(&report)?;
    } else {
        let mut text = format!("MNIST in {}\n", report.cache.display());
        for file in &report.files {
            let name = file
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            text += &format!(
                "  {:<26} {}\n",
                name.unwrap_or_default(),
                file.problem.as_deref().unwrap_or("ok")
            );
        }
        if !report.whole {
            text += "not whole: `digits data fetch` downloads it, `digits data import DIR` copies it from a folder\n";
        }
        output::text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Images beyond this many are refused: 2 GiB of pixels is the most that is read back.
const MOST: usize = 2_000_000;

fn draw(
    folder: &Path,
    seed: u64,
    (train, test): (usize, usize),
    sheet: Option<&Path>,
) -> Result<ExitCode, CliError> {
    if train == 0 || test == 0 || train > MOST || test > MOST {
        return Err(CliError::usage(Message(format!(
            "--train and --test take 1 to {MOST} images"
        ))));
    }
    let images = drawn::images(seed, 0, train)?;
    idx::write(folder, Split::Train, &images)?;
    idx::write(folder, Split::Test, &drawn::images(seed, train, test)?)?;
    if let Some(file) = sheet {
        contact_sheet(&images).save(file).map_err(|error| {
            CliError::failed(Message(format!("cannot write {}: {error}", file.display())))
        })?;
    }
    output::text(&format!(
        "{train} training and {test} test images in {}\n",
        folder.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The first images, 20 in a row.
fn contact_sheet(images: &Images) -> GrayImage {
    const COLUMNS: usize = 20;
    const ROWS: usize = 10;
    let shape = images.shape();
    GrayImage::from_fn(
        (COLUMNS * shape.width) as u32,
        (ROWS * shape.height) as u32,
        |x, y| {
            let (x, y) = (x as usize, y as usize);
            let index = y / shape.height * COLUMNS + x / shape.width;
            let ink = if index < images.len() {
                images.pixels(index)[y % shape.height * shape.width + x % shape.width]
            } else {
                0
            };
            Luma([255 - ink])
        },
    )
}

fn report(cache: &Cache) -> Report {
    let status = cache.status();
    Report {
        cache: cache.path().to_owned(),
        whole: status.iter().all(|file| file.state.is_ok()),
        files: status
            .into_iter()
            .map(|file| File {
                path: file.path,
                ok: file.state.is_ok(),
                problem: file.state.err(),
            })
            .collect(),
    }
}
