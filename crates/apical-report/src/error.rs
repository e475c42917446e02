//! What can go wrong between a figure and its pixels. SVG and CSV cannot fail.

use std::fmt;

/// Why there is no PNG or PDF.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The resolution asked for gives no picture, or one beyond the bound of memory.
    Resolution {
        /// Dots per inch asked for.
        dpi: f64,
        /// Dots per inch allowed for this figure's size.
        allowed: (f64, f64),
    },
    /// The rasteriser or the PNG encoder failed, in its own words.
    Raster(String),
    /// The writer of PDF failed, in its own words.
    Pdf(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Resolution { dpi, allowed: (low, high) } => {
                write!(f, "png: a resolution of {dpi} dpi; for this figure between {low} and {high:.0} dpi")
            }
            Error::Raster(reason) => write!(f, "png: {reason}"),
            Error::Pdf(reason) => write!(f, "pdf: {reason}"),
        }
    }
}

impl std::error::Error for Error {}
