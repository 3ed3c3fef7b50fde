use plotters::prelude::{Color, Rectangle};

use super::*;

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
