use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use digits_data::idx::{self, FILES};
use digits_data::{Cache, FileStatus, Images, OpenOptions, Source, drawn};
use digits_report::Picture;
use serde::Serialize;

use crate::progress::Progress;
use crate::shared::{CliError, DataArgs, Done, OutputArgs, print, write};

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
    Draw(DrawArgs),
    /// Write a contact sheet: 200 images of any data set in one picture
    Sheet(SheetArgs),
}

/// Options of `digits data draw`.
#[derive(Debug, ClapArgs)]
pub struct DrawArgs {
    /// The folder; may be left out with --sheet
    #[arg(value_name = "DIR", required_unless_present = "sheet")]
    folder: Option<PathBuf>,
    /// Seed of the drawing
    #[arg(long, value_name = "N", default_value_t = drawn::SEED)]
    seed: u64,
    /// Training images
    #[arg(long, value_name = "N", default_value_t = drawn::TRAIN)]
    train: usize,
    /// Test images
    #[arg(long, value_name = "N", default_value_t = drawn::TEST)]
    test: usize,
    /// Write a contact sheet of the first 200 training images
    #[arg(long, value_name = "FILE.png")]
    sheet: Option<PathBuf>,
    /// Replace a data set that the folder holds
    #[arg(long)]
    force: bool,
}

/// Options of `digits data sheet`.
#[derive(Debug, ClapArgs)]
pub struct SheetArgs {
    /// The picture to write
    #[arg(value_name = "FILE.png")]
    file: PathBuf,
    /// Images to show
    #[arg(long, value_enum, default_value_t = Shown::Train)]
    split: Shown,
    #[command(flatten)]
    data: DataArgs,
    /// No progress on standard error
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

/// The images of a contact sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// The first training images
    Train,
    /// The first test images
    Test,
}

#[derive(Serialize)]
struct Report<'a> {
    cache: &'a Path,
    whole: bool,
    files: Vec<FileStatus>,
}

/// `digits data …`
pub fn run(command: &Command) -> Done {
    let output = match command {
        Command::Status(output) | Command::Fetch(output) | Command::Import { output, .. } => output,
        Command::Draw(args) => return draw(args),
        Command::Sheet(args) => return sheet(args),
    };
    let cache = Cache::of_user()?;
    let mut progress = Progress::new(output.quiet);
    let mut on_event = |event| progress.data(event);
    match command {
        Command::Fetch(_) => cache.fetch(&OpenOptions::default(), &mut on_event)?,
        Command::Import { folder, .. } => cache.import(folder, &mut on_event)?,
        _ => {}
    }
    let files = cache.status();
    let report = Report {
        cache: cache.path(),
        whole: files.iter().all(|file| file.ok),
        files,
    };
    output.print(&report, || {
        let mut text = format!("MNIST in {}\n", report.cache.display());
        for FileStatus { path, problem, .. } in &report.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            text += &format!("  {name:<26} {}\n", problem.as_deref().unwrap_or("ok"));
        }
        if !report.whole {
            text += "not whole: `digits data fetch` downloads it, `digits data import DIR` copies it from a folder\n";
        }
        text
    })
}

fn draw(args: &DrawArgs) -> Done {
    let DrawArgs {
        seed, train, test, ..
    } = *args;
    if train == 0 || test == 0 || train > drawn::MOST || test > drawn::MOST {
        return Err(CliError::usage(format!(
            "--train and --test take 1 to {} images",
            drawn::MOST
        )));
    }
    let holds = |folder: &PathBuf| FILES.iter().find_map(|name| idx::find(folder, name).ok());
    if let (Some(file), false) = (args.folder.as_ref().and_then(holds), args.force) {
        return Err(CliError::failed(format!(
            "{} is there already, part of a data set. Name another folder, or replace it with --force",
            file.display()
        )));
    }
    if let Some(file) = &args.sheet {
        let images = drawn::images(seed, 0, train.min(COLUMNS * ROWS))?;
        write_sheet(&images, file)?;
        print(&format!("contact sheet {}\n", file.display()))?;
    }
    let Some(folder) = &args.folder else {
        return Ok(ExitCode::SUCCESS);
    };
    idx::write(folder, idx::TRAIN, &drawn::images(seed, 0, train)?)?;
    let tests = drawn::images(seed, drawn::first_test(train), test)?;
    idx::write(folder, idx::TEST, &tests)?;
    print(&format!(
        "{train} training and {test} test images in {}\n",
        folder.display()
    ))
}

fn sheet(args: &SheetArgs) -> Done {
    let dataset = args.data.open(&Source::Auto, args.quiet)?;
    let (images, split) = match args.split {
        Shown::Train => (&dataset.train, "training"),
        Shown::Test => (&dataset.open_test()?, "test"),
    };
    write_sheet(images, &args.file)?;
    print(&format!(
        "contact sheet of the first {split} images of {}: {}\n",
        dataset.name,
        args.file.display()
    ))
}

/// Images in a row of a contact sheet, and rows.
const COLUMNS: usize = 20;
const ROWS: usize = 10;

/// The first images, 20 in a row, dark on white.
fn write_sheet(images: &Images, file: &Path) -> Result<(), CliError> {
    let shape = images.shape();
    let (width, height) = (COLUMNS * shape.width, ROWS * shape.height);
    let mut ink = vec![0; width * height];
    for index in 0..images.len().min(COLUMNS * ROWS) {
        let (row, column) = (index / COLUMNS, index % COLUMNS);
        for (y, line) in images.pixels(index).chunks(shape.width).enumerate() {
            let start = (row * shape.height + y) * width + column * shape.width;
            ink[start..start + shape.width].copy_from_slice(line);
        }
    }
    let picture = Picture::ink(width as u32, height as u32, &ink)?;
    write(file, &picture.png()?)
}
