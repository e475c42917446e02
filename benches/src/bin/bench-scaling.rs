//! `bench-scaling`: how time grows with cells, batch, depth and threads; a table and a figure of it.

use apical_benches::measure::Effort;
use apical_benches::{adaptive, scaling};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
bench-scaling FOLDER [--quick]    writes scaling.csv, scaling.svg and scaling.png into FOLDER; --quick: fewer points";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-scaling: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let (folder, quick) = match args {
        [folder] => (Path::new(folder), false),
        [folder, option] if option == "--quick" => (Path::new(folder), true),
        _ => return Err("where to?".into()),
    };
    let effort = if quick { Effort { rounds: 3, seconds: 0.02 } } else { Effort { rounds: 5, seconds: 0.1 } };
    let points = scaling::study(quick, effort, |p| {
        println!("{} {}: {} ({}), threads: {}: {} us", p.study, p.x, p.way, p.plan, p.threads, p.time);
    })?;
    let tolerances: Vec<f64> = (4..=12).map(|n| 10f64.powf(-0.5 * f64::from(n))).collect();
    let rows = adaptive::rows(&tolerances, effort)?;
    print!("{}", adaptive::table(&rows));
    let figure = scaling::figure(&points, &rows);
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("scaling.csv"), scaling::csv(&points))?;
    std::fs::write(folder.join("scaling.svg"), figure.svg())?;
    std::fs::write(folder.join("scaling.png"), figure.png(200.0)?)?;
    Ok(())
}
