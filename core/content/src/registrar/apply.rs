//! Making the store say what the files say: only what differs is written, many writes at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use st2_model::{
    Action, ActionAlias, Policy, ResourceRef, Revision, Rule, SensorType, TriggerType,
};
use st2_ports::{
    Entity, Filter, Inserted, Ports, Query, Replaced, Repository, StoreError, Versioned,
};

use crate::problem::{Fault, Problem};
use crate::scan::Tree;

/// Writes on their way at the same time. The store commits what is waiting together, so many
/// waiters make few commits.
pub(super) const WRITES_AT_ONCE: usize = 256;

/// Above so many changed files all records of the pack are read at once.
const FILES_FOR_FULL_READ: usize = 100;

/// A record that a file of a pack defines.
pub(crate) trait Content: Entity + PartialEq {
    /// The word for it in reports.
    const NAME: &'static str;

    fn reference(&self) -> &ResourceRef;

    /// Path of the defining file; empty for what came through the API.
    fn file(&self) -> &str;
}

macro_rules! content {
    ($($record:ident = $name:literal;)*) => {$(
        impl Content for $record {
            const NAME: &'static str = $name;

            fn reference(&self) -> &ResourceRef {
                &self.reference
            }

            fn file(&self) -> &str {
                &self.metadata_file
            }
        }
    )*};
}

content! {
    Action = "action";
    SensorType = "sensor";
    Rule = "rule";
    ActionAlias = "alias";
    Policy = "policy";
}

impl Content for TriggerType {
    const NAME: &'static str = "trigger type";

    fn reference(&self) -> &ResourceRef {
        &self.reference
    }

    fn file(&self) -> &str {
        self.metadata_file.as_deref().unwrap_or_default()
    }
}

/// What is known of the files of the pack whose records are compared.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) tree: &'a Tree,
    /// Files that were parsed: what they no longer define is gone.
    pub(crate) parsed: &'a BTreeSet<String>,
    /// Files with problems: what they defined stays.
    pub(crate) failed: &'a BTreeSet<String>,
    /// Files that were there and are gone, when that is known.
    pub(crate) gone: Option<&'a BTreeSet<String>>,
    pub(crate) prune: bool,
}

impl Scope<'_> {
    fn is_gone<E: Content>(&self, record: &E) -> bool {
        let file = record.file();
        let has_left = self.tree.lacks(file) || self.parsed.contains(file);
        self.prune && !file.is_empty() && has_left && !self.failed.contains(file)
    }

    /// Whether a record belongs to another file, which sorts later and so has the last word.
    fn is_outranked<E: Content>(&self, stored: &E, wanted: &E) -> bool {
        stored.file() > wanted.file()
            && !self.tree.lacks(stored.file())
            && !self.parsed.contains(stored.file())
    }
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Applied<E> {
    /// New and changed records.
    pub(crate) written: Vec<E>,
    /// What stood in the place of changed records, and removed records.
    pub(crate) replaced: Vec<E>,
    pub(crate) removed: Vec<E>,
    pub(crate) warnings: Vec<Problem>,
}

impl<E: Content> Applied<E> {
    /// Ids of all that is no longer as it was.
    pub(crate) fn ids(&self) -> Vec<String> {
        let all = self.written.iter().chain(&self.removed);
        all.map(Entity::document_id).collect()
    }
}

enum Write<E> {
    Insert(E),
    Replace(E, Revision),
    Remove(E),
}

