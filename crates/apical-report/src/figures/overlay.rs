//! Several runs in one figure: runs that differ in their seed alone are one group with a band; groups are told apart by what
//! differs in their configs. One group: colours are the members of a panel. Several: colours are the groups, dashes the members.

use super::{Refusal, missing};
use crate::figure::{Axis, Band, Dash, Key, Line, Panel, Scale};
use crate::theme::PALETTE;
use apical_lab::record::read::final_metrics;
use apical_lab::record::{FINAL_METRICS, Groups, Members, Run, Series, groups};

/// Opened runs, sorted into groups.
pub struct Runs {
    /// The runs, in the order given.
    pub runs: Vec<Run>,
    /// Who belongs together.
    pub groups: Groups,
    /// For each run the epoch after which it was ended early.
    stopped: Vec<Option<u64>>,
}

impl Runs {
    /// Sorts runs into groups.
    pub fn new(runs: Vec<Run>) -> Runs {
        Runs::of_sweeps(runs, &Members::default())
    }

    /// The same, called by what sweeps vary in them.
    pub fn of_sweeps(runs: Vec<Run>, members: &Members) -> Runs {
        let settings: Vec<_> = runs.iter().map(|run| &run.settings).collect();
        let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
        let varied: Vec<_> = runs.iter().map(|run| members.varied(&run.name)).collect();
        let groups = if runs.is_empty() { Groups::default() } else { groups(&settings, &names, &varied) };
        // An ending that cannot be read is told of elsewhere.
        let stopped = runs.iter().map(|run| run.stopped_at().unwrap_or_default()).collect();
        Runs { groups, stopped, runs }
    }

    /// The last epoch that all runs have come to, if some were ended early.
    pub(crate) fn common_epoch(&self) -> Option<u64> {
        self.stopped.iter().flatten().min().copied()
    }

    /// The epoch after which the first run of a group was ended early, if any was. If all runs of all groups were ended after the
    /// same, none is behind the others, and there is none.
    pub(crate) fn early(&self, group: usize) -> Option<u64> {
        if self.stopped.windows(2).all(|pair| pair[0] == pair[1]) {
            return None;
        }
        let own = self.stopped.iter().zip(&self.groups.of).filter(|(_, of)| **of == group);
        own.filter_map(|(stopped, _)| *stopped).min()
    }

    /// The only run, or the first.
    pub(super) fn first(&self) -> Result<&Run, Refusal> {
        self.runs.first().map_or_else(|| missing("no run", "name one"), Ok)
    }

    /// Number of groups.
    pub(crate) fn count(&self) -> usize {
        self.groups.labels.len()
    }

    /// Runs of a group.
    pub(super) fn of(&self, group: usize) -> impl Iterator<Item = &Run> {
        self.runs.iter().zip(&self.groups.of).filter(move |(_, of)| **of == group).map(|(run, _)| run)
    }

    /// Colour and dash of a member of a panel in a group.
    pub(super) fn style(&self, group: usize, member: usize) -> (usize, Dash) {
        let dash = |n: usize| Dash::ALL[n % Dash::ALL.len()];
        if self.count() > 1 {
            (group, dash(member + group / PALETTE.len()))
        } else {
            (member, dash(member / PALETTE.len()))
        }
    }

    /// The legend of a panel with these members: groups by colour, members by dash where there are several of each. With several
    /// groups a single member is not in it: see [`Runs::only`]. Only what has a line is told.
    pub(super) fn keys(&self, members: &[String], lines: &[Line]) -> Vec<Key> {
        let seen = |colour: usize| lines.iter().any(|l| l.colour == colour && l.y.iter().any(|v| v.is_finite()));
        let mut keys = self.all_keys(members);
        keys.retain(|key| key.colour.is_none_or(seen));
        keys
    }

    fn all_keys(&self, members: &[String]) -> Vec<Key> {
        let member = |(i, name): (usize, &String)| {
            let (colour, dash) = self.style(0, i);
            Key { name: name.clone(), colour: (self.count() == 1).then_some(colour), dash }
        };
        if self.count() == 1 {
            return members.iter().enumerate().map(member).collect();
        }
        let group = |(i, name): (usize, &String)| {
            let (colour, dash) = self.style(i, 0);
            Key { name: name.clone(), colour: Some(colour), dash }
        };
        let mut keys: Vec<Key> = self.groups.labels.iter().enumerate().map(group).collect();
        if members.len() > 1 {
            keys.extend(members.iter().enumerate().map(member));
        }
        keys
    }

    /// The single member of a panel of several groups, as its title.
    pub(super) fn only(&self, members: &[String]) -> String {
        let [member] = members else { return String::new() };
        let mut letters = member.chars();
        let capital = letters.next().filter(|_| self.count() > 1).map(|c| c.to_uppercase().collect::<String>());
        capital.map_or(String::new(), |first| first + letters.as_str())
    }

    /// Metric names that start with `prefix`, over all runs, with what follows it, in order of first appearance.
    pub(crate) fn metrics(&self, prefix: &str) -> Result<Vec<(String, String)>, Refusal> {
        let mut found: Vec<(String, String)> = Vec::new();
        for run in &self.runs {
            for series in &run.metrics()?.series {
                if let Some(rest) = series.name.strip_prefix(prefix)
                    && !found.iter().any(|(name, _)| *name == series.name)
                {
                    found.push((series.name.clone(), rest.to_owned()));
                }
            }
        }
        Ok(found)
    }

