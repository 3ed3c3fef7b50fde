//! What only the page shows: the network as a drawing, and image ⋆ kernel = result.

use digits_report::{Palette, largest, readable_on};
use maud::html as markup;

use crate::filter::Grid;
use crate::worked::{Worked, number};

/// The worked network: units with their values, edges with their weights.
pub(super) fn network(worked: &Worked) -> String {
    let values = &worked.values;
    let steps = || worked.sections.iter().flat_map(|section| &section.steps);
    let computed = |symbol: &str| {
        let step = steps().find(|step| step.symbol == symbol);
        step.map_or_else(String::new, |step| short(step.value))
    };
    let unit = |letter: char, number: usize| format!("{letter}{}", sub(number));
    let constant = |letter| (unit(letter, 0), "1".to_owned());
    let mut columns = [vec![constant('x')], vec![constant('z')], Vec::new()];
    let inputs = (1..).zip(&values.input);
    columns[0].extend(inputs.map(|(i, x)| (unit('x', i), short(*x))));
    for (column, letter, rows) in [(1, 'z', &values.v), (2, 'y', &values.w)] {
        let units = (1..=rows.len()).map(|j| unit(letter, j));
        columns[column].extend(units.map(|symbol| (symbol.clone(), computed(&symbol))));
    }
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(1);
    let height = 110 * tallest + 20;
    let place = |column: usize, row: usize| -> (usize, usize) {
        let free = height - 20 - 110 * columns[column].len();
        (60 + 290 * column, 65 + free / 2 + 110 * row)
    };
    // Start, end, weight, and how far along the edge its label stands, so that labels do not meet.
    let mut edges = Vec::new();
    for (layer, rows) in [&values.v, &values.w].into_iter().enumerate() {
        for (j, row) in rows.iter().enumerate() {
            // The first unit of the hidden column is the constant.
            let end = place(layer + 1, j + 1 - layer);
            let weights = row.iter().enumerate();
            edges.extend(weights.map(|(i, w)| (place(layer, i), end, *w, 0.26 + 0.17 * j as f64)));
        }
    }
    let along = |from: usize, to: usize, t: f64| from as f64 + t * (to as f64 - from as f64);
    let drawing = markup! {
        figure.network {
            svg viewBox={ "0 0 700 " (height) } role="img"
                aria-label="The network with its weights and values" {
                @for ((x1, y1), (x2, y2), weight, _) in &edges {
                    line class=(if *weight < 0.0 { "negative" } else { "positive" })
                        stroke-width=(format!("{:.1}", 0.8 + 3.0 * weight.abs().min(1.0)))
                        x1=(x1) y1=(y1) x2=(x2) y2=(y2) {}
                }
                @for ((x1, y1), (x2, y2), weight, t) in &edges {
                    text.weight font-size="14" x=(along(*x1, *x2, *t).round())
                        y=(along(*y1, *y2, *t).round() + 5.0) { (short(*weight)) }
                }
                @for (column, units) in columns.iter().enumerate() {
                    @for (row, (name, value)) in units.iter().enumerate() {
                        @let (x, y) = place(column, row);
                        circle.unit cx=(x) cy=(y) r="36" {}
                        text.name font-size="17" font-weight="600" x=(x) y=(y - 4) { (name) }
                        text.value font-size="15" x=(x) y=(y + 16) { (value) }
                    }
                }
                @for (k, target) in values.target.iter().enumerate() {
                    @let (x, y) = place(2, k);
                    text.value font-size="14" x=(x) y=(y + 54) {
                        "t" (sub(k + 1)) " = " (short(*target))
                    }
                }
            }
            figcaption {
                "The network of the worked example. Orange weights are positive, blue ones negative."
            }
        }
    };
    drawing.into_string()
}

/// Three heat maps in a row.
pub(super) fn correlation(image: &Grid<i64>, kernel: &Grid<i64>, result: &Grid<i64>) -> String {
    let part = |grid, palette, name: &str| {
        markup! { figure { (heat_map(grid, palette, name)) figcaption { (name) } } }
    };
    let row = markup! {
        div.row {
            (part(image, Palette::Gray, "image"))
            span.sign { "⋆" }
            (part(kernel, Palette::Signed, "kernel"))
            span.sign { "=" }
            (part(result, Palette::Signed, "result"))
        }
    };
    row.into_string()
}

/// Squares with their numbers.
fn heat_map(grid: &Grid<i64>, palette: Palette, label: &str) -> maud::Markup {
    const CELL: usize = 44;
    let (width, height) = (grid.columns() * CELL, grid.rows() * CELL);
    let grid = grid.to_f64();
    let largest = largest(grid.values());
    let css = |[r, g, b]: [u8; 3]| format!("rgb({r},{g},{b})");
    markup! {
        svg.heat viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(label) {
            @for (r, row) in grid.iter_rows().enumerate() {
                @for (c, value) in row.iter().enumerate() {
                    @let color = palette.color(*value, largest);
                    @let (x, y) = (c * CELL, r * CELL);
                    rect x=(x) y=(y) width=(CELL) height=(CELL) fill=(css(color)) {}
                    text x=(x + CELL / 2) y=(y + CELL / 2 + 6) fill=(css(readable_on(color))) {
                        (number(*value))
                    }
                }
            }
        }
    }
}

/// With at most three decimals.
fn short(value: f64) -> String {
    number((value * 1e3).round() / 1e3)
}

fn sub(digit: usize) -> char {
    char::from_u32(0x2080 + digit as u32).unwrap_or('?')
}
