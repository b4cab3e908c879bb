//! What one rendering sees.

use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::Value;
use minijinja::value::Object;
use serde_json::Map;

use super::convert::from_json;
use super::keys::{KeyLookup, KeyNode, KeyScopes, KeySource, KeyTable, NeededKeys, SYSTEM_SCOPE};
use crate::crypto::CryptoKey;

/// Variables, datastore lookups and settings of a rendering. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    values: Arc<IndexMap<Arc<str>, Value>>,
    keys: Option<Arc<dyn KeyLookup>>,
    user: Arc<str>,
    crypto_key: Option<Arc<CryptoKey>>,
    seed: u64,
    allow_undefined: bool,
    system_name: bool,
}

impl Context {
    /// The members of `values` become variables.
    #[must_use]
    pub fn new(values: &Map<String, serde_json::Value>) -> Self {
        let values = values
            .iter()
            .map(|(name, value)| (Arc::from(name.as_str()), from_json(value)))
            .collect();
        Self {
            values: Arc::new(values),
            keys: None,
            user: Arc::from(""),
            crypto_key: None,
            seed: 0,
            allow_undefined: false,
            system_name: false,
        }
    }

    /// Adds or replaces one variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &serde_json::Value) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds or replaces one variable.
    pub fn insert(&mut self, name: &str, value: &serde_json::Value) {
        Arc::make_mut(&mut self.values).insert(Arc::from(name), from_json(value));
    }

    /// Whether a variable of this name exists.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Pack configuration, as `config_context`.
    #[must_use]
    pub fn with_pack_config(self, config: &serde_json::Value) -> Self {
        self.with("config_context", config)
    }

    /// Datastore items for `st2kv.system` and, of `user`, for `st2kv.user`. With an empty `user`
    /// there is no `st2kv.user`, as in rule criteria.
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<dyn KeyLookup>, user: &str) -> Self {
        self.keys = Some(keys);
        self.user = Arc::from(user);
        self
    }

    /// Makes `system.<key>` another name of `st2kv.system.<key>`, as in rule criteria.
    #[must_use]
    pub fn with_system_name(mut self) -> Self {
        self.system_name = true;
        self
    }

    /// The key that the filter `decrypt_kv` uses.
    #[must_use]
    pub fn with_crypto_key(mut self, key: Arc<CryptoKey>) -> Self {
        self.crypto_key = Some(key);
        self
    }

    /// What the filter `random` chooses by; rendering itself has no randomness.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Undefined names print as nothing instead of failing.
    #[must_use]
    pub fn allow_undefined(mut self, allow: bool) -> Self {
        self.allow_undefined = allow;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds all variables as `__context`, unless there is a variable of that name.
    pub(super) fn with_itself(mut self) -> Self {
        if !self.values.contains_key("__context") {
            let pairs =
                self.values.iter().map(|(name, value)| (Value::from(&**name), value.clone()));
            let all = Value::from_pairs(pairs);
            Arc::make_mut(&mut self.values).insert(Arc::from("__context"), all);
        }
        self
    }

    pub(super) fn is_lenient(&self) -> bool {
        self.allow_undefined
    }

    pub(super) fn root(&self, needed: &NeededKeys) -> Value {
        let lookup = self.keys.clone().unwrap_or_else(|| Arc::new(KeyTable::complete()));
        Value::from_object(Root {
            values: Arc::clone(&self.values),
            source: self.keys.is_some().then(|| KeySource {
                lookup,
                user: Arc::clone(&self.user),
                needed: Arc::clone(needed),
            }),
            crypto_key: self.crypto_key.clone(),
            seed: self.seed,
            system_name: self.system_name,
        })
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names only: values hold secrets and debug output ends up in logs.
        f.debug_struct("Context")
            .field("names", &self.values.keys().collect::<Vec<_>>())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Name under which filters find the rendering's settings; no template can spell it.
const SETTINGS: &str = "%settings";

struct Root {
    values: Arc<IndexMap<Arc<str>, Value>>,
    source: Option<KeySource>,
    crypto_key: Option<Arc<CryptoKey>>,
    seed: u64,
    system_name: bool,
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root")
    }
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if let Some(value) = self.values.get(name) {
            return Some(value.clone());
        }
        match name {
            "st2kv" => Some(Value::from_object(KeyScopes(self.source.clone()?))),
            "system" if self.system_name => Some(KeyNode::root(self.source.clone()?, SYSTEM_SCOPE)),
            SETTINGS => Some(Value::from_object(Settings {
                crypto_key: self.crypto_key.clone(),
                seed: self.seed,
            })),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) crypto_key: Option<Arc<CryptoKey>>,
    seed: u64,
}

impl Settings {
    /// An index up to `last`, the same in each rendering with the same seed.
    pub(super) fn random(&self, last: usize) -> usize {
        let mut mixed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let choices = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
        usize::try_from((mixed ^ (mixed >> 31)) % choices).unwrap_or(0)
    }
}

impl Object for Settings {}

/// The settings of the rendering a filter runs in.
pub(super) fn settings(state: &minijinja::State<'_, '_>) -> Option<Arc<Settings>> {
    state.lookup(SETTINGS)?.downcast_object::<Settings>()
}
