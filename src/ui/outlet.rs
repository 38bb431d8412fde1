//! One stream: where it goes, whether a person looks at it, and what became of the last write.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// The size of a terminal in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// Asks a terminal for its size.
pub(super) type Measure = Arc<dyn Fn() -> Size + Send + Sync>;

/// stdout or stderr, or what a test puts in their place.
pub struct Outlet {
    writer: Box<dyn Write + Send>,
    terminal: Option<Measure>,
    failure: Option<io::Error>,
}

impl Outlet {
    /// A file, a pipe, cron: nobody looks while it is written.
    pub fn plain(writer: impl Write + Send + 'static) -> Self {
        Self {
            writer: Box::new(writer),
            terminal: None,
            failure: None,
        }
    }

    /// A terminal, asked for its size whenever that matters: a window can be resized.
    pub fn terminal(
        writer: impl Write + Send + 'static,
        size: impl Fn() -> Size + Send + Sync + 'static,
    ) -> Self {
        Self {
            terminal: Some(Arc::new(size)),
            ..Self::plain(writer)
        }
    }

    /// The size, if it is a terminal.
    pub fn size(&self) -> Option<Size> {
        self.terminal.as_ref().map(|measure| measure())
    }

    pub(super) fn measure(&self) -> Option<Measure> {
        self.terminal.clone()
    }

    /// Writes all of it, unless an earlier write has failed: half a table after a gap is worse than none.
    pub(super) fn put(&mut self, text: &str) {
        if self.failure.is_none() {
            self.failure = self.writer.write_all(text.as_bytes()).err();
        }
    }

    /// Brings out what was written so far.
    pub(super) fn flush_now(&mut self) {
        if self.failure.is_none() {
            self.failure = self.writer.flush().err();
        }
    }

    /// Brings everything out and says whether all of it arrived. A reader that has closed the pipe has all it wants:
    /// `| head` is no loss.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let failure = self.failure.take().or_else(|| self.writer.flush().err());
        match failure.filter(|failure| failure.kind() != io::ErrorKind::BrokenPipe) {
            Some(lost) => Err(lost),
            None => Ok(()),
        }
    }
}

/// Raw bytes for an export that is streamed. A failure is returned, and remembered as well.
impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(failure.kind().into());
        }
        let written = self.writer.write(bytes);
        if let Err(failure) = &written
            && failure.kind() != io::ErrorKind::Interrupted
        {
            self.failure = Some(failure.kind().into());
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.terminal.is_some() {
            "Outlet(terminal)"
        } else {
            "Outlet(plain)"
        })
    }
}
