//! The methods: which side calls them, with which parameters.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{ErrorCode, RpcError};
use crate::messages::{
    AddTrigger, Configure, DatastoreDelete, DatastoreGet, DatastoreList, DatastoreSet, Dispatch,
    Initialize, Log, Nothing, RemoveTrigger, UpdateTrigger,
};

/// What one side may call on the other.
pub trait Call: Sized + Serialize {
    /// Names of all methods.
    const METHODS: &'static [&'static str];

    /// Name of the method.
    fn method(&self) -> &'static str;

    /// Reads a call.
    ///
    /// # Errors
    /// With the error to answer when the method or its parameters are wrong.
    fn parse(method: &str, params: Option<&RawValue>) -> Result<Self, RpcError>;
}

fn parse_params<T: serde::de::DeserializeOwned>(
    method: &str,
    params: Option<&RawValue>,
) -> Result<T, RpcError> {
    let text = params.map_or("{}", RawValue::get);
    serde_json::from_str(text).map_err(|error| {
        RpcError::new(ErrorCode::InvalidParams, format!("parameters of {method}: {error}"))
    })
}

macro_rules! calls {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident($params:ty) = $method:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($params),)*
        }

        impl Call for $name {
            const METHODS: &'static [&'static str] = &[$($method),*];

            fn method(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $method,)*
                }
            }

            fn parse(method: &str, params: Option<&RawValue>) -> Result<Self, RpcError> {
                match method {
                    $($method => parse_params(method, params).map(Self::$variant),)*
                    _ => Err(RpcError::new(
                        ErrorCode::MethodNotFound,
                        format!("there is no method {method:?}"),
                    )),
                }
            }
        }
    };
}

calls! {
    /// Calls of the host on a guest. All are requests.
    HostCall {
        /// First message: versions, identity, limits.
        Initialize(Initialize) = "initialize",
        /// Configuration, then set-up. Once, after `initialize`.
        Configure(Configure) = "configure",
        /// A trigger to serve. Any time after `configure`.
        AddTrigger(AddTrigger) = "add_trigger",
        /// A trigger served changed.
        UpdateTrigger(UpdateTrigger) = "update_trigger",
        /// A trigger served went away.
        RemoveTrigger(RemoveTrigger) = "remove_trigger",
        /// Start a passive sensor. Answered when it has returned.
        Run(Nothing) = "run",
        /// Let a polling sensor look for news. Answered when it has.
        Poll(Nothing) = "poll",
        /// Are you there. Answered at once, also during `run` and `poll`.
        Ping(Nothing) = "ping",
        /// Stop `run` or `poll` and release what is held. Answered when that is done.
        Cleanup(Nothing) = "cleanup",
        /// Last message: answer and exit.
        Shutdown(Nothing) = "shutdown",
    }
}

calls! {
    /// Calls of a guest on the host. All are requests except `log`.
    GuestCall {
        /// Occurrences of triggers. Answered when they are stored.
        Dispatch(Dispatch) = "dispatch",
        /// A log record. The only notification.
        Log(Log) = "log",
        /// Read a datastore item.
        DatastoreGet(DatastoreGet) = "datastore_get",
        /// Write a datastore item.
        DatastoreSet(DatastoreSet) = "datastore_set",
        /// List datastore items.
        DatastoreList(DatastoreList) = "datastore_list",
        /// Delete a datastore item.
        DatastoreDelete(DatastoreDelete) = "datastore_delete",
    }
}
