//! Vector plots. Each panel is small enough to be read at the width of a phone; a page puts as
//! many side by side as it has room for.

mod axis;
mod lines;
mod rows;

use std::error::Error;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub use self::axis::Axis;
pub use self::lines::{Line, Plot, Point, Side, lines};
pub use self::rows::{Confusion, Mark, Row, Rows, confusion, rows};
use crate::ReportError;
use crate::document::Panel;

type Drawn<T = ()> = Result<T, Box<dyn Error>>;
/// A pixel.
type At = (i32, i32);
/// A plot with two axes; points outside are drawn on its edge.
type Frame<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

const INK: RGBColor = RGBColor(0x16, 0x19, 0x1d);
const QUIET: RGBColor = RGBColor(0x54, 0x5b, 0x66);
const GRID: RGBColor = RGBColor(0xd7, 0xdb, 0xe1);
const PAPER: RGBColor = RGBColor(0xfe, 0xfe, 0xfe);

/// Widths of panels.
const WIDTH: i32 = 420;
const SMALL_WIDTH: i32 = 220;
/// Room below a plot for ticks, and for the title of the axis.
const TICKS: i32 = 24;
const X_TITLE: i32 = 44;

/// Height of letters in the units of a panel, which plotters divides by 1.24, and their weight.
type Font = (i32, FontStyle);
const PLAIN: Font = (16, FontStyle::Normal);
const BOLD: Font = (16, FontStyle::Bold);
const TITLE: Font = (18, FontStyle::Bold);
const LEGEND_ROW: i32 = 20;
const LEGEND_COLUMNS: i32 = 2;

/// Words that begin at a point, end at it, or have it in their middle.
const AFTER: HPos = HPos::Left;
const BEFORE: HPos = HPos::Right;
const AROUND: HPos = HPos::Center;

/// What a line or mark stands for: its color and the form of its marker, the same in every chart
/// of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// Blue circles.
    First,
    /// Orange squares.
    Second,
    /// Diamonds in the color of the text, for what belongs to neither.
    #[default]
    Neutral,
}

impl Role {
    fn color(self) -> RGBColor {
        match self {
            Self::First => RGBColor(0x0b, 0x5c, 0xad),
            Self::Second => RGBColor(0xb3, 0x47, 0x00),
            Self::Neutral => INK,
        }
    }
}

/// An entry of a legend.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// Color and marker.
    pub role: Role,
    /// The second variant of a role: dashed, open markers.
    pub hollow: bool,
    /// The words of the legend.
    pub name: String,
}

impl Key {
    /// The first variant of a role.
    pub fn new(role: impl Into<Role>, name: impl Into<String>) -> Self {
        let (role, name) = (role.into(), name.into());
        Self {
            role,
            hollow: false,
            name,
        }
    }
}

/// A measurement that was repeated: its values, their mean, and an interval around it.
#[derive(Debug, Clone, Copy)]
pub struct Estimate<'a> {
    /// The single values.
    pub values: &'a [f64],
    /// Their mean.
    pub mean: f64,
    /// Low and high end, if it can be known.
    pub interval: Option<[f64; 2]>,
}

impl Estimate<'_> {
    /// Every number that a plot has to hold.
    pub fn extent(&self) -> impl Iterator<Item = f64> {
        let ends = self.interval.into_iter().flatten();
        self.values.iter().copied().chain([self.mean]).chain(ends)
    }

    fn interval_in_percent(&self) -> Option<[f64; 2]> {
        self.interval.map(|ends| ends.map(|end| 100.0 * end))
    }
}

/// The height of a title and a legend.
fn heading_height(keys: &[Key]) -> i32 {
    28 + LEGEND_ROW * ((keys.len() as i32 + 1) / LEGEND_COLUMNS)
}

fn panel(
    slug: &str,
    label: &str,
    (width, height): (i32, i32),
    draw: impl FnOnce(&Pen<'_, '_>) -> Drawn,
) -> Result<Panel, ReportError> {
    let mut svg = String::new();
    let (width, height) = (width.max(1) as u32, height.max(1) as u32);
    {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        let all = || -> Drawn {
            area.fill(&PAPER)?;
            draw(&Pen(&area))?;
            Ok(area.present()?)
        };
        all().map_err(|error| ReportError(format!("chart {slug}: {error}")))?;
    }
    // Without `<svg …>` around it, and without what is the default anyway.
    let body = svg.split_once('>').map_or("", |(_, body)| body.trim_end());
    let body = body.strip_suffix("</svg>").unwrap_or(body);
    Ok(Panel {
        slug: slug.to_owned(),
        label: label.to_owned(),
        width,
        height,
        body: body.replace(" opacity=\"1\"", "").replace('\n', ""),
    })
}

