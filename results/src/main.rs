//! Makes tables and pictures of the pages under `docs/results` anew: `results DOCS`.

use apical_results::page::made;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(docs) = std::env::args().nth(1) else {
        eprintln!("usage: results DOCS");
        return ExitCode::from(2);
    };
    match all(Path::new(&docs)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn all(docs: &Path) -> Result<(), String> {
    let (folder, images) = (docs.join("results"), docs.join("images/results"));
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut pages: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    pages.retain(|path| path.extension().is_some_and(|end| end == "md"));
    pages.sort();
    for path in pages {
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let before = fs::read_to_string(&path).map_err(|e| told(&e))?;
        let now = made(&before, &folder.join("data")).map_err(|e| told(&e))?;
        if now.text != before {
            fs::write(&path, &now.text).map_err(|e| told(&e))?;
            println!("{}", path.display());
        }
        for (name, bytes) in now.pictures {
            let picture = images.join(name);
            if fs::read(&picture).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(&images).map_err(|e| told(&e))?;
                fs::write(&picture, bytes).map_err(|e| told(&e))?;
                println!("{}", picture.display());
            }
        }
    }
    Ok(())
}
