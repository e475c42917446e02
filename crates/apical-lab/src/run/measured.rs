//! What a run measures, in every file that holds it: `metrics.jsonl`, and events for TensorBoard if the run writes any.

use super::saved::Positions;
use crate::Error;
use crate::experiment::Experiment;
use crate::folder::{METRICS, RunFolder, TENSORBOARD};
use crate::record::{EventWriter, MetricsWriter, When, events};
use apical::circuit::Tensors;
use apical::kernels::Real;
use std::time::{Duration, Instant};

/// Who watches a run sees a metric at the latest this long after the last one, if intervals end that often.
const SHOW_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The files.
pub struct Measured {
    metrics: MetricsWriter,
    events: Option<EventWriter>,
    shown: Instant,
}

impl Measured {
    /// Begins the files, or cuts them back to where a checkpoint was taken.
    pub fn open(e: &Experiment, folder: &RunFolder, positions: Option<&Positions>) -> Result<Self, Error> {
        let metrics = MetricsWriter::resume(&folder.join(METRICS), positions.map_or(0, |p| p.metrics))?;
        let mut events = None;
        if e.record.tensorboard {
            let dir = folder.join(TENSORBOARD);
            std::fs::create_dir_all(&dir).map_err(|source| Error::machine(dir.display().to_string(), source))?;
            let position = positions.map_or(Some(0), |p| p.events).ok_or_else(|| {
                Error::input(dir.display().to_string(), "the checkpoint knows of no events", "the run's own checkpoint")
            })?;
            events = Some(EventWriter::resume(&dir.join(events::FILE), position)?);
        }
        Ok(Measured { metrics, events, shown: Instant::now() })
    }

    /// Appends the value of a metric.
    pub fn append(&mut self, when: When, name: &str, value: f64) -> Result<(), Error> {
        self.metrics.append(when, name, value)?;
        self.events.as_mut().map_or(Ok(()), |events| events.scalar(when.presentation, name, value))
    }

    /// Appends a histogram of each weight matrix, where events are written.
    pub fn weights<T: Real>(&mut self, when: When, weights: &Tensors<T>) -> Result<(), Error> {
        let Some(events) = &mut self.events else { return Ok(()) };
        for (name, m) in weights.named() {
            let values: Vec<f64> = m.data.iter().map(|x| x.to_f64()).collect();
            events.histogram(when.presentation, &format!("weights.{name}"), &values)?;
        }
        Ok(())
    }

    /// Lets readers see what there is, now and then.
    pub fn show(&mut self) -> Result<(), Error> {
        if self.shown.elapsed() < SHOW_AT_MOST_EVERY {
            return Ok(());
        }
        self.shown = Instant::now();
        self.metrics.flush()?;
        self.events.as_mut().map_or(Ok(()), EventWriter::flush)
    }

    /// Makes all durable and returns the lengths of the files in bytes, for a checkpoint.
    pub fn position(&mut self) -> Result<(u64, Option<u64>), Error> {
        let metrics = self.metrics.position()?;
        Ok((metrics, self.events.as_mut().map(EventWriter::position).transpose()?))
    }
}
