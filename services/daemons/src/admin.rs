//! The first user: made at first start, with a password in a file that only its owner can read.

use std::path::{Path, PathBuf};

use st2_ports::IdGen;

use crate::data_dir::{IsNew, private_text, write_private};

/// The name of the first user.
pub(crate) const ADMIN: &str = "st2admin";

/// Where passwords are checked and, at first start, where the admin's is told.
pub(crate) struct Users {
    pub(crate) flat_file: PathBuf,
    /// The file with the admin's password, when it was made just now.
    pub(crate) new_password_file: Option<PathBuf>,
}

/// Makes the flat file with the admin user if there is none.
pub(crate) fn prepare(root: &Path, ids: &dyn IdGen) -> anyhow::Result<Users> {
    let mut users = of_owner(root);
    let password_file = root.join("admin-password");
    let (_, IsNew(is_new)) = private_text(&users.flat_file, || {
        let password = ids.token(16);
        write_private(&password_file, &format!("{password}\n"))?;
        Ok(format!("{ADMIN}:{}\n", st2_access::hash_password(&password)?))
    })?;
    users.new_password_file = is_new.then_some(password_file);
    Ok(users)
}

/// The users of a directory that another process owns.
pub(crate) fn of_owner(root: &Path) -> Users {
    Users { flat_file: root.join("htpasswd"), new_password_file: None }
}
