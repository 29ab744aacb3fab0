//! Accepts connections and serves them: HTTP/1.1, with deadlines and bounds that hyper and axum leave to us.
//!
//! Always holds: a connection that sends nothing is closed after a deadline, and so is one whose head comes too slowly; the number of
//! connections is bounded; on `stop` no new one is accepted, running requests are finished, and what is left after the grace period is
//! dropped. HTTP/2 is a proxy's business.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use super::peer::Peer;
use crate::settings::Limits;

/// Serves `router` on `listener` until `stop` is set and the last request is answered.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(limits.connections.max(1)));
    let addresses = Arc::new(Addresses { most: limits.connections_per_address, counts: Mutex::default() });
    let all = u32::try_from(limits.connections.max(1)).unwrap_or(u32::MAX);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer, permit) = accepted;
        let Some(place) = Addresses::enter(&addresses, peer.ip()) else { continue };
        let connection = Connection { router: router.clone(), peer, limits, stop: stop.clone() };
        tokio::spawn(async move {
            connection.run(stream).await;
            drop((permit, place));
        });
    }
    drop(listener);
    // All permits are back when all connections are closed.
    let grace = Duration::from_secs(limits.shutdown_seconds);
    if tokio::time::timeout(grace, room.acquire_many(all)).await.is_err() {
        tracing::warn!("some requests were still running after {} s and are dropped", grace.as_secs());
    }
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            // Out of file descriptors, or the peer is gone already: the next one may work.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(mut self, stream: TcpStream) {
        // Small answers must not wait for the peer's acknowledgement. Failing only makes them slower.
        let _ = stream.set_nodelay(true);
        let first_byte = Duration::from_secs(self.limits.first_byte_seconds);
        tokio::select! {
            readable = tokio::time::timeout(first_byte, stream.readable()) => {
                if !matches!(readable, Ok(Ok(()))) {
                    return;
                }
            }
            _ = self.stop.wait_for(|stop| *stop) => return,
        }
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request)
        });
        let mut server = http1::Builder::new();
        server
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(self.limits.head_seconds))
            .max_headers(self.limits.headers)
            .max_buf_size(self.limits.head_bytes.max(8192));
        let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // Errors here are the peer's: it went away, or it spoke no HTTP and was answered so.
            _ = connection.as_mut() => return,
            _ = self.stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

/// Counts connections by network address.
struct Addresses {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; given back when dropped.
struct Place {
    addresses: Arc<Addresses>,
    ip: IpAddr,
}

impl Addresses {
    /// A place, unless the address has all it may have.
    fn enter(addresses: &Arc<Self>, ip: IpAddr) -> Option<Option<Place>> {
        if addresses.most == 0 {
            return Some(None);
        }
        let mut counts = addresses.counts.lock().expect("no holder of this lock can panic");
        let count = counts.entry(ip).or_default();
        if *count >= addresses.most {
            return None;
        }
        *count += 1;
        Some(Some(Place { addresses: Arc::clone(addresses), ip }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock().expect("no holder of this lock can panic");
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}
