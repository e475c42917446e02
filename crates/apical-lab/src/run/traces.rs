//! The observer that writes traces: which values of a step go where.

use crate::Error;
use crate::experiment::{Cells, Experiment, Precision, TraceSpec};
use crate::folder::TRACES;
use crate::record::zarr::{Axis, Dtype, TimeBase};
use crate::record::{TraceWriter, Variable};
use apical::kernels::Real;
use apical::solvers::{Observer, View, Wants};
use std::path::Path;

/// A recorded quantity, with its layer as an index into the engine's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Soma,
    Inter,
    Basal,
    Apical,
    ApicalFeedback,
    ApicalLateral,
    InterDendrite,
    Rate,
    Input,
    Target,
    Weight,
}

/// Where a quantity lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Pyramidal cells of layers 1 to N.
    Pyramidal,
    /// Pyramidal cells of hidden layers.
    Hidden,
    /// Interneurons of hidden layers.
    Interneuron,
    /// Input or output cells, without a layer of its own.
    Boundary,
}

/// Name, place and description of every quantity but weights.
pub const QUANTITIES: [(&str, Place, &str, &str); 10] = [
    ("soma", Place::Pyramidal, "soma potential u^P", "1"),
    ("inter", Place::Interneuron, "soma potential u^I", "2"),
    ("basal", Place::Pyramidal, "basal potential v_B", "3"),
    ("apical", Place::Hidden, "apical potential v_A", "4"),
    ("apical_feedback", Place::Hidden, "top-down part of v_A", "4"),
    ("apical_lateral", Place::Hidden, "interneurons' part of v_A", "4"),
    ("inter_dendrite", Place::Interneuron, "dendritic potential v^I", "5"),
    ("rate", Place::Pyramidal, "firing rate phi(u^P)", ""),
    ("input", Place::Boundary, "low-passed input r_in", ""),
    ("target", Place::Boundary, "target potential u_trgt", ""),
];

const KINDS: [Quantity; 10] = [
    Quantity::Soma,
    Quantity::Inter,
    Quantity::Basal,
    Quantity::Apical,
    Quantity::ApicalFeedback,
    Quantity::ApicalLateral,
    Quantity::InterDendrite,
    Quantity::Rate,
    Quantity::Input,
    Quantity::Target,
];

/// One variable of the trace group and how its rows come about.
pub(super) struct Channel {
    quantity: Quantity,
    layer: usize,
    tensor: String,
    cells: Vec<usize>,
    pairs: Vec<(usize, usize)>,
    every: u64,
    from: u64,
    to: u64,
}

/// Writes traces while a learner learns. An error of the disk is kept until somebody asks.
pub struct Recorder {
    channels: Vec<Channel>,
    writer: Option<TraceWriter>,
    step_ms: f64,
    row: Vec<f64>,
    trouble: Option<Error>,
    /// No channel is due before this step.
    next: u64,
}

impl Recorder {
    /// Begins the traces of a run, or takes them up at the rows of a checkpoint.
    ///
    /// # Errors
    /// As [`TraceWriter::create`] and [`TraceWriter::resume`].
    pub fn open(e: &Experiment, folder: &Path, position: Option<&[u64]>) -> Result<Self, Error> {
        let (channels, variables) = channels(e);
        let dtype = match e.precision {
            Precision::F32 => Dtype::F32,
            Precision::F64 => Dtype::F64,
        };
        let dir = folder.join(TRACES);
        let writer = match position {
            _ if variables.is_empty() => None,
            Some(rows) => Some(TraceWriter::resume(&dir, &variables, dtype, rows)?),
            None => Some(TraceWriter::create(&dir, &variables, dtype)?),
        };
        Ok(Recorder { channels, writer, step_ms: step_ms(e), row: Vec::new(), trouble: None, next: 0 })
    }

    /// Makes all rows durable; rows per variable, for a checkpoint.
    ///
    /// # Errors
    /// The machine's, now or since the last call.
    pub fn position(&mut self) -> Result<Vec<u64>, Error> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        self.writer.as_mut().map_or(Ok(Vec::new()), TraceWriter::position)
    }
}

