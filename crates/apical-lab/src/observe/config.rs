//! What a resolved config says of a run, for a line of text. A config that cannot be read says nothing.

use toml::{Table, Value};

/// The choices of a config that tell a run from others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// Learner, solver, sizes, task and so on, each in a word.
    pub words: Vec<String>,
    /// Epochs over all phases.
    pub epochs: Option<u64>,
}

impl Choices {
    /// Of the text of a config.
    ///
    /// # Errors
    /// What is no TOML, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let root: Table = text.parse().map_err(|source: toml::de::Error| source.message().to_owned())?;
        let in_table = |table: &str, key: &str| root.get(table).and_then(|table| table.get(key));
        let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let mut words: Vec<String> = [("learner", "kind"), ("solver", "kind")]
            .into_iter()
            .filter_map(|(table, key)| word(in_table(table, key)))
            .collect();
        if let Some(sizes) = in_table("network", "sizes").and_then(Value::as_array) {
            let sizes: Vec<String> = sizes.iter().filter_map(Value::as_integer).map(|n| n.to_string()).collect();
            words.push(sizes.join("-"));
        }
        words.extend(word(in_table("task", "kind")));
        words.extend(word(root.get("precision")));
        words.extend(root.get("seed").and_then(Value::as_integer).map(|seed| format!("seed {seed}")));
        let count = |value: &Value| value.as_integer().and_then(|n| u64::try_from(n).ok());
        let phases = root.get("phase").and_then(Value::as_array);
        let epochs = match phases {
            Some(list) => list.iter().try_fold(0u64, |sum, phase| sum.checked_add(count(phase.get("epochs")?)?)),
            None => in_table("train", "epochs").and_then(count),
        };
        Ok(Choices { words, epochs })
    }
}
