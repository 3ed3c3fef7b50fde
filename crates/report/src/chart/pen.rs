use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::key::{Key, Role};
use crate::document::Panel;
use crate::error::ReportError;

pub(super) type Drawn<T = ()> = Result<T, Box<dyn Error>>;
/// A pixel.
pub(super) type At = (i32, i32);

pub(super) const INK: RGBColor = RGBColor(0x16, 0x19, 0x1d);
pub(super) const QUIET: RGBColor = RGBColor(0x54, 0x5b, 0x66);
pub(super) const GRID: RGBColor = RGBColor(0xd7, 0xdb, 0xe1);
const PAPER: RGBColor = RGBColor(0xfe, 0xfe, 0xfe);

/// Widths of panels.
pub(super) const WIDTH: i32 = 420;
pub(super) const SMALL_WIDTH: i32 = 220;
/// Room below a plot for ticks, and for the title of the axis.
pub(super) const TICKS: i32 = 24;
pub(super) const X_TITLE: i32 = 44;

/// Height of letters in the units of a panel, which plotters divides by 1.24, and their weight.
type Font = (i32, FontStyle);
pub(super) const PLAIN: Font = (16, FontStyle::Normal);
pub(super) const BOLD: Font = (16, FontStyle::Bold);
const TITLE: Font = (18, FontStyle::Bold);
const LEGEND_ROW: i32 = 20;
const LEGEND_COLUMNS: i32 = 2;

/// Words that begin at a point, end at it, or have it in their middle.
pub(super) const AFTER: HPos = HPos::Left;
pub(super) const BEFORE: HPos = HPos::Right;
pub(super) const AROUND: HPos = HPos::Center;

/// The height of a title and a legend.
pub(super) fn heading_height(keys: &[Key]) -> i32 {
    28 + LEGEND_ROW * ((keys.len() as i32 + 1) / LEGEND_COLUMNS)
}

/// One panel, drawn in pixels.
pub(super) fn panel(
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

/// Draws in the pixels of a panel.
pub(super) struct Pen<'a, 'b>(pub &'a DrawingArea<SVGBackend<'b>, Shift>);

/// Where the numbers of two axes are.
pub(super) struct Frame {
    x: Axis,
    y: Axis,
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Frame {
    /// The pixel of a point; points outside are drawn on the edge.
    pub fn at(&self, x: f64, y: f64) -> At {
        let x = self.x.map(&x, (self.left, self.right));
        (x, self.y.map(&y, (self.bottom, self.top)))
    }
}

impl Pen<'_, '_> {
    /// Title and legend; returns the height that they take.
    pub fn heading(&self, title: &str, keys: &[Key]) -> Drawn<i32> {
        self.write(title, (8, 15), AFTER, INK, TITLE)?;
        let (width, _) = self.0.dim_in_pixel();
        for (number, key) in (0..).zip(keys) {
            let x = 8 + (width as i32 - 16) / LEGEND_COLUMNS * (number % LEGEND_COLUMNS);
            let y = 36 + LEGEND_ROW * (number / LEGEND_COLUMNS);
            self.path(&[(x, y), (x + 28, y)], key.role.color(), 2, key.hollow)?;
            self.marker((x + 14, y), key.role, key.hollow, 4)?;
            self.write(&key.name, (x + 34, y), AFTER, INK, PLAIN)?;
        }
        Ok(heading_height(keys))
    }

    /// Axes, ticks and grid. `room` is that above, to the right and to the left.
    pub fn frame(&self, x: &Axis, y: &Axis, x_title: &str, room: [i32; 3]) -> Drawn<Frame> {
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
        let (horizontal, vertical) = chart.plotting_area().get_pixel_range();
        Ok(Frame {
            x: x.clone(),
            y: y.clone(),
            left: horizontal.start,
            top: vertical.start,
            right: horizontal.end - 1,
            bottom: vertical.end - 1,
        })
    }

    /// A line through points.
    pub fn path(&self, points: &[At], color: RGBColor, width: u32, dashed: bool) -> Drawn {
        let (points, style) = (points.to_vec(), color.stroke_width(width));
        if points.len() < 2 {
            return Ok(());
        }
        if dashed {
            self.0.draw(&DashedPathElement::new(points, 6, 4, style))?;
        } else {
            self.0.draw(&PathElement::new(points, style))?;
        }
        Ok(())
    }

    /// An interval: a line with a short one across each end.
    pub fn whisker(&self, ends: [At; 2], color: RGBColor, width: u32) -> Drawn {
        self.path(&ends, color, width, false)?;
        let (dx, dy) = if ends[0].0 == ends[1].0 {
            (4, 0)
        } else {
            (0, 4)
        };
        for (x, y) in ends {
            self.path(&[(x - dx, y - dy), (x + dx, y + dy)], color, width, false)?;
        }
        Ok(())
    }

    /// The marker of a role; hollow for its second variant.
    pub fn marker(&self, (x, y): At, role: Role, hollow: bool, radius: i32) -> Drawn {
        let inner = if hollow { PAPER } else { role.color() };
        for (color, r) in [(role.color(), radius), (inner, radius - 2)] {
            let style = color.filled();
            match role {
                Role::First => self.0.draw(&Circle::new((x, y), r + 1, style))?,
                Role::Second => {
                    self.0
                        .draw(&Rectangle::new([(x - r, y - r), (x + r, y + r)], style))?;
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

    /// Words beside or around a point.
    pub fn write(&self, text: &str, at: At, side: HPos, color: RGBColor, font: Font) -> Drawn {
        let style = ("sans-serif", font.0, font.1).into_font().color(&color);
        let style = style.pos(Pos::new(side, VPos::Center));
        Ok(self.0.draw(&Text::new(text.to_owned(), at, style))?)
    }
}
