//! The flags of a pattern or of a part of it.

/// What is switched on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) verbose: bool,
    pub(super) ascii: bool,
}

impl Flags {
    /// Switches the flag `letter`; `false` when a pattern cannot have it.
    pub(super) fn set(&mut self, letter: char, on: bool) -> bool {
        match letter {
            'i' => self.ignore_case = on,
            'm' => self.multi_line = on,
            's' => self.dot_all = on,
            'x' => self.verbose = on,
            'a' if on => self.ascii = true,
            'u' if on => self.ascii = false,
            _ => return false,
        }
        true
    }

    /// Whether the engine's own Unicode case folding is used.
    pub(super) const fn folds_unicode(self) -> bool {
        self.ignore_case && !self.ascii
    }

    /// Whether only ASCII letters match in both cases.
    pub(super) const fn folds_ascii(self) -> bool {
        self.ignore_case && self.ascii
    }
}
