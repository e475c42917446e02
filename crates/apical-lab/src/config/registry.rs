//! Fields: each is described once. Reading, checking of types, error texts, `explain`, the JSON schema and the reference
//! page all follow from the descriptions in `fields.rs`.

use super::departure_fields::{DEPARTURE_FIELDS, DEPARTURE_TABLES};
use super::fields::{FIELDS, TABLES};
use super::node::{Node, Value};
use super::record_fields::RECORD_FIELDS;
use super::sweep_fields::{SWEEP_FIELDS, SWEEP_TABLES};
use apical::kernels::Activation;

/// Which numbers are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Any finite number.
    Any,
    /// Above 0.
    Positive,
    /// 0 and above.
    NonNegative,
    /// 0 to 1, 1 left out.
    BelowOne,
    /// 0 to 1.
    Share,
}

impl Range {
    fn holds(self, x: f64) -> bool {
        x.is_finite()
            && match self {
                Range::Any => true,
                Range::Positive => x > 0.0,
                Range::NonNegative => x >= 0.0,
                Range::BelowOne => (0.0..1.0).contains(&x),
                Range::Share => (0.0..=1.0).contains(&x),
            }
    }

    fn words(self) -> &'static str {
        match self {
            Range::Any => "a finite number",
            Range::Positive => "a number above 0",
            Range::NonNegative => "a number from 0 on",
            Range::BelowOne => "a number from 0 to below 1",
            Range::Share => "a number from 0 to 1",
        }
    }
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// true or false.
    Flag,
    /// An integer, at least this.
    Count(u64),
    /// A number.
    Number(Range),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of an activation.
    Activation,
    /// A number or one of these words.
    NumberOr(Range, &'static [&'static str]),
    /// A number from 0 on, or an array with one per layer.
    PerLayer,
    /// Start weights: a number a for U(-a, a), an array with one per matrix, one of these words, or { transpose = s } if
    /// "transpose" is one of them.
    Start(&'static [&'static str]),
    /// An array of integers, each at least this.
    Counts(u64),
    /// An array of numbers.
    Numbers,
    /// A string or an array of strings.
    Texts,
    /// One of these words or an array of them.
    Words(&'static [&'static str]),
    /// "all" or an array of cells.
    Cells,
    /// "all" or [from, to] in ms.
    Window,
    /// An array of [post, pre].
    Pairs,
    /// A table with the fields of this one.
    Table(&'static str),
    /// An array of such tables.
    Tables(&'static str),
    /// A table with free keys, each a table with the fields of this one.
    Map(&'static str),
    /// A table whose keys are those of a whole config.
    Changes,
    /// An array of values of any kind, at least one.
    Values,
}

impl Kind {
    /// What is allowed, for people.
    pub fn words(self) -> String {
        let quoted = |words: &[&str]| words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
        match self {
            Kind::Text => "a string".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Count(min) => format!("an integer from {min} on"),
            Kind::Number(range) => range.words().to_owned(),
            Kind::Choice([word]) => format!("\"{word}\""),
            Kind::Choice(words) => format!("one of {}", quoted(words)),
            Kind::Activation => format!("one of {}", quoted(&Activation::ALL.map(Activation::name))),
            Kind::NumberOr(range, words) => format!("{} or {}", range.words(), quoted(words)),
            Kind::PerLayer => "a number from 0 on, or an array with one per layer".to_owned(),
            Kind::Start(words) => {
                let table = if words.contains(&"transpose") { ", { transpose = s }" } else { "" };
                format!("a number a from 0 on for U(-a, a), an array with one per matrix, {}{table}", quoted(words))
            }
            Kind::Counts(min) => format!("an array of integers from {min} on"),
            Kind::Numbers => "an array of finite numbers".to_owned(),
            Kind::Texts => "a string or an array of strings".to_owned(),
            Kind::Words(words) => format!("one of {}, or an array of them", quoted(words)),
            Kind::Cells => "\"all\" or an array of cells, from 0 on".to_owned(),
            Kind::Window => "\"all\" or [from, to] in ms, from 0 on, from below to".to_owned(),
            Kind::Pairs => "an array of [post, pre], from 0 on".to_owned(),
            Kind::Table(_) => "a table".to_owned(),
            Kind::Tables(_) => "an array of tables".to_owned(),
            Kind::Map(_) => "a table of tables".to_owned(),
            Kind::Changes => "a table of keys of a config, as after --set".to_owned(),
            Kind::Values => "an array of at least one value".to_owned(),
        }
    }

    /// The words among what is allowed.
    pub fn choices(self) -> Vec<&'static str> {
        match self {
            Kind::Choice(w) | Kind::NumberOr(_, w) | Kind::Start(w) | Kind::Words(w) => w.to_vec(),
            Kind::Activation => Activation::ALL.map(Activation::name).to_vec(),
            Kind::Cells | Kind::Window => vec!["all"],
            _ => Vec::new(),
        }
    }

    /// The innermost value that is not allowed, if there is one. Tables are only asked whether they are tables.
    pub fn refused(self, node: &Node) -> Option<&Node> {
        let number = |n: &Node, range: Range| n.number().is_some_and(|x| range.holds(x));
        let is_word = |n: &Node| n.text().is_some_and(|t| self.choices().contains(&t));
        let each = |fits: &dyn Fn(&Node) -> bool| match &node.value {
            Value::Array(a) => a.iter().find(|n| !fits(n)),
            _ => Some(node),
        };
        let whole = |fits: bool| if fits { None } else { Some(node) };
        let pair = |n: &Node| n.elements().len() == 2 && n.elements().iter().all(|x| x.count().is_some());
        match self {
            Kind::Text => whole(node.text().is_some()),
            Kind::Flag => whole(matches!(node.value, Value::Flag(_))),
            Kind::Count(min) => whole(node.count().is_some_and(|i| i >= min)),
            Kind::Number(range) => whole(number(node, range)),
            Kind::Choice(_) | Kind::Activation => whole(is_word(node)),
            Kind::NumberOr(range, _) => whole(number(node, range) || is_word(node)),
            Kind::PerLayer if node.number().is_some() => whole(number(node, Range::NonNegative)),
            Kind::PerLayer => each(&|n| number(n, Range::NonNegative)),
            Kind::Start(words) => match &node.value {
                Value::Array(_) => each(&|n| number(n, Range::NonNegative)),
                Value::Table(entries) if words.contains(&"transpose") => match entries.as_slice() {
                    [(key, s)] if key.name == "transpose" => (!number(s, Range::Positive)).then_some(s),
                    _ => Some(node),
                },
                _ => whole(number(node, Range::NonNegative) || is_word(node)),
            },
            Kind::Counts(min) => each(&|n| n.count().is_some_and(|i| i >= min)),
            Kind::Numbers => each(&|n| number(n, Range::Any)),
            Kind::Texts if node.text().is_some() => None,
            Kind::Texts => each(&|n| n.text().is_some()),
            Kind::Words(_) if node.text().is_some() => whole(is_word(node)),
            Kind::Words(_) => each(&is_word),
            Kind::Cells if node.text().is_some() => whole(is_word(node)),
            Kind::Cells => each(&|n| n.count().is_some()),
            Kind::Window => match node.elements() {
                [from, to] => {
                    let ends = from.number().zip(to.number());
                    whole(ends.is_some_and(|(a, b)| a >= 0.0 && a < b && b.is_finite()))
                }
                _ => whole(is_word(node)),
            },
            Kind::Pairs => each(&pair),
            Kind::Table(_) | Kind::Map(_) | Kind::Changes => whole(matches!(node.value, Value::Table(_))),
            Kind::Tables(_) => each(&|n| matches!(n.value, Value::Table(_))),
            Kind::Values => whole(!node.elements().is_empty()),
        }
    }
}

/// One key of one table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The table; "" is the root.
    pub table: &'static str,
    /// The key.
    pub key: &'static str,
    /// With which `kind` of the table it goes; empty: with all.
    pub only: &'static [&'static str],
    /// What it may hold.
    pub kind: Kind,
    /// Unit; may be empty.
    pub unit: &'static str,
    /// Default as TOML; empty if there is none.
    pub default: &'static str,
    /// What it is, and what happens without it if there is no default.
    pub doc: &'static str,
    /// A value as TOML.
    pub example: &'static str,
}

