//! Figures as SVG files of their own, on white, so that they can be read on a dark page as well.

use maud::{Markup, PreEscaped, html};

use crate::document::{Panel, Tiles};
use crate::text::wrap;

/// No wider than a page of a repository.
const MOST: u32 = 860;
/// Room for a heading.
const LEAST: u32 = 320;
const GAP: u32 = 12;
const LINE: u32 = 15;
const HEADING: u32 = 28;
/// Mean width of a letter of a label, in tenths of a pixel.
const LETTER: u32 = 62;

/// Height of a heading over panels.
const TITLE: u32 = 36;

/// Charts side by side in one SVG file. `label` is for those who do not see it; `heading` stands
/// above them and may be empty.
pub fn svg_file(label: &str, heading: &str, panels: &[Panel]) -> String {
    let top = if heading.is_empty() { 0 } else { TITLE };
    let width: u32 = panels.iter().map(|panel| panel.width).sum();
    let height = top + panels.iter().map(|panel| panel.height).max().unwrap_or(0);
    let lefts = panels.iter().scan(0, |left, panel| {
        *left += panel.width;
        Some(*left - panel.width)
    });
    let charts = html! {
        @if top > 0 {
            text x=(width / 2) y="24" text-anchor="middle" font-size="17" font-weight="bold" { (heading) }
        }
        @for (left, panel) in lefts.zip(panels) {
            svg x=(left) y=(top) width=(panel.width) height=(panel.height) { (PreEscaped(&panel.body)) }
        }
    };
    on_white(label, width, height, &charts)
}

fn on_white(label: &str, width: u32, height: u32, inside: &Markup) -> String {
    let file = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) role="img" font-family="sans-serif" fill="#16191D" {
            title { (label) }
            rect width=(width) height=(height) fill="#FFFFFF" {}
            (inside)
        }
    };
    file.into_string() + "\n"
}

/// Tiles as a contact sheet, for where a page cannot lay them out; the pictures are inside.
pub(crate) fn sheet(tiles: &Tiles) -> String {
    let mut body: Vec<Markup> = Vec::new();
    let mut top = GAP;
    let cell = tiles.width.max(84);
    let columns = ((MOST - GAP) / (cell + GAP)).max(1) as usize;
    let letters = ((cell + GAP / 2) * 10 / LETTER).max(1) as usize;
    for (heading, group) in &tiles.groups {
        if let Some(heading) = heading {
            body.push(html! {
                text x=(GAP) y=(top + 14) font-size="14" font-weight="bold" { (heading) }
            });
            top += HEADING;
        }
        for row in group.chunks(columns) {
            let mut most_lines = 0;
            for (column, tile) in (0..).zip(row) {
                let left = GAP + column * (cell + GAP);
                let (x, width) = (left + (cell - tiles.width) / 2, tiles.width);
                body.push(html! {
                    @if !tile.png.is_empty() {
                        image x=(x) y=(top) width=(width) height=(width) style="image-rendering:pixelated"
                            href={ "data:image/png;base64," (tile.png) } {}
                    }
                    rect x=(x) y=(top) width=(width) height=(width) fill="none" stroke="#D7DBE1" {}
                });
                // Broken between words where they are too long.
                let lines = tile.lines.iter().flat_map(|line| wrap(line, letters));
                for (number, line) in (1..).zip(lines) {
                    most_lines = most_lines.max(number);
                    let y = top + tiles.width + LINE * number;
                    body.push(html! {
                        text x=(left + cell / 2) y=(y) text-anchor="middle" font-size="11.5" { (line) }
                    });
                }
            }
            top += tiles.width + LINE * most_lines + GAP;
        }
    }
    let longest = tiles.groups.iter().map(|(_, group)| group.len()).max();
    let used = longest.unwrap_or(0).min(columns) as u32;
    let width = (GAP + used * (cell + GAP)).max(LEAST);
    let body = html! { @for part in body { (part) } };
    on_white(&tiles.shows, width, top + GAP, &body)
}
