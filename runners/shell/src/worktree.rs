//! Another version of a pack: a git worktree that lives as long as one run.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use st2_process::{Spec, spawn};
use st2_runner::RunContext;

use crate::run::chain;

/// A checked-out version. Dropping it removes the files; [`Worktree::remove`] also makes the
/// pack's repository forget it.
pub(crate) struct Worktree {
    pack_dir: PathBuf,
    dir: PathBuf,
    is_kept: bool,
}

impl Worktree {
    /// Checks out `version` of the pack of this run. With `is_kept` the files stay for whoever
    /// debugs the script.
    pub(crate) async fn add(
        context: &RunContext,
        version: &str,
        is_kept: bool,
    ) -> Result<Self, String> {
        let pack = context.content.action.reference.pack();
        let failed =
            |reason: String| format!("Failed to create git worktree for pack \"{pack}\": {reason}");
        let pack_dir = context.pack_dir.clone();
        let pack_dir =
            pack_dir.ok_or_else(|| failed("the pack is not installed on this worker".into()))?;
        if version.starts_with('-') {
            return Err(failed(format!("invalid reference: {version}")));
        }
        let name = format!("st2-git-worktree-{}", context.execution.id);
        let worktree = Self { pack_dir, dir: std::env::temp_dir().join(name), is_kept };
        // What an earlier run of this execution left when its worker died.
        worktree.remove_files();
        let dir = worktree.dir.display().to_string();
        git(&worktree.pack_dir, &["worktree", "add", &dir, version]).await.map_err(failed)?;
        let permissions = std::fs::Permissions::from_mode(0o777);
        let opened = std::fs::set_permissions(&worktree.dir, permissions);
        opened.map_err(|error| failed(format!("{dir}: {error}")))?;
        Ok(worktree)
    }

    /// Where the version was checked out.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends it, unless it is kept.
    pub(crate) async fn remove(self) {
        if self.is_kept {
            return;
        }
        let dir = self.dir.display().to_string();
        let removed = git(&self.pack_dir, &["worktree", "remove", "--force", &dir]).await;
        if let Err(reason) = removed {
            tracing::warn!(dir, reason, "git worktree not removed");
        }
    }

    fn remove_files(&self) {
        if self.dir.exists()
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            tracing::warn!(dir = %self.dir.display(), %error, "git worktree not removed");
        }
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        if !self.is_kept {
            self.remove_files();
        }
    }
}

/// Runs git in `dir`; when it fails, what it has to say.
async fn git(dir: &Path, arguments: &[&str]) -> Result<(), String> {
    let dir = dir.display().to_string();
    let mut spec = Spec::new([&["git", "-C", &dir], arguments].concat());
    // Git wants to know its user's home, and refuses repositories of others without it.
    spec.env = std::env::vars_os().collect();
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&said);
    let spec = spec.on_output(move |_, chunk| {
        let mut said = listener.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < 64 * 1024 {
            said.extend_from_slice(chunk);
        }
    });
    let mut process = spawn(spec).await.map_err(|error| chain(&error))?;
    let exit = process.wait().await.map_err(|error| chain(&error))?;
    if exit.is_success() {
        return Ok(());
    }
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    Err(String::from_utf8_lossy(&said).trim().to_owned())
}
