//! A Chromium, for the test that opens a report in a browser.

use crate::succeeds;
use std::path::PathBuf;
use std::process::Command;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser that `APICAL_CHROMIUM` names, or the one that is installed, or Debian's, installed if `make` is set.
/// Without it the test that needs it is skipped, and says so.
pub fn browser(make: bool) -> Option<PathBuf> {
    let named = std::env::var_os("APICAL_CHROMIUM").map(PathBuf::from);
    let found = named.or_else(installed);
    if found.is_some() || !make || !cfg!(target_os = "linux") {
        return found;
    }
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        succeeds(command.args(["-y", "-q"]).args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let install = || apt(&["install", "--no-install-recommends", "chromium"]);
    // The lists of packages may be missing, or old.
    if !(install() || (apt(&["update"]) && install())) {
        println!("Chromium could not be installed: the test that opens a report in it is skipped");
    }
    installed()
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}