    /// Names of the metrics that all runs have kept over time, or (`ended`) at least at their end; in the order of the alphabet.
    pub(super) fn common_metrics(&self, ended: bool) -> Result<Vec<String>, Refusal> {
        let mut common: Option<Vec<String>> = None;
        for run in &self.runs {
            let mut own: Vec<String> = run.metrics()?.series.iter().map(|series| series.name.clone()).collect();
            if ended && run.path.join(FINAL_METRICS).exists() {
                own.extend(final_metrics(&run.path)?.into_iter().filter(|(_, v)| v.is_number()).map(|(name, _)| name));
            }
            common = Some(match common {
                None => own,
                Some(before) => before.into_iter().filter(|name| own.contains(name)).collect(),
            });
        }
        let mut common = common.unwrap_or_default();
        common.sort();
        common.dedup();
        Ok(common)
    }

    /// Bands and lines of metrics: `members` are pairs of metric and name in the legend.
    pub(crate) fn panel(&self, x: X, y: Axis, factor: f64, members: &[(String, String)]) -> Result<Panel, Refusal> {
        let mut panel = Panel::new(Axis::new(x.label(), ""), y);
        let mut shown = Vec::new();
        for (index, (metric, name)) in members.iter().enumerate() {
            let mut any = false;
            for group in 0..self.count() {
                let mut list = Vec::new();
                for run in self.of(group) {
                    list.extend(run.series(metric)?);
                }
                let (colour, dash) = self.style(group, index);
                let label = match (self.count() > 1, name.is_empty()) {
                    (false, _) => name.clone(),
                    (true, true) => self.groups.labels[group].clone(),
                    (true, false) => format!("{}, {name}", self.groups.labels[group]),
                };
                any |= !list.is_empty();
                let Some((line, band)) = mean(&list, x, factor) else { continue };
                panel.bands.extend(band.map(|(low, high)| Band {
                    name: label.clone(),
                    colour,
                    x: line.0.clone(),
                    low,
                    high,
                }));
                panel.lines.push(Line { name: label, colour, dash, x: line.0, y: line.1 });
            }
            if any {
                shown.push(name.clone());
            }
        }
        panel.title = self.only(&shown);
        // Of few epochs or presentations there are no halves.
        let most = panel.lines.iter().flat_map(|l| &l.x).copied().fold(0.0, f64::max);
        if most <= FEW {
            panel.x.names = (0..=most as u32).map(|n| (f64::from(n), n.to_string())).collect();
        }
        panel.y.scale = scale(&panel);
        panel.legend = Some(if self.count() == 1 && shown.iter().all(String::is_empty) {
            Vec::new()
        } else {
            self.keys(&shown, &panel.lines)
        });
        Ok(panel)
    }
}

/// Up to as many each count has a tick of its own.
pub(super) const FEW: f64 = 10.0;

/// What the horizontal axis of metrics counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum X {
    /// Presentations.
    Presentations,
    /// Epochs: for values taken at their ends.
    Epochs,
}

impl X {
    fn label(self) -> &'static str {
        match self {
            X::Presentations => "Presentations",
            X::Epochs => "Epochs",
        }
    }

    fn values(self, series: &Series) -> Vec<f64> {
        let value = |when: &apical_lab::record::When| match self {
            X::Presentations => when.presentation as f64,
            X::Epochs => when.epoch as f64,
        };
        series.when.iter().map(value).collect()
    }

    /// Epochs where no two values of a metric fall into the same one, so that nothing is hidden.
    pub fn of(runs: &Runs, members: &[(String, String)]) -> Result<X, Refusal> {
        for run in &runs.runs {
            for (metric, _) in members {
                let Some(series) = run.series(metric)? else { continue };
                if series.when.windows(2).any(|w| w[0].epoch >= w[1].epoch) {
                    return Ok(X::Presentations);
                }
            }
        }
        Ok(X::Epochs)
    }
}

type Curve = (Vec<f64>, Vec<f64>);

/// Mean over runs, and lowest and highest of several, at the places that all have reached.
fn mean(list: &[&Series], x: X, factor: f64) -> Option<(Curve, Option<Curve>)> {
    let places = x.values(list.first()?);
    let others: Vec<Vec<f64>> = list.iter().map(|series| x.values(series)).collect();
    let n = others.iter().map(|o| o.iter().zip(&places).take_while(|(a, b)| a == b).count()).min()?;
    let at = |j: usize| list.iter().map(move |series| factor * series.values[j]);
    let fold =
        |start: f64, with: fn(f64, f64) -> f64| -> Vec<f64> { (0..n).map(|j| at(j).fold(start, with)).collect() };
    let y = fold(0.0, |a, b| a + b).into_iter().map(|sum| sum / list.len() as f64).collect();
    let band = (list.len() > 1).then(|| (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)));
    Some(((places[..n].to_vec(), y), band))
}

/// Logarithmic if all values are positive and span a large factor.
fn scale(panel: &Panel) -> Scale {
    let bands = panel.bands.iter().flat_map(|b| b.low.iter().chain(&b.high));
    span_scale(panel.lines.iter().flat_map(|l| &l.y).chain(bands).copied())
}

/// Values that span more than this factor are shown on a logarithmic axis, if all are positive.
const LOG_SPAN: f64 = 30.0;

/// Logarithmic if all finite values are positive and span a large factor.
pub(crate) fn span_scale(values: impl Iterator<Item = f64>) -> Scale {
    let ends = |(low, high): (f64, f64), v: f64| (low.min(v), high.max(v));
    let (low, high) = values.filter(|v| v.is_finite()).fold((f64::INFINITY, 0.0), ends);
    if low > 1e-290 && high / low > LOG_SPAN { Scale::Log } else { Scale::Linear }
}

/// `layer K` for what follows a metric's dot.
pub(crate) fn layers(metrics: Vec<(String, String)>) -> Vec<(String, String)> {
    metrics.into_iter().map(|(name, layer)| (name, format!("layer {layer}"))).collect()
}
