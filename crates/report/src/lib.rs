//! One [`Document`] as a page ([`html`]), as [`markdown`] with figures beside it, and as lines for
//! a terminal; [`chart`]s, heat maps and pictures for it; numbers as people read them ([`text`]).
//!
//! Everything here is a pure function: nothing is read, measured or written to a file. A page is
//! self-contained (no script, font or picture from elsewhere), follows the light or dark scheme
//! of its reader, and fits a phone.

pub mod chart;
mod document;
mod html;
mod markdown;
mod picture;
mod plain;
pub mod text;

pub use document::{
    Answer, Block, Document, Figure, Finding, Panel, Section, Status, Table, Tile, Tiles,
};
pub use html::{COLORS, html};
pub use markdown::{markdown, svg_file};
pub use picture::{Palette, Picture, largest, readable_on};
pub use plain::{plain, table};

/// Why a chart or picture could not be made, and which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReportError(pub String);

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
