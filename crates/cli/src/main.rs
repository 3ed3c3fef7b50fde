//! The program `digits`.
fn main() {}
