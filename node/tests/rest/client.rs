//! A client of HTTP/1.1 that can also send what no client should.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::PATIENCE;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        assert!(
            end.is_some(),
            "no HTTP: {:?}",
            String::from_utf8_lossy(bytes)
        );
        let end = end.unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = bytes[end + 4..].to_vec();
        Self { status, head, body }
    }

    /// The value of a header; nothing if it isn't there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let line = |line: &'_ str| -> Option<(usize, usize)> {
            let (found, value) = line.split_once(':')?;
            let value = value.trim();
            found.eq_ignore_ascii_case(name).then(|| {
                (
                    value.as_ptr() as usize - self.head.as_ptr() as usize,
                    value.len(),
                )
            })
        };
        let found = self.head.lines().find_map(line);
        found.map_or("", |(start, len)| &self.head[start..start + len])
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The body of a success.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// That it is a refusal with this status, in plain text that contains `words`.
    pub(crate) fn refuses(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "text/plain", "{}", self.head);
        assert!(
            self.text().contains(words),
            "no `{words}` in: {}",
            self.text()
        );
    }

    /// That it is what nwaku says where there is nothing else to say.
    pub(crate) fn is_ok(&self) {
        assert_eq!((self.status, self.text()), (200, "OK"));
    }
}

/// Talks to one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) SocketAddr);

impl Client {
    pub(crate) async fn get(self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    /// As `get`, with parameters, which are encoded here.
    pub(crate) async fn query(self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let pairs = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)));
        let pairs: Vec<String> = pairs.collect();
        self.get(&format!("{path}?{}", pairs.join("&"))).await
    }

    pub(crate) async fn post(self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub(crate) async fn delete(self, path: &str, body: &Value) -> Answer {
        self.json("DELETE", path, body).await
    }

    async fn json(self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
            .await
    }

    pub(crate) async fn send(
        self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.0);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "Connection: close\r\n\r\n";
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.raw(&request).await
    }

    /// Sends bytes as they are, and reads until the server closes.
    pub(crate) async fn raw(self, request: &[u8]) -> Answer {
        let exchange = async {
            let mut stream = TcpStream::connect(self.0).await.unwrap();
            let (mut reading, mut writing) = stream.split();
            // A server that refuses may close before it has read everything.
            let write = async { writing.write_all(request).await.is_ok() };
            let mut bytes = Vec::new();
            let read = async { reading.read_to_end(&mut bytes).await.is_ok() };
            tokio::join!(write, read);
            bytes
        };
        let bytes = tokio::time::timeout(PATIENCE, exchange).await;
        Answer::read(&bytes.expect("no answer in time"))
    }
}

/// A value for a URL.
pub(crate) fn encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}
