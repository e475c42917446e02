//! The one theme of all figures. Lengths are in points (1/72 inch) where nothing else is said.

/// Width of a figure in one column of a journal, mm.
pub const ONE_COLUMN: f64 = 85.0;
/// Width in one and a half columns, mm.
pub const ONE_AND_A_HALF_COLUMNS: f64 = 114.0;
/// Width over two columns, mm.
pub const TWO_COLUMNS: f64 = 174.0;
/// Points in a millimetre.
pub const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// Size of axis labels and panel titles.
pub const LABEL_SIZE: f64 = 8.0;
/// Size of tick labels and legends.
pub const TICK_SIZE: f64 = 7.0;
/// Superscripts and subscripts, as a part of the text's size.
pub const SCRIPT_SCALE: f64 = 0.72;

/// Axes and text.
pub const INK: &str = "#222222";
/// Grid lines.
pub const GRID: &str = "#e6e6e6";
/// Paper.
pub const PAPER: &str = "#ffffff";

/// Colours of lines, told apart with any colour vision: the set of Okabe and Ito without its yellow, which is too pale for a thin
/// line on white.
pub const PALETTE: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/// Width of lines that carry data.
pub const LINE_WIDTH: f64 = 1.0;
/// Width of lines whose points are so many that they would run into each other.
pub const DENSE_LINE_WIDTH: f64 = 0.7;
/// How much of what lies below a band is covered by it, so that bands that overlap are both seen.
pub const BAND_OPACITY: f64 = 0.18;
/// Width of axes and ticks.
pub const AXIS_WIDTH: f64 = 0.6;
/// Width of grid lines.
pub const GRID_WIDTH: f64 = 0.5;
/// Radius of the dot that stands for a point without neighbours.
pub const DOT_RADIUS: f64 = 1.6;
/// Length of a major tick.
pub const TICK_LENGTH: f64 = 2.5;

/// The colour of a series; after the last the first comes again.
pub fn colour(index: usize) -> &'static str {
    PALETTE[index % PALETTE.len()]
}
