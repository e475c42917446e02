//! Random numbers addressed by where they are used: Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011) keyed by the
//! seed, with (stream, step, block) as its counter. No state is carried, so a run can stop anywhere, and any number of
//! threads draws the same numbers.
//!
//! Normals take a fixed number of words (Box-Muller on pairs, own logarithm, sine and cosine in f32 without fused
//! operations), so that scalar and vector code give the same bits on every machine.

use super::Isa;
use pulp::{Simd, WithSimd};

/// What a stream of random numbers is for. The discriminant is part of the counter: never renumber one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Start weights; `step` counts tensors.
    Weights = 1,
    /// Order of the training samples; `step` counts epochs.
    Order = 2,
    /// Soma noise of the pyramidal cells; `step` is 2^16 * Euler step + layer.
    NoisePyramidal = 3,
    /// Soma noise of the interneurons, addressed alike.
    NoiseInterneuron = 4,
    /// Training samples that a task makes; `step` counts samples.
    TaskTrain = 5,
    /// Validation samples that a task makes.
    TaskValidation = 6,
    /// Test samples that a task makes.
    TaskTest = 7,
    /// Fixed parts of a task: teacher weights, a split.
    TaskFixed = 8,
    /// Tests and examples.
    Probe = 9,
    /// Noise that a learner adds to rates; `step` is 2^16 * presentation + layer.
    Learner = 10,
    /// Values that a sweep draws; `step` counts combinations.
    Sweep = 11,
    /// What a search asks its optimiser for; `step` is 2^20 * trial + 2^16 * attempt + axis.
    Search = 12,
    /// Which sample's target a sample is taught where targets are shuffled.
    Shuffled = 13,
    /// Imperfect synapses: which are absent, their signs, noise and rounding.
    Imperfection = 14,
}

const MUL_0: u32 = 0xD251_1F53;
const MUL_1: u32 = 0xCD9E_8D57;
const WEYL_0: u32 = 0x9E37_79B9;
const WEYL_1: u32 = 0xBB67_AE85;

/// Philox4x32-10: four words from a counter and a key.
#[inline]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(MUL_0) * u64::from(counter[0]);
        let b = u64::from(MUL_1) * u64::from(counter[2]);
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(WEYL_0), key[1].wrapping_add(WEYL_1)];
    }
    counter
}

/// The four words at (seed, stream, step, block); unit u of a population uses word `u % 4` of block `u / 4`.
#[inline]
pub fn words(seed: u64, stream: Stream, step: u64, block: u32) -> [u32; 4] {
    philox([block, stream as u32, step as u32, (step >> 32) as u32], [seed as u32, (seed >> 32) as u32])
}

/// ln(x) for x in (0, 1], in f32 with a relative error below 2e-7; 0 gives ln of the smallest positive uniform.
#[inline(always)]
fn ln_unit(x: f32) -> f32 {
    let bits = x.to_bits();
    // x = m 2^e with m in [sqrt(1/2), sqrt(2)), so that ln m is small and its series short.
    let shifted = bits.wrapping_sub(0x3F35_04F3);
    let e = (shifted as i32 >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(0x3F35_04F3));
    // ln m = 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.172: the series to s^9 is exact to f32.
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let series = 2.0 * s + s * s2 * (0.666_666_7 + s2 * (0.4 + s2 * (0.285_714_3 + s2 * 0.222_222_22)));
    e * std::f32::consts::LN_2 + series
}

/// (cos, sin) of 2 pi w / 2^32, by quadrant and Taylor series on [-pi/4, pi/4].
#[inline(always)]
fn turn(w: u32) -> (f32, f32) {
    // Round to the nearest quarter turn; what is left is a signed fraction of a turn in [-1/8, 1/8).
    let quadrant = w.wrapping_add(0x2000_0000) >> 30;
    let rest = w.wrapping_sub(quadrant << 30) as i32;
    let t = rest as f32 * (std::f32::consts::TAU / 4_294_967_296.0);
    let t2 = t * t;
    let sin = t + t * t2 * (-1.0 / 6.0 + t2 * (1.0 / 120.0 + t2 * (-1.0 / 5040.0 + t2 * (1.0 / 362_880.0))));
    let cos = 1.0 + t2 * (-0.5 + t2 * (1.0 / 24.0 + t2 * (-1.0 / 720.0 + t2 * (1.0 / 40_320.0))));
    // Quarter turns swap the two and change signs: (c, s), (-s, c), (-c, -s), (s, -c).
    let odd = quadrant & 1 == 1;
    let (x, y) = (if odd { sin } else { cos }, if odd { cos } else { sin });
    let signed = |x: f32, sign: u32| f32::from_bits(x.to_bits() ^ ((sign & 2) << 30));
    (signed(x, quadrant + 1), signed(y, quadrant))
}