/// All channels of an experiment with the variables that they fill, in the order of its records.
pub(super) fn channels(e: &Experiment) -> (Vec<Channel>, Vec<Variable>) {
    let step_ms = step_ms(e);
    let (mut channels, mut variables) = (Vec::new(), Vec::new());
    for spec in &e.record.traces {
        for layer in layers(e, spec) {
            let (channel, variable) = plan(e, spec, layer, step_ms);
            channels.push(channel);
            variables.push(variable);
        }
        if spec.mean && !spec.pairs.is_empty() {
            let whole = TraceSpec { pairs: Vec::new(), ..spec.clone() };
            let (channel, variable) = plan(e, &whole, 0, step_ms);
            channels.push(channel);
            variables.push(Variable { name: format!("{}_mean", variable.name), ..variable });
        }
    }
    (channels, variables)
}

/// Simulated time of one step of the solver (ms): dt, or a whole presentation where there are no dynamics.
pub fn step_ms(e: &Experiment) -> f64 {
    if e.has_dynamics() { e.timing.dt } else { e.timing.presentation }
}

/// The layers of a spec: those named, or all where the quantity exists; a single 0 where it has none.
fn layers(e: &Experiment, spec: &TraceSpec) -> Vec<usize> {
    let depth = e.network.sizes.len() - 1;
    match QUANTITIES.iter().find(|q| q.0 == spec.quantity) {
        None | Some((_, Place::Boundary, ..)) => vec![0],
        Some(_) if !spec.layers.is_empty() => spec.layers.clone(),
        Some((_, Place::Pyramidal, ..)) => (1..=depth).collect(),
        Some(_) => (1..depth).collect(),
    }
}

fn plan(e: &Experiment, spec: &TraceSpec, layer: usize, step_ms: f64) -> (Channel, Variable) {
    let sizes = &e.network.sizes;
    let known = QUANTITIES.iter().zip(KINDS).find(|(q, _)| q.0 == spec.quantity);
    let quantity = known.map_or(Quantity::Weight, |(_, kind)| kind);
    let place = known.map_or(Place::Boundary, |(q, _)| q.1);
    let (count, population) = match (place, quantity) {
        (Place::Pyramidal | Place::Hidden, _) => (sizes[layer], format!("pyramidal_{layer}")),
        (Place::Interneuron, _) => (sizes[layer + 1], format!("interneuron_{layer}")),
        (Place::Boundary, Quantity::Target) => (sizes[sizes.len() - 1], format!("pyramidal_{}", sizes.len() - 1)),
        (Place::Boundary, _) => (sizes[0], "input".to_owned()),
    };
    let cells = match &spec.cells {
        Cells::All => (0..count).collect(),
        Cells::Chosen(chosen) => chosen.clone(),
    };
    let axis = match quantity {
        Quantity::Weight if spec.pairs.is_empty() => None,
        Quantity::Weight => {
            let column = |pick: fn(&(usize, usize)) -> usize| spec.pairs.iter().map(|p| pick(p) as u64).collect();
            Some(Axis {
                name: format!("synapse_{}", spec.quantity),
                long_name: format!("chosen synapses of {}", spec.quantity),
                labels: (0..spec.pairs.len() as u64).collect(),
                auxiliary: vec![("post".to_owned(), column(|p| p.0)), ("pre".to_owned(), column(|p| p.1))],
            })
        }
        _ => Some(Axis {
            long_name: format!("cell of {population}"),
            name: population,
            labels: cells.iter().map(|&c| c as u64).collect(),
            auxiliary: Vec::new(),
        }),
    };
    let samples = if quantity == Quantity::Weight { 1 } else { e.train.batch };
    let variable = Variable {
        name: if layer == 0 { spec.quantity.clone() } else { format!("{}_{layer}", spec.quantity) },
        long_name: match known {
            Some((q, _)) if layer > 0 => format!("{}, layer {layer}", q.2),
            Some((q, _)) => q.2.to_owned(),
            None if spec.pairs.is_empty() => format!("mean of {}", spec.quantity),
            None => spec.quantity.clone(),
        },
        units: "1".to_owned(),
        equation: known.map_or(String::new(), |(q, _)| q.3.to_owned()),
        axis,
        samples,
        base: TimeBase { every_ms: spec.every as f64 * step_ms, window: spec.window },
    };
    // A step belongs to the window if its end does; half a step of tolerance, so that rounding decides nothing.
    let (from, to) = spec.window;
    let channel = Channel {
        quantity,
        layer: layer.saturating_sub(1),
        tensor: spec.quantity.clone(),
        cells,
        pairs: spec.pairs.clone(),
        every: spec.every,
        from: ((from / step_ms - 0.5).ceil().max(0.0)) as u64,
        to: (to / step_ms + 0.5).floor() as u64,
    };
    (channel, variable)
}

