//! The local page: draw a digit and watch both networks, step through the filters and through
//! backpropagation, look at runs.
//!
//! Everything that is shown is computed by the crates `verify` and `train`; the page itself
//! (plain HTML, CSS and JavaScript modules, compiled in) only draws. [`App`] answers requests
//! without a socket; [`Server`] puts it behind one, with limits on all that a client decides.

mod app;
mod assets;
mod backprop;
mod draw;
mod error;
mod filters;
mod guard;
mod inside;
mod limits;
mod networks;
mod picture;
mod presets;
mod query;
mod router;
mod runs;
mod samples;
mod server;

pub use app::{App, Options};
pub use error::{ApiError, PlaygroundError};
pub use server::{MAX_BODY, Server, Stop};