/// Two standard normals from two words (Box-Muller). |z| is at most 6.8.
#[inline(always)]
pub fn normal_pair(a: u32, b: u32) -> [f32; 2] {
    // (a + 1/2) / 2^32 lies in (0, 1); f32 rounds the largest to 1, where the radius is 0.
    let u = (a as f32 + 0.5) * (1.0 / 4_294_967_296.0);
    let radius = (-2.0 * ln_unit(u)).max(0.0).sqrt();
    let (cos, sin) = turn(b);
    [radius * cos, radius * sin]
}

/// Twin of [`philox`] for loops that become vector code: words in the low halves of 64 bits, whatever stands in the high ones.
#[inline(always)]
fn philox_lane(mut counter: [u64; 4], mut key: [u32; 2]) -> [u64; 4] {
    for _ in 0..10 {
        let a = u64::from(MUL_0) * (counter[0] & 0xFFFF_FFFF);
        let b = u64::from(MUL_1) * (counter[2] & 0xFFFF_FFFF);
        counter = [(b >> 32) ^ counter[1] ^ u64::from(key[0]), b, (a >> 32) ^ counter[3] ^ u64::from(key[1]), a];
        key = [key[0].wrapping_add(WEYL_0), key[1].wrapping_add(WEYL_1)];
    }
    counter
}

/// The four normals of each of `N` blocks, given by their counters: normal j of block n is `[j][n]`.
#[inline(always)]
fn normals_of_blocks<const N: usize>(seed: u64, counters: &[[u64; N]; 4]) -> [[f32; N]; 4] {
    let (mut words, mut z) = ([[0u64; N]; 4], [[0.0; N]; 4]);
    for n in 0..N {
        let counter = [counters[0][n], counters[1][n], counters[2][n], counters[3][n]];
        let word = philox_lane(counter, [seed as u32, (seed >> 32) as u32]);
        for j in 0..4 {
            words[j][n] = word[j];
        }
    }
    for half in [0, 2] {
        for n in 0..N {
            [z[half][n], z[half + 1][n]] = normal_pair(words[half][n] as u32, words[half + 1][n] as u32);
        }
    }
    z
}

/// Steps that [`normals_ahead`] draws at once.
pub const AHEAD: usize = 16;

/// The normals of one block at [`AHEAD`] consecutive addresses, `step` and every 2^16 after it (the Euler steps of a
/// population's noise): `[j][n]` is what [`fill_normals`] gives unit `4 block + j` at `step + n 2^16`.
#[inline(always)]
pub fn normals_ahead(seed: u64, stream: Stream, step: u64, block: u32) -> [[f32; AHEAD]; 4] {
    let mut counters = [[u64::from(block); AHEAD], [stream as u64; AHEAD], [0; AHEAD], [0; AHEAD]];
    for n in 0..AHEAD {
        let step = step + ((n as u64) << 16);
        counters[2][n] = step;
        counters[3][n] = step >> 32;
    }
    normals_of_blocks(seed, &counters)
}

/// Fills `out` with standard normals: unit u takes its two words from block `u / 4` of (seed, stream, step).
pub fn fill_normals(seed: u64, stream: Stream, step: u64, out: &mut [f32]) {
    fill_normals_from(seed, stream, step, 0, out);
}

/// The same from unit `4 block` on.
pub fn fill_normals_from(seed: u64, stream: Stream, step: u64, block: usize, out: &mut [f32]) {
    Isa::best().run(Fill { seed, stream, step, block, out });
}

/// [`fill_normals`] for one instruction set; the bits are the same in all of them.
struct Fill<'a> {
    seed: u64,
    stream: Stream,
    step: u64,
    block: usize,
    out: &'a mut [f32],
}

impl Fill<'_> {
    /// `N` blocks from `first` on, as many units as `out` has.
    #[inline(always)]
    fn blocks<const N: usize>(&self, first: usize, out: &mut [f32]) {
        let mut counters = [[0; N], [self.stream as u64; N], [self.step; N], [self.step >> 32; N]];
        for n in 0..N {
            counters[0][n] = (first + n) as u64;
        }
        let z = normals_of_blocks(self.seed, &counters);
        for (n, four) in out.chunks_mut(4).enumerate() {
            for (j, value) in four.iter_mut().enumerate() {
                *value = z[j][n];
            }
        }
    }
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const WIDE: usize = 16;
        const NARROW: usize = 4;
        let mut out = &mut *self.out;
        let this = Fill { out: &mut [], ..self };
        let mut first = self.block;
        while out.len() >= 4 * WIDE {
            let (these, rest) = std::mem::take(&mut out).split_at_mut(4 * WIDE);
            this.blocks::<WIDE>(first, these);
            (out, first) = (rest, first + WIDE);
        }
        for these in out.chunks_mut(4 * NARROW) {
            this.blocks::<NARROW>(first, these);
            first += NARROW;
        }
    }
}

