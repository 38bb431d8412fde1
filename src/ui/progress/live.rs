//! Progress on a terminal: the board, redrawn in place; what is over is printed above it for good.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::style::ProgressTracker;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use crate::model::{Clock, SecretName};
use crate::notify::Message;
use crate::rotation::{Happening, News, Progress};
use crate::ui::outlet::Measure;
use crate::ui::printer::{Shared, locked};

use super::Spoken;
use super::board::{Block, Board};
use super::line::Extent;

/// A redraw this often keeps the seconds moving; more would only cost.
const TICK: Duration = Duration::from_millis(500);
const REDRAWS_PER_SECOND: u8 = 10;

/// Live lines on stderr.
pub(super) struct Live {
    shared: Shared,
    board: Arc<Mutex<Board>>,
    bar: ProgressBar,
    clock: Arc<dyn Clock>,
    spoken: Spoken,
}

impl Live {
    pub(super) fn new(
        shared: Shared,
        measure: Measure,
        clock: Arc<dyn Clock>,
        spoken: Spoken,
    ) -> Self {
        let board = Arc::new(Mutex::new(Board::default()));
        let tracker = Tracker {
            board: Arc::clone(&board),
            clock: Arc::clone(&clock),
            measure: Arc::clone(&measure),
        };
        let screen = Screen {
            shared: Arc::clone(&shared),
            measure,
        };
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen), REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{board}") {
            bar.set_style(style.with_key("board", tracker));
        }
        bar.enable_steady_tick(TICK);
        Self {
            shared,
            board,
            bar,
            clock,
            spoken,
        }
    }

    /// Prints lines above the board for good.
    fn print(&self, mut lines: Vec<String>) {
        lines.push(String::new());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.bar.suspend(|| locked(&self.shared).put(&text));
    }

    /// Prints what a rotation has done, then the message it ends with.
    fn close(&self, secret: &SecretName, message: &Message) {
        let block = board(&self.board).take(secret);
        if let Some(block) = block.filter(Block::is_worth_keeping) {
            self.print(block.lines(self.clock.now(), Extent::Final));
        }
        self.print(message.to_string().lines().map(str::to_owned).collect());
    }

    /// The message a rotation ends with, if this is its end.
    fn closing(&self, news: &News<'_>) -> Option<Message> {
        let title = news.title.to_owned();
        match news.what {
            Happening::Promoted {
                new,
                old,
                services,
                grace,
            } => Some(Message::Complete {
                title,
                new: new.clone(),
                old: old.cloned(),
                services,
                grace,
                now: self.clock.now(),
                audit_log: None,
            }),
            Happening::RolledBack { why, live, hint } => Some(Message::RolledBack {
                title,
                why: why.to_owned(),
                live: live.cloned(),
                hint: hint.map(str::to_owned),
            }),
            Happening::Revoked {
                old,
                services,
                next,
                ..
            } => Some(Message::Revoked {
                title,
                old: old.cloned(),
                services,
                next,
            }),
            _ => None,
        }
    }
}

impl Progress for Live {
    fn tell(&mut self, news: News<'_>) {
        match self.closing(&news) {
            Some(message) => self.close(news.secret, &message),
            None => {
                board(&self.board).tell(&news, &self.spoken, self.clock.now());
            }
        }
        self.bar.tick();
    }
}

/// What did not come to an end in this run stays on the screen as it was.
impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        let blocks = board(&self.board).take_all();
        for block in blocks.iter().filter(|block| block.is_worth_keeping()) {
            self.print(block.lines(self.clock.now(), Extent::Final));
        }
    }
}

/// A thread that died while it drew has left a board that can still be read.
fn board(shared: &Arc<Mutex<Board>>) -> MutexGuard<'_, Board> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Renders the board whenever indicatif draws.
#[derive(Clone)]
struct Tracker {
    board: Arc<Mutex<Board>>,
    clock: Arc<dyn Clock>,
    measure: Measure,
}

impl ProgressTracker for Tracker {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, _: &ProgressState, _: std::time::Instant) {}

    fn reset(&mut self, _: &ProgressState, _: std::time::Instant) {}

    fn write(&self, _: &ProgressState, out: &mut dyn fmt::Write) {
        let lines = board(&self.board).lines(self.clock.now(), (self.measure)());
        // indicatif's buffer is a `String`, to which writing does not fail.
        let _: fmt::Result = out.write_str(&lines.join("\n"));
    }
}

/// The terminal as indicatif sees it. Failures to write are the outlet's business; drawing never fails.
struct Screen {
    shared: Shared,
    measure: Measure,
}

impl Screen {
    fn put(&self, text: &str) -> io::Result<()> {
        locked(&self.shared).put(text);
        Ok(())
    }

    fn go(&self, cells: usize, direction: char) -> io::Result<()> {
        match cells {
            0 => Ok(()),
            _ => self.put(&format!("\u{1b}[{cells}{direction}")),
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        (self.measure)().columns
    }

    fn height(&self) -> u16 {
        (self.measure)().rows
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.go(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.go(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.go(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.go(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Screen")
    }
}
