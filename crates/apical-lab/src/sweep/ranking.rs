//! What the folder of a sweep tells those who have not its sweep file: by what its runs are ranked. And what
//! stands in for that in a sweep file must be a metric that its runs will have.

use super::layout::SWEEP;
use super::plan::Planned;
use super::spec::{Ranking, Spec};
use crate::Error;
use crate::check::{Context, recorded};
use crate::config::Diagnostic;
use crate::config::diagnostic::Findings;
use crate::config::node::parse;
use crate::config::registry::nearest;
use crate::config::walk::View;
use crate::folder::atomic::read_text;
use crate::record::read;
use std::path::Path;

impl Ranking {
    /// By what the runs in the folder of a sweep are ranked.
    ///
    /// # Errors
    /// `Input` if its `sweep.toml` is missing or no TOML; `Machine`.
    pub fn of_folder(folder: &Path) -> Result<Ranking, Error> {
        let path = folder.join(SWEEP);
        let mut findings = Findings::new(&path.display().to_string(), read_text(&path)?);
        let root = parse(&mut findings, 0);
        if let Some(first) = findings.into_list().first() {
            return Err(Error::input(format!("{}:{}", path.display(), first.line()), &first.title, &first.allowed));
        }
        Ok(Self::read(View { node: Some(&root), table: "sweep" }))
    }

    /// What the root of a sweep file says.
    pub(super) fn read(view: View<'_>) -> Ranking {
        Ranking {
            metric: view.text("metric").unwrap_or_default(),
            minimise: view.text("goal").as_deref() != Some("maximise"),
            best: view.text("at").as_deref() != Some("last"),
        }
    }

    /// What a course of values counts for: the best or the last; nothing if there is no such value.
    pub fn of(&self, values: &[f64]) -> Option<f64> {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        match (self.best, self.minimise) {
            (false, _) => values.last().copied(),
            (true, true) => finite().min_by(f64::total_cmp),
            (true, false) => finite().max_by(f64::total_cmp),
        }
    }
}

impl Spec {
    /// Refuses a metric that none of these runs will have, where runs are to be ranked by it.
    ///
    /// # Errors
    /// Where the metric is told, and which there are; what is wrong with the experiment.
    pub(super) fn check_metric(&self, runs: &[Planned], context: &Context) -> Result<(), Vec<Diagnostic>> {
        let Some(at) = self.ranked_at.filter(|_| !runs.is_empty()) else { return Ok(()) };
        let metric = &self.ranking.metric;
        let mut known: Vec<String> = Vec::new();
        for planned in runs.iter().filter(|planned| planned.point().repeat == 0) {
            let own = recorded(&self.experiment(planned.point(), context)?);
            if own.contains(metric) {
                return Ok(());
            }
            if known.is_empty() {
                known = own;
            }
        }
        let near = nearest(metric, known.iter().take(500).map(String::as_str));
        let near = near.map_or(String::new(), |near| format!("did you mean \"{near}\"?"));
        let short: Vec<&str> = known.iter().map(String::as_str).filter(|name| !name.starts_with("weight")).collect();
        let mut findings = self.findings.fork();
        let found = format!("runs are ranked by `metric` = {metric:?}, which no run of this sweep will have");
        findings.error(at, found, near).help = format!("they will have {} and weight_norm.NAME", short.join(", "));
        Err(findings.into_list())
    }
}

/// Refuses a metric that a run which has ended has not: all would be ranked alike, by nothing.
///
/// # Errors
/// `Input` if the run has no such metric. Damaged metrics are the fault of one run.
pub(super) fn must_have(folder: &Path, ranking: &Ranking) -> Result<(), Error> {
    let Some(metrics) = read::metrics(folder).ok().filter(|metrics| metrics.get(&ranking.metric).is_none()) else {
        return Ok(());
    };
    let found = format!("runs would be ranked by {}, which {} has not", ranking.metric, folder.display());
    let names: Vec<&str> = metrics.series.iter().map(|series| series.name.as_str()).collect();
    Err(Error::input("`metric` of the sweep", found, format!("what the run has: {}", names.join(", "))))
}
