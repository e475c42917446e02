//! From figure to file: `layout` turns a figure into a scene, `svg` and `pdf` write a scene, `png` rasterises what `svg` wrote.
//!
//! Everything behind this wall can be replaced without a change to a figure.

pub mod font;
pub mod layout;
mod pdf;
mod picture;
mod png;
mod scene;
mod svg;

pub use scene::{Anchor, Run, Scene, Script, Shape, Text};
