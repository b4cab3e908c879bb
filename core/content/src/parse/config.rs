//! Pack configs and their schemas.

use serde_json::Value;
use st2_model::{Config, ConfigSchema, Object};
use st2_schema::{Field, Schema};

use super::Place;
use super::action::check_definitions;
use super::pack::is_empty;
use crate::fields::mistyped;
use crate::problem::Fault;

const DECRYPT: &str = "decrypt_kv";

/// Reads the content of `config.schema.yaml` for the pack `pack`.
///
/// # Errors
/// When it is empty or a definition is wrong.
pub fn parse_config_schema(
    place: Place<'_>,
    pack: &str,
    content: &Value,
) -> Result<ConfigSchema, Fault> {
    if is_empty(content) {
        return Err(Fault::whole(format!(
            "Config schema \"{}\" is empty and invalid.",
            place.dir.join(place.file).display()
        )));
    }
    check_definitions(Field::Attributes, content)?;
    Ok(ConfigSchema {
        id: ConfigSchema::id_of(pack),
        pack: pack.to_owned(),
        attributes: content.as_object().cloned().unwrap_or_default(),
    })
}

/// Reads a pack's config and checks it against the pack's schema, if it has one. Defaults of the
/// schema are not filled in: they are applied when the config is used.
///
/// # Errors
/// The first member that does not fit.
pub fn parse_config(
    pack: &str,
    file: &str,
    content: &Value,
    schema: Option<&ConfigSchema>,
) -> Result<Config, Fault> {
    let values = match content {
        Value::Null => Object::new(),
        Value::Object(values) => values.clone(),
        other => return Err(mistyped("", other, &["object"])),
    };
    if let Some(schema) = schema {
        check_config_values(pack, file, &values, schema)?;
    }
    Ok(Config { id: Config::id_of(pack), pack: pack.to_owned(), values })
}

/// Checks the values of a pack's config. Members that the schema does not name pass.
///
/// # Errors
/// The first member that does not fit.
pub fn check_config_values(
    pack: &str,
    file: &str,
    values: &Object,
    schema: &ConfigSchema,
) -> Result<(), Fault> {
    let compiled = Schema::for_config(&schema.attributes)
        .map_err(|error| Fault::whole(format!("the config schema can not be used: {error}")))?;
    compiled.validate(&mut Value::Object(values.clone())).map_err(|errors| {
        let first = errors.into_iter().next().map(Fault::from);
        let fault = first.unwrap_or_else(|| Fault::whole("the values are wrong"));
        let reason = format!(
            "Failed validating attribute \"{}\" in config for pack \"{pack}\" ({file}): {}",
            fault.field, fault.reason
        );
        Fault::new(fault.field, reason)
    })?;
    refuse_double_decryption(values, schema)
}

/// Secret values are decrypted when the config is used; a template that does it itself would make
/// that twice.
fn refuse_double_decryption(values: &Object, schema: &ConfigSchema) -> Result<(), Fault> {
    let is_secret = |name: &str| {
        let secret = schema.attributes.get(name).and_then(|a| a.get("secret"));
        secret == Some(&Value::Bool(true))
    };
    let decrypts = |value: &Value| value.as_str().is_some_and(|text| text.contains(DECRYPT));
    match values.iter().find(|(name, value)| decrypts(value) && is_secret(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Fault::new(
            name.as_str(),
            format!(
                "Values specified as \"secret: True\" in config schema are automatically \
                 decrypted by default. Use of \"{DECRYPT}\" jinja filter is not allowed for such \
                 values. Please check the specified values in the config or the default values in \
                 the schema."
            ),
        )),
    }
}
