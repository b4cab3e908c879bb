//! Tokens of the authentication service.

use serde_json::{Map, Value};

use crate::{Client, Error, Result};

/// A token that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The secret itself.
    pub token: String,
    /// Whom it stands for.
    pub user: String,
    /// Until when, as the server wrote it.
    pub expiry: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("user", &self.user)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Trades name and password for a token. `ttl` in seconds; the server has a default and a maximum.
    pub async fn create_token(
        &self,
        user: &str,
        password: &str,
        ttl: Option<u64>,
    ) -> Result<Token> {
        let mut body = Map::new();
        if let Some(ttl) = ttl {
            body.insert("ttl".to_owned(), ttl.into());
        }
        let request = self.auth("/tokens", user, password).json(&body);
        let answer = self.json(request).await?;
        let field = |name: &str| {
            let text = answer.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            text.ok_or(Error::Answer {
                url: format!("{}/tokens", self.endpoints().auth),
                expected: "a token with token, user and expiry",
            })
        };
        Ok(Token { token: field("token")?, user: field("user")?, expiry: field("expiry")? })
    }
}