/// Writes the records in `wanted` that differ from what is stored and removes those whose files
/// are gone.
pub(crate) async fn apply<E: Content>(
    ports: &Ports,
    wanted: Vec<E>,
    scope: &Scope<'_>,
) -> Result<Applied<E>, StoreError> {
    let mut applied = Applied {
        written: Vec::new(),
        replaced: Vec::new(),
        removed: Vec::new(),
        warnings: Vec::new(),
    };
    let wanted = last_of_each(wanted, scope, &mut applied.warnings);
    let repository = ports.repository::<E>();
    let mut stored = stored(&repository, &wanted, scope).await?;
    let mut writes = Vec::new();
    for (id, record) in wanted {
        match stored.remove(&id) {
            None => writes.push(Write::Insert(record)),
            Some(found) if found.value == record => {}
            Some(found) if scope.is_outranked(&found.value, &record) => {
                let warning = twice(scope, &record, found.value.file());
                applied.warnings.push(warning);
            }
            Some(found) => {
                applied.replaced.push(found.value);
                writes.push(Write::Replace(record, found.revision));
            }
        }
    }
    let gone = stored.into_values().map(|found| found.value);
    writes.extend(gone.filter(|record| scope.is_gone(record)).map(Write::Remove));
    let writes = writes.into_iter();
    let writes = writes.map(|write| carry_out(&repository, write).boxed());
    for done in at_once(writes.collect(), WRITES_AT_ONCE).await? {
        match done {
            Write::Remove(record) => applied.removed.push(record),
            Write::Insert(record) | Write::Replace(record, _) => applied.written.push(record),
        }
    }
    Ok(applied)
}

/// Runs futures to their ends, so many at the same time. Stops at the first error.
pub(super) async fn at_once<T: Send>(
    futures: Vec<BoxFuture<'_, Result<T, StoreError>>>,
    limit: usize,
) -> Result<Vec<T>, StoreError> {
    futures::stream::iter(futures).buffer_unordered(limit).try_collect().await
}

/// Of records with one ref, the one of the last file counts.
fn last_of_each<E: Content>(
    wanted: Vec<E>,
    scope: &Scope<'_>,
    warnings: &mut Vec<Problem>,
) -> BTreeMap<String, E> {
    let mut by_id: BTreeMap<String, E> = BTreeMap::new();
    for record in wanted {
        let file = record.file().to_owned();
        if let Some(earlier) = by_id.insert(record.document_id(), record)
            && earlier.file() != file
        {
            warnings.push(twice(scope, &earlier, &file));
        }
    }
    by_id
}

fn twice<E: Content>(scope: &Scope<'_>, ignored: &E, counts: &str) -> Problem {
    let reason =
        format!("{} {} is defined in {counts} as well, which counts", E::NAME, ignored.reference());
    Fault::new("name", reason).in_file(&scope.tree.pack, ignored.file())
}

async fn stored<E: Content>(
    repository: &Repository<E>,
    wanted: &BTreeMap<String, E>,
    scope: &Scope<'_>,
) -> Result<BTreeMap<String, Versioned<E>>, StoreError> {
    let of_pack = Filter::Prefix("ref".into(), format!("{}.", scope.tree.pack));
    let filter = match scope.gone {
        Some(gone) if scope.parsed.len() + gone.len() <= FILES_FOR_FULL_READ => {
            if wanted.is_empty() && scope.parsed.is_empty() && gone.is_empty() {
                return Ok(BTreeMap::new());
            }
            let files = scope.parsed.union(gone).map(String::as_str);
            of_pack.and(Filter::Or(vec![
                Filter::is_in("id", wanted.keys().map(String::as_str)),
                Filter::is_in("metadata_file", files),
            ]))
        }
        _ => of_pack,
    };
    let found = repository.find(&Query::of(filter)).await?;
    Ok(found.into_iter().map(|found| (found.value.document_id(), found)).collect())
}

/// Somebody else may have written meanwhile; what the files say counts.
async fn carry_out<E: Content>(
    repository: &Repository<E>,
    write: Write<E>,
) -> Result<Write<E>, StoreError> {
    match &write {
        Write::Insert(record) => {
            if repository.insert(record, None).await? != Inserted::New {
                repository.put(record).await?;
            }
        }
        Write::Replace(record, revision) => {
            let replaced = repository.replace(record, *revision, None).await?;
            if !matches!(replaced, Replaced::At(_)) {
                repository.put(record).await?;
            }
        }
        Write::Remove(record) => {
            repository.delete(record.document_id()).await?;
        }
    }
    Ok(write)
}

/// Writes a record of its own id if it differs from what is stored; whether it did.
pub(crate) async fn put_if_changed<E: Entity + PartialEq>(
    ports: &Ports,
    record: &E,
) -> Result<bool, StoreError> {
    let repository = ports.repository::<E>();
    let stored = repository.get(record.document_id()).await?;
    if stored.is_some_and(|stored| stored.value == *record) {
        return Ok(false);
    }
    repository.put(record).await?;
    Ok(true)
}
