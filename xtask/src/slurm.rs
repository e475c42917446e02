//! A SLURM, for the test that submits a sweep to one.

use crate::succeeds;
use std::process::Command;

const PROGRAMS: [&str; 4] = ["slurmctld", "slurmd", "sbatch", "munged"];
const PACKAGES: [&str; 4] = ["slurmctld", "slurmd", "slurm-client", "munge"];

/// True if `scripts/slurm-one-node.sh` finds what it needs: it was there, or could be installed from Debian if `make` is
/// set. Without it the test is skipped, and says so.
pub fn is_there(make: bool) -> bool {
    if !cfg!(target_os = "linux") {
        return false;
    }
    if installed() || !make {
        return installed();
    }
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        succeeds(command.args(["-y", "-q"]).args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let install = || apt(&[&["install", "--no-install-recommends"][..], &PACKAGES].concat());
    // The lists of packages may be missing, or old.
    if !(install() || (apt(&["update"]) && install())) {
        println!("SLURM could not be installed: the test that submits a sweep to it is skipped");
    }
    installed()
}

fn installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    PROGRAMS.iter().all(|name| folders.iter().any(|folder| folder.join(name).is_file()))
}
