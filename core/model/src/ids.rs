//! Ids: twelve bytes, shown as 24 hex digits, one type per kind of record.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::Timestamp;

/// A kind of record that has ids. The kinds are listed once, in [`kinds`].
pub trait Kind: 'static {
    /// The kind's name in error messages, in StackStorm's words.
    const NAME: &'static str;
}

/// The kinds of ids. A kind is never constructed.
pub mod kinds {
    use super::Kind;

    macro_rules! kinds {
        ($($kind:ident = $name:literal),* $(,)?) => {
            $(
                #[doc = concat!("The kind `", $name, "`.")]
                #[derive(Debug)]
                pub enum $kind {}
                impl Kind for $kind {
                    const NAME: &'static str = $name;
                }
            )*
        };
    }

    kinds! {
        Pack = "pack",
        RunnerType = "runner type",
        Action = "action",
        ActionAlias = "action alias",
        Rule = "rule",
        RuleType = "rule type",
        TriggerType = "trigger type",
        Trigger = "trigger",
        TriggerInstance = "trigger instance",
        RuleEnforcement = "rule enforcement",
        SensorType = "sensor type",
        PolicyType = "policy type",
        Policy = "policy",
        Config = "config",
        ConfigSchema = "config schema",
        KeyValue = "key-value pair",
        Execution = "execution",
        LiveAction = "live action",
        OutputChunk = "output chunk",
        User = "user",
        Token = "token",
        ApiKey = "api key",
    }
}

/// An id of kind `K`: four bytes of seconds, eight bytes that make it unique.
pub struct Id<K> {
    bytes: [u8; 12],
    kind: PhantomData<fn() -> K>,
}

impl<K> Id<K> {
    /// An id made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// The id of what `cause` brings about: the same cause gives the same id.
    ///
    /// Parts are length-prefixed before hashing, so `["a", "bc"]` and `["ab", "c"]` differ.
    #[must_use]
    pub fn derived(cause: &[&str]) -> Self {
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash(cause)[..12]);
        Self::from_bytes(bytes)
    }

    /// Like [`Id::derived`], with the seconds of `at` in front, so that ids sort by time.
    /// `at` must itself follow from the cause.
    #[must_use]
    pub fn derived_at(at: Timestamp, cause: &[&str]) -> Self {
        let seconds = u32::try_from(at.micros() / 1_000_000).unwrap_or(0);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&hash(cause)[..8]);
        Self::from_bytes(bytes)
    }

    /// The twelve bytes.
    #[must_use]
    pub const fn bytes(&self) -> [u8; 12] {
        self.bytes
    }

    /// The moment in the id's first four bytes, to the second.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        let [a, b, c, d, ..] = self.bytes;
        Timestamp::from_micros(i64::from(u32::from_be_bytes([a, b, c, d])) * 1_000_000)
    }
}

fn hash(cause: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in cause {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not the id of a {kind}: 24 hex digits are expected")]
pub struct ParseIdError {
    /// What was given.
    pub text: String,
    /// The kind that was expected.
    pub kind: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let mut bytes = [0; 12];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| ParseIdError { text: text.to_owned(), kind: K::NAME })?;
        Ok(Self::from_bytes(bytes))
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 24];
        hex::encode_to_slice(self.bytes, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
