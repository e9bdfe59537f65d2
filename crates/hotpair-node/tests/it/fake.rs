//! A node that says what a test wants it to say.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What was asked: method and target, and the body.
pub(crate) type Asked = (String, Value);

/// A listener on a free port, until the process ends.
#[derive(Debug)]
pub(crate) struct FakeNode {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeNode {
    /// Answers each request with a status and a body.
    pub(crate) fn new(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &noted, &answer);
            }
        });
        Self { base, asked }
    }

    /// Everything it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, noted: &Mutex<Vec<Asked>>, answer: &impl Fn(&str) -> (u16, Value)) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap() == 0 {
        return;
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let question = first.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let (status, value) = answer(&question);
    noted.lock().unwrap().push((question, serde_json::from_slice(&body).unwrap_or_default()));
    let text = value.to_string();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    let _gone = reader.get_mut().write_all((head + &text).as_bytes());
}

/// The status of a whole pair, asked at `gw-a`.
pub(crate) fn whole_status() -> Value {
    serde_json::from_str(include_str!("whole_status.json")).unwrap()
}
