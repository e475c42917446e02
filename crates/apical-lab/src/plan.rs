//! In which way a run's numbers are computed: the names that configs and flags have for it, the plan that an experiment
//! has on this machine, and why.

use crate::Error;
use crate::experiment::{Experiment, LearnerSpec, Precision, SolverSpec};
use apical::circuit::Kind;
use apical::kernels::{Isa, Product};
use apical::solvers::adaptive;
use apical::solvers::euler::plan::WAYS;
use apical::solvers::euler::{Choice, Plan, Way};

/// What a name in a config means, with `block` steps for the blocks; `None` for a name that is none.
pub fn choice(name: &str, block: usize) -> Option<Choice> {
    Some(match name {
        "auto" => Choice::Auto,
        "reference" => Choice::Given(Way::Reference),
        "fused" => Choice::Given(Way::Fused),
        "blocks" => Choice::Given(Way::Blocks(block)),
        "batch" => Choice::Given(Way::Batch),
        _ => return None,
    })
}

/// The name in configs.
pub fn name(choice: Choice) -> &'static str {
    match choice {
        Choice::Auto => "auto",
        Choice::Given(way) => way_name(way),
    }
}

/// The name of a way in configs and flags.
pub fn way_name(way: Way) -> &'static str {
    match way {
        Way::Reference => "reference",
        Way::Fused => "fused",
        Way::Blocks(_) => "blocks",
        Way::Batch => "batch",
    }
}

/// The ways of a name after a flag: one, or `all`.
///
/// # Errors
/// A name that is none.
pub fn ways(flag: &str, text: &str, block: usize) -> Result<Vec<Way>, Error> {
    let named = |name: &str| match choice(name, block) {
        Some(Choice::Given(way)) => Some(way),
        _ => None,
    };
    if text == "all" {
        return Ok(WAYS.iter().filter_map(|(name, _)| named(name)).collect());
    }
    named(text).map(|way| vec![way]).ok_or_else(|| {
        let names: Vec<&str> = WAYS.iter().map(|(name, _)| *name).collect();
        Error::input(flag, format!("{text:?} is no plan"), format!("allowed: all, {}", names.join(", ")))
    })
}

/// The instruction sets of a name after a flag: one, or `all` that this CPU has.
///
/// # Errors
/// A name that is none, or that of a set which this CPU lacks.
pub fn isas(flag: &str, text: &str) -> Result<Vec<Isa>, Error> {
    if text == "all" {
        return Ok(Isa::all());
    }
    Isa::from_name(text).map(|isa| vec![isa]).ok_or_else(|| {
        let names: Vec<&str> = Isa::all().into_iter().map(Isa::name).collect();
        let found = format!("{text:?} is no instruction set of this CPU");
        Error::input(flag, found, format!("allowed: all, {}", names.join(", ")))
    })
}

/// The plan by which `euler` trains on this machine; `None` where something else trains.
pub fn of_euler(e: &Experiment) -> Option<Plan> {
    let (SolverSpec::Euler(choice), LearnerSpec::Microcircuit) = (e.solver, &e.learner) else { return None };
    if e.departures_of_steps().any() {
        return Some(Plan::REFERENCE);
    }
    let (net, samples, isa) = (&e.network, e.train.batch, Isa::best());
    let plan = match e.precision {
        Precision::F32 => Plan::new::<f32>(choice, net, samples, isa),
        Precision::F64 => Plan::new::<f64>(choice, net, samples, isa),
    };
    Some(plan.within(e.timing.steps(e.timing.presentation)))
}

/// True if one thread trains, however many there are: one pattern at a time of a small net.
pub fn alone(e: &Experiment) -> bool {
    match (e.solver, &e.learner) {
        (SolverSpec::Adaptive { .. }, LearnerSpec::Microcircuit) => adaptive::single(&e.network, e.train.batch),
        _ => of_euler(e).is_some_and(|plan| plan.way == Way::Fused),
    }
}

