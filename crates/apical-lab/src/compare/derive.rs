//! The raw config of one learner of a comparison: the shared tables without what means nothing to it, its own table, and
//! what differs for it alone. Every node keeps its place in the user's file, so errors point there.

use super::choose::Chosen;
use crate::check::CIRCUIT_ONLY;
use crate::config::Diagnostic;
use crate::config::diagnostic::Findings;
use crate::config::node::{Node, Value, graft, key_path, merge};
use crate::config::registry::{Kind, config_fields};
use crate::config::walk::expand_shorthands;
use apical::learners::has_feedback;

/// What a learner of a comparison cannot set for itself, and why.
const NOT_ITS_OWN: [(&str, &str); 4] = [
    ("name", "its runs are named by the comparison and its own name"),
    ("seed", "all learners have the same seeds"),
    ("compare", "a comparison has one [compare]"),
    ("learner", "say it in the learner's own table"),
];

/// The config of a learner.
pub(super) fn tree(base: &Node, one: &Chosen, name: &str, findings: &mut Findings) -> Node {
    let mut root = base.clone();
    suit(&mut root, &one.table);
    if !one.expected {
        root.take("expect");
    }
    let at = base.get("name").map_or(one.at, |n| n.at);
    root.put("name", at, Value::Text(format!("{name}-{}", one.name)));
    root.put("learner", one.table.at, one.table.value.clone());
    for (key, node) in one.set.as_ref().map_or(&[][..], |set| set.entries()) {
        let path = key_path(&key.name).map(|p| p.into_iter().map(|(k, _)| (k, key.at)).collect::<Vec<_>>());
        let Some(mut path) = path else {
            let found = format!("`learner.{}.set` holds {:?}, which is no key", one.name, key.name);
            findings.error(key.at, found, "allowed: keys as in \"network.sizes\" or network.sizes");
            continue;
        };
        if let Some((own, why)) = NOT_ITS_OWN.iter().find(|(own, _)| path.first().is_some_and(|(k, _)| k == own)) {
            findings.error(key.at, format!("`learner.{}.set` cannot set `{own}`", one.name), *why);
            continue;
        }
        merge(&mut root, &mut path, node, findings);
    }
    expand_shorthands(&mut root);
    root
}

/// Takes out of a config for the microcircuit what means nothing to the learner that a table describes.
pub(crate) fn suit(root: &mut Node, learner: &Node) {
    let kind = learner.get("kind").and_then(Node::text).unwrap_or_default();
    if kind != "microcircuit" {
        sum_phases(root);
        let attenuated = learner.get("attenuation").and_then(Node::text) == Some("conductances");
        strip(root, kind, attenuated);
    }
}

/// Phases with a target become epochs of training: only the microcircuit has phases.
fn sum_phases(root: &mut Node) {
    let Some((key, phases)) = root.take("phase") else { return };
    let teaches = |p: &&Node| !matches!(p.get("target").map(|t| &t.value), Some(Value::Flag(false)));
    let epochs = |p: &Node| p.get("epochs").map_or(1, |e| e.count().unwrap_or(1));
    let sum = phases.elements().iter().filter(teaches).map(epochs).fold(0, u64::saturating_add);
    if sum == 0 {
        return;
    }
    let train = (("train".to_owned(), key.at), ("epochs".to_owned(), key.at));
    // With phases the base has no `train.epochs`; one that it has stands, and the microcircuit's check refuses both.
    if root.get("train").and_then(|t| t.get("epochs")).is_none() {
        let epochs = Node { at: key.at, value: Value::Int(i128::from(sum)) };
        if root.get("train").is_none_or(|t| matches!(t.value, Value::Table(_))) {
            graft(root, &[train.0, train.1], epochs, &mut Findings::new("", String::new()));
        }
    }
}

/// Takes out what means nothing to a learner that is not the microcircuit.
fn strip(root: &mut Node, kind: &str, attenuated: bool) {
    let traces = config_fields().filter(|f| f.table == "record" && matches!(f.kind, Kind::Table(_)));
    let traces = traces.map(|f| (f.table, f.key));
    let conductances = [("", "conductances")].into_iter().filter(|_| !attenuated);
    let feedback = [("network.start", "pb")].into_iter().filter(|_| !has_feedback(kind));
    for (table, key) in CIRCUIT_ONLY.into_iter().chain(traces).chain(conductances).chain(feedback) {
        if let Some(table) = table_mut(root, table) {
            table.take(key);
        }
    }
}

fn table_mut<'a>(root: &'a mut Node, path: &str) -> Option<&'a mut Node> {
    let parts = path.split('.').filter(|part| !part.is_empty());
    parts.into_iter().try_fold(root, |node, part| match &mut node.value {
        Value::Table(entries) => entries.iter_mut().find(|(key, _)| key.name == part).map(|(_, child)| child),
        _ => None,
    })
}

/// A finding about [learner] as one about [learner.NAME].
pub(super) fn in_entry(mut d: Diagnostic, name: &str) -> Diagnostic {
    d.title = d.title.replace("`learner.", &format!("`learner.{name}."));
    d
}
