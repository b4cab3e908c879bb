//! The option `[sensorcontainer] partition_provider` to a provider.

use crate::{DefaultProvider, PartitionError, PartitionProvider};

/// The provider that `text` (`name:<provider>` and the provider's own keys) asks for.
///
/// # Errors
/// When it can not be read, the name is unknown, or a key is not the provider's.
pub fn provider(text: &str) -> Result<Box<dyn PartitionProvider>, PartitionError> {
    let mut name = None;
    let mut others = Vec::new();
    for item in text.split(',').filter(|item| !item.trim().is_empty()) {
        let (key, value) = item.split_once(':').ok_or_else(|| {
            PartitionError::Invalid(format!("\"{}\" is not of the form key:value", item.trim()))
        })?;
        match key.trim() {
            "name" => name = Some(value.trim().to_lowercase()),
            other => others.push(other.to_owned()),
        }
    }
    let name = name.ok_or_else(|| PartitionError::Invalid("the key \"name\" is missing".into()))?;
    match name.as_str() {
        "default" => match others.first() {
            None => Ok(Box::new(DefaultProvider)),
            Some(key) => Err(PartitionError::Invalid(format!("\"{key}\" is no key of {name}"))),
        },
        _ => Err(PartitionError::UnknownProvider(name)),
    }
}
