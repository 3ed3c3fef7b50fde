use crate::colors::{Palette, color};
use crate::differences::SweepPoint;
use crate::filter::Grid;
use crate::report::Training;
use crate::worked::{Worked, number};

/// A heat map with its numbers in the cells.
pub(super) fn heat_map(grid: &Grid<i64>, palette: Palette, label: &str) -> String {
    const CELL: usize = 44;
    let (width, height) = (grid.columns() * CELL, grid.rows() * CELL);
    let mut svg = open(width, height, label);
    let grid = grid.to_f64();
    let largest = grid.values().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for (r, row) in grid.iter_rows().enumerate() {
        for (c, &value) in row.iter().enumerate() {
            let ([red, green, blue], ink) = color(value, largest, palette);
            let (x, y) = (c * CELL, r * CELL);
            let [ir, ig, ib] = ink;
            svg += &format!(
                "<rect x='{x}' y='{y}' width='{CELL}' height='{CELL}' fill='rgb({red},{green},{blue})' stroke='#888' stroke-width='.5'/>\
                 <text x='{}' y='{}' fill='rgb({ir},{ig},{ib})' text-anchor='middle' font-size='17'>{}</text>",
                x + CELL / 2,
                y + CELL / 2 + 6,
                number(value)
            );
        }
    }
    svg + "</svg>"
}

/// The worked network: units with their values, edges with their weights.
pub(super) fn network(worked: &Worked) -> String {
    let values = &worked.values;
    let find = |symbol: String| -> String {
        let step = worked
            .sections
            .iter()
            .flat_map(|s| &s.steps)
            .find(|step| step.symbol == symbol);
        step.map_or_else(String::new, |step| short(step.value))
    };
    let sub = |i: usize| char::from_u32(0x2080 + i as u32).unwrap_or('?');
    let unit = |name: char, i: usize| format!("{name}{}", sub(i));
    let mut columns: [Vec<(String, String)>; 3] = [
        vec![("x₀".to_owned(), "1".to_owned())],
        vec![("z₀".to_owned(), "1".to_owned())],
        Vec::new(),
    ];
    columns[0].extend(
        values
            .input
            .iter()
            .enumerate()
            .map(|(i, x)| (unit('x', i + 1), short(*x))),
    );
    columns[1].extend((1..=values.v.len()).map(|j| (unit('z', j), find(unit('z', j)))));
    columns[2].extend((1..=values.w.len()).map(|k| (unit('y', k), find(unit('y', k)))));
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(1);
    let height = 110 * tallest + 20;
    let place = |column: usize, row: usize| -> (usize, usize) {
        let free = height - 20 - 110 * columns[column].len();
        (60 + 290 * column, 10 + free / 2 + 110 * row + 55)
    };
    let mut svg = open(700, height, "The network with its weights and values");
    let mut edges = String::new();
    let mut labels = String::new();
    for (layer, rows) in [&values.v, &values.w].into_iter().enumerate() {
        for (j, row) in rows.iter().enumerate() {
            let target = place(layer + 1, if layer == 0 { j + 1 } else { j });
            for (i, weight) in row.iter().enumerate() {
                let from = place(layer, i);
                let class = if *weight < 0.0 { "neg" } else { "pos" };
                let thick = 0.8 + 3.0 * weight.abs().min(1.0);
                edges += &format!(
                    "<line class='{class}' x1='{}' y1='{}' x2='{}' y2='{}' stroke-width='{thick:.1}'/>",
                    from.0, from.1, target.0, target.1
                );
                // Labels at different heights of the edges, so that they do not meet.
                let t = 0.26 + 0.17 * (j as f64) + 0.0 * (i as f64);
                let x = from.0 as f64 + t * (target.0 as f64 - from.0 as f64);
                let y = from.1 as f64 + t * (target.1 as f64 - from.1 as f64);
                labels += &format!(
                    "<text class='edge' x='{x:.0}' y='{:.0}' text-anchor='middle' font-size='14'>{}</text>",
                    y + 5.0,
                    short(*weight)
                );
            }
        }
    }
    svg += &edges;
    svg += &labels;
    for (column, units) in columns.iter().enumerate() {
        for (row, (name, value)) in units.iter().enumerate() {
            let (x, y) = place(column, row);
            svg += &format!(
                "<circle class='unit' cx='{x}' cy='{y}' r='36'/><text class='ink' x='{x}' y='{}' text-anchor='middle' font-size='17' font-weight='600'>{name}</text>\
                 <text class='ink' x='{x}' y='{}' text-anchor='middle' font-size='15'>{value}</text>",
                y - 4,
                y + 16
            );
        }
    }
    for (k, t) in values.target.iter().enumerate() {
        let (x, y) = place(2, k);
        svg += &format!(
            "<text class='ink' x='{}' y='{}' text-anchor='middle' font-size='14'>t{} = {}</text>",
            x,
            y + 54,
            sub(k + 1),
            short(*t)
        );
    }
    svg + "</svg>"
}