/// What decides the bits beside the config: the plan of `euler`; elsewhere how products are computed, with which
/// instructions.
pub fn describe(e: &Experiment) -> String {
    match of_euler(e) {
        Some(plan) if e.departures_of_steps().any() => format!("departures from {plan}"),
        Some(plan) => plan.to_string(),
        None => format!("{} products", Product::best().name()),
    }
}

/// Why the plan is what it is, in a few words.
pub fn why(e: &Experiment) -> String {
    let Some(plan) = of_euler(e) else {
        return match e.train.batch {
            1 => "one sample at a time".to_owned(),
            n => format!("{n} samples side by side"),
        };
    };
    if e.departures_of_steps().any() {
        return "what departs from the circuit has a step of its own".to_owned();
    }
    if matches!(e.solver, SolverSpec::Euler(Choice::Given(_))) {
        return "asked for by solver.plan".to_owned();
    }
    let weights = human_bytes(weight_bytes(e));
    match plan.way {
        Way::Reference => "one step after the other".to_owned(),
        Way::Fused => format!("one pattern, and {weights} of weights fit the nearest cache"),
        Way::Blocks(steps) => {
            format!("{weights} of weights do not fit the nearest cache: written once in {steps} steps")
        }
        Way::Batch => format!("{} patterns side by side: products over all of them", e.train.batch),
    }
}

/// Weights of an experiment, low-passed changes apart.
pub fn weight_count(e: &Experiment) -> usize {
    let n = &e.network.sizes;
    let forward: usize = n.windows(2).map(|w| w[0] * w[1]).sum();
    let hidden: usize = n[1..].windows(2).map(|w| w[0] * w[1]).sum();
    let biased = usize::from(e.network.bias_rate != 0.0);
    let count = |kind: &Kind| match kind {
        Kind::Wpp => forward,
        Kind::Wpb | Kind::Wip | Kind::Wpi => hidden,
        Kind::Bpp => biased * n[1..].iter().sum::<usize>(),
        Kind::Bip => biased * n[2..].iter().sum::<usize>(),
    };
    e.kinds().iter().map(count).sum()
}

/// Bytes of them.
pub fn weight_bytes(e: &Experiment) -> u64 {
    (weight_count(e) * number_bytes(e)) as u64
}

/// Bytes of a number.
pub fn number_bytes(e: &Experiment) -> usize {
    match e.precision {
        Precision::F32 => size_of::<f32>(),
        Precision::F64 => size_of::<f64>(),
    }
}

/// Bytes for people.
pub fn human_bytes(bytes: u64) -> String {
    let (mut x, mut unit) = (bytes as f64, 0);
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    while x >= 999.5 && unit + 1 < units.len() {
        x /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && x < 9.95);
    format!("{x:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_one_name_in_configs_and_flags() {
        for (name, _) in WAYS {
            let Some(Choice::Given(way)) = choice(name, 7) else { panic!("{name} is no choice") };
            assert_eq!(way_name(way), name);
            assert_eq!(ways("--plan", name, 7), Ok(vec![way]));
        }
        assert_eq!(choice("blocks", 7), Some(Choice::Given(Way::Blocks(7))));
        assert_eq!((choice("auto", 7), name(Choice::Auto)), (Some(Choice::Auto), "auto"));
        assert_eq!(choice("fusd", 7), None);
        assert_eq!(ways("--plan", "all", 7).map(|list| list.len()), Ok(WAYS.len()));
        let refused = ways("--plan", "auto", 7).map_err(|e| (e.exit_code(), e.to_string()));
        assert!(refused.is_err_and(|(code, text)| code == 2 && text.contains("fused") && text.contains("--plan")));
    }

    #[test]
    fn bytes_are_told_in_few_digits() {
        let told: Vec<String> =
            [0, 999, 1000, 1024 * 1024 * 2, 123 << 20, 1 << 50].into_iter().map(human_bytes).collect();
        assert_eq!(told, ["0 B", "999 B", "1.0 KiB", "2.0 MiB", "123 MiB", "1024 TiB"]);
    }
}
