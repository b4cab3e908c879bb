//! Where the services are and whom to trust there.

use std::path::PathBuf;

use reqwest::Url;

use crate::{Error, Result};

const API_PORT: u16 = 9101;
const AUTH_PORT: u16 = 9100;
const STREAM_PORT: u16 = 9102;

/// Base addresses of the three services, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// API, version included: `http://host:9101/v1`.
    pub api: String,
    /// Authentication, without a version.
    pub auth: String,
    /// Event stream, version included.
    pub stream: String,
}

impl Endpoints {
    /// The addresses that follow from one base and the standard ports.
    #[must_use]
    pub fn from_base(base: &str, version: &str) -> Self {
        let base = base.trim_end_matches('/');
        Self {
            api: format!("{base}:{API_PORT}/{version}"),
            auth: format!("{base}:{AUTH_PORT}"),
            stream: format!("{base}:{STREAM_PORT}/{version}"),
        }
    }

    /// Strips trailing slashes and refuses what is no HTTP address.
    pub fn checked(self) -> Result<Self> {
        Ok(Self {
            api: checked(&self.api)?,
            auth: checked(&self.auth)?,
            stream: checked(&self.stream)?,
        })
    }

    pub(crate) fn any(&self, holds: impl Fn(&Url) -> bool) -> bool {
        [&self.api, &self.auth, &self.stream]
            .into_iter()
            .any(|text| Url::parse(text).is_ok_and(|url| holds(&url)))
    }
}

fn checked(text: &str) -> Result<String> {
    let trimmed = text.trim_end_matches('/');
    let refuse = |reason: String| Error::Address { url: text.to_owned(), reason };
    let url = Url::parse(trimmed).map_err(|error| refuse(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(trimmed.to_owned()),
        other => Err(refuse(format!("the scheme must be http or https, not {other}"))),
    }
}

/// How a server's certificate is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// By the certificates of the system.
    #[default]
    System,
    /// By the certificates of this PEM file, added to those of the system.
    Bundle(PathBuf),
    /// Not at all. For test installations only.
    Anything,
}

/// Everything that stays the same between requests.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where the services are.
    pub endpoints: Endpoints,
    /// Whom to trust there.
    pub trust: Trust,
    /// HTTP basic credentials for a proxy in front of the services.
    pub basic: Option<(String, String)>,
}
