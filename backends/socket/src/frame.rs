//! What goes over the socket: length-prefixed JSON, calls one way and answers the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use st2_model::{BlobRef, Digest, Epoch, Revision};
use st2_ports::{
    Cursor, Document, Fence, Holder, Lease, Member, Patch, Query, Record, Sort, Topic, Wake,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::filter::FilterFrame;

/// Longest message, in bytes. A blob of 64 MiB fits in base64, with room.
const FRAME_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A call, with the number under which its answer comes back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Numbered<T> {
    pub(crate) id: u64,
    pub(crate) body: T,
}

/// Everything that can be asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Get {
        collection: String,
        id: String,
    },
    Find {
        collection: String,
        query: QueryFrame,
    },
    Count {
        collection: String,
        filter: FilterFrame,
    },
    Insert {
        collection: String,
        document: Document,
        fence: Option<Fence>,
    },
    Replace {
        collection: String,
        document: Document,
        revision: Revision,
        fence: Option<Fence>,
    },
    UpdateMany {
        collection: String,
        filter: FilterFrame,
        patch: Patch,
    },
    Delete {
        collection: String,
        filter: FilterFrame,
    },
    RaiseFence(Fence),
    PutBlob(Base64),
    GetBlob(Digest),
    DeleteBlob(Digest),
    /// A write that need not be durable when it is answered.
    Relaxed(Box<Call>),
    Flush,
    Publish {
        topic: Topic,
        wake: Wake,
    },
    /// `group`: the shared group's name, or none for every subscriber.
    Subscribe {
        topic: Topic,
        group: Option<String>,
    },
    /// The next delivery of a subscription; answered when there is one.
    Next {
        subscription: u64,
    },
    Unsubscribe {
        subscription: u64,
    },
    Ack {
        delivery: u64,
    },
    /// The delivery was dropped unsettled.
    Forget {
        delivery: u64,
    },
    RetryAfter {
        delivery: u64,
        delay_ms: u64,
    },
    Acquire {
        key: String,
        owner: String,
        ttl_ms: u64,
    },
    Renew(Lease),
    Release(Lease),
    Holder {
        key: String,
    },
    Join {
        group: String,
        member: Member,
        ttl_ms: u64,
    },
    Leave {
        group: String,
        member: String,
    },
    Members {
        group: String,
    },
}

/// Everything that can be answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done,
    Flag(bool),
    Number(u64),
    Record(Option<Record>),
    Records(Vec<Record>),
    Inserted(InsertedFrame),
    Replaced(ReplacedFrame),
    BlobRef(BlobRef),
    Blob(Option<Base64>),
    Subscribed(u64),
    Delivery(Option<DeliveryFrame>),
    Lease(Option<Lease>),
    Holder(Option<Holder>),
    Members(Vec<Member>),
    /// The call could not be carried out.
    Failed(Failure),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliveryFrame {
    pub(crate) delivery: u64,
    pub(crate) wake: Wake,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum InsertedFrame {
    New,
    Exists,
    Taken(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ReplacedFrame {
    At(Revision),
    Stale,
    Missing,
    Taken(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Failure {
    Unavailable(String),
    Fenced { key: String, epoch: Epoch },
    Corrupt { id: String, reason: String },
    Invalid(String),
}

/// A query; its names of members are not static on the way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueryFrame {
    pub(crate) filter: FilterFrame,
    pub(crate) sort: Vec<Sort>,
    pub(crate) limit: Option<usize>,
    pub(crate) offset: usize,
    pub(crate) after: Option<Cursor>,
    pub(crate) without: Vec<String>,
}

impl From<&Query> for QueryFrame {
    fn from(query: &Query) -> Self {
        Self {
            filter: FilterFrame::from(&query.filter),
            sort: query.sort.clone(),
            limit: query.limit,
            offset: query.offset,
            after: query.after.clone(),
            without: query.without.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

/// Bytes as base64 text.
#[derive(Debug)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A message as bytes, its length in front.
pub(crate) fn encode<T: Serialize>(message: &T) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    if length > FRAME_BYTES_MAX {
        return Err(too_long(length));
    }
    let prefix = u32::try_from(length).map_err(|_| too_long(length))?.to_be_bytes();
    for (place, byte) in bytes.iter_mut().zip(prefix) {
        *place = byte;
    }
    Ok(bytes)
}

/// Writes an encoded message whole.
pub(crate) async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

/// Reads one message; `None` at the end of the stream.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Option<T>> {
    let length = match from.read_u32().await {
        Ok(length) => length as usize,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    if length > FRAME_BYTES_MAX {
        return Err(too_long(length));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

fn too_long(length: usize) -> std::io::Error {
    let text = format!("a message of {length} bytes is longer than {FRAME_BYTES_MAX}");
    std::io::Error::new(std::io::ErrorKind::InvalidData, text)
}
