//! Figures of runs: a figure is a function of data, and the same data give the same bytes.
//!
//! What to draw ([`figures`], [`metric_curves`]) knows [`Figure`] and nothing of drawing; the renderer knows nothing of metrics.
//! [`page`] puts them together with tables and texts into one report.
//! Files are read through the lab's `record` alone; nothing asks for a clock or the fonts of the machine.

pub mod colour;
pub mod csv;
pub mod decimate;
pub mod error;
pub mod figure;
pub mod figures;
pub mod heat_map;
pub mod limit_curves;
pub mod metric_curves;
pub mod page;
pub mod render;
pub mod schematic;
pub mod theme;
pub mod ticks;

pub use colour::Colours;
pub use error::Error;
pub use figure::{Axis, Band, Dash, Figure, Image, Key, Line, Panel, Scale};
pub use heat_map::{HeatMap, Matrix};
pub use limit_curves::{LimitPoint, limit_figures};
pub use metric_curves::{Series, metric_figures};
pub use render::Scene;
pub use schematic::{Plastic, Schematic};
