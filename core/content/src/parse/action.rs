//! Action metadata.
//!
//! Members that StackStorm does not know are refused, as it refuses them, with one exception of
//! our own: `idempotent: true` says that a run that was cut short may be started again.

use serde_json::Value;
use st2_model::{Action, Notify, NotifyRoute, Object};
use st2_schema::{Error as SchemaProblem, Field, Options, Schema};

use super::{Place, RunnerTypes};
use crate::fields::Fields;
use crate::problem::Fault;

/// Reads the metadata of an action. The runner type has to exist, because what an action may say
/// of its parameters depends on it.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_action(
    place: Place<'_>,
    content: &Value,
    runners: &RunnerTypes,
) -> Result<Action, Fault> {
    let fields = Fields::of(content)?;
    place.check_pack(&fields)?;
    let name = fields.required_text("name")?;
    let runner_type = fields.required_text("runner_type")?;
    let parameters = parameters(&fields)?;
    let output_schema = output_schema(&fields)?;
    fields.only_shared_and(&[
        "runner_type",
        "entry_point",
        "parameters",
        "output_schema",
        "notify",
        "tags",
        "idempotent",
    ])?;
    let action = Action {
        id: Action::id_of(&place.reference("name", name)?),
        reference: place.reference("name", name)?,
        description: fields.owned_text("description")?,
        enabled: fields.flag("enabled", true)?,
        runner_type: runner_type.to_owned(),
        entry_point: fields.owned_text("entry_point")?.unwrap_or_default(),
        parameters,
        output_schema,
        tags: fields.tags()?,
        notify: notify(&fields)?,
        metadata_file: place.file.to_owned(),
        content_version: None,
        idempotent: fields.flag("idempotent", false)?,
    };
    check_against_runner(&action, runners)?;
    Ok(action)
}

fn parameters(fields: &Fields<'_>) -> Result<Object, Fault> {
    let Some(definitions) = fields.get("parameters") else {
        return Ok(Object::new());
    };
    check_definitions(Field::Parameters, definitions)?;
    Ok(definitions.as_object().cloned().unwrap_or_default())
}

pub(super) fn check_definitions(field: Field, definitions: &Value) -> Result<(), Fault> {
    st2_schema::check_definitions(field, definitions).map_err(|errors| {
        errors
            .into_iter()
            .next()
            .map_or_else(|| Fault::whole("the definitions are wrong"), Fault::from)
    })
}

/// A schema with a `type`, or the older form: definitions by name. Either is a valid schema.
pub(super) fn output_schema(fields: &Fields<'_>) -> Result<Object, Fault> {
    let Some(schema) = fields.get("output_schema") else {
        return Ok(Object::new());
    };
    let Some(members) = schema.as_object() else {
        return Err(crate::fields::mistyped("output_schema", schema, &["object"]));
    };
    let options = Options { use_default: false, allow_default_none: false };
    if !members.is_empty()
        && let Err(SchemaProblem::Definition(error)) = Schema::compile(schema, options)
        // StackStorm lets patterns pass that are no regular expressions, until they are used.
        && error.keyword != "format"
    {
        let path = match error.path.is_empty() {
            true => "output_schema".to_owned(),
            false => format!("output_schema.{}", error.path),
        };
        return Err(Fault::new(path, error.message));
    }
    Ok(members.clone())
}

fn notify(fields: &Fields<'_>) -> Result<Notify, Fault> {
    let Some(sections) = fields.get("notify") else {
        return Ok(Notify::default());
    };
    let sections = Fields::within(sections, "notify")?;
    sections.only(&["on-complete", "on-success", "on-failure"])?;
    Ok(Notify {
        on_complete: route(&sections, "on-complete")?,
        on_success: route(&sections, "on-success")?,
        on_failure: route(&sections, "on-failure")?,
    })
}

/// One section. `channels` is the old word for `routes` and counts where `routes` is empty.
fn route(sections: &Fields<'_>, name: &str) -> Result<Option<NotifyRoute>, Fault> {
    let Some(section) = sections.get(name) else {
        return Ok(None);
    };
    let path = sections.path(name);
    let section = Fields::within(section, &path)?;
    section.only(&["message", "data", "routes", "channels"])?;
    let (routes, channels) = (section.texts("routes")?, section.texts("channels")?);
    let routes = if routes.is_empty() { channels } else { routes };
    Ok(Some(NotifyRoute {
        message: section.owned_text("message")?,
        data: section.object("data")?.cloned(),
        routes: (!routes.is_empty()).then_some(routes),
    }))
}

fn check_against_runner(action: &Action, runners: &RunnerTypes) -> Result<(), Fault> {
    let Some(runner) = runners.get(&action.runner_type) else {
        return Err(Fault::new(
            "runner_type",
            format!(
                "RunnerType {} is not found. If you are using old and deprecated runner name, you \
                 need to switch to a new one. For more information, please see \
                 https://docs.stackstorm.com/upgrade_notes.html#st2-v0-9",
                action.runner_type
            ),
        ));
    };
    st2_schema::check_action_parameters(
        &action.reference.to_string(),
        &runner.runner_parameters,
        &action.parameters,
    )
    .map_err(|error| Fault::new(field_of(&error), error.to_string()))
}

/// The member that an error of the schema crate is about.
fn field_of(error: &SchemaProblem) -> String {
    match error {
        SchemaProblem::Override { parameter, attribute, .. } => {
            format!("parameters.{parameter}.{attribute}")
        }
        SchemaProblem::NoMapping { parameter, .. } => format!("parameters.{parameter}"),
        SchemaProblem::SamePosition { first, .. } => format!("parameters.{first}.position"),
        SchemaProblem::BadPosition { parameter, .. } => format!("parameters.{parameter}.position"),
        SchemaProblem::ImmutableInRunner { parameter }
        | SchemaProblem::ImmutableWithoutDefault { parameter } => {
            format!("parameters.{parameter}.immutable")
        }
        _ => "parameters".to_owned(),
    }
}
