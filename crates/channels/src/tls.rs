//! TLS to mail servers, checked against the machine's certificate authorities.
//!
//! Always holds: TLS 1.2 or newer, the server's name is checked, and nothing can switch that off. A company's own authority is added, not put in the place of others.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// A stream of bytes, with or without TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for T {}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314): ports 465 and 993.
    Implicit,
    /// Begins in plain text and must change to TLS before anything is said (RFC 3207): port 587.
    StartTls,
    /// Not at all: for a server on the same machine.
    Plain,
}

/// What TLS needs to know, made once.
pub(crate) fn connector(authority: Option<&str>) -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that cannot be read is none that is trusted.
        let _ = roots.add(certificate);
    }
    if let Some(pem) = authority {
        let unfit = || Error::settings("authority", "it is no certificate in PEM");
        let certificates = certificates(pem).ok_or_else(unfit)?;
        if certificates.is_empty() {
            return Err(unfit());
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|_| unfit())?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::settings("security", "TLS cannot be set up"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Puts TLS over a stream.
pub(crate) async fn over(
    connector: &TlsConnector,
    host: &str,
    stream: impl Stream + 'static,
) -> std::io::Result<Box<dyn Stream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    Ok(Box::new(connector.connect(name, stream).await?))
}

/// Whether what failed is the certificate or the protocol, which no waiting mends.
pub(crate) fn is_misfit(error: &std::io::Error) -> bool {
    use tokio_rustls::rustls::Error as Tls;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) {
        Some(
            Tls::InvalidCertificate(_) | Tls::PeerIncompatible(_) | Tls::InvalidMessage(_) | Tls::AlertReceived(_),
        ) => true,
        Some(_) | None => false,
    }
}

pub(crate) fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let mut found = Vec::new();
    for part in pem.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (body, _) = part.split_once("-----END CERTIFICATE-----")?;
        let letters: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        found.push(BASE64_STANDARD.decode(letters).ok()?.into());
    }
    Some(found)
}

/// Whether a host is this machine, where secrets may travel without TLS.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
