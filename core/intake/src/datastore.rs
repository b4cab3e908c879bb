//! The datastore: reading and writing key-value pairs, secrets sealed, every change told.

use std::time::Duration;

use serde_json::json;
use st2_model::{Id, KeyValue, Scope, Secret, kinds};
use st2_ports::{
    Filter, KeyRingError, Order, Ports, Query, Replaced, StoreError, Topic, Versioned, Wake,
};
use st2_wire::content::key_value;

use crate::{Intake, Occurrence};

/// A value to be stored.
#[derive(Debug, Clone)]
pub struct NewKeyValue {
    /// Whose it is.
    pub scope: Scope,
    /// The name, without a user prefix.
    pub name: String,
    /// The text; sealed here when `secret` and not sealed already.
    pub value: String,
    /// Whether it is stored encrypted.
    pub secret: bool,
    /// Whether `value` is a ciphertext already.
    pub encrypted: bool,
    /// What it is for; `None` keeps what stands.
    pub description: Option<String>,
    /// When it is gone; `None` keeps what stands.
    pub ttl: Option<Duration>,
    /// Whether it is the note of a sensor to itself: those change many times a second and are no
    /// occurrences.
    pub is_note: bool,
}

/// Why the datastore could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatastoreError {
    /// Secrets need a key.
    #[error(transparent)]
    Key(#[from] KeyRingError),
    /// A value given as ciphertext is none, or of another key.
    #[error(
        "Failed to verify the integrity of the provided value for key \"{0}\". Ensure that the \
         value is encrypted with the correct key and not corrupted."
    )]
    NotCiphertext(String),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The datastore. Cheap to clone.
#[derive(Clone)]
pub struct Datastore {
    ports: Ports,
    intake: Intake,
}

impl Datastore {
    /// The datastore in `ports`; changes are told through `intake`.
    #[must_use]
    pub const fn new(ports: Ports, intake: Intake) -> Self {
        Self { ports, intake }
    }

    /// The item `name`, as stored.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn get(&self, scope: &Scope, name: &str) -> Result<Option<KeyValue>, StoreError> {
        let id = KeyValue::id_of(scope, name);
        Ok(self.ports.repository::<KeyValue>().get(id).await?.map(|found| found.value))
    }

    /// The text of an item, in the clear.
    ///
    /// # Errors
    /// When it is sealed with another key.
    pub fn reveal(&self, item: &KeyValue) -> Result<Secret<String>, KeyRingError> {
        if item.secret {
            tracing::info!(audit = true, key = %item.uid(), "datastore item decrypted");
            return self.ports.keyring.open(&item.value);
        }
        Ok(Secret::new(item.value.clone()))
    }

    /// The items of `scope` whose names start with `prefix`, by name.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(
        &self,
        scope: &Scope,
        prefix: &str,
        limit: Option<usize>,
        offset: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let mut filter = Self::in_scope(scope);
        if !prefix.is_empty() {
            filter = filter.and(Filter::Prefix("name".to_owned(), prefix.to_owned()));
        }
        let mut query = Query::of(filter).by("name", Order::Ascending).offset(offset);
        query.limit = limit;
        let found = self.ports.repository::<KeyValue>().find(&query).await?;
        Ok(found.into_iter().map(|item| item.value).collect())
    }

    /// The condition of belonging to `scope`.
    #[must_use]
    pub fn in_scope(scope: &Scope) -> Filter {
        match scope {
            Scope::System => Filter::eq("scope", "system"),
            Scope::User(user) => Filter::eq("scope.user", user.as_str()),
        }
    }

    /// Stores an item and tells of it.
    ///
    /// # Errors
    /// Every variant.
    pub async fn set(&self, new: NewKeyValue) -> Result<KeyValue, DatastoreError> {
        let sealed = self.sealed(&new)?;
        let items = self.ports.repository::<KeyValue>();
        let id = KeyValue::id_of(&new.scope, &new.name);
        loop {
            let before: Option<Versioned<KeyValue>> = items.get(id).await?;
            let old = before.as_ref().map(|found| &found.value);
            let kept_expiry = old.and_then(|old| old.expire_timestamp);
            let item = KeyValue {
                id,
                scope: new.scope.clone(),
                name: new.name.clone(),
                value: sealed.clone(),
                secret: new.secret || new.encrypted,
                description: new
                    .description
                    .clone()
                    .or_else(|| old.and_then(|old| old.description.clone())),
                expire_timestamp: new
                    .ttl
                    .map(|ttl| self.ports.clock.now().after(ttl))
                    .or(kept_expiry),
            };
            let stored = match &before {
                None => items.insert(&item, None).await? == st2_ports::Inserted::New,
                Some(found) => {
                    matches!(items.replace(&item, found.revision, None).await?, Replaced::At(_))
                }
            };
            if stored {
                if !new.is_note {
                    self.tell(&item, old).await;
                }
                return Ok(item);
            }
        }
    }

    /// Removes the note of a sensor to itself; whether it was there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_note(&self, name: &str) -> Result<bool, StoreError> {
        let id = KeyValue::id_of(&Scope::System, name);
        self.ports.repository::<KeyValue>().delete(id).await
    }

    /// Removes an item and tells of it; whether it was there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete(&self, scope: &Scope, name: &str) -> Result<bool, StoreError> {
        let Some(item) = self.get(scope, name).await? else { return Ok(false) };
        let removed = self.ports.repository::<KeyValue>().delete(item.id).await?;
        if removed {
            self.wake(item.id).await;
            self.occur("delete", json!({"object": key_value(&item)})).await;
        }
        Ok(removed)
    }

    fn sealed(&self, new: &NewKeyValue) -> Result<String, DatastoreError> {
        if new.encrypted {
            self.ports.keyring.open(&new.value).map_err(|error| match error {
                KeyRingError::NoKey => DatastoreError::Key(KeyRingError::NoKey),
                KeyRingError::Undecipherable(_) => DatastoreError::NotCiphertext(new.name.clone()),
            })?;
            return Ok(new.value.clone());
        }
        if new.secret {
            return Ok(self.ports.keyring.seal(&new.value)?);
        }
        Ok(new.value.clone())
    }

    async fn tell(&self, item: &KeyValue, before: Option<&KeyValue>) {
        self.wake(item.id).await;
        let object = key_value(item);
        match before {
            None => self.occur("create", json!({"object": object})).await,
            Some(old) => {
                self.occur("update", json!({"object": object})).await;
                if old.value != item.value {
                    let both = json!({"old_object": key_value(old), "new_object": object});
                    self.occur("value_change", both).await;
                }
            }
        }
    }

    async fn wake(&self, id: Id<kinds::KeyValue>) {
        if let Err(error) = self.ports.bus.publish(Topic::KeyChanged, Wake::one(id)).await {
            tracing::warn!(%error, "wake-up not sent");
        }
    }

    /// The item is stored whatever becomes of its trigger; a failure is logged.
    async fn occur(&self, what: &str, payload: serde_json::Value) {
        let reference = format!("core.st2.key_value_pair.{what}");
        if let Err(error) = self.intake.dispatch(Occurrence::internal(reference, payload)).await {
            tracing::warn!(%error, "datastore change not dispatched");
        }
    }
}
