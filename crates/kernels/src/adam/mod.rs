//! Adam and AdamW: [`optimizer`] as Burn has them, [`step`] on plain slices.

mod optimizer;
mod step;

pub use optimizer::{FusedAdam, FusedAdamConfig};
