//! Talking with a running child over its two pipes, and ending one that does not end.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::LARGEST_ANSWER;

/// What was heard of a child in the end.
pub(super) enum Ended {
    Status(ExitStatus, Zeroizing<Vec<u8>>),
    Late,
    Verbose,
}

/// The two pipes to a running child; one that is finished is closed.
pub(super) struct Conversation<'a> {
    to: Option<ChildStdin>,
    from: Option<ChildStdout>,
    unsent: &'a [u8],
    heard: Zeroizing<Vec<u8>>,
}

impl<'a> Conversation<'a> {
    /// Neither pipe may block: a child that reads nothing and writes much would otherwise wait for us for ever, and
    /// we for it.
    pub(super) fn with(child: &mut Child, input: &'a [u8]) -> std::io::Result<Self> {
        let (to, from) = (child.stdin.take(), child.stdout.take());
        for pipe in [to.as_ref().map(AsFd::as_fd), from.as_ref().map(AsFd::as_fd)]
            .into_iter()
            .flatten()
        {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            to,
            from,
            unsent: input,
            // All at once, because a vector that grows leaves copies behind that nobody wipes.
            heard: Zeroizing::new(Vec::with_capacity(LARGEST_ANSWER + 1)),
        })
    }

    pub(super) fn until_the_end(
        mut self,
        child: &mut Child,
        deadline: Instant,
    ) -> std::io::Result<Ended> {
        let mut tick = Duration::from_millis(1);
        loop {
            // Asked before the pipes are read, so that everything written before the end is read after it. Whatever
            // the child left running in the background may hold the pipe open; it is not waited for.
            let status = child.try_wait()?;
            self.send()?;
            self.hear()?;
            if self.heard.len() > LARGEST_ANSWER {
                return Ok(Ended::Verbose);
            }
            if let Some(status) = status {
                return Ok(Ended::Status(status, self.heard));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Ended::Late);
            }
            self.rest(tick.min(left))?;
            tick = (tick * 2).min(Duration::from_millis(20));
        }
    }

    fn send(&mut self) -> std::io::Result<()> {
        while let Some(pipe) = &mut self.to {
            if self.unsent.is_empty() {
                self.to = None;
                break;
            }
            match pipe.write(self.unsent) {
                Ok(sent) => self.unsent = &self.unsent[sent..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // It does not want to hear the rest.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.to = None,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn hear(&mut self) -> std::io::Result<()> {
        let Some(pipe) = &mut self.from else {
            return Ok(());
        };
        let room = (LARGEST_ANSWER + 1 - self.heard.len()) as u64;
        match pipe.by_ref().take(room).read_to_end(&mut self.heard) {
            Ok(_) => self.from = None,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Waits until a pipe can go on, or for one tick: the end of the child itself is not seen on any pipe.
    fn rest(&self, tick: Duration) -> std::io::Result<()> {
        let mut pipes: Vec<PollFd<'_>> = Vec::with_capacity(2);
        pipes.extend(self.to.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        pipes.extend(
            self.from
                .iter()
                .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        );
        let tick = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(tick.subsec_nanos()),
        };
        match poll(&mut pipes, Some(&tick)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Kills a child and everything in its group, and collects it.
pub(super) fn end_group(child: &mut Child) {
    // Once a child is collected, its number may be anybody's.
    if let Ok(Some(_)) = child.try_wait() {
        return;
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // A failure means that nothing of the group is left.
        let _ = kill_process_group(group, Signal::KILL);
    }
    drop(child.wait());
}
