//! Asking a running server, over plain HTTP. A server on another machine is reached through a tunnel or proxy that adds TLS.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Posts a question; the answer's JSON.
pub async fn ask(url: &str, key: &str, question: &Value) -> Result<Value> {
    let host = url
        .trim_end_matches('/')
        .strip_prefix("http://")
        .context("--url begins with http://; for https use a tunnel")?;
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let stream = TcpStream::connect(&address).await.with_context(|| format!("no server answers at {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::post("/api/v1/questions/ask")
        .header("host", host)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(question.to_string())))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?;
    if !status.is_success() {
        bail!("the server answered {status}: {}", body["detail"].as_str().unwrap_or("no reason given"));
    }
    Ok(body)
}