/// One table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name used by fields.
    pub name: &'static str,
    /// How it is written in a file.
    pub header: &'static str,
    /// What it is.
    pub doc: &'static str,
}

impl Field {
    /// `table.key`, as written after `--set`.
    pub fn path(&self) -> String {
        if self.table.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.table, self.key) }
    }

    /// What is allowed, with the unit.
    pub fn allowed(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(", in {}", self.unit) };
        format!("{}{unit}", self.kind.words())
    }

    /// True if the field goes with this `kind` of its table.
    pub fn goes_with(&self, kind: Option<&str>) -> bool {
        self.only.is_empty() || kind.is_some_and(|k| self.only.contains(&k))
    }
}

/// All fields of configs.
pub fn config_fields() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().chain(RECORD_FIELDS).chain(DEPARTURE_FIELDS)
}

/// All fields, those of sweep files last.
pub fn fields() -> impl Iterator<Item = &'static Field> {
    config_fields().chain(SWEEP_FIELDS)
}

/// All tables, those of sweep files last.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().chain(DEPARTURE_TABLES).chain(SWEEP_TABLES)
}

/// The fields of a table, in order; a key with several meanings appears once for each.
pub fn fields_of(table: &str) -> impl Iterator<Item = &'static Field> + use<'_> {
    fields().filter(move |f| f.table == table)
}

/// The table of this name.
pub fn table(name: &str) -> Option<&'static Table> {
    tables().find(|t| t.name == name)
}

/// The nearest of some words, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let flat = |s: &str| s.to_lowercase().replace('_', "-");
    let word = flat(word);
    known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(&word, &flat(k)), strsim::osa_distance(&word, &flat(k)), k))
        // One slip of the finger is near even in the shortest names.
        .filter(|(score, slips, _)| *score > 0.8 || *slips <= 1)
        .map(|(score, slips, k)| (if slips <= 1 { score.max(0.9) } else { score }, k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}
