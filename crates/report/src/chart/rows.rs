use super::*;

/// Measurements one below the other: dots for single values, a marker for their mean, a bar for
/// its interval.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// Above it.
    pub title: String,
    /// What the axis means.
    pub x_title: String,
    /// The axis.
    pub x: Axis,
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// Above the plot.
    pub legend: Vec<Key>,
    /// A line across, for example where there is no difference.
    pub line: Option<f64>,
    /// The marks of a row share one line, without words beside it.
    pub together: bool,
}

/// One row of it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// To its left.
    pub label: String,
    /// One below the other, or on one line.
    pub marks: Vec<Mark>,
}

/// One measurement.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// Color and marker.
    pub role: Role,
    /// The single values, as dots.
    pub values: Vec<f64>,
    /// Where the marker is.
    pub mean: f64,
    /// Low and high end of the bar.
    pub interval: Option<[f64; 2]>,
    /// Written to the right of the row.
    pub text: String,
}

impl Mark {
    /// Fractions, or differences of them, in percent.
    pub fn percent<'a>(
        role: impl Into<Role>,
        sample: impl Into<Estimate<'a>>,
        text: String,
    ) -> Self {
        let sample = sample.into();
        Self {
            role: role.into(),
            values: sample.values.iter().map(|value| 100.0 * value).collect(),
            mean: 100.0 * sample.mean,
            interval: sample.interval_in_percent(),
            text,
        }
    }
}

const MARK_HEIGHT: i32 = 24;
const ROW_GAP: i32 = 10;
/// Mean width of a letter of a label, and of a bold figure.
const LETTER: f64 = 8.3;

/// Draws them.
///
/// # Errors
/// The plotting library's.
pub fn rows(plot: &Rows) -> Result<Panel, ReportError> {
    let most = if plot.together { 1 } else { usize::MAX };
    let lines = |row: &Row| row.marks.len().clamp(1, most) as i32;
    let height = |row: &Row| MARK_HEIGHT * lines(row) + ROW_GAP;
    let total: i32 = plot.rows.iter().map(height).sum();
    let above = heading_height(&plot.legend) + 6;
    let size = (WIDTH, above + total + X_TITLE + 4);
    // As wide as the longest words, up to some width.
    let room = |letters: Option<usize>, most: f64| {
        (letters.unwrap_or(0) as f64 * LETTER + 14.0).min(most) as i32
    };
    let labels = plot.rows.iter().map(|row| row.label.chars().count());
    let marks = plot.rows.iter().flat_map(|row| &row.marks);
    let texts = marks.map(|mark| mark.text.chars().count());
    let right = room(texts.max().filter(|_| !plot.together), 110.0);
    let margins = [above, right, room(labels.max(), 190.0)];
    panel(&plot.slug, &plot.label, size, |pen| {
        pen.heading(&plot.title, &plot.legend)?;
        let frame = pen.frame(&plot.x, &Axis::default(), &plot.x_title, margins)?;
        let [(left, mut top), (right, bottom)] = corners(&frame);
        if let Some(value) = plot.line {
            let (x, _) = frame.backend_coord(&(value, 0.0));
            pen.path(&[(x, top), (x, bottom)], QUIET, 2, true)?;
        }
        for row in &plot.rows {
            let middle = top + height(row) / 2;
            pen.write(&row.label, (left - 8, middle), BEFORE, INK, PLAIN)?;
            let mut y = middle - MARK_HEIGHT * (lines(row) - 1) / 2;
            for mark in &row.marks {
                draw(pen, &frame, mark, y)?;
                if !plot.together {
                    let at = (right + 8, y);
                    pen.write(&mark.text, at, AFTER, mark.role.color(), BOLD)?;
                    y += MARK_HEIGHT;
                }
            }
            top += height(row);
        }
        Ok(())
    })
}

