//! `st2 auth`, `login`, `logout`, `whoami`.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use serde_json::{Value, json};
use st2_client::Error;

use super::print::{self, Columns};
use super::{Context, options};
use crate::args::{AuthArgs, Format, Identity, LoginArgs};
use crate::failure::{Failure, Outcome};
use crate::ini;
use crate::render::{path, time};
use crate::session;
use crate::settings::SettingsError;
use crate::token_cache;

const TOKEN_ATTRIBUTES: [&str; 3] = ["user", "token", "expiry"];

/// A token for other tools; nothing is kept.
pub(crate) async fn auth(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let given: AuthArgs = options(matches)?;
    let password = password(given.password, context)?;
    let client = session::anonymous(&context.settings)?;
    let token = client.create_token(&given.username, &password, given.ttl).await?;
    if given.only_token {
        return context.say(&token.token);
    }
    let shown = json!({"user": token.user, "token": token.token, "expiry": token.expiry});
    print::item(context, &shown, &Columns::new(&[], &TOKEN_ATTRIBUTES, &[]), given.format)
}

/// Keeps a token, and the name of its user in the configuration file.
pub(crate) async fn login(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let given: LoginArgs = options(matches)?;
    let user = given.username.as_str();
    let password = password(given.password, context)?;
    let client = session::anonymous(&context.settings)?;
    let token = client.create_token(user, &password, given.ttl).await.map_err(|error| {
        let reason = match &error {
            Error::Status { status: 401, .. } => {
                "the server does not accept this name and password".to_owned()
            }
            _ => Failure::Api(error).explain(),
        };
        Failure::Refused(format!("Failed to log in as {user}: {reason}"))
    })?;
    let file = config_file(context)?;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let text = ini::with_value(&text, "credentials", "username", Some(user));
    let kept = given.write_password.then_some(password.as_str());
    token_cache::write_private(&file, &ini::with_value(&text, "credentials", "password", kept))?;
    session::keep(&token, user, context.system)?;
    context.say(&format!("Logged in as {user}"))?;
    if given.write_password {
        return Ok(());
    }
    let until = time::display(&token.expiry, &context.settings.zone);
    context.say(&format!(
        "\nNote: The login ends {until}. With -w the password is kept, in clear, in {}, and logins renew themselves.",
        file.display()
    ))
}

/// Forgets token and password of the configured user.
pub(crate) fn logout(context: &mut Context<'_, '_>) -> Outcome {
    let Some(user) = context.settings.stored.username.clone() else {
        return context.say("Nobody is logged in.");
    };
    let home = context.system.home().ok_or(SettingsError::NoHome)?;
    token_cache::remove(&token_cache::path(&home, &user))?;
    let file = config_file(context)?;
    if let Ok(text) = std::fs::read_to_string(&file) {
        let text = ini::with_value(&text, "credentials", "username", None);
        token_cache::write_private(
            &file,
            &ini::with_value(&text, "credentials", "password", None),
        )?;
    }
    context.say(&format!("Logged out {user}"))
}

/// Who the server takes us for. Fails when it takes us for nobody.
pub(crate) async fn whoami(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let format: Format = options(matches)?;
    let session = context.session(&Identity::default()).await?;
    let user = match session.client.get("/user", &[]).await {
        Ok(user) => user,
        Err(error) if error.status() == Some(401) => {
            return Err(Failure::Refused(
                "You are not logged in, or the login has expired. Log in with: st2 login USER"
                    .to_owned(),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    if !format.is_for_people() {
        return print::item(context, &user, &Columns::new(&[], &["all"], &[]), format);
    }
    let text = describe(&user, context);
    context.say(&text)
}

fn describe(user: &Value, context: &Context<'_, '_>) -> String {
    let text =
        |name: &str| path::get(user, name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let mut lines = vec![
        format!("Currently logged in as \"{}\".", text("username")),
        String::new(),
        format!("Authentication method: {}", text("authentication.method")),
    ];
    if let Some(expiry) = path::get(user, "authentication.token_expire").and_then(Value::as_str) {
        let expiry = time::display(expiry, &context.settings.zone);
        lines.push(format!("Authentication token expire time: {expiry}"));
    }
    let enabled = path::get(user, "rbac.enabled").and_then(Value::as_bool).unwrap_or_default();
    let roles: Vec<&str> = path::get(user, "rbac.roles")
        .and_then(Value::as_array)
        .map(|roles| roles.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let roles = if enabled { roles.join(", ") } else { "unknown".to_owned() };
    lines.extend([
        String::new(),
        "RBAC:".to_owned(),
        format!(" - Enabled: {}", if enabled { "True" } else { "False" }),
        format!(" - Roles: {roles}"),
    ]);
    lines.join("\n")
}

fn password(given: Option<String>, context: &mut Context<'_, '_>) -> Outcome<String> {
    match given {
        Some(password) => Ok(password),
        None => {
            context.flush()?;
            context.system.prompt.ask("Password: ", true).map_err(|error| {
                Failure::Refused(format!("The password cannot be asked for ({error}); use -p"))
            })
        }
    }
}

fn config_file(context: &Context<'_, '_>) -> Outcome<PathBuf> {
    let file: Option<&Path> = context.settings.file.as_deref();
    Ok(file.ok_or(SettingsError::NoHome)?.to_owned())
}
