use plotters::style::text_anchor::{HPos, VPos};

use super::key::Role;
use super::pen::{FONT, GRID, INK, QUIET, WIDTH, canvas};
use crate::document::Panel;
use crate::error::ReportError;

/// Up to so many classes the cells hold their counts.
const MOST_WITH_COUNTS: usize = 12;
const LEFT: i32 = 44;
const TOP: i32 = 54;

/// Counts of a classification: rows are true classes, columns answers.
pub struct Confusion<'a> {
    /// File name without its ending.
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
    let most = mistakes(matrix).map(|(_, _, count)| count).max();
    let edge = |number: usize| (number as i32 * side) / classes;
    canvas(&plot.slug, &plot.label, (WIDTH, TOP + side + 12), |pen| {
        pen.heading(&plot.title, &[], 1)?;
        let quiet = (FONT, false, QUIET);
        let centered = (HPos::Center, VPos::Center);
        pen.write(
            "true",
            (LEFT - 8, TOP - 14),
            quiet,
            (HPos::Right, VPos::Center),
        )?;
        pen.write(
            "answer →",
            (WIDTH - 12, 15),
            quiet,
            (HPos::Right, VPos::Center),
        )?;
        // So many classes that their names would touch: every other, every fifth …
        let every = [1, 2, 5, 10, 20, 50]
            .into_iter()
            .find(|every| side / classes * every >= 20)
            .unwrap_or(100);
        for (class, row) in matrix.iter().enumerate() {
            let middle = (edge(class) + edge(class + 1)) / 2;
            if (class as i32) % every == 0 {
                let name = class.to_string();
                pen.write(&name, (LEFT + middle, TOP - 14), quiet, centered)?;
                let right = (HPos::Right, VPos::Center);
                pen.write(&name, (LEFT - 8, TOP + middle), quiet, right)?;
            }
            for (answer, &count) in row.iter().enumerate().take(matrix.len()) {
                if count == 0 {
                    continue;
                }
                let corners = [
                    (LEFT + edge(answer), TOP + edge(class)),
                    (LEFT + edge(answer + 1), TOP + edge(class + 1)),
                ];
                if answer == class {
                    pen.block(corners, GRID, 0.55)?;
                } else {
                    // The square root, so that single mistakes can be seen beside many.
                    let share = (count as f64 / most.unwrap_or(1).max(1) as f64).sqrt();
                    pen.block(corners, plot.role.color(), 0.12 + 0.5 * share)?;
                }
                if matrix.len() <= MOST_WITH_COUNTS {
                    let at = (LEFT + (edge(answer) + edge(answer + 1)) / 2, TOP + middle);
                    let look = (
                        FONT,
                        answer != class,
                        if answer == class { QUIET } else { INK },
                    );
                    pen.write(&count.to_string(), at, look, centered)?;
                }
            }
        }
        for number in [0, matrix.len()] {
            let at = edge(number);
            pen.path(&[(LEFT, TOP + at), (LEFT + side, TOP + at)], GRID, 1, false)?;
            pen.path(&[(LEFT + at, TOP), (LEFT + at, TOP + side)], GRID, 1, false)?;
        }
        Ok(())
    })
}

/// True class, answer, count of every kind of mistake.
fn mistakes(matrix: &[Vec<usize>]) -> impl Iterator<Item = (usize, usize, usize)> {
    matrix.iter().enumerate().flat_map(|(class, row)| {
        row.iter()
            .enumerate()
            .filter(move |(answer, count)| *answer != class && **count > 0)
            .map(move |(answer, count)| (class, answer, *count))
    })
}
