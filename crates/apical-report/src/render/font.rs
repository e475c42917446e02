//! The one font of all figures: Arimo Regular (SIL Open Font License, see fonts/Arimo-LICENSE.txt), Latin and Greek, without hints
//! and kerning, so that a text is as long as the sum of its letters. Arial and Helvetica have the same widths.

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// The font file.
pub const BYTES: &[u8] = include_bytes!("../../fonts/Arimo-Regular.ttf");
/// Its family name.
pub const FAMILY: &str = "Arimo";
/// Height of a capital letter, as a part of the size.
pub const CAPITAL: f64 = 0.72;

/// Width of a letter that the font lacks, as a part of the size: the viewer will take it from elsewhere.
const UNKNOWN: f64 = 1.0;

/// Length of a text of one line, in the unit of `size`.
pub fn width(text: &str, size: f64) -> f64 {
    let Ok(font) = FontRef::new(BYTES) else { return UNKNOWN * size * text.chars().count() as f64 };
    let (letters, metrics) = (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
    let advance = |c| letters.map(c).and_then(|glyph| metrics.advance_width(glyph));
    text.chars().map(|c| advance(c).map_or(UNKNOWN, f64::from)).sum::<f64>() * size
}

/// The text itself if it is no longer than `most`, else its beginning and its end about an ellipsis: long names often differ
/// at their end only.
pub fn fit(text: &str, size: f64, most: f64) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| letters[from..to].iter().collect::<String>();
    let cut = |kept: usize| {
        let end = kept / 2;
        let (begins, ends) = (part(0, kept - end), part(letters.len() - end, letters.len()));
        format!("{}\u{2026}{}", begins.trim_end(), ends.trim_start())
    };
    (0..letters.len()).rev().map(cut).find(|candidate| width(candidate, size) <= most).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_arial() {
        // Advances of Arial in 1/2048 of the size: digits 1139, m 1706, i 455.
        assert!((width("0", 2048.0) - 1139.0).abs() < 0.5);
        assert!((width("mi", 2048.0) - 2161.0).abs() < 1.0);
    }

    #[test]
    fn long_texts_are_cut_to_fit() {
        let cut = fit("a very long name of a run", 7.0, 40.0);
        assert!(cut.starts_with('a') && cut.ends_with("run") && width(&cut, 7.0) <= 40.0, "{cut}");
        let names = ["no_lateral_plasticity_rule", "no_lateral_plasticity_noise"];
        assert_ne!(fit(names[0], 7.0, 50.0), fit(names[1], 7.0, 50.0));
        assert_eq!(fit("short", 7.0, 40.0), "short");
        assert_eq!(fit("x", 7.0, -1.0), "");
    }
}
