//! A small HTTP server that can misbehave: it breaks off, ignores ranges, or changes its files.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// By name in lower case.
    pub(crate) headers: HashMap<String, String>,
}

impl Request {
    /// The first byte asked for, if only a part is asked for.
    pub(crate) fn start(&self) -> Option<usize> {
        let range = self.headers.get("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// How the server behaves.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    /// The files, by path.
    pub(crate) files: HashMap<String, Vec<u8>>,
    /// The tag of all files' version, if it names one.
    pub(crate) etag: Option<&'static str>,
    /// Whether it can send the rest of a file.
    pub(crate) ranges: bool,
    /// Whether it looks at `If-Range`.
    pub(crate) conditions: bool,
    /// After how many bytes of an answer it breaks off.
    pub(crate) cut: Option<usize>,
    /// Whether it breaks off only where a whole file was asked for.
    pub(crate) cut_whole_only: bool,
    /// How long it sleeps after each kilobyte.
    pub(crate) delay: Duration,
    /// Where it sends for what is below a path.
    pub(crate) redirect: Option<(&'static str, String)>,
    /// What is below this path is for those alone who name this token.
    pub(crate) token: Option<(&'static str, &'static str)>,
    /// The number of requests that are answered with this status and these headers.
    pub(crate) busy: Arc<AtomicUsize>,
    pub(crate) busy_head: &'static str,
}

impl Behaviour {
    /// A server as one hopes for.
    pub(crate) fn good(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        Behaviour {
            files: files
                .into_iter()
                .map(|(path, body)| (path.to_string(), body))
                .collect(),
            etag: Some("\"first\""),
            ranges: true,
            conditions: true,
            cut: None,
            cut_whole_only: false,
            delay: Duration::ZERO,
            redirect: None,
            token: None,
            busy: Arc::default(),
            busy_head: "429 Too Many Requests\r\nRetry-After: 1",
        }
    }
}

/// A server that runs until the test ends.
pub(crate) struct Server {
    address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            requests: Arc::default(),
        };
        let (behaviour, requests) = (server.behaviour.clone(), server.requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                requests.lock().unwrap().push(request.clone());
                let behaviour = behaviour.lock().unwrap().clone();
                // The client may be gone already; that is its business.
                let _ = answer(stream, &request, &behaviour);
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// All requests since the last call.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_string();
    let mut headers = HashMap::new();
    while let Some(Ok(line)) = lines.next() {
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_string());
    }
    Some(Request { path, headers })
}

fn answer(mut stream: TcpStream, request: &Request, behaviour: &Behaviour) -> std::io::Result<()> {
    let mut without_body = |head: &str| {
        let end = "Content-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("HTTP/1.1 {head}\r\n{end}").as_bytes())
    };
    let less = |busy: usize| busy.checked_sub(1);
    if behaviour.busy.fetch_update(SeqCst, SeqCst, less).is_ok() {
        return without_body(behaviour.busy_head);
    }
    if let Some((path, token)) = behaviour.token
        && request.path.starts_with(path)
    {
        match request.headers.get("authorization") {
            None => return without_body("401 Unauthorized"),
            Some(given) if *given != format!("Bearer {token}") => {
                return without_body("403 Forbidden");
            }
            Some(_) => {}
        }
    }
    if let Some((path, to)) = &behaviour.redirect
        && request.path.starts_with(path)
    {
        return without_body(&format!("302 Found\r\nLocation: {to}{}", request.path));
    }
    let Some(body) = behaviour.files.get(&request.path) else {
        return without_body("404 Not Found");
    };
    let condition = request.headers.get("if-range");
    let same = condition.is_none_or(|tag| Some(tag.as_str()) == behaviour.etag);
    let start = request
        .start()
        .filter(|_| behaviour.ranges && (same || !behaviour.conditions));
    let mut head = match start {
        None => "HTTP/1.1 200 OK\r\n".to_string(),
        Some(start) if start >= body.len() => {
            let total = body.len();
            let head = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            return stream.write_all(head.as_bytes());
        }
        Some(start) => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{}\r\n",
            body.len() - 1,
            body.len()
        ),
    };
    let body = &body[start.unwrap_or(0)..];
    if let Some(etag) = behaviour.etag {
        head += &format!("ETag: {etag}\r\n");
    }
    head += &format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let cut = behaviour
        .cut
        .filter(|_| start.is_none() || !behaviour.cut_whole_only);
    for chunk in body[..cut.unwrap_or(body.len()).min(body.len())].chunks(1024) {
        stream.write_all(chunk)?;
        thread::sleep(behaviour.delay);
    }
    stream.flush()
}
