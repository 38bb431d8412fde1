//! The exit codes: one list, one order of urgency.

use std::process::ExitCode;

/// What a run says to the one who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Exit {
    /// `0`: done, or nothing was due.
    #[default]
    Done,
    /// `1`: a rotation failed and production is on the old key, as before. After a leak that is the leaked one.
    Failed,
    /// `2`: the command line or the configuration is wrong; nothing was sent.
    Usage,
    /// `3`: a person is needed: stuck, an assisted key is due, or a secret was never adopted.
    PersonNeeded,
    /// `4`: the ledger was refused: missing, corrupt, tampered, rolled back, another identity, or a newer format.
    LedgerRefused,
    /// `10`: something is due (`plan --exit-code` only).
    Due,
    /// `75`: try again later: the lock is held, the network is down, a disk is full, or a vendor asked for patience. Or
    /// all was done, and its output was lost.
    TryLater,
    /// `130`: stopped by SIGINT after a safe point.
    Interrupted,
    /// `143`: stopped by SIGTERM after a safe point.
    Terminated,
}

impl Exit {
    /// Every exit, the most urgent first.
    pub const BY_URGENCY: [Exit; 9] = [
        Exit::LedgerRefused,
        Exit::PersonNeeded,
        Exit::Usage,
        Exit::Failed,
        // Whoever sent the signal knows already, and the next run goes on from the safe point.
        Exit::Terminated,
        Exit::Interrupted,
        Exit::TryLater,
        Exit::Due,
        Exit::Done,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::PersonNeeded => 3,
            Exit::LedgerRefused => 4,
            Exit::Due => 10,
            Exit::TryLater => 75,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// The more urgent of the two.
    #[must_use]
    pub fn merge(self, other: Exit) -> Exit {
        Self::BY_URGENCY
            .into_iter()
            .find(|exit| *exit == self || *exit == other)
            .unwrap_or_default()
    }
}

impl FromIterator<Exit> for Exit {
    fn from_iter<I: IntoIterator<Item = Exit>>(exits: I) -> Self {
        exits.into_iter().fold(Exit::Done, Exit::merge)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::BY_URGENCY.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [4, 3, 2, 1, 143, 130, 75, 10, 0]);
    }

    #[test]
    fn the_most_urgent_exit_wins_whichever_came_first() {
        for (rank, urgent) in Exit::BY_URGENCY.into_iter().enumerate() {
            for other in &Exit::BY_URGENCY[rank..] {
                assert_eq!(urgent.merge(*other), urgent);
                assert_eq!(other.merge(urgent), urgent);
            }
        }
    }

    #[test]
    fn a_run_without_outcomes_is_done() {
        assert_eq!(Exit::from_iter([]), Exit::Done);
        let outcomes = [Exit::TryLater, Exit::Done, Exit::Failed, Exit::TryLater];
        assert_eq!(Exit::from_iter(outcomes), Exit::Failed);
    }
}
