//! Departures: an Euler step that differs from [`super::step`] where re-implementations of Sacramento et al. 2018 differ from
//! it. Nothing here belongs to the circuit; each departure can be switched on alone, to see what it does to learning.
//!
//! They were read from the code of a thesis that did not reproduce the paper, and of the program that it grew from ("the
//! ancestor"). With none of them this is the reference step, bit for bit.
//!
//! Three more are nobody's: they take a part of hidden cells' errors away ([`super::transient`]), to see what learning waits for
//! after a switch of the pattern.

use super::attenuation::Attenuation;
use super::delays::Delays;
use super::noise::Source;
use super::params::{Network, Rates};
use super::plasticity::{self, Sink};
use super::state::{Potentials, State};
use super::step::{Constants, Learning, Plastic, derivatives, follow, rates_and_potentials, somas};
use super::tensors::{Kind, Tensors};
use super::transient::Untaught;
use crate::kernels::{Activation, Mat, Real};

/// Which departures are on. The default is none.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Departures {
    /// tau_w (ms) by which rates are divided in place of the low-pass: W += dt/tau_w rule. The thesis'.
    pub rate_over_tau_w: Option<f64>,
    /// tau_w (ms) with which weights decay in place of the low-pass: W += dt rule - dt/tau_w W. The ancestor's.
    pub weight_decay: Option<f64>,
    /// r_0 = phi(r_in): the activation is applied to the input. Both programs'.
    pub activation_on_input: bool,
    /// Rules take rates and dendritic potentials after the step, those of the input from the pattern itself. Both programs'.
    pub late_rules: bool,
    /// vhat_B,N = g_B/(g_lk + g_B + g_A) v_B,N, as if the output had an apical dendrite. Both programs'.
    pub divided_output_prediction: bool,
    /// A rule is the sum over the minibatch, not the mean. The thesis'.
    pub summed_updates: bool,
    /// Share of an interneuron's teacher that is the mean over all cells above, in place of the one that it predicts. Nobody's.
    pub blurred_nudging: f64,
    /// Steps by which what reaches a cell from another layer is late ([`super::delays`]). Not together with late rules, or with a part
    /// of the errors away. Nobody's.
    pub delay: usize,
    /// Hidden cells' errors lack the soma's lag behind its dendrites. Not together with late rules.
    pub without_soma_lag: bool,
    /// Hidden cells' errors lack what their apical dendrites would see without a target. Not together with late rules.
    pub without_apical_error: bool,
    /// Hidden cells' errors lack what the target sends down. Not together with late rules.
    pub without_teacher: bool,
}

impl Departures {
    /// True if any is on.
    pub fn any(&self) -> bool {
        *self != Departures::default()
    }

    /// True if one takes the place of the low-pass: then there is no Delta.
    pub fn replace_low_pass(&self) -> bool {
        self.rate_over_tau_w.is_some() || self.weight_decay.is_some()
    }

    /// True if hidden cells' errors lack a part.
    pub fn take_away(&self) -> bool {
        self.without_soma_lag || self.without_apical_error || self.without_teacher
    }

    /// The factors between v and vhat that the rules use.
    fn attenuation(&self, reference: &Attenuation) -> Attenuation {
        let output = if self.divided_output_prediction { reference.hidden } else { reference.output };
        Attenuation { output, ..*reference }
    }

    /// The presynaptic rates of the first layer, from the low-passed or the shown pattern.
    fn input<T: Real>(&self, phi: Activation, pattern: &[T], rates: &mut [T]) {
        rates.copy_from_slice(pattern);
        if self.activation_on_input {
            phi.rates_in_place(rates);
        }
    }
}

/// What a departing step needs beside the reference's potentials. Made once; a step only overwrites it.
#[derive(Clone, Debug)]
pub struct Room<T> {
    /// Presynaptic rates of the first layer (samples x n_0).
    input: Vec<T>,
    /// What late rules see.
    late: Potentials<T>,
    /// Tells the parts of errors apart, where one is taken away.
    untaught: Option<Untaught<T>>,
    /// What other layers did some time ago, where it is late.
    delays: Option<Delays<T>>,
}

impl<T: Real> Room<T> {
    /// Room for a net and a batch.
    pub fn new(on: &Departures, net: &Network, samples: usize) -> Self {
        Room {
            input: vec![T::ZERO; net.sizes[0] * samples],
            late: Potentials::new(net, samples),
            untaught: on.take_away().then(|| Untaught::new(net, samples)),
            delays: (on.delay > 0).then(|| Delays::new(on.delay)),
        }
    }

    /// To be called at a switch of the pattern.
    pub fn begin(&mut self, state: &State<T>) {
        if let Some(untaught) = &mut self.untaught {
            untaught.begin(state);
        }
        if let Some(delays) = &mut self.delays {
            delays.begin();
        }
    }
}

