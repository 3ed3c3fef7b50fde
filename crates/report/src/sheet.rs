//! Tiles as one SVG, for where a page cannot lay them out: the pictures are inside the file.

use maud::{Markup, html};

use crate::document::{Tile, Tiles};
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

/// The contact sheet, on white.
pub(crate) fn svg(tiles: &Tiles) -> String {
    let mut body: Vec<Markup> = Vec::new();
    let mut top = GAP;
    let cell = tiles.width.max(84);
    let columns = ((MOST - GAP) / (cell + GAP)).max(1) as usize;
    let letters = ((cell + GAP / 2) * 10 / LETTER).max(1) as usize;
    for group in &tiles.groups {
        if let Some(heading) = &group.heading {
            body.push(html! {
                text x=(GAP) y=(top + 14) font-size="14" font-weight="bold" { (heading) }
            });
            top += HEADING;
        }
        for row in group.tiles.chunks(columns) {
            let mut most_lines = 0;
            for (column, tile) in (0..).zip(row) {
                let left = GAP + column * (cell + GAP);
                body.push(picture(
                    tile,
                    left + (cell - tiles.width) / 2,
                    top,
                    tiles.width,
                ));
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
    let longest = tiles.groups.iter().map(|group| group.tiles.len()).max();
    let used = longest.unwrap_or(0).min(columns) as u32;
    let width = (GAP + used * (cell + GAP)).max(LEAST);
    let height = top + GAP;
    let sheet = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) role="img" font-family="sans-serif" fill="#16191D" {
            title { (tiles.caption.shows) }
            rect width=(width) height=(height) fill="#FFFFFF" {}
            @for part in body { (part) }
        }
    };
    sheet.into_string() + "\n"
}

fn picture(tile: &Tile, left: u32, top: u32, width: u32) -> Markup {
    html! {
        @if !tile.png.is_empty() {
            image x=(left) y=(top) width=(width) height=(width) style="image-rendering:pixelated"
                href={ "data:image/png;base64," (tile.png) } {}
        }
        rect x=(left) y=(top) width=(width) height=(width) fill="none" stroke="#D7DBE1" {}
    }
}
