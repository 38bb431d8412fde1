//! A road to a server on which the reply to one request gets lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Passes everything on until `lose` was said and a client sends `marker`: that request arrives, its reply does not.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    armed: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) fn to(port: u16, marker: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            armed: Arc::default(),
        };
        let armed = Arc::clone(&proxy.armed);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                pass(client.unwrap(), server, marker, &armed);
            }
        });
        proxy
    }

    /// Arms it for one request.
    pub(crate) fn lose(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Whether the reply was lost.
    pub(crate) fn lost(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }
}

fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    marker: &'static [u8],
    armed: &Arc<AtomicBool>,
) {
    let cut = Arc::new(AtomicBool::new(false));
    let (mut to_client, mut from_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let is_cut = Arc::clone(&cut);
    std::thread::spawn(move || {
        let mut bytes = [0; 16384];
        while let Ok(length @ 1..) = from_server.read(&mut bytes) {
            // The server has acted: its answer is what gets lost.
            if is_cut.load(Ordering::SeqCst) || to_client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        drop(to_client.shutdown(Shutdown::Both));
    });
    let armed = Arc::clone(armed);
    std::thread::spawn(move || {
        let mut bytes = [0; 16384];
        while let Ok(length @ 1..) = client.read(&mut bytes) {
            let marked = bytes[..length]
                .windows(marker.len())
                .any(|window| window == marker);
            if marked && armed.swap(false, Ordering::SeqCst) {
                cut.store(true, Ordering::SeqCst);
            }
            if server.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        drop(server.shutdown(Shutdown::Both));
    });
}
