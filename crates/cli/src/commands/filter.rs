use std::io::Cursor;
use std::path::{Path, PathBuf};

use digits_data::Source;
use digits_report::{Palette, Picture};
use digits_verify::filter::{Geometry, Grid, Padding, correlate, parse_kernel, sheet_filters};
use image::{ImageReader, Limits};
use serde::Serialize;

use crate::shared::{CliError, DataArgs, Done, OutputArgs, folder, one_of, unreadable, write};

const PADDINGS: &[(&str, &str)] = &[
    ("valid", "Only windows inside the picture"),
    ("same", "Zeros around it"),
];

/// `digits filter`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A picture: PNG, JPEG, BMP or PGM
    #[arg(
        value_name = "IMAGE",
        required_unless_present = "digit",
        conflicts_with = "digit"
    )]
    image: Option<PathBuf>,
    /// Instead of a picture: the training image of the data set with this number, from 0
    #[arg(long, value_name = "INDEX")]
    digit: Option<usize>,
    /// A kernel of your own instead of the sheet's three: "1 0 -1; 2 0 -2; 1 0 -1"
    #[arg(long, value_name = "ROWS", allow_hyphen_values = true)]
    kernel: Option<String>,
    /// What happens at the edge
    #[arg(long, value_parser = one_of::<Padding>(PADDINGS), default_value = "valid")]
    padding: Padding,
    /// Pixels from one window to the next
    #[arg(long, value_name = "N", default_value_t = 1)]
    stride: usize,
    /// Pixels from one kernel cell to the next
    #[arg(long, value_name = "N", default_value_t = 1)]
    dilation: usize,
    /// Folder for the pictures [default: artifacts/filter]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// One filter that was applied.
#[derive(Debug, Serialize)]
struct Filtered {
    filter: String,
    kernel: Grid<f64>,
    height: usize,
    width: usize,
    min: f64,
    max: f64,
    picture: PathBuf,
    panel: PathBuf,
}

/// `digits filter`
pub fn run(args: &Args) -> Done {
    let geometry = Geometry {
        stride: args.stride,
        dilation: args.dilation,
        padding: args.padding,
    };
    let kernels = match &args.kernel {
        Some(text) => vec![(
            "kernel".to_owned(),
            parse_kernel(text).map_err(CliError::usage)?,
        )],
        None => sheet_filters()
            .iter()
            .map(|filter| (filter.name.to_owned(), filter.kernel.to_f64()))
            .collect(),
    };
    let (stem, image) = picture(args)?;
    let folder = folder(args.out.as_ref(), "filter");
    let mut all = Vec::new();
    for (filter, kernel) in kernels {
        let result = correlate(&image, &kernel, geometry)?;
        let values = || result.values().iter().copied();
        let picture = folder.join(format!("{stem}-{filter}.png"));
        let drawn = heat_map(&result, Palette::Signed);
        write(&picture, &drawn.png()?)?;
        let side_by_side = folder.join(format!("{stem}-{filter}-panel.png"));
        let parts = [
            heat_map(&image, Palette::Gray),
            heat_map(&kernel, Palette::Signed),
            drawn,
        ];
        write(&side_by_side, &Picture::beside(&parts, &["*", "="]).png()?)?;
        all.push(Filtered {
            filter,
            kernel,
            height: result.rows(),
            width: result.columns(),
            min: values().fold(f64::INFINITY, f64::min),
            max: values().fold(f64::NEG_INFINITY, f64::max),
            picture,
            panel: side_by_side,
        });
    }
    let line = |one: &Filtered| {
        format!(
            "{:<10}  {}×{}, values {} to {}  {}\n",
            one.filter,
            one.height,
            one.width,
            one.min,
            one.max,
            one.panel.display()
        )
    };
    args.output.print(&all, || all.iter().map(line).collect())
}

fn heat_map(grid: &Grid<f64>, palette: Palette) -> Picture {
    let rows: Vec<&[f64]> = grid.iter_rows().collect();
    Picture::large_heat_map(&rows, palette)
}

/// Name and gray values, 0 to 255, of what is to be filtered.
fn picture(args: &Args) -> Result<(String, Grid<f64>), CliError> {
    if let Some(index) = args.digit {
        let dataset = args.data.open(&Source::Auto, args.output.quiet)?;
        let images = &dataset.train;
        if index >= images.len() {
            return Err(CliError::usage(format!(
                "--digit is {index}; {} has images 0 to {}",
                dataset.name,
                images.len() - 1
            )));
        }
        let shape = images.shape();
        // A name such as drawn:100 is part of one of a file here.
        let stem = format!("{}-{index}", dataset.name.replace(':', "-"));
        let values = images
            .pixels(index)
            .iter()
            .copied()
            .map(f64::from)
            .collect();
        return Ok((stem, Grid::new(shape.height, shape.width, values)?));
    }
    let path = args.image.as_deref().unwrap_or(Path::new(""));
    let problem = |reason: &dyn std::fmt::Display| unreadable(path, reason);
    let bytes = std::fs::read(path).map_err(|error| problem(&error))?;
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| problem(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(4096);
    limits.max_image_height = Some(4096);
    reader.limits(limits);
    let gray = reader.decode().map_err(|error| problem(&error))?.to_luma8();
    let values = gray.as_raw().iter().copied().map(f64::from).collect();
    let stem = path.file_stem().unwrap_or("picture".as_ref());
    Ok((
        stem.to_string_lossy().into_owned(),
        Grid::new(gray.height() as usize, gray.width() as usize, values)?,
    ))
}