/// Error of central differences against their step, both axes logarithmic.
pub(super) fn sweep(points: &[SweepPoint]) -> String {
    let data: Vec<(f64, f64)> = points
        .iter()
        .map(|p| (p.step.log10(), p.error.max(1e-16).log10()))
        .collect();
    chart(
        "Error of central differences against the step h",
        &[("error", data)],
        (-10.5, -0.5),
        (-14.0, 0.0),
        "step h = 10ˣ",
        "error 10ʸ",
        Some(-7.0),
    )
}

/// The loss by hand, and how far the parameters are from Burn's.
pub(super) fn training(runs: &[Training]) -> String {
    let Some(first) = runs.first() else {
        return String::new();
    };
    let losses: Vec<(f64, f64)> = first
        .losses
        .iter()
        .enumerate()
        .step_by(5)
        .map(|(i, l)| (i as f64, *l))
        .collect();
    let top = first.losses.iter().copied().fold(0.0, f64::max) * 1.1;
    chart(
        "Loss of the 2-2-2 network while it trains",
        &[("loss", losses)],
        (0.0, first.losses.len() as f64 - 1.0),
        (0.0, top),
        "step",
        "loss",
        None,
    )
}

type Series<'a> = (&'a str, Vec<(f64, f64)>);

fn chart(
    title: &str,
    series: &[Series<'_>],
    x: (f64, f64),
    y: (f64, f64),
    x_name: &str,
    y_name: &str,
    line: Option<f64>,
) -> String {
    const WIDTH: f64 = 520.0;
    const HEIGHT: f64 = 280.0;
    let (left, bottom, right, top) = (58.0, 44.0, 14.0, 14.0);
    let px = |v: f64| left + (v - x.0) / (x.1 - x.0) * (WIDTH - left - right);
    let py = |v: f64| {
        HEIGHT - bottom - (v.clamp(y.0, y.1) - y.0) / (y.1 - y.0) * (HEIGHT - top - bottom)
    };
    let mut svg = open(WIDTH as usize, HEIGHT as usize, title);
    for tick in ticks(y) {
        svg += &format!(
            "<line class='grid' x1='{left}' x2='{}' y1='{1:.1}' y2='{1:.1}'/>",
            WIDTH - right,
            py(tick)
        );
        svg += &format!(
            "<text class='ink' x='{}' y='{:.1}' text-anchor='end' font-size='13'>{}</text>",
            left - 6.0,
            py(tick) + 4.0,
            number(tick)
        );
    }
    for tick in ticks(x) {
        svg += &format!(
            "<text class='ink' x='{:.1}' y='{}' text-anchor='middle' font-size='13'>{}</text>",
            px(tick),
            HEIGHT - bottom + 18.0,
            number(tick)
        );
    }
    if let Some(value) = line {
        svg += &format!(
            "<line class='bound' x1='{left}' x2='{}' y1='{1:.1}' y2='{1:.1}'/>",
            WIDTH - right,
            py(value)
        );
        svg += &format!(
            "<text class='boundtext' x='{}' y='{:.1}' text-anchor='end' font-size='13'>tolerance</text>",
            WIDTH - right,
            py(value) - 5.0
        );
    }
    for (_, points) in series {
        let path: Vec<String> = points
            .iter()
            .map(|(a, b)| format!("{:.1},{:.1}", px(*a), py(*b)))
            .collect();
        svg += &format!("<polyline class='series' points='{}'/>", path.join(" "));
        if points.len() < 40 {
            for (a, b) in points {
                svg += &format!(
                    "<circle class='dot' cx='{:.1}' cy='{:.1}' r='3.5'/>",
                    px(*a),
                    py(*b)
                );
            }
        }
    }
    svg += &format!(
        "<text class='ink' x='{}' y='{}' text-anchor='middle' font-size='13'>{x_name}</text>",
        (WIDTH + left) / 2.0,
        HEIGHT - 6.0
    );
    svg += &format!(
        "<text class='ink' transform='translate(14 {}) rotate(-90)' text-anchor='middle' font-size='13'>{y_name}</text>",
        (HEIGHT - bottom) / 2.0
    );
    svg + "</svg>"
}

/// Four to seven round numbers.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= rough)
        .unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

fn short(value: f64) -> String {
    let fixed = format!("{value:.3}");
    fixed
        .trim_end_matches('0')
        .trim_end_matches('.')
        .replace('-', "−")
}

fn open(width: usize, height: usize, label: &str) -> String {
    format!(
        "<svg viewBox='0 0 {width} {height}' style='max-width:{width}px' role='img' aria-label='{}'>",
        super::html::escape(label)
    )
}
