//! What can be wrong with a schema or with a value, and where.

use std::fmt;

use serde::Serialize;

/// A step into a value: a member of an object or an element of an array.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// Index of an array element. Ordered before names, which only matters for sorting.
    Index(usize),
    /// Name of an object member.
    Key(String),
}

/// The way from the root of a value to one of its parts; shown with dots (`o.x`, `l.1`).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// The path one step deeper, into the member `key`.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// The path one step deeper, into the element `index`.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// Number of steps from the root.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True at the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Key(key) => f.write_str(key),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            segment.fmt(f)?;
        }
        Ok(())
    }
}

/// One violation: where, of which keyword, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    /// Place in the value (in the schema, when the schema itself is at fault).
    pub path: Path,
    /// The schema keyword that is violated: `type`, `required`, `additionalProperties`, …
    pub keyword: String,
    /// The sentence StackStorm's users know, for example `1 is not of type 'string'`.
    pub message: String,
}

/// Why a schema cannot be used, or why parameters contradict it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A definition breaks the dialect; the path leads into the schema.
    #[error(transparent)]
    Definition(#[from] SchemaError),
    /// The schema is well-formed but cannot be compiled (an unresolvable `$ref`, for instance).
    #[error("schema at {path:?}: {reason}")]
    Unusable {
        /// JSON pointer into the schema.
        path: String,
        /// What the validator library says.
        reason: String,
    },
    /// An action changes an attribute of a runner parameter that it must leave alone.
    #[error(
        "The attribute \"{attribute}\" for the runner parameter \"{parameter}\" in action \
         \"{action}\" cannot be overridden."
    )]
    Override {
        /// Reference of the action.
        action: String,
        /// Name of the runner parameter.
        parameter: String,
        /// The attribute that differs.
        attribute: String,
    },
    /// A definition is no mapping (`foo:` with nothing behind it).
    #[error(
        "The definition of parameter \"{parameter}\" in action \"{action}\" has to be an object, \
         got {found}."
    )]
    NoMapping {
        /// Reference of the action.
        action: String,
        /// Name of the parameter.
        parameter: String,
        /// The value found instead.
        found: String,
    },
    /// Two parameters claim one place on the command line.
    #[error(
        "Parameters {first} and {second} have same position {position}. Position values have to \
         be unique."
    )]
    SamePosition {
        /// The parameter met later.
        first: String,
        /// The parameter met earlier.
        second: String,
        /// The position both have.
        position: u64,
    },
    /// A position is no whole number.
    #[error("Position {position} of parameter {parameter} has to be a whole number.")]
    BadPosition {
        /// Name of the parameter.
        parameter: String,
        /// The value found.
        position: String,
    },
    /// The positions have a gap.
    #[error("Positions supplied {positions:?} for parameters are not contiguous.")]
    PositionGap {
        /// All positions, sorted.
        positions: Vec<u64>,
    },
    /// The runner fixes this parameter already.
    #[error("Param {parameter} is declared immutable in runner. Cannot override in action.")]
    ImmutableInRunner {
        /// Name of the parameter.
        parameter: String,
    },
    /// An immutable parameter has no value to keep.
    #[error("Immutable param {parameter} requires a default value.")]
    ImmutableWithoutDefault {
        /// Name of the parameter.
        parameter: String,
    },
    /// A request supplies values for immutable parameters.
    #[error("Override of immutable parameter(s) {names} is unsupported.")]
    ImmutableSupplied {
        /// The names as StackStorm writes the list: `['a', 'b']`.
        names: String,
    },
}
