//! Figures of the registry for a page: those that its charts do not show already.

use super::Extra;
use super::model::{Block, Picture};
use super::opened::Opened;
use crate::figures::{self, Entry, FIGURES, OF_RELATIONS, Of, Options, Refusal, Runs};
use apical_lab::record::Run;

/// Charts of the page show these.
const CHARTED: [&str; 8] = [
    "interneuron-distance",
    "synapse-distance",
    "apical-distance",
    "learning",
    "learning-curves",
    "angles",
    "norm-ratio",
    "feedback-alignment",
];
/// Bytes of a figure, and of all together.
const LARGEST: usize = 400_000;
const LARGEST_OF_ALL: usize = 1_500_000;

/// The figures that can be drawn, and why the others cannot. A figure that is of one run is of the first that has its data.
pub fn pictures(opened: &Opened, extra: &Extra) -> Vec<Block> {
    let options = Options { ranking: extra.ranking.clone(), ..Options::default() };
    let (mut blocks, mut left_out, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in FIGURES.iter().filter(|entry| !CHARTED.contains(&entry.name)) {
        match draw(entry, opened, &options) {
            None => {}
            Some(Err(refusal)) => left_out.push(format!("{}: {refusal}", entry.name)),
            Some(Ok((of, drawn))) => {
                let svg = drawn.scene.svg_element(&format!("{}-", entry.name));
                if svg.len() > LARGEST || bytes + svg.len() > LARGEST_OF_ALL {
                    left_out.push(format!("{0}: too large for a page; apical plot --figure {0} draws it", entry.name));
                    continue;
                }
                bytes += svg.len();
                let about = if of.is_empty() { entry.about.to_owned() } else { format!("{} ({of})", entry.about) };
                blocks.push(Block::Picture(Picture { name: entry.name.to_owned(), about, svg }));
            }
        }
    }
    if opened.runs.runs.len() > 1 && !blocks.is_empty() {
        let says = "A figure that is of one run is of the first run that has its data; those of the others are drawn by apical plot.";
        blocks.push(Block::Text(says.into()));
    }
    if !left_out.is_empty() {
        let (label, text) = ("Figures that are not here, and why".into(), left_out.join("\n"));
        blocks.push(Block::Code { label, language: "text", text, open: false });
    }
    blocks
}

type Found = Result<(String, figures::Drawn), Refusal>;

fn draw(entry: &Entry, opened: &Opened, options: &Options) -> Option<Found> {
    let runs = if entry.name == OF_RELATIONS { &opened.relations } else { &opened.runs };
    if runs.runs.is_empty() || (entry.of == Of::Several && runs.count() < 2) {
        return None;
    }
    if entry.of != Of::One || runs.runs.len() == 1 {
        return Some((entry.draw)(runs, options).map(|drawn| (String::new(), drawn)));
    }
    let one = |run: &Run| -> Found {
        let alone = Runs::new(vec![Run::open(&run.path)?]);
        Ok((run.name.clone(), (entry.draw)(&alone, options)?))
    };
    let mut refused = None;
    for run in &runs.runs {
        match one(run) {
            Ok(found) => return Some(Ok(found)),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    refused.map(Err)
}
