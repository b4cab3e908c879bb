//! What came out of the lines of a recording, held against the list of differences.

use std::collections::BTreeMap;
use std::path::Path;

use crate::CONTRACT;
use crate::differences::Differences;
use crate::fail;

/// The verdicts on one recording, by id.
#[derive(Debug)]
pub struct Verdicts {
    stem: String,
    listed: Differences,
    /// Whether every listed id must come up: a folder of other recordings may lack some.
    must_come: bool,
    found: BTreeMap<String, Result<(), String>>,
    problems: Vec<String>,
}

impl Verdicts {
    /// No verdicts yet, and the list of the recording `stem`.
    ///
    /// # Panics
    /// When the list is not one id, tab and reason per line, or names an id twice.
    #[must_use]
    #[track_caller]
    pub fn of(stem: &str) -> Self {
        let path = Path::new(CONTRACT).join("differences").join(format!("{stem}.txt"));
        let listed = Differences::open(&path).unwrap_or_else(|problem| fail(&problem));
        Self::against(stem.to_owned(), listed, std::env::var_os("ST2_VECTORS").is_none())
    }

    pub(crate) const fn against(stem: String, listed: Differences, must_come: bool) -> Self {
        Self { stem, listed, must_come, found: BTreeMap::new(), problems: Vec::new() }
    }

    /// Adds one verdict: as recorded, or how it differs.
    pub fn add(&mut self, id: &str, verdict: Result<(), String>) {
        if self.found.insert(id.to_owned(), verdict).is_some() {
            self.problems.push(format!("{id}: came twice"));
        }
    }

    /// Tells how many are as recorded.
    ///
    /// # Panics
    /// When something differs that is not listed, something listed does not differ or did not come,
    /// or nothing came at all.
    #[track_caller]
    pub fn settle(self) {
        match self.outcome() {
            Ok(summary) => tell(&summary),
            Err(problems) => fail(&problems),
        }
    }

    pub(crate) fn outcome(mut self) -> Result<String, String> {
        let mut as_recorded = 0;
        for (id, verdict) in &self.found {
            match (verdict, self.listed.contains(id)) {
                (Ok(()), false) => as_recorded += 1,
                (Err(_), true) => {}
                (Ok(()), true) => {
                    self.problems.push(format!("{id}: is as recorded, but listed as different"));
                }
                (Err(problem), false) => self.problems.push(format!("{id}: {problem}")),
            }
        }
        let absent: Vec<&str> =
            self.listed.ids().filter(|id| !self.found.contains_key(*id)).collect();
        if self.must_come {
            let absent = absent.iter().map(|id| format!("{id}: is listed, but not recorded"));
            self.problems.extend(absent);
        }
        if self.found.is_empty() {
            self.problems.push("no line was run".to_owned());
        }
        let (stem, all) = (&self.stem, self.found.len());
        if self.problems.is_empty() {
            let different = all - as_recorded;
            return Ok(format!(
                "{stem}: {all} run, {as_recorded} as recorded, {different} different on purpose"
            ));
        }
        let (count, problems) = (self.problems.len(), self.problems.join("\n"));
        Err(format!("{stem}: {all} run, {count} problems:\n{problems}"))
    }
}

#[expect(clippy::print_stdout, reason = "tests tell what they ran")]
fn tell(summary: &str) {
    println!("{summary}");
}
