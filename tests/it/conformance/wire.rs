//! The road to a database: a proxy that counts what the client sends, and lets one of these messages go wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::support::mortal::Life;
use crate::support::sandbox::Sandbox;
use crate::support::trouble::Trouble;

/// Whether these bytes ask for something, and are no part of opening a connection.
pub(super) type Counts = fn(&[u8]) -> bool;

type Told = Box<dyn Fn() + Send>;

/// A port that leads to a server.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) port: u16,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    sent: u64,
    plan: Option<(u64, Trouble, Life)>,
    /// Told of every message before it goes on.
    told: Told,
}

impl Wire {
    pub(super) fn to(port: u16, counts: Counts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let shared = Shared {
            sent: 0,
            plan: None,
            told: Box::new(|| ()),
        };
        let wire = Self {
            port: listener.local_addr().expect("its address").port(),
            shared: Arc::new(Mutex::new(shared)),
        };
        let shared = Arc::clone(&wire.shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)) {
                    connect(&client, &server, counts, &shared);
                }
            }
        });
        wire
    }

    /// Whoever is told of every message from now on, and nothing goes wrong until somebody says so.
    pub(super) fn begin(&self, told: impl Fn() + Send + 'static) {
        let mut shared = lock(&self.shared);
        shared.plan = None;
        shared.told = Box::new(told);
    }
}

impl super::scene::Road for Wire {
    fn sent(&self, _: &Sandbox) -> u64 {
        lock(&self.shared).sent
    }

    /// Of a hundred messages every one is met, and every sort of trouble, but not each by each.
    fn troubles(&self, _: &Sandbox, n: u64) -> Vec<Trouble> {
        use Trouble::*;
        match n % 2 {
            0 => vec![KilledBefore, ReplyLost],
            _ => vec![KilledAfter, RequestLost],
        }
    }

    fn spoil(&self, _: &Sandbox, n: u64, trouble: Trouble, life: &Life) {
        let mut shared = lock(&self.shared);
        shared.plan = Some((shared.sent + n, trouble, life.clone()));
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    /// Its answer does not.
    Unanswered,
    Lost,
}

fn connect(client: &TcpStream, server: &TcpStream, counts: Counts, shared: &Arc<Mutex<Shared>>) {
    let (Ok(mut from_client), Ok(mut to_client)) = (client.try_clone(), client.try_clone()) else {
        return;
    };
    let (Ok(mut from_server), Ok(mut to_server)) = (server.try_clone(), server.try_clone()) else {
        return;
    };
    let unanswered = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&unanswered);
    thread::spawn(move || {
        let mut bytes = [0; 16384];
        while let Ok(length @ 1..) = from_server.read(&mut bytes) {
            // The server has acted: its answer is what gets lost.
            if silent.load(Ordering::SeqCst) || to_client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        to_client.shutdown(Shutdown::Both).ok();
    });
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut bytes = [0; 16384];
        while let Ok(length @ 1..) = from_client.read(&mut bytes) {
            (lock(&shared).told)();
            let fate = match counts(&bytes[..length]) {
                true => fate(&shared),
                false => Fate::Passes,
            };
            unanswered.fetch_or(fate == Fate::Unanswered, Ordering::SeqCst);
            if fate == Fate::Lost || to_server.write_all(&bytes[..length]).is_err() {
                from_client.shutdown(Shutdown::Both).ok();
                break;
            }
        }
        to_server.shutdown(Shutdown::Both).ok();
    });
}

fn fate(shared: &Mutex<Shared>) -> Fate {
    let mut shared = lock(shared);
    shared.sent += 1;
    let sent = shared.sent;
    let Some((_, trouble, life)) = shared.plan.take_if(|(at, ..)| *at == sent) else {
        return Fate::Passes;
    };
    if trouble.kills() {
        life.end();
    }
    match trouble {
        Trouble::KilledAfter | Trouble::ReplyLost => Fate::Unanswered,
        _ => Fate::Lost,
    }
}