/// One step with departures; arguments as in [`super::step::step`]. Where they replace the low-pass, `c` has none.
///
/// `p` holds the potentials that drove the somas; the rules' errors are in it only if the rules are not late.
pub fn step<T: Real>(
    on: &Departures,
    room: &mut Room<T>,
    c: &Constants<T>,
    weights: &mut Tensors<T>,
    state: &mut State<T>,
    p: &mut Potentials<T>,
    x: &[T],
    u_trgt: Option<&[T]>,
    learning: Learning<'_, T>,
    noise: &Source,
) {
    let phi = c.net.activation;
    follow(&mut state.trace_input, x, c.trace_in);
    if let (Some(u_trgt), Some(rate)) = (u_trgt, c.trace_target) {
        follow(&mut state.trace_target, u_trgt, rate);
    }
    on.input(phi, &state.trace_input, &mut room.input);
    rates_and_potentials(c, weights, state, &room.input, p);
    if let Some(delays) = &mut room.delays {
        delays.pass(c, weights, state, p);
    }
    let u_trgt = match c.trace_target {
        Some(_) => u_trgt.map(|_| &state.trace_target[..]),
        None => u_trgt,
    };
    derivatives(&c.g, state, p, u_trgt);
    blur(on, c, state, p);
    if let Some(delays) = &room.delays {
        delays.nudge(c, state, p);
    }
    if let Some(untaught) = &mut room.untaught {
        untaught.see(c, weights, &room.input);
    }
    if on.late_rules {
        somas(c, state, p, noise);
        if !matches!(learning, Learning::None | Learning::Own { plastic: Plastic::Off, .. }) {
            on.input(phi, x, &mut room.input);
            rates_and_potentials(c, weights, state, &room.input, &mut room.late);
            learn(on, c, weights, &room.input, &mut room.late, (None, None), learning);
        }
    } else {
        learn(on, c, weights, &room.input, p, (room.untaught.as_mut(), room.delays.as_mut()), learning);
        somas(c, state, p, noise);
    }
    if let Some(untaught) = &mut room.untaught {
        untaught.advance(c, noise);
    }
    state.step += 1;
}

/// Part of what nudges each interneuron comes from the mean over the cells above.
fn blur<T: Real>(on: &Departures, c: &Constants<T>, state: &State<T>, p: &mut Potentials<T>) {
    if on.blurred_nudging == 0.0 {
        return;
    }
    let share = T::from_f64(on.blurred_nudging) * c.g.som_i;
    for (du, above) in p.d_inter.iter_mut().zip(&state.soma[1..]) {
        let cells = above.len() / state.samples;
        for (du, above) in du.chunks_exact_mut(cells).zip(above.chunks_exact(cells)) {
            let mean = mean(above);
            du.iter_mut().zip(above).for_each(|(du, &u)| *du += share * (mean - u));
        }
    }
}

/// The mean over the cells of a layer.
pub fn mean<T: Real>(u: &[T]) -> T {
    u.iter().fold(T::ZERO, |sum, &u| sum + u) / T::from_f64(u.len() as f64)
}

/// The rules, from the rates and potentials in `p`.
fn learn<T: Real>(
    on: &Departures,
    c: &Constants<T>,
    weights: &mut Tensors<T>,
    r_in: &[T],
    p: &mut Potentials<T>,
    (untaught, delays): (Option<&mut Untaught<T>>, Option<&mut Delays<T>>),
    learning: Learning<'_, T>,
) {
    let (rates, mut sink) = match learning {
        Learning::None | Learning::Own { plastic: Plastic::Off, .. } => return,
        Learning::Own { rates, plastic: acts, delta } => {
            let still = acts == Plastic::DeltaOnly;
            match c.a {
                Some(a) => (rates, Sink::LowPass { weights: (!still).then_some(weights), delta, a }),
                None if still => return,
                None => {
                    if let Some(tau_w) = on.weight_decay {
                        let share = T::from_f64(c.dt / tau_w);
                        plastic(rates, weights, |_, _, w| w.data.iter_mut().for_each(|w| *w -= share * *w));
                    }
                    (rates, Sink::Direct(weights))
                }
            }
        }
        Learning::Gather { rates, update } => {
            if let Some(tau_w) = on.weight_decay {
                let share = T::from_f64(c.dt / tau_w);
                plastic(rates, update, |kind, k, u| {
                    let w = &weights.kind(kind)[k].data;
                    u.data.iter_mut().zip(w).for_each(|(u, &w)| *u -= share * w);
                });
            }
            (rates, Sink::Direct(update))
        }
    };
    plasticity::errors(c.net.activation, &on.attenuation(&c.attenuation), rates, p);
    if let Some(untaught) = untaught {
        for k in (0..p.apical.len()).filter(|&k| rates.pp[k] != 0.0) {
            let parts = untaught.parts(c, p, k);
            let away = [
                (on.without_soma_lag, &parts.soma_lag),
                (on.without_apical_error, &parts.apical_error),
                (on.without_teacher, &parts.teacher),
            ];
            for (_, part) in away.into_iter().filter(|part| part.0) {
                p.error_forward[k].iter_mut().zip(part).for_each(|(e, &part)| *e -= part);
            }
        }
    }
    if on.summed_updates {
        let samples = T::from_f64(p.bias.len() as f64);
        let errors = [&mut p.error_forward, &mut p.error_inter, &mut p.error_apical, &mut p.error_feedback];
        errors.into_iter().flatten().flatten().for_each(|e| *e *= samples);
    }
    let dt = on.rate_over_tau_w.map_or(c.dt, |tau_w| c.dt / tau_w);
    match delays {
        None => plasticity::apply(c.plan, rates, dt, r_in, p, &mut sink),
        Some(delays) => delays.apply(c, rates, dt, r_in, p, &mut sink),
    }
}

/// Visits the tensors whose rule is on, by kind and index.
fn plastic<T: Real>(rates: &Rates, tensors: &mut Tensors<T>, mut visit: impl FnMut(Kind, usize, &mut Mat<T>)) {
    for kind in Kind::ALL {
        let rates = match kind {
            Kind::Wpp | Kind::Bpp => &rates.pp,
            Kind::Wip | Kind::Bip => &rates.ip,
            Kind::Wpi => &rates.pi,
            Kind::Wpb => &rates.pb,
        };
        for (k, (m, _)) in tensors.kind_mut(kind).iter_mut().zip(rates).enumerate().filter(|(_, (_, eta))| **eta != 0.0)
        {
            visit(kind, k, m);
        }
    }
}
