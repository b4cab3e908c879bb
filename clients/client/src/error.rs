//! The situations a caller can tell apart.

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured address cannot be one.
    #[error("\"{url}\" is not a valid address: {reason}")]
    Address {
        /// What was configured.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The CA bundle could not be read or holds no certificate.
    #[error("CA bundle \"{path}\" cannot be used: {reason}")]
    CaBundle {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client itself could not be set up.
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// Nobody listens there, or the connection broke.
    #[error("cannot reach {url}")]
    Unreachable {
        /// The address of the request.
        url: String,
        /// What the transport said.
        #[source]
        source: reqwest::Error,
    },
    /// The server took the request and did not answer in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// The address of the request.
        url: String,
    },
    /// The server refused.
    #[error("{} {} Error: {reason}\nMESSAGE: {fault} for url: {url}", status, side(*status))]
    Status {
        /// HTTP status.
        status: u16,
        /// Its standard phrase.
        reason: String,
        /// `faultstring` of the body, or the body, or that there was none.
        fault: String,
        /// Whether the body had a `faultstring`, as every refusal of the API has.
        stated: bool,
        /// The address of the request.
        url: String,
    },
    /// The server answered something that is not what the API promises.
    #[error("the answer of {url} is not {expected}")]
    Answer {
        /// The address of the request.
        url: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The request could not be written as JSON.
    #[error("the request to {url} cannot be written as JSON")]
    Request {
        /// The address of the request.
        url: String,
        /// What the serializer said.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// HTTP status, when the server answered with one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the API itself says that there is no such thing. A bare 404 comes from a wrong
    /// address or a proxy and says nothing about the thing.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Status { status: 404, stated: true, .. })
    }

    pub(crate) fn transport(url: &str, source: reqwest::Error) -> Self {
        let url = url.to_owned();
        if source.is_timeout() {
            Self::Timeout { url }
        } else {
            // The address stands in our own text already; reqwest would repeat it.
            let source = source.without_url();
            Self::Unreachable { url, source }
        }
    }
}

fn side(status: u16) -> &'static str {
    if status < 500 { "Client" } else { "Server" }
}
