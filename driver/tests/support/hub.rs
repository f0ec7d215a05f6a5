//! A hub of Hugging Face on this machine, as good or as bad as a test wants it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The commit that `main` is.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the hub answers where it is asked for a file.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The file.
    File { content: Vec<u8>, commit: String, etag: String },
    /// An error: the status, and the hub's own name for it.
    Status(u16, &'static str),
    /// That there is no such file in that commit.
    GoneSince(&'static str),
    /// Nothing, for longer than a client waits.
    Never,
    /// One answer the first time, and then another.
    Once(Box<Answer>, Box<Answer>),
    /// The address of a storage, whatever is there.
    Elsewhere { address: String, length: usize },
    /// The line fails after so many bytes more than the time before.
    Cut { content: Vec<u8>, at: usize, takes_up: bool },
    /// In chunks, with or without the last.
    Chunked { content: Vec<u8>, is_whole: bool },
    /// Without a word of its length.
    WithoutLength { content: Vec<u8> },
    /// One file by the name of `main`, another by that of the commit.
    Moved { main: Box<Answer>, pinned: Box<Answer> },
}

impl Answer {
    /// A file of the commit, with a tag of its own.
    pub fn file(content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        let sum = content
            .iter()
            .fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        Answer::File { content, commit: COMMIT.to_string(), etag: format!("{sum:016x}") }
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path.
    pub path: String,
    /// The token.
    pub token: Option<String>,
    /// The first byte.
    pub from: usize,
}

/// A hub. It is gone when this is dropped.
pub struct Hub {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    is_gone: Arc<AtomicBool>,
}

impl Hub {
    /// A hub with those files in each of its models.
    pub fn serving(files: BTreeMap<String, Answer>) -> Self {
        Hub::open(None, files)
    }

    /// A hub that answers those alone who have that token.
    pub fn serving_to(token: &str, files: BTreeMap<String, Answer>) -> Self {
        Hub::open(Some(token.to_string()), files)
    }

    fn open(token: Option<String>, files: BTreeMap<String, Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let is_gone = Arc::new(AtomicBool::new(false));
        let (log, gone) = (requests.clone(), is_gone.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if gone.load(Ordering::SeqCst) {
                    return;
                }
                let (token, files, log) = (token.clone(), files.clone(), log.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), token.as_deref(), &files, &log));
            }
        });
        Hub { address, requests, is_gone }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was asked for.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// One request a connection.
fn serve(
    stream: &TcpStream,
    token: Option<&str>,
    files: &BTreeMap<String, Answer>,
    log: &Mutex<Vec<Request>>,
) {
    let Some(request) = read(stream) else { return };
    let asked = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.iter().filter(|other| other.path == request.path).count()
    };
    if token.is_some() && token != request.token.as_deref() {
        return head(stream, 401, &[("X-Error-Code", "RepoNotFound"), ("Content-Length", "0")]);
    }
    let file = request.path.rsplit('/').next().unwrap_or_default();
    match files.get(file) {
        Some(answer) => answer_with(stream, answer, &request, asked),
        None => answer_with(stream, &Answer::Status(404, "EntryNotFound"), &request, asked),
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_string();
    let mut request = Request { path, token: None, from: 0 };
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => request.token = value.strip_prefix("Bearer ").map(str::to_string),
            "range" => {
                request.from = value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?
            }
            _ => {}
        }
    }
    Some(request)
}

fn answer_with(stream: &TcpStream, answer: &Answer, request: &Request, asked: usize) {
    let tell = |content: &[u8]| {
        let mut stream = stream;
        let _ = stream.write_all(content);
    };
    let of_commit = |more: &[(&str, &str)]| {
        head(stream, 200, &[&[("X-Repo-Commit", COMMIT), ("ETag", "\"e\"")], more].concat());
    };
    match answer {
        Answer::File { content, commit, etag } => {
            let (etag, length) = (format!("\"{etag}\""), content.len().to_string());
            head(
                stream,
                200,
                &[("X-Repo-Commit", commit), ("ETag", &etag), ("Content-Length", &length)],
            );
            tell(content);
        }
        Answer::Status(status, code) => {
            head(
                stream,
                *status,
                &[("X-Error-Code", code), ("X-Repo-Commit", COMMIT), ("Content-Length", "0")],
            );
        }
        Answer::Never => std::thread::sleep(std::time::Duration::from_secs(20)),
        Answer::GoneSince(commit) => {
            let code = ("X-Error-Code", "EntryNotFound");
            head(stream, 404, &[code, ("X-Repo-Commit", commit), ("Content-Length", "0")]);
        }
        Answer::Once(first, later) => {
            let answer = if asked == 1 { first } else { later };
            answer_with(stream, answer, request, asked);
        }
        Answer::Elsewhere { address, length } => {
            let length = length.to_string();
            let headers = [
                ("X-Repo-Commit", COMMIT),
                ("X-Linked-Etag", "\"linked\""),
                ("X-Linked-Size", length.as_str()),
                ("Location", address.as_str()),
                ("Content-Length", "0"),
            ];
            head(stream, 302, &headers);
        }
        Answer::Cut { content, at, takes_up } => {
            let from = if *takes_up { request.from } else { 0 };
            let length = (content.len() - from).to_string();
            let status = if from > 0 { 206 } else { 200 };
            let headers =
                [("X-Repo-Commit", COMMIT), ("ETag", "\"e\""), ("Content-Length", length.as_str())];
            head(stream, status, &headers);
            tell(&content[from..(from + at).min(content.len())]);
        }
        Answer::Chunked { content, is_whole } => {
            of_commit(&[("Transfer-Encoding", "chunked")]);
            tell(format!("{:x}\r\n", content.len()).as_bytes());
            tell(content);
            tell(b"\r\n");
            if *is_whole {
                tell(b"0\r\n\r\n");
            }
        }
        Answer::WithoutLength { content } => {
            of_commit(&[]);
            tell(content);
        }
        Answer::Moved { main, pinned } => {
            let answer = if request.path.contains("/resolve/main/") { main } else { pinned };
            answer_with(stream, answer, request, asked);
        }
    }
}

fn head(mut stream: &TcpStream, status: u16, headers: &[(&str, &str)]) {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let _ = write!(stream, "HTTP/1.1 {status} x\r\n{headers}Connection: close\r\n\r\n");
}
