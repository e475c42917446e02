//! Colours of values: scales that lightness alone carries, or that fall off from white to both sides, and pale classes.

use crate::theme;

/// How values become colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colours {
    /// Pale at the first value, dark at the last.
    Sequential(f64, f64),
    /// White at 0, blue below, orange above, full at this distance from 0.
    Diverging(f64),
    /// 0, 1, ... are the colours of the palette, made pale so that lines stand out.
    Classes,
}

/// From nearly paper to dark.
const STOPS: [[f64; 3]; 4] = [[243.0, 246.0, 249.0], [128.0, 178.0, 211.0], [31.0, 92.0, 148.0], [9.0, 34.0, 74.0]];
/// From blue over white to orange.
const SIDES: [[f64; 3]; 5] =
    [[0.0, 68.0, 136.0], [106.0, 165.0, 208.0], [255.0, 255.0, 255.0], [238.0, 153.0, 85.0], [160.0, 60.0, 0.0]];
/// How much of a class's colour is left.
const PALE: f64 = 0.32;
/// Where there is no value.
pub const NONE: [u8; 3] = [221, 221, 221];

impl Colours {
    /// The colour of a value, red, green, blue.
    pub fn rgb(self, value: f64) -> [u8; 3] {
        if value.is_nan() {
            return NONE;
        }
        match self {
            Colours::Sequential(low, high) => between(&STOPS, share(low, high, value)),
            Colours::Diverging(most) => between(&SIDES, share(-most, most, value)),
            Colours::Classes => {
                let full = theme::colour(value.max(0.0) as usize);
                let part = |at: usize| f64::from(u8::from_str_radix(&full[at..at + 2], 16).unwrap_or_default());
                [1, 3, 5].map(|at| (255.0 - PALE * (255.0 - part(at))).round() as u8)
            }
        }
    }

    /// The first and last value; none for classes.
    pub fn range(self) -> Option<(f64, f64)> {
        match self {
            Colours::Sequential(low, high) => Some((low, high)),
            Colours::Diverging(most) => Some((-most, most)),
            Colours::Classes => None,
        }
    }

    /// Ink or paper, whichever can be read on the colour of a value.
    pub fn ink(self, value: f64) -> &'static str {
        let [r, g, b] = self.rgb(value).map(f64::from);
        if 0.2126 * r + 0.7152 * g + 0.0722 * b < 130.0 { theme::PAPER } else { theme::INK }
    }
}

/// As `#rrggbb`.
pub fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn share(low: f64, high: f64, value: f64) -> f64 {
    if high > low { ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0) } else { 0.5 }
}

fn between<const N: usize>(stops: &[[f64; 3]; N], share: f64) -> [u8; 3] {
    let place = share * (N - 1) as f64;
    let below = (place as usize).min(N - 2);
    let part = |c: usize| stops[below][c] + (place - below as f64) * (stops[below + 1][c] - stops[below][c]);
    [0, 1, 2].map(|c| part(c).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light([r, g, b]: [u8; 3]) -> u32 {
        2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b)
    }

    #[test]
    fn scales_grow_darker_all_the_way() {
        let values: Vec<u32> = (0..=90).map(|v| light(Colours::Sequential(0.0, 90.0).rgb(f64::from(v)))).collect();
        assert!(values.windows(2).all(|w| w[0] > w[1]));
        let sides = |v: f64| light(Colours::Diverging(2.0).rgb(v));
        assert!((1..20).all(|i| sides(0.1 * f64::from(i)) < sides(0.1 * f64::from(i - 1))));
        assert!((1..20).all(|i| sides(-0.1 * f64::from(i)) < sides(-0.1 * f64::from(i - 1))));
    }

    #[test]
    fn no_value_breaks_a_colour() {
        for colours in [Colours::Sequential(0.0, 0.0), Colours::Diverging(f64::MAX), Colours::Classes] {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 0.0] {
                assert_eq!(hex(colours.rgb(value)).len(), 7);
            }
        }
        assert_eq!(Colours::Diverging(1.0).rgb(0.0), [255; 3]);
    }
}
