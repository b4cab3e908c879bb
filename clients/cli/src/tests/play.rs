//! One command line with everything around it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::stub::{Answer, Asked, Reply, Stub};
use crate::system::{Prompt, System};

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The surroundings of a command.
pub(crate) struct Scene {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) directory: PathBuf,
    pub(crate) terminal: bool,
    pub(crate) answers: Vec<String>,
}

impl Scene {
    /// 120 columns, no colours, home and working directory in `directory`.
    pub(crate) fn new(directory: &Path, base: &str) -> Self {
        let pairs = [
            ("COLUMNS", "120"),
            ("TERM", "dumb"),
            ("HOME", &directory.display().to_string()),
            ("ST2_API_URL", &format!("{base}/v1")),
            ("ST2_AUTH_URL", base),
        ];
        let env =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { env, directory: directory.to_owned(), terminal: false, answers: Vec::new() }
    }

    pub(crate) async fn play(&mut self, words: &[&str]) -> Played {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = self.play_into(words, &mut out, &mut err).await;
        Played { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }

    pub(crate) async fn play_into(
        &mut self,
        words: &[&str],
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> u8 {
        let arguments =
            std::iter::once("st2").chain(words.iter().copied()).map(OsString::from).collect();
        let mut answers = Answers(self.answers.clone());
        let mut system = System {
            env: self.env.clone(),
            now: || "2020-01-01T10:01:40Z".parse::<Timestamp>().unwrap(),
            directory: self.directory.clone(),
            terminal: self.terminal,
            columns: None,
            out,
            err,
            prompt: &mut answers,
        };
        crate::run(arguments, &mut system).await
    }
}

/// Answers given one after the other, then nobody.
struct Answers(Vec<String>);

impl Prompt for Answers {
    fn ask(&mut self, _question: &str, _secret: bool) -> io::Result<String> {
        if self.0.is_empty() {
            Err(io::Error::other("nobody is there"))
        } else {
            Ok(self.0.remove(0))
        }
    }

    fn piped(&mut self) -> io::Result<String> {
        self.ask("", false)
    }
}

/// Answers by method and path; a trailing slash makes no difference.
pub(crate) fn table(rows: Vec<(&'static str, &'static str, Reply)>) -> Answer {
    let rows: Vec<(&str, &str, u16, Option<u64>, Value)> = rows
        .into_iter()
        .map(|(method, path, Reply(status, total, body))| (method, path, status, total, body))
        .collect();
    Arc::new(move |asked: &Asked| {
        let path = asked.path.trim_end_matches('/');
        let found = rows.iter().find(|row| row.0 == asked.method && row.1 == path)?;
        Some(Reply(found.2, found.3, found.4.clone()))
    })
}

pub(crate) fn ok(body: Value) -> Reply {
    Reply(200, None, body)
}

pub(crate) async fn play(answer: Answer, words: &[&str]) -> (Stub, Played) {
    play_with(answer, words, |_| {}).await
}

pub(crate) async fn play_with(
    answer: Answer,
    words: &[&str],
    prepare: impl Fn(&mut Scene),
) -> (Stub, Played) {
    let stub = Stub::start(answer).await;
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(directory.path(), &stub.base);
    prepare(&mut scene);
    let played = scene.play(words).await;
    (stub, played)
}
