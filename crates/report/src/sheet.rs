//! Tiles as one SVG, for where a page cannot lay them out: the pictures are inside the file.

use crate::document::{Tile, Tiles};
use crate::html::escape;
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
    let mut body = String::new();
    let mut top = GAP;
    let cell = tiles.width.max(84);
    let columns = ((MOST - GAP) / (cell + GAP)).max(1) as usize;
    for group in &tiles.groups {
        if let Some(heading) = &group.heading {
            body += &format!(
                "<text x=\"{GAP}\" y=\"{}\" font-size=\"14\" font-weight=\"bold\">{}</text>",
                top + 14,
                escape(heading)
            );
            top += HEADING;
        }
        let labels: Vec<Vec<String>> = group.tiles.iter().map(|tile| wrapped(tile, cell)).collect();
        for (row, names) in group.tiles.chunks(columns).zip(labels.chunks(columns)) {
            for (column, (tile, lines)) in row.iter().zip(names).enumerate() {
                let left = GAP + column as u32 * (cell + GAP);
                body += &picture(tile, left + (cell - tiles.width) / 2, top, tiles.width);
                for (number, line) in lines.iter().enumerate() {
                    body += &format!(
                        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11.5\">{}</text>",
                        left + cell / 2,
                        top + tiles.width + LINE * (number as u32 + 1),
                        escape(line)
                    );
                }
            }
            let lines = names.iter().map(Vec::len).max().unwrap_or(0) as u32;
            top += tiles.width + LINE * lines + GAP;
        }
    }
    let longest = tiles.groups.iter().map(|group| group.tiles.len()).max();
    let used = longest.unwrap_or(0).min(columns) as u32;
    let width = (GAP + used * (cell + GAP)).max(LEAST);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{0}\" viewBox=\"0 0 {width} {0}\" role=\"img\" font-family=\"sans-serif\" fill=\"#16191D\">\
         <title>{1}</title><rect width=\"{width}\" height=\"{0}\" fill=\"#FFFFFF\"/>{body}</svg>\n",
        top + GAP,
        escape(&tiles.caption.shows)
    )
}

fn picture(tile: &Tile, left: u32, top: u32, width: u32) -> String {
    let place = format!("x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{width}\"");
    let image = if tile.png.is_empty() {
        String::new()
    } else {
        format!(
            "<image {place} style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
            escape(&tile.png)
        )
    };
    format!("{image}<rect {place} fill=\"none\" stroke=\"#D7DBE1\"/>")
}

/// The lines under a tile, broken between words where they are too long for it.
fn wrapped(tile: &Tile, cell: u32) -> Vec<String> {
    let most = ((cell + GAP / 2) * 10 / LETTER).max(1) as usize;
    tile.lines
        .iter()
        .flat_map(|line| wrap(line, most))
        .collect()
}
