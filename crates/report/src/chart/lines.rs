use super::*;

/// A plot of lines or of single points.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// Above it.
    pub title: String,
    /// What the horizontal axis means, where it has to be said.
    pub x_title: Option<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines, the later above the earlier.
    pub lines: Vec<Line>,
    /// Half as wide.
    pub small: bool,
    /// Shows the legend.
    pub legend: bool,
    /// Shows the line y = x.
    pub diagonal: bool,
    /// A line across at some height, with words below its right end.
    pub reference: Option<(f64, String)>,
}

/// One line of it.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// What it stands for.
    pub key: Key,
    /// Its points from left to right; those that are not numbers are left out.
    pub points: Vec<Point>,
    /// Connects the points by a band over their intervals, else shows bars.
    pub band: bool,
}

/// One point of a line.
#[derive(Debug, Clone)]
pub struct Point {
    /// On the horizontal axis.
    pub x: f64,
    /// On the vertical axis.
    pub y: f64,
    /// Low and high end around `y`.
    pub interval: Option<[f64; 2]>,
    /// Size of the marker; 0 for none.
    pub radius: i32,
    /// Words beside it.
    pub note: Option<(String, Side)>,
}

/// Where words stand beside a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Where there is more room.
    Inside,
}

impl Point {
    /// The mean and interval of fractions, in percent.
    pub fn percent<'a>(x: f64, sample: impl Into<Estimate<'a>>) -> Self {
        let sample = sample.into();
        Self::new(x, 100.0 * sample.mean, sample.interval_in_percent())
    }

    /// A point with its interval.
    pub fn new(x: f64, y: f64, interval: Option<[f64; 2]>) -> Self {
        Self {
            x,
            y,
            interval: interval.filter(|ends| ends.iter().all(|end| end.is_finite())),
            radius: 4,
            note: None,
        }
    }

    /// With words where there is more room.
    #[must_use]
    pub fn inside(self, text: String) -> Self {
        let note = Some((text, Side::Inside));
        Self { note, ..self }
    }
}

/// Draws them.
///
/// # Errors
/// The plotting library's.
pub fn lines(plot: &Plot) -> Result<Panel, ReportError> {
    let shown = plot.lines.iter().filter(|_| plot.legend);
    let keys: Vec<Key> = shown.map(|line| line.key.clone()).collect();
    let heading = heading_height(&keys);
    let (size, left) = match plot.small {
        false => ((WIDTH, 242 + heading), 50),
        true => ((SMALL_WIDTH, 142 + heading), 40),
    };
    panel(&plot.slug, &plot.label, size, |pen| {
        pen.heading(&plot.title, &keys)?;
        let x_title = plot.x_title.as_deref().unwrap_or_default();
        let frame = pen.frame(&plot.x, &plot.y, x_title, [heading + 8, 18, left])?;
        let across = |y: f64| [plot.x.low, plot.x.high].map(|x| frame.backend_coord(&(x, y)));
        if plot.diagonal {
            let [(left, top), (right, bottom)] = corners(&frame);
            pen.path(&[(left, bottom), (right, top)], QUIET, 1, true)?;
        }
        if plot.y.low < 0.0 && plot.y.high > 0.0 {
            pen.path(&across(0.0), QUIET, 1, false)?;
        }
        if let Some((value, words)) = &plot.reference {
            let ends = across(*value);
            pen.path(&ends, QUIET, 1, true)?;
            pen.write(words, (ends[1].0, ends[1].1 + 10), BEFORE, QUIET, PLAIN)?;
        }
        for line in plot.lines.iter().filter(|line| line.band) {
            band(pen, &frame, line)?;
        }
        for line in &plot.lines {
            curve(pen, &frame, line)?;
        }
        Ok(())
    })
}

fn drawable(line: &Line) -> Vec<&Point> {
    let finite = |point: &&Point| point.x.is_finite() && point.y.is_finite();
    line.points.iter().filter(finite).collect()
}

fn band(pen: &Pen<'_, '_>, frame: &Frame, line: &Line) -> Drawn {
    let points = drawable(line);
    if points.len() < 2 || points.iter().all(|point| point.interval.is_none()) {
        return Ok(());
    }
    let end = |point: &Point, end: usize| {
        let y = point.interval.map_or(point.y, |interval| interval[end]);
        frame.backend_coord(&(point.x, y))
    };
    let back = points.iter().rev().map(|point| end(point, 1));
    let outline: Vec<At> = back
        .chain(points.iter().map(|point| end(point, 0)))
        .collect();
    let pale = line.key.role.color().mix(0.16);
    Ok(pen.0.draw(&Polygon::new(outline, pale))?)
}

fn curve(pen: &Pen<'_, '_>, frame: &Frame, line: &Line) -> Drawn {
    let color = line.key.role.color();
    let points = drawable(line);
    let place = |point: &&Point| frame.backend_coord(&(point.x, point.y));
    let places: Vec<At> = points.iter().map(place).collect();
    let [(left, top), (right, _)] = corners(frame);
    // A band over a single point has no width.
    if !line.band || places.len() < 2 {
        for point in &points {
            if let Some(interval) = point.interval {
                let ends = interval.map(|end| frame.backend_coord(&(point.x, end)));
                pen.whisker(ends, color, 1)?;
            }
        }
    }
    pen.path(&places, color, 2, line.key.hollow)?;
    for (point, (x, y)) in points.iter().zip(places) {
        if point.radius > 0 {
            pen.marker((x, y), line.key.role, line.key.hollow, point.radius)?;
        }
        if let Some((text, side)) = &point.note {
            let (x, side) = match side {
                Side::Right => (x + 10, AFTER),
                Side::Inside if x <= (left + right) / 2 => (x + 10, AFTER),
                Side::Left | Side::Inside => (x - 10, BEFORE),
            };
            // Not above the plot, where the title is.
            pen.write(text, (x, y.max(top + 8)), side, color, BOLD)?;
        }
    }
    Ok(())
}
