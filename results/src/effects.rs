//! Main effects of a screening design, as of Plackett and Burman (1946): what each factor does to a result, on the mean over
//! all settings of the others.

use crate::Error;
use crate::data::{Data, Take};
use crate::stats::Summary;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    data: String,
    /// Factors, in the order of the signs of the design.
    factors: Vec<String>,
    /// For each run of the design its variant, and a sign for each factor.
    design: BTreeMap<String, String>,
    of: String,
    #[serde(default)]
    take: Take,
    /// The result's name; effects are in powers of ten of it.
    #[serde(rename = "as")]
    head: String,
}

/// The table in Markdown: for each factor the mean of log10 of the result where it is on less that where it is off, with the
/// 95 % confidence interval over seeds.
///
/// # Errors
/// Settings that are not understood, and runs that are missing, failed, or not above 0.
pub fn markdown(settings: &str, read: impl Fn(&str) -> Result<Data, Error>) -> Result<String, Error> {
    let s: Settings = toml::from_str(settings).map_err(|e| e.to_string())?;
    let data = read(&s.data)?;
    // By seed the result of each variant.
    let mut by_seed: BTreeMap<String, BTreeMap<&str, f64>> = BTreeMap::new();
    for group in data.groups(&["variant".to_owned()], &BTreeMap::new())? {
        let Some((variant, _)) = s.design.get_key_value(&group.key[0]) else { continue };
        for &row in &group.rows {
            let value = data.taken(row, &s.of, s.take)?.filter(|x| *x > 0.0);
            let value = value.ok_or_else(|| format!("`{variant}` has a run without `{}` above 0", s.of))?;
            by_seed.entry(data.text(row, "seed")?.to_owned()).or_default().insert(variant, value.log10());
        }
    }
    let mut out = format!("| departure | effect on {} (powers of ten) |\n| --- | --- |\n", s.head);
    for (f, factor) in s.factors.iter().enumerate() {
        let mut effects = Vec::new();
        for (seed, results) in &by_seed {
            let mean = |sign: char| -> Result<f64, Error> {
                let with = s.design.iter().filter(|(_, signs)| signs.chars().nth(f) == Some(sign));
                let values = with.map(|(variant, _)| results.get(variant.as_str()).copied());
                let values: Option<Vec<f64>> = values.collect();
                let values = values.ok_or_else(|| format!("seed {seed} lacks runs of the design"))?;
                Summary::of(&values).map(|s| s.mean).ok_or_else(|| format!("{factor} is never {sign}"))
            };
            effects.push(mean('+')? - mean('-')?);
        }
        let effect = Summary::of(&effects).ok_or("no run is of the design")?;
        out += &format!("| {factor} | {:+.2} ± {:.2} |\n", effect.mean, effect.interval());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_the_mean_where_a_factor_is_on_less_that_where_it_is_off() {
        let text = "run,variant,seed,state,loss\na,w,0,done,1\nb,x,0,done,100\nc,y,0,done,1\nd,z,0,done,100\n\
            e,w,1,done,1\nf,x,1,done,10000\ng,y,1,done,1\nh,z,1,done,10000\n";
        let settings = "data = \"d\"\nfactors = [\"A\", \"B\"]\nof = \"loss\"\nas = \"the loss\"\n\
            design = { w = \"--\", x = \"+-\", y = \"-+\", z = \"++\" }\n";
        let made = markdown(settings, |name| Data::parse(name, text.as_bytes())).unwrap();
        // A: 2 and 4 powers of ten at the two seeds, so 3 with t(0.975; 1) = 12.706 times sd / sqrt(2) = 1; B: none.
        let expected = "| departure | effect on the loss (powers of ten) |\n| --- | --- |\n\
            | A | +3.00 ± 12.71 |\n| B | +0.00 ± 0.00 |\n";
        assert_eq!(made, expected);
    }
}
