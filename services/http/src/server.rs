//! Listening and serving until shutdown.

use std::net::SocketAddr;

use async_trait::async_trait;
use axum::Router;
use st2_ports::{Readiness, Service, ServiceContext, ServiceError};
use tokio::net::TcpListener;

/// Listens on `host:port`; port 0 takes a free one.
///
/// # Errors
/// When the address is taken or not ours, with what to do about it.
pub async fn bind(
    service: &'static str,
    host: &str,
    port: u16,
) -> Result<TcpListener, ServiceError> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program uses it; stop that one, or set another port"
            }
            _ => "check host and port in the configuration",
        };
        ServiceError::new(service, format!("can not listen on {host}:{port}: {error} ({hint})"))
    })
}

/// A service that answers HTTP on a socket.
pub struct HttpServer {
    name: &'static str,
    listener: TcpListener,
    app: Router,
}

impl HttpServer {
    /// Serves `app` on `listener` once it is run.
    #[must_use]
    pub const fn new(name: &'static str, listener: TcpListener, app: Router) -> Self {
        Self { name, listener, app }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// When the system does not know.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[async_trait]
impl Service for HttpServer {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        let Self { name, listener, app } = *self;
        context.health.set(name, Readiness::Ready);
        let shutdown = context.shutdown.clone();
        axum::serve(listener, app)
            .with_graceful_shutdown(async move { shutdown.cancelled().await })
            .await
            .map_err(|error| ServiceError::new(name, error))
    }
}