fn draw(pen: &Pen<'_, '_>, frame: &Frame, mark: &Mark, y: i32) -> Drawn {
    if !mark.mean.is_finite() {
        return Ok(());
    }
    let color = mark.role.color();
    let x = |value: f64| frame.backend_coord(&(value, 0.0)).0;
    // Below the mean, so that neither hides the other.
    for value in mark.values.iter().filter(|value| value.is_finite()) {
        let at = (x(*value), y + 9);
        pen.0.draw(&Circle::new(at, 3, color.mix(0.55).filled()))?;
    }
    let finite = |ends: &[f64; 2]| ends.iter().all(|end| end.is_finite());
    if let Some(ends) = mark.interval.filter(finite) {
        pen.whisker(ends.map(|end| (x(end), y)), color, 2)?;
    }
    pen.marker((x(mark.mean), y), mark.role, false, 5)
}

/// Up to so many classes the cells hold their counts.
const MOST_WITH_COUNTS: usize = 12;
const LEFT: i32 = 44;
const TOP: i32 = 54;

/// Counts of a classification: rows are true classes, columns answers.
#[derive(Debug, Clone)]
pub struct Confusion<'a> {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// Above the matrix.
    pub title: String,
    /// Whose color the mistakes have.
    pub role: Role,
    /// One row for each class, as long as there are classes.
    pub counts: &'a [Vec<usize>],
}

/// Draws it: mistakes in color, stronger for more of them.
///
/// # Errors
/// The plotting library's.
pub fn confusion(plot: &Confusion<'_>) -> Result<Panel, ReportError> {
    let matrix = plot.counts;
    let classes = matrix.len().max(1) as i32;
    let side = WIDTH - LEFT - 12;
    let edge = |number: usize| number as i32 * side / classes;
    let middle = |number: usize| (edge(number) + edge(number + 1)) / 2;
    let cells = |class: usize| matrix[class].iter().copied().take(matrix.len()).enumerate();
    let mistakes = (0..matrix.len())
        .flat_map(|class| cells(class).filter(move |(answer, _)| *answer != class));
    let most = mistakes.map(|(_, count)| count).max().unwrap_or(0).max(1);
    // So many classes that their names would touch: every other, every fifth …
    let every = [1, 2, 5, 10, 20, 50]
        .into_iter()
        .find(|every| side / classes * every >= 20);
    panel(&plot.slug, &plot.label, (WIDTH, TOP + side + 12), |pen| {
        pen.heading(&plot.title, &[])?;
        pen.write("true", (LEFT - 8, TOP - 14), BEFORE, QUIET, PLAIN)?;
        pen.write("answer →", (WIDTH - 12, 15), BEFORE, QUIET, PLAIN)?;
        for class in 0..matrix.len() {
            if class as i32 % every.unwrap_or(100) == 0 {
                let name = class.to_string();
                let (above, beside) = (LEFT + middle(class), TOP + middle(class));
                pen.write(&name, (above, TOP - 14), AROUND, QUIET, PLAIN)?;
                pen.write(&name, (LEFT - 8, beside), BEFORE, QUIET, PLAIN)?;
            }
            for (answer, count) in cells(class).filter(|(_, count)| *count > 0) {
                // The square root, so that single mistakes can be seen beside many.
                let depth = 0.12 + 0.5 * (count as f64 / most as f64).sqrt();
                let (fill, ink, font) = if answer == class {
                    (GRID.mix(0.55), QUIET, PLAIN)
                } else {
                    (plot.role.color().mix(depth), INK, BOLD)
                };
                let corner = |past| (LEFT + edge(answer + past), TOP + edge(class + past));
                let square = Rectangle::new([corner(0), corner(1)], fill.filled());
                pen.0.draw(&square)?;
                if matrix.len() <= MOST_WITH_COUNTS {
                    let at = (LEFT + middle(answer), TOP + middle(class));
                    pen.write(&count.to_string(), at, AROUND, ink, font)?;
                }
            }
        }
        let outline = [(LEFT, TOP), (LEFT + side, TOP + side)];
        Ok(pen.0.draw(&Rectangle::new(outline, GRID))?)
    })
}