/// Upper left and lower right pixel of a plot.
fn corners(frame: &Frame<'_>) -> [At; 2] {
    let (across, down) = frame.plotting_area().get_pixel_range();
    [(across.start, down.start), (across.end - 1, down.end - 1)]
}

/// Draws in the pixels of a panel.
struct Pen<'a, 'b>(&'a DrawingArea<SVGBackend<'b>, Shift>);

impl<'b> Pen<'_, 'b> {
    fn heading(&self, title: &str, keys: &[Key]) -> Drawn {
        self.write(title, (8, 15), AFTER, INK, TITLE)?;
        let (width, _) = self.0.dim_in_pixel();
        for (number, key) in (0..).zip(keys) {
            let x = 8 + (width as i32 - 16) / LEGEND_COLUMNS * (number % LEGEND_COLUMNS);
            let y = 36 + LEGEND_ROW * (number / LEGEND_COLUMNS);
            self.path(&[(x, y), (x + 28, y)], key.role.color(), 2, key.hollow)?;
            self.marker((x + 14, y), key.role, key.hollow, 4)?;
            self.write(&key.name, (x + 34, y), AFTER, INK, PLAIN)?;
        }
        Ok(())
    }

    /// Axes, ticks and grid. `room` is that above, to the right and to the left.
    fn frame(&self, x: &Axis, y: &Axis, x_title: &str, room: [i32; 3]) -> Drawn<Frame<'b>> {
        let [top, right, left] = room;
        let style = ("sans-serif", PLAIN.0).into_font().color(&QUIET);
        let mut chart = ChartBuilder::on(self.0)
            .margin_top(top)
            .margin_right(right)
            .margin_bottom(4)
            .x_label_area_size(if x_title.is_empty() { TICKS } else { X_TITLE })
            .y_label_area_size(left)
            .build_cartesian_2d(x.clone(), y.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(QUIET)
            .label_style(style.clone())
            .axis_desc_style(style);
        if !x_title.is_empty() {
            mesh.x_desc(x_title);
        }
        mesh.draw()?;
        Ok(chart)
    }

    fn path(&self, points: &[At], color: RGBColor, width: u32, dashed: bool) -> Drawn {
        let (points, style) = (points.to_vec(), color.stroke_width(width));
        match points.len() {
            0 | 1 => {}
            _ if dashed => self.0.draw(&DashedPathElement::new(points, 6, 4, style))?,
            _ => self.0.draw(&PathElement::new(points, style))?,
        }
        Ok(())
    }

    /// An interval, along one axis: a line with a short one across each end.
    fn whisker(&self, ends: [At; 2], color: RGBColor, width: u32) -> Drawn {
        self.path(&ends, color, width, false)?;
        let upright = ends[0].0 == ends[1].0;
        let (dx, dy) = if upright { (4, 0) } else { (0, 4) };
        for (x, y) in ends {
            self.path(&[(x - dx, y - dy), (x + dx, y + dy)], color, width, false)?;
        }
        Ok(())
    }

    /// The marker of a role; hollow for its second variant.
    fn marker(&self, (x, y): At, role: Role, hollow: bool, radius: i32) -> Drawn {
        let inner = if hollow { PAPER } else { role.color() };
        for (color, r) in [(role.color(), radius), (inner, radius - 2)] {
            let style = color.filled();
            match role {
                Role::First => self.0.draw(&Circle::new((x, y), r + 1, style))?,
                Role::Second => {
                    let corners = [(x - r, y - r), (x + r, y + r)];
                    self.0.draw(&Rectangle::new(corners, style))?;
                }
                Role::Neutral => {
                    let r = r + 2;
                    let corners = vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)];
                    self.0.draw(&Polygon::new(corners, style))?;
                }
            }
        }
        Ok(())
    }

    fn write(&self, text: &str, at: At, side: HPos, color: RGBColor, font: Font) -> Drawn {
        let style = ("sans-serif", font.0, font.1).into_font().color(&color);
        let style = style.pos(Pos::new(side, VPos::Center));
        Ok(self.0.draw(&Text::new(text.to_owned(), at, style))?)
    }
}
