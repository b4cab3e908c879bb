//! Where the executables under test are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The executable `name`: in the folder that `ST2_TEST_BIN_DIR` names, or in the target directory
/// of the running test.
///
/// # Errors
/// When it is not there, with how to build it.
pub fn executable(name: &str) -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("ST2_TEST_BIN_DIR") {
        let path = Path::new(&folder).join(name);
        anyhow::ensure!(path.is_file(), "ST2_TEST_BIN_DIR: {} is not there", path.display());
        return Ok(path);
    }
    let test = std::env::current_exe().context("the test does not know its own path")?;
    let found =
        test.ancestors().skip(1).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        let profile = if cfg!(debug_assertions) { "" } else { " --release" };
        format!(
            "{name} is not built: run `cargo build --workspace{profile}`, or name its folder in \
             ST2_TEST_BIN_DIR"
        )
    })
}
