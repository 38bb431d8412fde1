//! Streams for tests.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::{Outlet, Size};

/// A stream that keeps what was written.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("no writer has panicked").clone();
        String::from_utf8(bytes).expect("what was written is UTF-8")
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer has panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk without room.
pub(crate) struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

pub(crate) fn terminal(writer: impl Write + Send + 'static, columns: u16, rows: u16) -> Outlet {
    Outlet::terminal(writer, move || Size { columns, rows })
}

pub(crate) fn no_environment(_: &str) -> Option<String> {
    None
}
