//! Opening a connection without waiting for ever.

use std::sync::mpsc::channel;
use std::time::Duration;

use super::database::Closed;
use crate::model::Fault;

/// Opens a connection on a thread of its own, and waits for it that long. The drivers bound the TCP connection or each
/// read and not the whole: a server that accepts and is silent would hold a run for ever. A thread that still waits
/// ends with the process.
pub(super) fn within<T: Send + 'static>(
    patience: Duration,
    open: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Closed> {
    let (send, answer) = channel();
    std::thread::spawn(move || drop(send.send(open())));
    // A thread that panicked has not answered either.
    answer.recv_timeout(patience).map_err(|_| {
        let what = format!("no answer within {} seconds", patience.as_secs());
        Closed::Unreachable(Fault::passing(what))
    })
}
