//! A figure of a page: courses over training, or what runs came to over a setting.

use crate::Error;
use crate::data::{Data, Filter, Group, Take};
use apical_report::theme::{PALETTE, TWO_COLUMNS};
use apical_report::{Axis, Band, Dash, Figure, Line, Panel, Scale};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Settings of a figure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the picture, under `docs/images/results`.
    pub file: String,
    /// What it shows, for those who cannot see it.
    pub alt: String,
    #[serde(default = "wide")]
    width_mm: f64,
    #[serde(default = "high")]
    height_mm: f64,
    panel: Vec<PanelSettings>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PanelSettings {
    data: String,
    #[serde(default)]
    title: String,
    /// `course`, or a column with a number for each run.
    x: String,
    #[serde(default)]
    x_label: String,
    /// Values of `x` and what they are called, one beside the other; without, they are numbers.
    #[serde(default)]
    x_names: Vec<[String; 2]>,
    /// The names have an order: lines join them.
    #[serde(default)]
    ordered: bool,
    /// Lines alone, without the band from the lowest to the highest run.
    #[serde(default)]
    means_only: bool,
    #[serde(default)]
    take: Take,
    y: String,
    y_label: String,
    #[serde(default = "one")]
    times: f64,
    /// The column whose values are lines.
    by: String,
    #[serde(default, rename = "where")]
    filter: Filter,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    x_log: bool,
    #[serde(default)]
    y_log: bool,
    #[serde(default)]
    y_range: Option<[f64; 2]>,
    /// Published or other values, marked from side to side.
    #[serde(default)]
    levels: Vec<f64>,
    /// Published points: a line of its own.
    #[serde(default)]
    points: Vec<Points>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Points {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
}

fn one() -> f64 {
    1.0
}

fn wide() -> f64 {
    TWO_COLUMNS
}

fn high() -> f64 {
    48.0
}

/// The figure that a block asks for. `read` finds data by name.
///
/// # Errors
/// Settings that are not understood, and data that lack a column.
pub fn figure(settings: &str, read: impl Fn(&str) -> Result<Data, Error>) -> Result<(Settings, Figure), Error> {
    let s: Settings = toml::from_str(settings).map_err(|e| e.to_string())?;
    let panels = s.panel.iter().map(|p| panel(p, &read(&p.data)?)).collect::<Result<Vec<_>, Error>>()?;
    let (width_mm, columns) = (s.width_mm, panels.len().min(3));
    let figure = Figure { width_mm, axes_height_mm: s.height_mm, columns, panels };
    Ok((s, figure))
}

fn panel(s: &PanelSettings, data: &Data) -> Result<Panel, Error> {
    let scale = |log: bool| if log { Scale::Log } else { Scale::Linear };
    let mut x_label = s.x_label.clone();
    let mut panel = Panel::new(Axis::new("", ""), Axis::new(s.y_label.clone(), ""));
    for (i, group) in data.groups(std::slice::from_ref(&s.by), &s.filter)?.iter().enumerate() {
        let name = s.labels.get(&group.key[0]).unwrap_or(&group.key[0]).clone();
        let (colour, dash) = (i % PALETTE.len(), Dash::ALL[i / PALETTE.len() % Dash::ALL.len()]);
        let points = if s.x == "course" {
            let (unit, points) = courses(data, group, &s.y)?;
            if x_label.is_empty() {
                unit.clone_into(&mut x_label);
            }
            points
        } else {
            places(data, group, s)?
        };
        let spread = |f: fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
            points.iter().map(|(_, ys)| s.times * ys.iter().copied().fold(start, f)).collect()
        };
        let x: Vec<f64> = points.iter().map(|p| p.0).collect();
        let y = points.iter().map(|(_, ys)| s.times * ys.iter().sum::<f64>() / ys.len() as f64).collect();
        let apart = !s.x_names.is_empty() && !s.ordered;
        if apart {
            // Between names there is nothing: each run is a ring.
            let runs = points.iter().flat_map(|(x, ys)| ys.iter().map(|y| (*x, s.times * y)));
            let (x, y) = runs.unzip();
            panel.lines.push(Line { name: format!("{name}, each run"), colour, dash: Dash::Rings, x, y });
        } else if !s.means_only && points.iter().any(|(_, ys)| ys.len() > 1) {
            let (low, high) = (spread(f64::min, f64::INFINITY), spread(f64::max, f64::NEG_INFINITY));
            panel.bands.push(Band { name: name.clone(), colour, x: x.clone(), low, high });
        }
        let dash = if apart { Dash::Points } else { dash };
        panel.lines.push(Line { name, colour, dash, x, y });
    }
    for points in &s.points {
        let colour = panel.lines.len() % PALETTE.len();
        let (name, x, y) = (points.name.clone(), points.x.clone(), points.y.clone());
        panel.lines.push(Line { name, colour, dash: Dash::Points, x, y });
    }
    if !s.x_names.is_empty() && !s.ordered && panel.lines.len() == 2 {
        panel.legend = Some(Vec::new());
    }
    panel.title.clone_from(&s.title);
    panel.x = Axis { scale: scale(s.x_log), ..Axis::new(x_label, "") };
    if !s.x_names.is_empty() {
        panel.x.names = s.x_names.iter().enumerate().map(|(i, [_, name])| (i as f64, name.clone())).collect();
        panel.x.range = Some((-0.5, s.x_names.len() as f64 - 0.5));
    }
    panel.y.scale = scale(s.y_log);
    panel.y.range = s.y_range.map(|[low, high]| (low, high));
    panel.levels.clone_from(&s.levels);
    Ok(panel)
}

/// Places and the values that runs have there.
type Places = Vec<(f64, Vec<f64>)>;

fn courses(data: &Data, group: &Group, metric: &str) -> Result<(&'static str, Places), Error> {
    let (mut places, mut unit): (Places, _) = (Vec::new(), "epoch");
    for &row in &group.rows {
        let Some((by, points)) = data.course(row, metric)? else { continue };
        unit = by;
        points.into_iter().for_each(|(x, y)| put(&mut places, x, y));
    }
    Ok((unit, places))
}

fn places(data: &Data, group: &Group, s: &PanelSettings) -> Result<Places, Error> {
    let mut places = Places::new();
    for &row in &group.rows {
        let x = match s.x_names.is_empty() {
            true => data.number(row, &s.x)?,
            false => {
                let value = data.text(row, &s.x)?;
                s.x_names.iter().position(|[name, _]| name == value).map(|i| i as f64)
            }
        };
        if let (true, Some(x), Some(y)) = (data.ended(row)?, x, data.taken(row, &s.y, s.take)?) {
            put(&mut places, x, y);
        }
    }
    Ok(places)
}

fn put(places: &mut Places, x: f64, y: f64) {
    match places.binary_search_by(|p| p.0.total_cmp(&x)) {
        Ok(i) => places[i].1.push(y),
        Err(i) => places.insert(i, (x, vec![y])),
    }
}