/// Random numbers one after another from one address; for start weights, orders and data sets.
#[derive(Clone, Debug)]
pub struct Draws {
    seed: u64,
    stream: Stream,
    step: u64,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Draws {
    /// The numbers at (seed, stream, step), from the first.
    pub fn new(seed: u64, stream: Stream, step: u64) -> Self {
        Draws { seed, stream, step, block: 0, words: [0; 4], used: 4 }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = words(self.seed, self.stream, self.step, self.block);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        let high = u64::from(self.word());
        let low = u64::from(self.word());
        (((high << 32) | low) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..n without bias (Lemire's method); n must not be 0.
    pub fn below(&mut self, n: u32) -> u32 {
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u64::from(self.word()) * u64::from(n);
            if wide as u32 >= threshold {
                return (wide >> 32) as u32;
            }
        }
    }

    /// Fisher-Yates shuffle.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123 (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_the_known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn normals_follow_box_muller_to_1e6() {
        let mut draws = Draws::new(3, Stream::Probe, 0);
        for _ in 0..100_000 {
            let (a, b) = (draws.word(), draws.word());
            let u = (f64::from(a as f32) + 0.5) / 4_294_967_296.0;
            let radius = (-2.0 * u.min(1.0).ln()).max(0.0).sqrt();
            let angle = std::f64::consts::TAU * f64::from(b) / 4_294_967_296.0;
            let [x, y] = normal_pair(a, b);
            // f32 keeps u near 1 to 6e-8, and the radius is sqrt(2 (1 - u)) there: 2e-3 only where the radius is tiny.
            let tolerance = if u > 0.999 { 2e-3 } else { 2e-6 };
            assert!((f64::from(x) - radius * angle.cos()).abs() < tolerance, "{a} {b}: {x}");
            assert!((f64::from(y) - radius * angle.sin()).abs() < tolerance, "{a} {b}: {y}");
        }
    }

    /// Block by block, as the scalar functions say.
    fn one_by_one(seed: u64, stream: Stream, step: u64, n: usize) -> Vec<f32> {
        let blocks = (0..n.div_ceil(4) as u32).flat_map(|block| {
            let w = words(seed, stream, step, block);
            [normal_pair(w[0], w[1]), normal_pair(w[2], w[3])].concat()
        });
        blocks.take(n).collect()
    }

    #[test]
    fn vectors_give_the_bits_of_single_blocks() {
        let seed = 0x0123_4567_89ab_cdef;
        for n in [0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 80, 131] {
            let step = (77 << 33) + 5;
            let expected = one_by_one(seed, Stream::NoisePyramidal, step, n);
            for isa in Isa::all() {
                let mut out = vec![0.0; n];
                isa.run(Fill { seed, stream: Stream::NoisePyramidal, step, block: 0, out: &mut out });
                assert_eq!(out, expected, "{n} {}", isa.name());
            }
        }
    }

    #[test]
    fn steps_ahead_give_the_bits_of_single_steps() {
        // The low half of the address runs over.
        let step = (5u64 << 32) - (7 << 16) + 3;
        let z = normals_ahead(9, Stream::NoiseInterneuron, step, 2);
        for n in 0..AHEAD {
            let expected = one_by_one(9, Stream::NoiseInterneuron, step + ((n as u64) << 16), 12);
            assert_eq!([z[0][n], z[1][n], z[2][n], z[3][n]], expected[8..]);
        }
    }

    #[test]
    fn extreme_words_give_finite_normals() {
        for a in [0, 1, u32::MAX - 1, u32::MAX] {
            for b in [0, 1, 0x2000_0000, 0x4000_0000, 0x8000_0000, u32::MAX] {
                let [x, y] = normal_pair(a, b);
                assert!(x.is_finite() && y.is_finite() && x.abs() < 6.8 && y.abs() < 6.8, "{a} {b}: {x} {y}");
            }
        }
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let n = 400_000;
        let mut z = vec![0.0f32; n];
        fill_normals(11, Stream::Probe, 0, &mut z);
        let moment = |p: i32| z.iter().map(|&x| f64::from(x).powi(p)).sum::<f64>() / n as f64;
        // Standard errors: sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n); five of each.
        let s = (n as f64).sqrt().recip();
        assert!(moment(1).abs() < 5.0 * s);
        assert!((moment(2) - 1.0).abs() < 5.0 * s * 2f64.sqrt());
        assert!(moment(3).abs() < 5.0 * s * 15f64.sqrt());
        assert!((moment(4) - 3.0).abs() < 5.0 * s * 96f64.sqrt());
    }

    #[test]
    fn below_is_uniform_and_shuffle_permutes() {
        let mut draws = Draws::new(5, Stream::Probe, 1);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[draws.below(7) as usize] += 1;
        }
        // Standard deviation sqrt(70000 * 6/49) = 93; five of them.
        assert!(counts.iter().all(|&c| (f64::from(c) - 10_000.0).abs() < 465.0), "{counts:?}");
        let mut items: Vec<u32> = (0..100).collect();
        draws.shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
