//! A client with the right credential, able to get a new one when the old expires.

use std::sync::Arc;

use st2_client::{Client, Credential, Token};

use crate::args::Identity;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::system::System;
use crate::token_cache;

/// What every command talks to the services through.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// Whether the credential came from a stored name and password.
    renewable: bool,
}

impl Session {
    /// Chooses a credential: command line, environment, stored key, stored login, none.
    pub(crate) async fn open(
        identity: &Identity,
        settings: &Settings,
        system: &mut System<'_>,
    ) -> Outcome<Self> {
        let client = anonymous(settings)?;
        let given = explicit(identity, settings, system);
        if given.is_some() {
            return Ok(Self { client: client.with_credential(given), renewable: false });
        }
        let mut session = Self { client, renewable: settings.stored.password.is_some() };
        if let Some(token) = stored_token(&session.client, settings, system).await? {
            session.client = session.client.with_credential(Some(Credential::Token(token)));
        }
        Ok(session)
    }

    /// Gets a new token after the old one expired; `false` if there is no way to.
    pub(crate) async fn renew(
        &mut self,
        settings: &Settings,
        system: &System<'_>,
    ) -> Outcome<bool> {
        let (true, Some(user), Some(password)) =
            (self.renewable, &settings.stored.username, &settings.stored.password)
        else {
            return Ok(false);
        };
        let token = self.client.create_token(user, password, None).await?;
        keep(&token, user, system)?;
        self.client = self.client.clone().with_credential(Some(Credential::Token(token.token)));
        Ok(true)
    }
}

/// A client without a credential.
pub(crate) fn anonymous(settings: &Settings) -> Outcome<Client> {
    let trace = settings.debug.then(|| {
        Arc::new(|line: &str| {
            use std::io::Write;
            // A closed standard error must not stop the command.
            drop(writeln!(std::io::stderr(), "{line}"));
        }) as st2_client::Trace
    });
    Ok(Client::new(settings.target.clone())?.with_trace(trace))
}

/// Keeps a token for the next command.
pub(crate) fn keep(token: &Token, user: &str, system: &System<'_>) -> Outcome {
    if let Some(home) = system.home() {
        token_cache::write(&token_cache::path(&home, user), &token.token, &token.expiry)?;
    }
    Ok(())
}

fn explicit(identity: &Identity, settings: &Settings, system: &System<'_>) -> Option<Credential> {
    let token = |text: Option<String>| text.map(Credential::Token);
    let key = |text: Option<String>| text.map(Credential::ApiKey);
    token(identity.token.clone())
        .or_else(|| key(identity.api_key.clone()))
        .or_else(|| token(system.variable("ST2_AUTH_TOKEN")))
        .or_else(|| key(system.variable("ST2_API_KEY")))
        .or_else(|| key(settings.stored.api_key.clone()))
}

async fn stored_token(
    client: &Client,
    settings: &Settings,
    system: &mut System<'_>,
) -> Outcome<Option<String>> {
    let Some(user) = &settings.stored.username else {
        return Ok(None);
    };
    if let Some(home) = system.home().filter(|_| settings.cache_token) {
        let path = token_cache::path(&home, user);
        if token_cache::is_exposed(&path) {
            writeln!(
                system.err,
                "Warning: \"{}\" can be read by others; chmod 600 it.",
                path.display()
            )?;
        }
        if let Some(token) = token_cache::read(&path, (system.now)())? {
            return Ok(Some(token));
        }
    }
    let Some(password) = &settings.stored.password else {
        return Ok(None);
    };
    let token = client
        .create_token(user, password, None)
        .await
        .map_err(|error| login_failed(user, error))?;
    keep(&token, user, system)?;
    Ok(Some(token.token))
}

fn login_failed(user: &str, error: st2_client::Error) -> Failure {
    match error.status() {
        Some(401) => Failure::Refused(format!(
            "The stored password of \"{user}\" is not accepted; run st2 login {user}"
        )),
        _ => error.into(),
    }
}
