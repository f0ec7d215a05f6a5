//! An explanation as one HTML file: no network, no script, readable in the dark.

mod chart;
mod escape;
mod map;
mod page;
