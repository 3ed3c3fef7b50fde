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

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn<T = ()> = Result<T, Box<dyn Error>>;

pub(super) const INK: RGBColor = RGBColor(0x16, 0x19, 0x1d);
pub(super) const QUIET: RGBColor = RGBColor(0x54, 0x5b, 0x66);
pub(super) const GRID: RGBColor = RGBColor(0xd7, 0xdb, 0xe1);
pub(super) const PAPER: RGBColor = RGBColor(0xfe, 0xfe, 0xfe);
/// Height of letters in the units of a panel. Plotters divides by 1.24.
pub(super) const FONT: i32 = 16;
const TITLE: i32 = 18;
const LEGEND_ROW: i32 = 20;
/// Room below a plot for ticks and the title of the axis.
pub(super) const AXIS_HEIGHT: i32 = X_TITLE + 4;
const X_TITLE: i32 = 44;

/// Sizes of panels.
pub(super) const WIDTH: i32 = 420;
pub(super) const SMALL_WIDTH: i32 = 220;

/// The height of a title and a legend in so many columns.
pub(super) fn heading_height(keys: &[Key], columns: i32) -> i32 {
    28 + LEGEND_ROW * ((keys.len() as i32 + columns - 1) / columns)
}

/// One panel: an SVG with a label for those who do not see it.
pub(super) fn canvas(
    slug: &str,
    label: &str,
    (width, height): (i32, i32),
    draw: impl FnOnce(&Pen<'_, '_>) -> Drawn,
) -> Result<Panel, ReportError> {
    let mut svg = String::new();
    {
        let size = (width.max(1) as u32, height.max(1) as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let all = || -> Drawn {
            area.fill(&PAPER)?;
            draw(&Pen { area: &area })?;
            area.present()?;
            Ok(())
        };
        all().map_err(|error| ReportError::Chart {
            slug: slug.to_owned(),
            message: error.to_string(),
        })?;
    }
    Ok(Panel {
        slug: slug.to_owned(),
        label: label.to_owned(),
        // What is the default anyway.
        svg: svg.replace(" opacity=\"1\"", "").replace('\n', ""),
    })
}

/// Draws in the pixels of a panel.
pub(super) struct Pen<'a, 'b> {
    area: &'a Area<'b>,
}

/// Where the numbers of two axes are.
pub(super) struct Frame {
    x: Axis,
    y: Axis,
    /// Left, top, right, bottom.
    pub edges: [i32; 4],
}

impl Frame {
    /// The pixel of a point; points outside are drawn on the edge.
    pub fn at(&self, x: f64, y: f64) -> (i32, i32) {
        let [left, top, right, bottom] = self.edges;
        (self.x.map(&x, (left, right)), self.y.map(&y, (bottom, top)))
    }
}

/// Room around a plot.
pub(super) struct Margins {
    pub top: i32,
    pub right: i32,
    pub left: i32,
    /// Height of a title of the x axis, if there is one.
    pub x_title: Option<String>,
}

impl Pen<'_, '_> {
    /// Title and legend; returns the height that they take.
    pub fn heading(&self, title: &str, keys: &[Key], columns: i32) -> Drawn<i32> {
        self.write(title, (8, 6), (TITLE, true, INK), (HPos::Left, VPos::Top))?;
        let (width, _) = self.area.dim_in_pixel();
        for (number, key) in keys.iter().enumerate() {
            let number = number as i32;
            let column = (width as i32 - 16) / columns.max(1);
            let x = 8 + column * (number % columns);
            let y = 36 + LEGEND_ROW * (number / columns);
            self.path(&[(x, y), (x + 28, y)], key.role.color(), 2, key.hollow)?;
            self.marker((x + 14, y), key.role, key.hollow, 4)?;
            let place = (HPos::Left, VPos::Center);
            self.write(&key.name, (x + 34, y), (FONT, false, INK), place)?;
        }
        Ok(heading_height(keys, columns))
    }

    /// Axes, ticks and grid.
    pub fn frame(&self, x: &Axis, y: &Axis, margins: &Margins) -> Drawn<Frame> {
        let style = ("sans-serif", FONT).into_font().color(&QUIET);
        let mut chart = ChartBuilder::on(self.area)
            .margin_top(margins.top)
            .margin_right(margins.right)
            .margin_bottom(4)
            .x_label_area_size(if margins.x_title.is_some() {
                X_TITLE
            } else {
                24
            })
            .y_label_area_size(margins.left)
            .build_cartesian_2d(x.clone(), y.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(QUIET)
            .label_style(style.clone())
            .axis_desc_style(style);
        if let Some(title) = &margins.x_title {
            mesh.x_desc(title.clone());
        }
        mesh.draw()?;
        let (horizontal, vertical) = chart.plotting_area().get_pixel_range();
        Ok(Frame {
            x: x.clone(),
            y: y.clone(),
            edges: [
                horizontal.start,
                vertical.start,
                horizontal.end - 1,
                vertical.end - 1,
            ],
        })
    }

    /// A line through points.
    pub fn path(&self, points: &[(i32, i32)], color: RGBColor, width: u32, dashed: bool) -> Drawn {
        if points.len() < 2 {
            return Ok(());
        }
        let style = color.stroke_width(width);
        if dashed {
            let points = points.iter().copied();
            self.area
                .draw(&DashedPathElement::new(points, 6, 4, style))?;
        } else {
            self.area.draw(&PathElement::new(points.to_vec(), style))?;
        }
        Ok(())
    }

    /// A pale area.
    pub fn area(&self, points: Vec<(i32, i32)>, color: RGBColor) -> Drawn {
        self.area.draw(&Polygon::new(points, color.mix(0.16)))?;
        Ok(())
    }

    /// A filled rectangle of some opacity.
    pub fn block(&self, corners: [(i32, i32); 2], color: RGBColor, opacity: f64) -> Drawn {
        self.area
            .draw(&Rectangle::new(corners, color.mix(opacity).filled()))?;
        Ok(())
    }

    /// A circle, a square or a diamond; hollow for the second variant.
    pub fn marker(&self, (x, y): (i32, i32), role: Role, hollow: bool, radius: i32) -> Drawn {
        let color = role.color();
        let fill = if hollow { PAPER } else { color };
        match role {
            Role::First => {
                for (color, radius) in [(color, radius + 1), (fill, radius - 1)] {
                    self.area
                        .draw(&Circle::new((x, y), radius, color.filled()))?;
                }
            }
            Role::Second => {
                for (color, radius) in [(color, radius), (fill, radius - 2)] {
                    let corners = [(x - radius, y - radius), (x + radius, y + radius)];
                    self.area.draw(&Rectangle::new(corners, color.filled()))?;
                }
            }
            Role::Neutral => {
                for (color, radius) in [(color, radius + 2), (fill, radius - 1)] {
                    let corners = vec![
                        (x, y - radius),
                        (x + radius, y),
                        (x, y + radius),
                        (x - radius, y),
                    ];
                    self.area.draw(&Polygon::new(corners, color.filled()))?;
                }
            }
        }
        Ok(())
    }

    /// A small pale dot for one of several values.
    pub fn dot(&self, at: (i32, i32), color: RGBColor) -> Drawn {
        self.area
            .draw(&Circle::new(at, 3, color.mix(0.55).filled()))?;
        Ok(())
    }

    /// Words. `look` is size, bold, color.
    pub fn write(
        &self,
        text: &str,
        at: (i32, i32),
        (size, bold, color): (i32, bool, RGBColor),
        (horizontal, vertical): (HPos, VPos),
    ) -> Drawn {
        let weight = if bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let style = ("sans-serif", size, weight)
            .into_font()
            .color(&color)
            .pos(Pos::new(horizontal, vertical));
        self.area.draw(&Text::new(text.to_owned(), at, style))?;
        Ok(())
    }
}
