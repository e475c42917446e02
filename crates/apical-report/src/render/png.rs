//! A scene as PNG: the SVG rasterised with the embedded font and no other, so that no machine's fonts change a byte.

use super::{Scene, font, svg};
use crate::Error;
use resvg::{tiny_skia, usvg};
use std::sync::Arc;

/// Most pixels of a picture: 400 MB while it is drawn.
const MOST_PIXELS: f64 = 1e8;
/// Lowest resolution that still is a picture.
const LEAST_DPI: f64 = 10.0;

/// The picture, with its resolution stated.
pub fn write(scene: &Scene, dpi: f64) -> Result<Vec<u8>, Error> {
    let most = (MOST_PIXELS / (scene.width * scene.height)).sqrt() * 72.0;
    if !(LEAST_DPI..=most).contains(&dpi) {
        return Err(Error::Resolution { dpi, allowed: (LEAST_DPI, most) });
    }
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(font::BYTES.to_vec());
    let options = usvg::Options { fontdb: Arc::new(fonts), font_family: font::FAMILY.to_owned(), ..Default::default() };
    let raster = |reason: String| Error::Raster(reason);
    let tree = usvg::Tree::from_str(&svg::write_without_font(scene), &options).map_err(|e| raster(e.to_string()))?;
    let (width, height) = ((scene.width / 72.0 * dpi).round() as u32, (scene.height / 72.0 * dpi).round() as u32);
    let mut pixels = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| raster(format!("no memory for {width} x {height} pixels")))?;
    pixels.fill(tiny_skia::Color::WHITE);
    let scale = (width as f32 / tree.size().width(), height as f32 / tree.size().height());
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale.0, scale.1), &mut pixels.as_mut());
    let rgb: Vec<u8> = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    encode((width, height), &rgb, Some(dpi)).map_err(|e| raster(e.to_string()))
}

/// Opaque RGB, since paper is: three bytes a pixel, row by row from the top.
pub fn encode(size: (u32, u32), rgb: &[u8], dpi: Option<f64>) -> Result<Vec<u8>, ::png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, size.0, size.1);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    let per_metre = dpi.map(|dpi| (dpi / 0.0254).round() as u32);
    let dims = |n| ::png::PixelDimensions { xppu: n, yppu: n, unit: ::png::Unit::Meter };
    encoder.set_pixel_dims(per_metre.map(dims));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(out)
}

/// An image of a pixel per cell; none without cells.
pub fn cells(columns: usize, rows: usize, cells: &[[u8; 3]]) -> Option<Vec<u8>> {
    let size = (u32::try_from(columns).ok()?, u32::try_from(rows).ok()?);
    let rgb = cells.get(..columns * rows)?.as_flattened();
    encode(size, rgb, None).ok().filter(|_| !rgb.is_empty())
}
