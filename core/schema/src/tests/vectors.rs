//! Recorded answers of StackStorm's parameter validation.

use serde_json::{Map, Value, json};

use crate::{Error, Options, Schema, SchemaError, action_schema, resource_schema};

#[test]
fn vectors_action_schema() {
    st2_vectors::run("action_schema", |_, row| check(row));
}

fn members(row: &Value, name: &str) -> Map<String, Value> {
    row.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

enum Outcome {
    Value(Value),
    /// The schema could not be built from the definitions.
    Build(String),
    /// A definition breaks the dialect.
    Definition(SchemaError),
    Invalid(SchemaError),
}

fn run(row: &Value) -> Outcome {
    let parameters = members(row, "parameters");
    let schema = if row["mode"] == "resource" {
        resource_schema(&parameters, row["additional"] == json!(true))
    } else {
        match action_schema("pk.act", &members(row, "runner"), &parameters) {
            Ok(schema) => schema,
            Err(error) => return Outcome::Build(error.to_string()),
        }
    };
    if row["mode"] == "schema" {
        return Outcome::Value(schema);
    }
    let options = Options {
        use_default: row["use_default"] != json!(false),
        allow_default_none: row["allow_default_none"] != json!(false),
    };
    let schema = match Schema::compile(&schema, options) {
        Ok(schema) => schema,
        Err(Error::Definition(error)) => return Outcome::Definition(error),
        Err(error) => return Outcome::Build(error.to_string()),
    };
    let mut instance = row["instance"].clone();
    match schema.validate(&mut instance) {
        Ok(()) => Outcome::Value(instance),
        Err(errors) => Outcome::Invalid(errors[0].clone()),
    }
}

fn check(row: &Value) -> Result<(), String> {
    let outcome = run(row);
    let Some(expected) = row.get("error") else {
        return match outcome {
            Outcome::Value(value) if value == row["result"] => Ok(()),
            Outcome::Value(value) => Err(format!("gave {value}")),
            Outcome::Build(message) => Err(format!("refused: {message}")),
            Outcome::Definition(error) | Outcome::Invalid(error) => {
                Err(format!("refused: {error:?}"))
            }
        };
    };
    let (kind, error) = match outcome {
        Outcome::Value(value) => return Err(format!("passed with {value}")),
        Outcome::Build(message) => {
            // A crash of the original only fixes that there is an error.
            let same = expected["message"] == message.as_str();
            let crash = expected["type"] == "AttributeError";
            return if same || crash { Ok(()) } else { Err(message) };
        }
        Outcome::Definition(error) => ("SchemaError", error),
        Outcome::Invalid(error) => ("ValidationError", error),
    };
    if expected["type"] == "AttributeError" {
        return Ok(());
    }
    let got = json!({
        "type": kind, "message": error.message, "path": error.path, "validator": error.keyword,
    });
    for field in ["type", "message", "path", "validator"] {
        if expected[field] != got[field] {
            return Err(format!("{field} differs: {got}"));
        }
    }
    Ok(())
}
