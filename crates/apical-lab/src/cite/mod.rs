//! What to cite: the software, and what the methods of a config go back to.

mod methods;
mod references;
mod style;

pub use methods::{METHODS, Method, Origin};
pub use references::REFERENCES;
pub use style::{bibtex, text};

use crate::check;
use crate::compare;
use crate::config::node::Node;
use crate::config::walk::{View, walk};
use crate::config::{Diagnostic, Source};

/// Where something was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Venue {
    /// A journal: its name, volume, number.
    Journal(&'static str, &'static str, &'static str),
    /// A conference: its proceedings, volume.
    Conference(&'static str, &'static str),
    /// A data set: who keeps it.
    Dataset(&'static str),
    /// arXiv alone.
    Preprint,
    /// A program: version, address.
    Software(&'static str, &'static str),
}

/// A publication. What is empty is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its key in BibTeX.
    pub key: &'static str,
    /// Given and family names; a group has no given name.
    pub authors: &'static [(&'static str, &'static str)],
    /// 0: none.
    pub year: u16,
    /// As published.
    pub title: &'static str,
    /// Where.
    pub venue: Venue,
    /// First and last, or the number of the article.
    pub pages: &'static str,
    /// Digital object identifier.
    pub doi: &'static str,
    /// Number on arXiv.
    pub arxiv: &'static str,
}

/// apical itself, as `CITATION.cff` of the repository says.
pub const SOFTWARE: Reference = Reference {
    key: "apical",
    authors: &[("", "The apical developers")],
    year: 0,
    title: "apical: dendritic cortical microcircuits that learn",
    venue: Venue::Software(env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_REPOSITORY")),
    pages: "",
    doi: "",
    arxiv: "",
};

/// The publications whose model apical computes, to be cited with it.
pub const MODEL: [&str; 2] = ["sacramento2018", "urbanczik2014"];

/// The publication of a key.
pub fn reference(key: &str) -> Option<&'static Reference> {
    REFERENCES.iter().find(|reference| reference.key == key)
}

/// A method that a config uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// What the config says, as in `learner.kind = "ep"`.
    pub why: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// The methods that a config uses, each once, in the order of [`METHODS`]; for a comparison those of all its learners. Data
/// need not be there.
///
/// # Errors
/// What is no config.
pub fn used(source: &Source) -> Result<Vec<Use>, Vec<Diagnostic>> {
    let trees = if compare::is_comparison(source) { compare::trees(source)? } else { vec![single(source)?] };
    let said: Vec<(&str, String)> = trees.iter().flat_map(choices).collect();
    let of = |method: &Method| {
        let (key, value) = said.iter().find(|(key, value)| *key == method.key && is_value(method, value))?;
        Some(Use { why: format!("{key} = {value}"), origin: method.origin })
    };
    Ok(METHODS.iter().filter_map(of).collect())
}

fn is_value(method: &Method, said: &str) -> bool {
    method.value.is_empty() || said.trim_matches('"') == method.value
}

fn single(source: &Source) -> Result<Node, Vec<Diagnostic>> {
    let (root, mut findings) = check::read(source, &[])?;
    walk(&root, "", "", &mut findings);
    if findings.is_ok() { Ok(root) } else { Err(findings.into_list()) }
}

/// Keys and values of a config, defaults included, of which [`METHODS`] may tell something.
fn choices(root: &Node) -> Vec<(&'static str, String)> {
    let root = View { node: Some(root), table: "" };
    let learner = root.sub("learner", "learner");
    let circuit = learner.kind() == Some("microcircuit");
    let optimiser = learner.sub("optimiser", "optimiser");
    let tables = [
        ("network", root.sub("network", "network"), true),
        ("learner", learner, true),
        // The circuit follows its own rates unless it is told otherwise; other learners have no solver.
        ("optimiser", optimiser, !circuit || optimiser.node.is_some()),
        ("solver", root.sub("solver", "solver"), circuit),
        ("train", root.sub("train", "train"), true),
        ("task", root.sub("task", "task"), true),
    ];
    let mut list: Vec<(&'static str, String)> = Vec::new();
    for method in METHODS {
        let Some((table, key)) = method.key.split_once('.') else { continue };
        let Some((_, view, _)) = tables.iter().find(|(name, _, used)| *name == table && *used) else { continue };
        // "none" is the word for what is switched off.
        let value = view.node(key).filter(|node| node.text() != Some("none")).map(|node| node.describe());
        list.extend(value.map(|value| (method.key, value)));
    }
    list.dedup();
    list
}
