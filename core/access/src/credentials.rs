//! Tokens and API keys: making them, and finding out whose they are.

use std::time::Duration;

use base64::Engine as _;
use sha2::{Digest as _, Sha256, Sha512};
use st2_model::{ApiKey, Digest, Object, Timestamp, Token, User};
use st2_ports::{Inserted, Ports, Repository, StoreError};

/// What a caller shows.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// An access token.
    Token(&'a str),
    /// An API key.
    ApiKey(&'a str),
}

/// Who a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// When the token ends; `None` for an API key.
    pub expiry: Option<Timestamp>,
}

/// Why a credential opens nothing. The texts are StackStorm's.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such token.
    #[error("Unauthorized")]
    UnknownToken,
    /// The token has ended.
    #[error("Unauthorized - Token has expired.")]
    ExpiredToken,
    /// No such API key. Unlike StackStorm the hash is not shown.
    #[error("Unauthorized - ApiKey not found.")]
    UnknownApiKey,
    /// The API key is switched off.
    #[error("Unauthorized - API key is disabled.")]
    DisabledApiKey,
    /// The owner of the credential is gone.
    #[error("Unable to find the UserDB instance. {{'name': '{0}'}}")]
    UnknownUser(String),
    /// The asked life of a token is out of bounds.
    #[error("{0}")]
    Ttl(String),
    /// The store could not answer.
    #[error("credentials can not be checked")]
    Store(#[from] StoreError),
}

/// A new API key: the key itself is shown this once.
pub struct NewApiKey {
    /// The record.
    pub record: ApiKey,
    /// The key.
    pub key: String,
}

/// Tokens and API keys in the store.
#[derive(Clone)]
pub struct Credentials {
    ports: Ports,
    token_ttl: Duration,
}

impl Credentials {
    /// The credentials in `ports`; `token_ttl` is the default and greatest life of a user's token.
    #[must_use]
    pub const fn new(ports: Ports, token_ttl: Duration) -> Self {
        Self { ports, token_ttl }
    }

    /// Makes a token for `user`, who is recorded if unknown. `ttl` is in seconds.
    ///
    /// # Errors
    /// [`AccessError::Ttl`], and those of the store.
    pub async fn issue_token(
        &self,
        user: &str,
        ttl: Option<i64>,
    ) -> Result<(Token, String), AccessError> {
        let most = self.token_ttl.as_secs();
        let seconds = match ttl {
            None => most,
            Some(ttl) => u64::try_from(ttl)
                .ok()
                .filter(|ttl| *ttl > 0)
                .ok_or_else(|| AccessError::Ttl(format!("{ttl} is less than the minimum of 1")))?,
        };
        if seconds > most {
            let text = format!("TTL specified {seconds} is greater than max allowed {most}.");
            return Err(AccessError::Ttl(text));
        }
        self.ensure_user(user, false).await?;
        self.store_token(user, Duration::from_secs(seconds), Object::new(), false).await
    }

    /// Makes a token that an action or a sensor acts with.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn issue_service_token(
        &self,
        user: &str,
        life: Duration,
        metadata: Object,
    ) -> Result<(Token, String), AccessError> {
        self.ensure_user(user, true).await?;
        self.store_token(user, life, metadata, true).await
    }

    async fn store_token(
        &self,
        user: &str,
        life: Duration,
        metadata: Object,
        service: bool,
    ) -> Result<(Token, String), AccessError> {
        let now = self.ports.clock.now();
        let secret = self.ports.ids.token(16);
        let token = Token {
            id: self.ports.ids.id(now),
            user: user.to_owned(),
            token: Digest::of(secret.as_bytes()),
            expiry: now.after(life),
            metadata,
            service,
        };
        self.tokens(service).insert(&token, None).await?;
        Ok((token, secret))
    }

    /// Removes a token.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke(&self, token: &Token) -> Result<(), AccessError> {
        self.tokens(token.service).delete(token.id).await?;
        Ok(())
    }

    /// A service's token dies with the guest that holds it: a loss of power may take away that it
    /// was made or removed.
    fn tokens(&self, service: bool) -> Repository<Token> {
        if service { self.ports.relaxed_repository() } else { self.ports.repository() }
    }

    /// Makes an API key for `user`, who is recorded if unknown.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn issue_api_key(
        &self,
        user: &str,
        metadata: Object,
        enabled: bool,
    ) -> Result<NewApiKey, AccessError> {
        self.ensure_user(user, false).await?;
        let now = self.ports.clock.now();
        let mut random = [0; 256];
        self.ports.ids.fill(&mut random);
        let key = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .encode(hex::encode(Sha256::digest(random)));
        let record = ApiKey {
            id: self.ports.ids.id(now),
            user: user.to_owned(),
            key_hash: hash_api_key(&key),
            metadata,
            created_at: now,
            enabled,
        };
        self.ports.repository::<ApiKey>().insert(&record, None).await?;
        Ok(NewApiKey { record, key })
    }

    /// Finds out who shows `credential`.
    ///
    /// # Errors
    /// Every variant but [`AccessError::Ttl`].
    pub async fn identify(&self, credential: Credential<'_>) -> Result<Identity, AccessError> {
        let identity = match credential {
            Credential::Token(secret) => {
                let digest = Digest::of(secret.as_bytes());
                let found = self.ports.repository::<Token>().find_by("token", &digest).await?;
                let token = found.ok_or(AccessError::UnknownToken)?.value;
                if token.expiry <= self.ports.clock.now() {
                    return Err(AccessError::ExpiredToken);
                }
                Identity { user: token.user, expiry: Some(token.expiry) }
            }
            Credential::ApiKey(key) => {
                let hash = hash_api_key(key);
                let found = self.ports.repository::<ApiKey>().find_by("key_hash", &hash).await?;
                let record = found.ok_or(AccessError::UnknownApiKey)?.value;
                if !record.enabled {
                    return Err(AccessError::DisabledApiKey);
                }
                Identity { user: record.user, expiry: None }
            }
        };
        let known = self.ports.repository::<User>().get(User::id_of(&identity.user)).await?;
        known.ok_or_else(|| AccessError::UnknownUser(identity.user.clone()))?;
        Ok(identity)
    }

    async fn ensure_user(&self, name: &str, is_service: bool) -> Result<(), AccessError> {
        let id = User::id_of(name);
        let users = self.ports.repository::<User>();
        if users.get(id).await?.is_some() {
            return Ok(());
        }
        let user = User { id, name: name.to_owned(), is_service, nicknames: Object::new() };
        match users.insert(&user, None).await? {
            Inserted::New | Inserted::Exists | Inserted::Taken(_) => Ok(()),
        }
    }
}

/// The hash under which an API key is stored: StackStorm's, so that its keys keep working.
#[must_use]
pub fn hash_api_key(key: &str) -> String {
    hex::encode(Sha512::new().chain_update("saltnpepper").chain_update(key).finalize())
}
