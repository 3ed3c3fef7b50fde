//! Cross-correlation from the sheet's formula, its gradients, and what the three filters do.

mod correlation;
mod engine;
mod evidence;
mod geometry;
mod grid;
mod learn;
mod placement;
mod sheet;

pub use correlation::{Term, convolve, correlate, gradients, terms};
pub(crate) use engine::{burn_correlate, burn_gradients};
pub use evidence::{Evidence, Fact, evidence};
pub use geometry::{Geometry, Padding};
pub use grid::{Grid, Number, parse_kernel};
pub(crate) use learn::{Learned, learn};
pub use placement::{Margins, Placement, placement};
pub use sheet::{NamedFilter, sheet_filters, sheet_image};
