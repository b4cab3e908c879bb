//! Blobs: compressed, under their digest, in a table of their own.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rusqlite::{Connection, OptionalExtension, params};
use st2_model::{BlobRef, Digest};
use st2_ports::StoreError;

use crate::error::unavailable;
use crate::read::Answer;
use crate::write::Outcome;

/// Content, ready to be written.
pub(crate) struct Packed {
    pub(crate) reference: BlobRef,
    pub(crate) content: Vec<u8>,
}

fn invalid(reason: impl ToString) -> StoreError {
    StoreError::Invalid { collection: "blob", reason: reason.to_string() }
}

/// Digests and compresses. Takes a while for large content.
pub(crate) fn pack(content: &[u8]) -> Answer<Packed> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).map_err(invalid)?;
    Ok(Packed {
        reference: BlobRef { digest: Digest::of(content), bytes: content.len() as u64 },
        content: encoder.finish().map_err(invalid)?,
    })
}

pub(crate) fn put(c: &Connection, packed: &Packed) -> Outcome<()> {
    let Packed { reference, content } = packed;
    let sql = "INSERT INTO st2_blob (digest, bytes, content) VALUES (?, ?, ?) \
               ON CONFLICT (digest) DO NOTHING";
    let bytes = i64::try_from(reference.bytes).unwrap_or(i64::MAX);
    c.prepare_cached(sql)?.execute(params![reference.digest.as_str(), bytes, content])?;
    Ok(Ok(()))
}

/// What is stored under a digest: how long the content is, and the content, compressed.
pub(crate) fn get(c: &Connection, digest: &Digest) -> Answer<Option<(u64, Vec<u8>)>> {
    let sql = "SELECT bytes, content FROM st2_blob WHERE digest = ?";
    let found: rusqlite::Result<Option<(i64, Vec<u8>)>> =
        c.prepare_cached(sql).and_then(|mut statement| {
            statement.query_row([digest.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        });
    let found = found.map_err(|error| unavailable(&error))?;
    Ok(found.map(|(bytes, content)| (u64::try_from(bytes).unwrap_or(0), content)))
}

/// Decompresses, and no further than it should go.
pub(crate) fn unpack(digest: &Digest, bytes: u64, packed: &[u8]) -> Answer<Bytes> {
    let corrupt =
        |reason: String| StoreError::Corrupt { collection: "blob", id: digest.to_string(), reason };
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    ZlibDecoder::new(packed)
        .take(bytes.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|error| corrupt(error.to_string()))?;
    if content.len() as u64 != bytes {
        return Err(corrupt(format!("it does not have {bytes} bytes")));
    }
    Ok(content.into())
}

pub(crate) fn delete(c: &Connection, digest: &Digest) -> Outcome<bool> {
    let sql = "DELETE FROM st2_blob WHERE digest = ?";
    let removed = c.prepare_cached(sql)?.execute([digest.as_str()])?;
    Ok(Ok(removed > 0))
}
