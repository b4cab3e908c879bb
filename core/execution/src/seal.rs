//! Secret parameters: sealed in the store, opened where the guest is started.
//!
//! A parameter is secret when its definition, or any definition below it, says `secret: true`. It
//! is stored whole as `{"$sealed": "<ciphertext of its JSON text>"}`. Null is no secret and stands
//! as it is. Without a configured key a request with a secret value is refused: a secret never
//! stands in the store in the clear.

use serde_json::Value;
use st2_model::Object;
use st2_ports::{KeyRing, KeyRingError};

use crate::{Content, Error, RequestError};

const SEALED: &str = "$sealed";

pub(crate) fn seal(
    keyring: &dyn KeyRing,
    content: &Content,
    parameters: &mut Object,
) -> Result<(), RequestError> {
    for (name, value) in parameters {
        if value.is_null() || !content.secrets.contains(name) {
            continue;
        }
        let ciphertext = keyring
            .seal(&value.to_string())
            .map_err(|source| RequestError::Secret { parameter: name.clone(), source })?;
        let mut sealed = Object::new();
        sealed.insert(SEALED.into(), ciphertext.into());
        *value = Value::Object(sealed);
    }
    Ok(())
}

pub(crate) fn unseal(
    keyring: &dyn KeyRing,
    content: &Content,
    parameters: &Object,
) -> Result<Object, Error> {
    let mut open = parameters.clone();
    for (name, value) in &mut open {
        if !content.secrets.contains(name) {
            continue;
        }
        let ciphertext = value.get(SEALED).and_then(Value::as_str);
        if let Some(ciphertext) = ciphertext {
            *value = open_one(keyring, ciphertext)
                .map_err(|reason| Error::Secret { parameter: name.clone(), reason })?;
        }
    }
    Ok(open)
}

fn open_one(keyring: &dyn KeyRing, ciphertext: &str) -> Result<Value, String> {
    let text = keyring.open(ciphertext).map_err(|error: KeyRingError| error.to_string())?;
    serde_json::from_str(text.reveal()).map_err(|_| "the sealed value is no JSON".to_owned())
}
