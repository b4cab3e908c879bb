//! Colours of words. Only a terminal that knows them gets any.

const KNOWN_TERMINALS: [&str; 6] =
    ["xterm", "xterm-color", "screen", "vt100", "vt100-color", "xterm-256color"];

/// Whether words are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    on: bool,
}

impl Palette {
    /// `terminal`: the output is one. `ST2_COLORIZE` and `NO_COLOR` with any value turn colours off.
    pub(crate) fn choose(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let known = variable("TERM").is_some_and(|name| KNOWN_TERMINALS.contains(&name.as_str()));
        let refused = variable("ST2_COLORIZE").is_some() || variable("NO_COLOR").is_some();
        Self { on: terminal && known && !refused }
    }

    /// The name of an attribute.
    pub(crate) fn label(self, text: &str) -> String {
        self.paint(text, "94")
    }

    /// A status, coloured by what it means.
    pub(crate) fn status(self, status: &str) -> String {
        let code = match status {
            "succeeded" => "92",
            "failed" => "91",
            "timeout" => "33",
            "delayed" => "94",
            _ => "93",
        };
        self.paint(status, code)
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.on && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
