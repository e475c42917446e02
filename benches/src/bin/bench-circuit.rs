//! `bench-circuit`: how long circuits take, in f32.

use apical::kernels::Isa;
use apical::solvers::euler::{Choice, Way};
use apical_benches::measure::{self, Effort};
use apical_benches::{Case, adaptive, case, machine, peer, savings};
use std::error::Error;
use std::process::ExitCode;

/// Enough for medians that the rest of the machine does not move.
const EFFORT: Effort = Effort { rounds: 5, seconds: 0.1 };

const USAGE: &str = "\
bench-circuit write CASE FOLDER     case.json and start.f32, for other programs
bench-circuit serve CASE [OPTION...]
                                    a line on stdin, `check N FILE` or `time N`, is answered with one on stdout
bench-circuit savings [THREADS]     what each way wins, a table; THREADS: 1,2
bench-circuit adaptive              adaptive beside euler: error, right-hand sides, time
bench-circuit machine               bytes and products a second, to hold times against
OPTION: --threads N (1), --way auto|reference|fused|blocks:K|batch (auto), --isa plain|avx2|avx512|neon (the best),
        --tolerance X (adaptive in place of euler)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-circuit: {error}\n{USAGE}\nCASE: {}", case::NAMES.join(", "));
            ExitCode::from(2)
        }
    }
}

/// What follows the command.
struct Options {
    threads: usize,
    choice: Choice,
    isa: Isa,
    /// `adaptive` at this tolerance in place of `euler`.
    tolerance: Option<f64>,
}

impl Options {
    fn read(mut args: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut options = Options { threads: 1, choice: Choice::Auto, isa: Isa::best(), tolerance: None };
        while let [name, value, rest @ ..] = args {
            match *name {
                "--threads" => options.threads = threads(value)?,
                "--way" => options.choice = choice(value).ok_or_else(|| format!("no way {value}"))?,
                "--isa" => options.isa = Isa::from_name(value).ok_or_else(|| format!("this CPU has no {value}"))?,
                "--tolerance" => options.tolerance = Some(value.parse()?),
                other => return Err(format!("no option {other}").into()),
            }
            args = rest;
        }
        if args.is_empty() { Ok(options) } else { Err(format!("{} needs a value", args[0]).into()) }
    }
}

fn threads(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|n| (1..=1024).contains(n));
    count.ok_or(format!("{text:?} is no number of threads; allowed: 1 to 1024"))
}

fn choice(name: &str) -> Option<Choice> {
    Some(match name {
        "auto" => Choice::Auto,
        "reference" => Choice::Given(Way::Reference),
        "fused" => Choice::Given(Way::Fused),
        "batch" => Choice::Given(Way::Batch),
        _ => Choice::Given(Way::Blocks(name.strip_prefix("blocks:")?.parse().ok().filter(|k| *k > 0)?)),
    })
}

fn run(args: &[&str]) -> Result<(), Box<dyn Error>> {
    let named = |name: &str| Case::named(name).ok_or_else(|| format!("no case {name}"));
    match args {
        ["write", name, folder] => {
            let case = named(name)?;
            let folder = std::path::Path::new(folder);
            std::fs::create_dir_all(folder)?;
            std::fs::write(folder.join("case.json"), case.json())?;
            Ok(std::fs::write(folder.join("start.f32"), case.make::<f32>().bytes())?)
        }
        ["serve", name, options @ ..] => {
            let (case, options) = (named(name)?, Options::read(options)?);
            let pool = measure::pool(options.threads)?;
            let Options { choice, isa, tolerance, .. } = options;
            pool.install(|| peer::serve(&case, choice, isa, tolerance).map_err(|e| e.to_string()))?;
            Ok(())
        }
        ["savings"] => savings::print(&[1, 2], EFFORT),
        ["savings", counts] => savings::print(&counts.split(',').map(threads).collect::<Result<Vec<_>, _>>()?, EFFORT),
        ["adaptive"] => {
            print!("{}", adaptive::table(&adaptive::rows(&[1e-3, 3e-4, 1e-4, 1e-5, 1e-6], EFFORT)?));
            Ok(())
        }
        ["machine"] => {
            machine::print(EFFORT);
            Ok(())
        }
        _ => Err("what to do?".into()),
    }
}
