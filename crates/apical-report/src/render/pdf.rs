//! A scene as a PDF page of the figure's size: the shapes of the SVG, with the letters that it uses of the embedded font inside.
//! Neither a clock nor the machine's fonts come in.

use super::{Anchor, Scene, Script, Shape, Text, font};
use crate::{Dash, Error, theme};
use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, LineJoin, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Data, Document, SerializeSettings};
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size as FontSize};

/// The file.
pub fn write(scene: &Scene) -> Result<Vec<u8>, Error> {
    let failed = |reason: &str| Error::Pdf(reason.to_owned());
    let font = Font::new(Data::from(font::BYTES.to_vec()), 0).ok_or_else(|| failed("the embedded font"))?;
    let letters = skrifa::FontRef::new(font::BYTES).map_err(|e| failed(&e.to_string()))?;
    let size = (scene.width as f32, scene.height as f32);
    let page = PageSettings::from_wh(size.0, size.1).ok_or_else(|| failed("the size of the page"))?;
    let mut document = Document::new_with(SerializeSettings { xmp_metadata: false, ..SerializeSettings::default() });
    document.set_metadata(Metadata::new().title(scene.title.clone()));
    let mut page = document.start_page_with(page);
    let mut pen = Pen { surface: page.surface(), font, letters };
    pen.polygon(&corners((0.0, 0.0), (scene.width, scene.height)), theme::PAPER, 1.0, None);
    scene.shapes.iter().for_each(|shape| pen.draw(shape));
    pen.end();
    page.finish();
    document.finish().map_err(|e| failed(&format!("{e:?}")))
}

struct Pen<'a> {
    surface: Surface<'a>,
    font: Font,
    letters: skrifa::FontRef<'static>,
}

impl Pen<'_> {
    fn end(self) {
        self.surface.finish();
    }

    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Path { points, colour, width, dash } => {
                let Some(path) = lines(points, false) else { return };
                self.surface.set_fill(None);
                self.surface.set_stroke(Some(stroke(colour, *width, *dash)));
                self.surface.draw_path(&path);
            }
            Shape::Polygon { points, fill, colour, width } => {
                let outline = (*width > 0.0).then(|| stroke(colour, *width, Dash::Solid));
                self.polygon(points, fill, 1.0, outline);
            }
            Shape::Area { points, fill, opacity } => self.polygon(points, fill, *opacity as f32, None),
            Shape::Disc { at, radius, fill, colour, width } => {
                let outline = (*width > 0.0).then(|| stroke(colour, *width, Dash::Solid));
                self.fill(circle(*at, *radius), fill, 1.0, outline);
            }
            Shape::Image { at, size, columns, cells } => {
                let rows = cells.len() / (*columns).max(1);
                let (Ok(across), Ok(down)) = (u32::try_from(*columns), u32::try_from(rows)) else { return };
                let Some(size) = Size::from_wh(size.0 as f32, size.1 as f32).filter(|_| rows > 0) else { return };
                let bytes = cells[..columns * rows].iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
                self.surface.push_transform(&Transform::from_translate(at.0 as f32, at.1 as f32));
                self.surface.draw_image(Image::from_rgba8(bytes, across, down), size);
                self.surface.pop();
            }
            Shape::Text(text) => self.text(text),
            Shape::Clipped((left, top, right, bottom), inner) => {
                let area = lines(&corners((*left, *top), (right - left, bottom - top)), true);
                let Some(area) = area else { return };
                self.surface.push_clip_path(&area, &FillRule::NonZero);
                inner.iter().for_each(|shape| self.draw(shape));
                self.surface.pop();
            }
        }
    }

    fn polygon(&mut self, points: &[(f64, f64)], fill: &str, opacity: f32, outline: Option<Stroke>) {
        self.fill(lines(points, true), fill, opacity, outline);
    }

    fn fill(&mut self, path: Option<Path>, colour: &str, opacity: f32, outline: Option<Stroke>) {
        let Some(path) = path else { return };
        self.surface.set_fill(Some(fill(colour, opacity)));
        self.surface.set_stroke(outline);
        self.surface.draw_path(&path);
    }

    /// As `svg` writes it: runs follow each other, raised or lowered by parts of the text's size.
    fn text(&mut self, text: &Text) {
        let (x, y) = text.at;
        let back = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => text.width() / 2.0,
            Anchor::End => text.width(),
        };
        let turn = if text.upright { -90.0 } else { 0.0 };
        self.surface.push_transform(&Transform::from_rotate_at(turn, x as f32, y as f32));
        self.surface.set_fill(Some(fill(text.colour, 1.0)));
        self.surface.set_stroke(None);
        let mut at = x - back;
        for run in &text.runs {
            let (down, scale) = match run.script {
                Script::Base => (0.0, 1.0),
                Script::Super => (-0.36, theme::SCRIPT_SCALE),
                Script::Sub => (0.2, theme::SCRIPT_SCALE),
            };
            let size = scale * text.size;
            let (charmap, metrics) =
                (self.letters.charmap(), self.letters.glyph_metrics(FontSize::new(1.0), LocationRef::default()));
            let glyph = |(place, c): (usize, char)| {
                let id = charmap.map(c).unwrap_or_default();
                let advance = metrics.advance_width(id).unwrap_or(1.0);
                KrillaGlyph::new(GlyphId::new(id.to_u32()), advance, 0.0, 0.0, 0.0, place..place + c.len_utf8(), None)
            };
            let glyphs: Vec<KrillaGlyph> = run.text.char_indices().map(glyph).collect();
            let start = Point::from_xy(at as f32, (y + down * text.size) as f32);
            self.surface.draw_glyphs(start, &glyphs, self.font.clone(), &run.text, size as f32, false);
            at += font::width(&run.text, size);
        }
        self.surface.pop();
    }
}

fn fill(colour: &str, opacity: f32) -> Fill {
    let opacity = NormalizedF32::new(opacity.clamp(0.0, 1.0)).unwrap_or(NormalizedF32::ONE);
    Fill { paint: paint(colour).into(), opacity, rule: FillRule::NonZero }
}

fn stroke(colour: &str, width: f64, dash: Dash) -> Stroke {
    let array: Vec<f32> = dash.lengths().iter().map(|l| (l * width) as f32).collect();
    let dash = (!array.is_empty()).then_some(StrokeDash { array, offset: 0.0 });
    Stroke { paint: paint(colour).into(), width: width as f32, line_join: LineJoin::Round, dash, ..Stroke::default() }
}

/// From `#rrggbb`; black if it is none.
fn paint(colour: &str) -> rgb::Color {
    let part = |at: usize| colour.get(at..at + 2).and_then(|t| u8::from_str_radix(t, 16).ok()).unwrap_or_default();
    rgb::Color::new(part(1), part(3), part(5))
}

fn corners((x, y): (f64, f64), (w, h): (f64, f64)) -> [(f64, f64); 4] {
    [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
}

/// None with fewer than two points.
fn lines(points: &[(f64, f64)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 { path.move_to(x as f32, y as f32) } else { path.line_to(x as f32, y as f32) }
    }
    if closed {
        path.close();
    }
    path.finish().filter(|_| points.len() > 1)
}

/// Four curves that are a circle to a part in 4000.
fn circle((x, y): (f64, f64), r: f64) -> Option<Path> {
    let (x, y, r, k) = (x as f32, y as f32, r as f32, 0.552_284_8 * r as f32);
    Rect::from_xywh(x - r, y - r, 2.0 * r, 2.0 * r)?;
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    path.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    path.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    path.cubic_to(x + k, y - r, x + r, y - k, x + r, y);
    path.close();
    path.finish()
}