impl Channel {
    pub(super) fn due(&self, step: u64) -> bool {
        step >= self.from && step <= self.to && step.is_multiple_of(self.every)
    }

    /// How many of the steps after `before`, up to `last`, are due.
    pub(super) fn rows(&self, before: u64, last: u64) -> u64 {
        let up_to = |step: u64| step / self.every;
        let first = self.from.max(before.saturating_add(1));
        up_to(last.min(self.to)).saturating_sub(up_to(first.saturating_sub(1)))
    }

    /// The first step after `step` that is due; none is `u64::MAX`.
    pub(super) fn due_after(&self, step: u64) -> u64 {
        let first = self.from.max(step.saturating_add(1));
        let due = first.div_ceil(self.every).saturating_mul(self.every);
        if due <= self.to { due } else { u64::MAX }
    }

    pub(super) fn wants(&self) -> Wants {
        if self.quantity == Quantity::Weight { Wants::Weights } else { Wants::Cells }
    }

    pub(super) fn row<T: Real>(&self, view: &View<'_, T>, row: &mut Vec<f64>) {
        row.clear();
        let (s, p, k) = (view.state, view.potentials, self.layer);
        let values: &[T] = match self.quantity {
            Quantity::Soma => &s.soma[k],
            Quantity::Inter => &s.inter[k],
            Quantity::Basal => &p.basal[k],
            Quantity::Apical => &p.apical[k],
            Quantity::ApicalFeedback => &p.apical_feedback[k],
            Quantity::ApicalLateral => &p.apical_lateral[k],
            Quantity::InterDendrite => &p.inter_dendrite[k],
            Quantity::Rate => &p.rate[k],
            Quantity::Input => &s.trace_input,
            Quantity::Target => match view.target {
                Some(target) => target,
                None => {
                    row.resize(self.cells.len() * s.samples, f64::NAN);
                    return;
                }
            },
            Quantity::Weight => {
                if let Some(m) = view.weights.get(&self.tensor) {
                    if self.pairs.is_empty() {
                        row.push(m.data.iter().map(|w| w.to_f64()).sum::<f64>() / m.data.len() as f64);
                    } else {
                        row.extend(self.pairs.iter().map(|&(i, j)| m.at(i, j).to_f64()));
                    }
                }
                return;
            }
        };
        for sample in values.chunks_exact(values.len() / s.samples) {
            row.extend(self.cells.iter().map(|&i| sample[i].to_f64()));
        }
    }
}

impl<T: Real> Observer<T> for Recorder {
    fn wants(&self, step: u64) -> Wants {
        crate::failpoint::hit("presentation.middle");
        // Most steps end here: a run asks this thousands of times for each row that it writes.
        if step < self.next || self.writer.is_none() || self.trouble.is_some() {
            return Wants::Nothing;
        }
        let due = self.channels.iter().filter(|channel| channel.due(step));
        due.map(Channel::wants).max().unwrap_or(Wants::Nothing)
    }

    fn after_step(&mut self, view: &View<'_, T>) {
        let Some(writer) = &mut self.writer else { return };
        self.next = self.channels.iter().map(|channel| channel.due_after(view.step)).min().unwrap_or(u64::MAX);
        for (index, channel) in self.channels.iter().enumerate() {
            if channel.due(view.step) {
                channel.row(view, &mut self.row);
                if let Err(trouble) = writer.append(index, view.step as f64 * self.step_ms, &self.row) {
                    self.trouble = Some(trouble);
                    return;
                }
            }
        }
    }
}
