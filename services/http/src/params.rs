//! Query parameters, typed as StackStorm types them.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use indexmap::IndexMap;

use crate::Fault;

/// The query of a request. Of a repeated parameter the last one counts; unknown ones are ignored.
#[derive(Debug, Clone, Default)]
pub struct Params(IndexMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The part of a list that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// At most so many; `None` for all.
    pub limit: Option<usize>,
    /// So many are passed over.
    pub offset: usize,
}

impl Params {
    /// Reads a query string.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter as it is; an empty one counts as absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A parameter that is a whole number.
    ///
    /// # Errors
    /// 400 when it is not.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Fault> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match self.text(name) {
            None => Ok(None),
            Some(text) => Some(text)
                .filter(|text| digits(text.strip_prefix('-').unwrap_or(text)))
                .and_then(|text| text.parse().ok())
                .map(Some)
                .ok_or_else(|| {
                    Fault::bad_request(format!("Parameter \"{name}\" is not of type integer"))
                }),
        }
    }

    /// A parameter that is a boolean.
    ///
    /// # Errors
    /// 400 when it is not.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.to_lowercase().as_str() {
            "true" | "1" | "yes" | "y" => Ok(Some(true)),
            "false" | "0" | "no" | "n" => Ok(Some(false)),
            _ => Err(Fault::bad_request(format!("Parameter \"{name}\" is not of type boolean"))),
        }
    }

    /// A parameter that is a list between commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.text(name).map(|text| text.split(',').collect())
    }

    /// `limit` and `offset`; `default` is the limit when none is asked for (`None`: all).
    ///
    /// # Errors
    /// 400 for a limit that is neither positive nor -1, or a large or negative offset.
    pub fn page(&self, default: Option<usize>) -> Result<Page, Fault> {
        let limit = match self.integer("limit")? {
            None => default,
            Some(-1) => None,
            Some(0) => {
                return Err(Fault::bad_request(
                    "Limit, \"0\" specified, must be a positive number or -1 for full result set.",
                ));
            }
            Some(limit) => Some(usize::try_from(limit).map_err(|_| {
                Fault::bad_request(format!(
                    "Limit, \"{limit}\" specified, must be a positive number."
                ))
            })?),
        };
        let offset = self.integer("offset")?.unwrap_or(0);
        if offset >= 1 << 31 {
            let text = format!("Offset \"{offset}\" specified is more than 32-bit int");
            return Err(Fault::bad_request(text));
        }
        let offset = usize::try_from(offset).map_err(|_| {
            Fault::bad_request(format!("Offset \"{offset}\" specified must not be negative"))
        })?;
        Ok(Page { limit, offset })
    }
}
