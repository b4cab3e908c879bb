//! Finding one record by what a path names.

use st2_http::Fault;
use st2_ports::{Entity, Ports, Versioned};

/// The record of this id.
pub(crate) async fn by_id<E: Entity>(ports: &Ports, id: &str) -> Result<Versioned<E>, Fault> {
    find_by_id(ports, id)
        .await?
        .ok_or_else(|| Fault::not_found(format!("Unable to identify resource with id \"{id}\".")))
}

/// The record of this ref or id: with a dot it is a ref, without one an id.
pub(crate) async fn by_ref_or_id<E: Entity>(
    ports: &Ports,
    text: &str,
) -> Result<Versioned<E>, Fault> {
    find_by_ref_or_id(ports, text).await?.ok_or_else(|| {
        Fault::not_found(format!("Resource with a reference or id \"{text}\" not found"))
    })
}

/// As [`by_ref_or_id`], nothing being a normal answer.
pub(crate) async fn find_by_ref_or_id<E: Entity>(
    ports: &Ports,
    text: &str,
) -> Result<Option<Versioned<E>>, Fault> {
    if text.contains('.') {
        return Ok(ports.repository::<E>().find_by("ref", text).await?);
    }
    find_by_id(ports, text).await
}

/// The record of this id; a text that is no id names nothing.
pub(crate) async fn find_by_id<E: Entity>(
    ports: &Ports,
    id: &str,
) -> Result<Option<Versioned<E>>, Fault> {
    if !crate::listing::is_id(id) {
        return Ok(None);
    }
    Ok(ports.repository::<E>().get(id.to_ascii_lowercase()).await?)
}
