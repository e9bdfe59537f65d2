//! A connection that stays open: a request's bytes go out, an answer's come in, nothing in between.
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// HTTP/1.1 with keep-alive, as little as a load needs.
#[derive(Debug)]
pub(crate) struct Connection {
    to: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { to, stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for its answer: status and body.
    async fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).await?;
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break at;
            }
            self.fill().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..head_end])?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        let length = head.lines().find_map(|it| it.strip_prefix("content-length:"));
        let length: usize = length.map_or(Ok(0), |it| it.trim().parse())?;
        while self.buffer.len() < head_end + 4 + length {
            self.fill().await?;
        }
        let rest = self.buffer.split_off(head_end + 4 + length);
        let body = self.buffer[head_end + 4..].to_vec();
        self.buffer = rest;
        Ok((status, body))
    }

    /// Reads a path, and gives the status alone.
    pub(crate) async fn read(&mut self, path: &str) -> Result<u16> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.to);
        Ok(self.exchange(request.as_bytes()).await?.0)
    }

    /// Reads a path that is there.
    pub(crate) async fn body(&mut self, path: &str) -> Result<Vec<u8>> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.to);
        let (status, body) = self.exchange(request.as_bytes()).await?;
        ensure!(status == 200, "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Writes to a tag.
    pub(crate) async fn write(
        &mut self,
        tag: &str,
        ack: &str,
        key: &str,
        value: u64,
    ) -> Result<(u16, Vec<u8>)> {
        let body = format!("{{\"value\":{value}}}");
        let request = format!(
            "PUT /api/v1/tags/{tag}?ack={ack} HTTP/1.1\r\nhost: {}\r\n\
             content-type: application/json\r\nidempotency-key: {key}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.to,
            body.len()
        );
        self.exchange(request.as_bytes()).await
    }

    async fn fill(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
        Ok(())
    }
}
