//! Integrals of interpolating polynomials over a step, with and without an exponential in front: all that the solver
//! knows of a step's geometry. Time runs from 0 (the step's beginning) to 1 (its end), in units of the step.

/// Nodes of an interpolation at most: the end of a step and the nodes before it.
pub const NODES: usize = 6;

/// A number for each node, or for each power of time.
pub type Row = [f64; NODES];

/// Lagrange's polynomials of some nodes, by powers of time.
#[derive(Clone, Copy, Debug)]
pub struct Basis {
    count: usize,
    /// Entry (i, m): the coefficient of x^m in the polynomial that is 1 at node i and 0 at the others.
    powers: [Row; NODES],
}

impl Basis {
    /// For nodes that differ from each other.
    pub fn new(x: &[f64]) -> Self {
        let mut powers = [[0.0; NODES]; NODES];
        for (i, row) in powers.iter_mut().enumerate().take(x.len()) {
            *row = polynomial(x, i);
        }
        Basis { count: x.len(), powers }
    }

    /// The weight of each node in a linear functional of which the values at the powers of time are known.
    pub fn weights(&self, of_powers: &Row) -> Row {
        let mut weights = [0.0; NODES];
        for (weight, row) in weights.iter_mut().zip(&self.powers).take(self.count) {
            *weight = functional(row, of_powers);
        }
        weights
    }
}

/// Lagrange's polynomial that is 1 at node `i` and 0 at the others, by powers of time.
#[inline]
pub fn polynomial(x: &[f64], i: usize) -> Row {
    let mut row = [0.0; NODES];
    row[0] = 1.0;
    let mut divisor = 1.0;
    for (j, &x_j) in x.iter().enumerate() {
        if j != i {
            divisor *= x[i] - x_j;
            // Powers beyond the degree are 0 and stay so.
            for m in (1..NODES).rev() {
                row[m] = row[m - 1] - x_j * row[m];
            }
            row[0] *= -x_j;
        }
    }
    let scale = 1.0 / divisor;
    row.iter_mut().for_each(|c| *c *= scale);
    row
}

/// A linear functional of a polynomial, of which the values at the powers of time are known.
#[inline]
pub fn functional(polynomial: &Row, of_powers: &Row) -> f64 {
    let mut sum = 0.0;
    for m in 0..NODES {
        sum += polynomial[m] * of_powers[m];
    }
    sum
}

/// The last moment of a recursion downwards.
const LAST: usize = 18;

/// 1 / m.
const RECIPROCAL: [f64; LAST + 1] = {
    let mut list = [0.0; LAST + 1];
    let mut m = 1;
    while m <= LAST {
        list[m] = 1.0 / m as f64;
        m += 1;
    }
    list
};

/// The integral of x^m from `a` to `b`.
pub fn plain(a: f64, b: f64) -> Row {
    let (mut low, mut high) = (1.0, 1.0);
    let mut row = [0.0; NODES];
    for m in 0..NODES {
        (low, high) = (low * a, high * b);
        row[m] = (high - low) * RECIPROCAL[m + 1];
    }
    row
}

/// The integral of e^(-z (b - x)) x^m from 0 to `b`, z not negative.
pub fn decaying(z: f64, b: f64) -> Row {
    let z = z * b;
    let mut row = [0.0; NODES];
    if z > 1.0 {
        // M_m = (1 - m M_(m-1)) / z: an error grows by m / z, to 120 roundings at the most.
        let scale = 1.0 / z;
        row[0] = -(-z).exp_m1() * scale;
        for m in 1..NODES {
            row[m] = (1.0 - m as f64 * row[m - 1]) * scale;
        }
    } else {
        // The same relation downwards: an error shrinks by z / m; from LAST down to NODES it is lost.
        let mut moment = 1.0 / (LAST as f64 + 1.0 + z);
        for r in RECIPROCAL[NODES + 1..].iter().rev() {
            moment = r - z * r * moment;
        }
        for m in (1..=NODES).rev() {
            moment = RECIPROCAL[m] - z * RECIPROCAL[m] * moment;
            row[m - 1] = moment;
        }
    }
    let mut power = 1.0;
    for moment in &mut row {
        power *= b;
        *moment *= power;
    }
    row
}

/// The weights of values at `x` in their polynomial's value at time 1.
pub fn extrapolation(x: &[f64]) -> Row {
    let mut weights = [0.0; NODES];
    for (i, weight) in weights.iter_mut().enumerate().take(x.len()) {
        let (mut product, mut divisor) = (1.0, 1.0);
        for (_, x_j) in x.iter().enumerate().filter(|(j, _)| *j != i) {
            product *= 1.0 - x_j;
            divisor *= x[i] - x_j;
        }
        *weight = product / divisor;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gauss-Legendre with 5 points on each of many pieces.
    fn integral(f: impl Fn(f64) -> f64, a: f64, b: f64) -> f64 {
        let points = [
            (0.0, 0.568_888_888_888_888_9),
            (0.538_469_310_105_683, 0.478_628_670_499_366_5),
            (0.906_179_845_938_664, 0.236_926_885_056_189_1),
        ];
        let pieces = 400;
        let h = (b - a) / f64::from(pieces);
        let piece = |n: i32| {
            let middle = a + h * (f64::from(n) + 0.5);
            let both = |(x, w): (f64, f64)| {
                let pair = f(middle + 0.5 * h * x) + f(middle - 0.5 * h * x);
                0.5 * h * w * if x == 0.0 { 0.5 * pair } else { pair }
            };
            points.into_iter().map(both).sum::<f64>()
        };
        (0..pieces).map(piece).sum()
    }

    #[test]
    fn moments_are_the_integrals() {
        for z in [0.0, 1e-6, 0.3, 0.99, 1.01, 2.0, 6.0, 20.0, 150.0] {
            for b in [1.0, 0.37] {
                let found = decaying(z, b);
                for (m, found) in found.iter().enumerate() {
                    let expected = integral(|x| (-z * (b - x)).exp() * x.powi(m as i32), 0.0, b);
                    assert!((found - expected).abs() < 1e-13, "z {z} b {b} m {m}: {found} {expected}");
                }
            }
        }
        for (m, found) in plain(0.2, 0.9).iter().enumerate() {
            assert!((found - integral(|x| x.powi(m as i32), 0.2, 0.9)).abs() < 1e-14);
        }
    }

    #[test]
    fn polynomials_are_integrated_exactly() {
        let x = [1.0, 0.0, -0.7, -1.1, -3.0];
        let f = |x: f64| 1.0 - 2.0 * x + 0.5 * x.powi(3) - 0.25 * x.powi(4);
        let apply = |w: Row| w.iter().zip(&x).map(|(w, &x)| w * f(x)).sum::<f64>();
        let basis = Basis::new(&x);
        let found = apply(basis.weights(&decaying(1.7, 1.0)));
        let expected = integral(|x| (-1.7 * (1.0 - x)).exp() * f(x), 0.0, 1.0);
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        let found = apply(basis.weights(&plain(-0.2, 0.3)));
        assert!((found - integral(f, -0.2, 0.3)).abs() < 1e-12, "{found}");
        let past = [0.0, -0.7, -1.1, -3.0, -3.3];
        let w = extrapolation(&past);
        let found: f64 = w.iter().zip(&past).map(|(w, &x)| w * f(x)).sum();
        assert!((found - f(1.0)).abs() < 1e-11, "{found}");
    }
}
