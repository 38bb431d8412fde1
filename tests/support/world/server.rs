//! A small HTTP/1.1 server on loopback. It is written by hand because the world must be able to break it: hang up
//! without a word, promise more bytes than it sends, and date its replies by the simulated calendar.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::message::{Reply, Request};

/// What goes back over the wire.
pub(super) enum Answer {
    Whole(Reply),
    /// The head promises the whole body, half of it follows, then the connection closes.
    Half(Reply),
    HangUp,
}

type Handler = dyn Fn(Request) -> Answer + Send + Sync;

/// One listening port with its connections; dropping it closes them all.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    closing: AtomicBool,
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, TcpStream>>,
}

impl Server {
    /// Binds a free loopback port and answers every request there with `handler`, a thread per connection.
    pub(super) fn start(handler: impl Fn(Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let handler: Arc<Handler> = Arc::new(handler);
        let for_thread = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &for_thread, &handler));
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT`
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // The accepting thread sleeps in the kernel: one last connection wakes it.
        drop(TcpStream::connect(self.address));
        for stream in self.shared.lock().values() {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, handler: &Arc<Handler>) {
    for stream in listener.incoming() {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(for_closing) = stream.try_clone() else {
            continue;
        };
        let id = shared.next.fetch_add(1, Ordering::SeqCst);
        shared.lock().insert(id, for_closing);
        let (shared, handler) = (Arc::clone(shared), Arc::clone(handler));
        thread::spawn(move || {
            converse(&stream, &handler);
            stream.shutdown(Shutdown::Both).ok();
            shared.lock().remove(&id);
        });
    }
}

/// Serves one connection until either side has had enough.
fn converse(stream: &TcpStream, handler: &Arc<Handler>) {
    stream.set_nodelay(true).ok();
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader, stream) {
        let close = request
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let head_only = request.method == "HEAD";
        let sent = match handler(request) {
            Answer::Whole(reply) => {
                let mut bytes = head(&reply);
                if !head_only {
                    bytes.extend_from_slice(&reply.body);
                }
                write(stream, &bytes)
            }
            Answer::Half(reply) => {
                let mut bytes = head(&reply);
                bytes.extend_from_slice(&reply.body[..reply.body.len() / 2]);
                write(stream, &bytes);
                false
            }
            Answer::HangUp => false,
        };
        if close || !sent {
            return;
        }
    }
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

fn head(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // RFC 9110, section 8.6: a 204 carries no length.
    if reply.status != 204 {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn read_request(reader: &mut BufReader<&TcpStream>, stream: &TcpStream) -> Option<Request> {
    let first = read_line(reader)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let mut request = Request::new(&method, &target, headers, Vec::new());
    if request.header("expect").is_some() && !write(stream, b"HTTP/1.1 100 Continue\r\n\r\n") {
        return None;
    }
    request.body = read_body(reader, &request)?;
    Some(request)
}

fn read_body(reader: &mut BufReader<&TcpStream>, request: &Request) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if request.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(read_line(reader)?.trim(), 16).ok()?;
            let start = body.len();
            body.resize(start + size, 0);
            reader.read_exact(&mut body[start..]).ok()?;
            read_line(reader)?;
            if size == 0 {
                return Some(body);
            }
        }
    }
    let length = request
        .header("content-length")
        .map_or(Some(0), |text| text.parse().ok())?;
    body.resize(length, 0);
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn read_line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301..=308 => "Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
