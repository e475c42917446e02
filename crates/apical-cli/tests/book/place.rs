//! A folder in which the commands of a page are typed, with the binary as `apical` on the path.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Stands for cargo, of which a reader without an installed binary uses this alone.
const CARGO: &str = "#!/bin/sh
[ \"$1 $2 $3\" = \"run --release --\" ] && shift 3 && exec apical \"$@\"
echo \"only 'cargo run --release --' can be run here, not: cargo $*\" >&2
exit 99
";

pub struct Place {
    dir: tempfile::TempDir,
    /// Folders of runs in the order in which they appeared.
    folders: Vec<String>,
}

impl Place {
    /// An empty folder, but for the `crates` of the repository, which the reader of a page has at hand.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(env!("CARGO_BIN_EXE_apical"), bin.join("apical")).unwrap();
        std::fs::write(bin.join("cargo"), CARGO).unwrap();
        std::fs::set_permissions(bin.join("cargo"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(dir.path().join("here")).unwrap();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        symlink(crates, dir.path().join("here/crates")).unwrap();
        Place { dir, folders: Vec::new() }
    }

    pub fn here(&self) -> PathBuf {
        self.dir.path().join("here")
    }

    /// A command as `sh` runs it, with nothing of the tester's environment but where programs are.
    pub fn sh(&self, command: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut sh = Command::new("sh");
        sh.args(["-c", command]).current_dir(self.here()).stdin(Stdio::null());
        sh.env_clear().env("HOME", self.dir.path()).env("PATH", format!("{}/bin:{path}", self.dir.path().display()));
        sh.output().unwrap()
    }

    /// Runs a command of a page: in it `runs/NAME-ID` is the newest folder of that name, `runs/NAME-OTHER` the one before.
    pub fn run(&mut self, command: &str) -> Result<Output, String> {
        let command = self.with_ids(command)?;
        Ok(self.sh(&command))
    }

    /// The text with the ids in it.
    pub fn with_ids(&mut self, text: &str) -> Result<String, String> {
        self.look();
        let mut text = text.to_owned();
        for (placeholder, back) in [("-ID", 0), ("-OTHER", 1)] {
            while let Some(at) = text.find(placeholder) {
                let start = text[..at].rfind([' ', '"', '\'', '=']).map_or(0, |i| i + 1);
                let stem = format!("{}-", &text[start..at]);
                let is_id = |rest: &str| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_hexdigit());
                let mut newest = self.folders.iter().rev().filter(|f| f.strip_prefix(&stem).is_some_and(is_id));
                let Some(folder) = newest.nth(back) else {
                    return Err(format!(
                        "there is no {} among {:?}",
                        &text[start..at + placeholder.len()],
                        self.folders
                    ));
                };
                text.replace_range(start..at + placeholder.len(), folder);
            }
        }
        Ok(text)
    }

    /// Notes folders that have appeared in folders of runs.
    fn look(&mut self) {
        let here = self.here();
        let folders = |path: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
        };
        let parents = folders(&here).into_iter().filter(|path| !path.is_symlink());
        for path in parents.flat_map(|parent| folders(&parent)) {
            let name = path.strip_prefix(&here).unwrap().display().to_string();
            if !self.folders.contains(&name) {
                self.folders.push(name);
            }
        }
    }
}
