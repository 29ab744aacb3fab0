//! Which network address a request came from. It is used to slow down guessing and is neither stored nor logged.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The other end of the connection; the listener puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The address to count by: the last one a local proxy names in `X-Forwarded-For`, else the peer's.
#[derive(Clone, Copy, Debug)]
pub struct From(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        // Only a proxy on this machine or network is believed: anyone else could write what they like.
        let is_proxy = peer.is_loopback() || matches!(peer, IpAddr::V4(v4) if v4.is_private());
        let named = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let last = named.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        Ok(Self(last.filter(|_| is_proxy).unwrap_or(peer)))
    }
}
