//! A file of recorded answers.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::verdicts::Verdicts;
use crate::{CONTRACT, fail};

/// The recorded answers of one file.
#[derive(Debug)]
pub struct Recording {
    stem: String,
    header: Value,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Its `id`; the number of the line, counted from one, where it has none.
    id: String,
    value: Value,
}

impl Line {
    fn new(number: usize, value: Value) -> Self {
        let id = value.get("id").and_then(Value::as_str);
        Self { id: id.map_or_else(|| number.to_string(), str::to_owned), value }
    }

    /// One more verdict; what differs is told with what was recorded.
    fn judged(&self, verdicts: &mut Verdicts, verdict: Result<(), String>) {
        verdicts.add(&self.id, verdict.map_err(|problem| format!("{problem}\n    {}", self.value)));
    }
}

impl Recording {
    /// Reads `<stem>.jsonl` of the repository, or of the folder that the environment variable
    /// `ST2_VECTORS` names.
    ///
    /// # Panics
    /// When there is no such file, or it is not one JSON document per line.
    #[must_use]
    #[track_caller]
    pub fn read(stem: &str) -> Self {
        let folder = std::env::var_os("ST2_VECTORS")
            .map_or_else(|| Path::new(CONTRACT).join("vectors"), PathBuf::from);
        Self::open(stem, &folder).unwrap_or_else(|problem| fail(&problem))
    }

    pub(crate) fn open(stem: &str, folder: &Path) -> Result<Self, String> {
        let path = folder.join(format!("{stem}.jsonl"));
        let problem = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| problem(&error))?;
        let mut values = text.lines().zip(1..).map(|(line, number)| {
            serde_json::from_str::<Value>(line)
                .map(|value| (number, value))
                .map_err(|error| problem(&format_args!("line {number}: {error}")))
        });
        let (_, header) = values.next().ok_or_else(|| problem(&"there is no header"))??;
        let lines = values
            .map(|value| value.map(|(number, value)| Line::new(number, value)))
            .collect::<Result<_, _>>()?;
        Ok(Self { stem: stem.to_owned(), header, lines })
    }

    /// What the first line says about the others.
    #[must_use]
    pub const fn header(&self) -> &Value {
        &self.header
    }

    /// The lines after the header.
    pub fn lines(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().map(|line| &line.value)
    }

    /// Leaves out the lines that `concerns` refuses.
    #[must_use]
    pub fn only(mut self, concerns: impl Fn(&Value) -> bool) -> Self {
        self.lines.retain(|line| concerns(&line.value));
        self
    }

    #[cfg(test)]
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.id.as_str()).collect()
    }

    /// Runs `check` with the header and each line.
    ///
    /// # Panics
    /// As [`Verdicts::of`] and [`Verdicts::settle`].
    #[track_caller]
    pub fn run(&self, mut check: impl FnMut(&Value, &Value) -> Result<(), String>) {
        let mut verdicts = Verdicts::of(&self.stem);
        for line in &self.lines {
            line.judged(&mut verdicts, check(&self.header, &line.value));
        }
        verdicts.settle();
    }

    /// [`Recording::run`] for a check that waits.
    ///
    /// # Panics
    /// As [`Recording::run`].
    pub async fn run_async(
        &self,
        mut check: impl AsyncFnMut(&Value, &Value) -> Result<(), String>,
    ) {
        let mut verdicts = Verdicts::of(&self.stem);
        for line in &self.lines {
            line.judged(&mut verdicts, check(&self.header, &line.value).await);
        }
        verdicts.settle();
    }
}
