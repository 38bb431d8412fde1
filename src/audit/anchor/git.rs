//! A tag of git whose message is the checkpoint: `rotakey-audit-4711`.
//!
//! It is an annotated tag on what the repository has checked out, signed where that is configured, made by the real
//! `git` with its own configuration and keys. Whoever fetched it holds the head of the log.

use std::path::{Path, PathBuf};

use crate::exec::{Ending, Output, Program};
use crate::model::{Effect, Fault};

use super::super::checkpoint::Checkpoint;

/// What git, gpg and ssh need to find keys and settings, besides what every child gets.
const ENVIRONMENT: [&str; 6] = [
    "GNUPGHOME",
    "GPG_TTY",
    "SSH_AUTH_SOCK",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_SSH_COMMAND",
];

/// Whether tags are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// By the key that git is configured with.
    Signed,
    /// Annotated only: it shows nothing until somebody else has fetched it.
    Unsigned,
}

/// A repository that takes tags.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Where it is.
    pub path: PathBuf,
    /// Whether tags are signed.
    pub signing: Signing,
    /// The remote they are pushed to.
    pub push: Option<String>,
}

impl Repository {
    /// How messages and the log call it.
    pub fn place(&self) -> String {
        format!("git {}", self.path.display())
    }

    /// The name of the tag.
    pub fn tag(checkpoint: &Checkpoint) -> String {
        format!("rotakey-audit-{}", checkpoint.size)
    }

    /// Sets the tag and reads it back. One that is there already with this message is success.
    pub fn set(&self, checkpoint: &Checkpoint) -> Effect<()> {
        let tag = Self::tag(checkpoint);
        let message = checkpoint.to_string();
        match self.message(&tag) {
            Ok(None) => {
                let sign = match self.signing {
                    Signing::Signed => "--sign",
                    Signing::Unsigned => "--annotate",
                };
                let words = ["tag", sign, "--cleanup=verbatim", "--file=-", &tag];
                if let Effect::NotDone(fault) = self.git(&words, message.as_bytes()) {
                    return Effect::NotDone(fault);
                }
            }
            Ok(Some(there)) if there == message => {}
            Ok(Some(_)) => {
                return Effect::NotDone(Fault::refused(format!(
                    "the tag {tag} is there with another message"
                )));
            }
            Err(fault) => return Effect::NotDone(fault),
        }
        // Whatever the child said: the tag is there, or it is not.
        match self.message(&tag) {
            Ok(Some(there)) if there == message => self.pushed(&tag),
            Ok(_) => Effect::NotDone(Fault::refused("git set no tag").hint(
                "run the same by hand: `git tag --sign NAME`; it needs a commit, a name and a key",
            )),
            Err(fault) => Effect::Uncertain(fault),
        }
    }

    fn pushed(&self, tag: &str) -> Effect<()> {
        match &self.push {
            None => Effect::Done(()),
            Some(remote) => {
                let what = format!("refs/tags/{tag}");
                self.git(&["push", "--quiet", "--", remote, &what], b"")
                    .map(drop)
            }
        }
    }

    /// The message of a tag, if there is such a tag.
    fn message(&self, tag: &str) -> Result<Option<String>, Fault> {
        let reference = format!("refs/tags/{tag}");
        match self
            .program(&["rev-parse", "--quiet", "--verify", &reference])
            .run(b"")
        {
            Ending::Exited(0, _) => {}
            Ending::Exited(1, _) => return Ok(None),
            Ending::Exited(..) => return Err(no_repository(&self.path)),
            Ending::NotStarted(fault) | Ending::Lost(fault) => return Err(fault),
        }
        let text = match self.git(&["cat-file", "tag", &reference], b"") {
            Effect::Done(text) => text,
            Effect::NotDone(fault) | Effect::Uncertain(fault) => return Err(fault),
        };
        let text = text.text()?;
        let body = text.split_once("\n\n").map_or("", |(_, body)| body);
        // The signature follows the message.
        let end = body.find("-----BEGIN ").unwrap_or(body.len());
        Ok(Some(body[..end].to_owned()))
    }

    fn git(&self, words: &[&str], input: &[u8]) -> Effect<Output> {
        match self.program(words).run(input) {
            Ending::Exited(0, output) => Effect::Done(output),
            Ending::Exited(code, _) => {
                let verb = words.first().copied().unwrap_or_default();
                Effect::NotDone(
                    Fault::refused(format!("`git {verb}` failed (exit {code})"))
                        .hint("run it by hand in the repository to see why"),
                )
            }
            Ending::NotStarted(fault) => Effect::NotDone(fault),
            Ending::Lost(fault) => Effect::Uncertain(fault),
        }
    }

    fn program(&self, words: &[&str]) -> Program {
        let path = self.path.display().to_string();
        let argv = ["git", "-C", &path]
            .into_iter()
            .chain(words.iter().copied());
        let mut program = Program::new(argv.map(str::to_owned).collect());
        program.env = ENVIRONMENT.map(str::to_owned).to_vec();
        program
    }
}

fn no_repository(path: &Path) -> Fault {
    Fault::refused(format!(
        "{} is no git repository that can be read",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use crate::ledger::testing::Sandbox;

    use super::*;

    fn repository() -> (tempfile::TempDir, Repository) {
        let home = tempfile::tempdir().unwrap();
        let git = |words: &[&str]| {
            let done = Command::new("git")
                .arg("-C")
                .arg(home.path())
                .args(words)
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        git(&["init", "--quiet"]);
        git(&["config", "user.name", "Ada"]);
        git(&["config", "user.email", "ada@example.com"]);
        git(&["config", "commit.gpgsign", "false"]);
        git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
        let path = home.path().to_owned();
        let repository = Repository {
            path,
            signing: Signing::Unsigned,
            push: None,
        };
        (home, repository)
    }

    fn checkpoint(size: u64) -> Checkpoint {
        let sandbox = Sandbox::with_ledger();
        let ledger = sandbox.open().unwrap();
        Checkpoint {
            ledger: ledger.id(),
            size,
            head: ledger.head(),
        }
    }

    #[test]
    fn a_tag_carries_the_checkpoint_and_setting_it_again_changes_nothing() {
        let (_home, repository) = repository();
        let checkpoint = checkpoint(7);
        assert!(matches!(repository.set(&checkpoint), Effect::Done(())));
        assert!(matches!(repository.set(&checkpoint), Effect::Done(())));
        let message = repository.message("rotakey-audit-7").unwrap();
        assert_eq!(message, Some(checkpoint.to_string()));
    }

    #[test]
    fn another_log_of_the_same_length_is_refused() {
        let (_home, repository) = repository();
        assert!(matches!(repository.set(&checkpoint(7)), Effect::Done(())));
        let Effect::NotDone(fault) = repository.set(&checkpoint(7)) else {
            panic!("it was set");
        };
        assert_eq!(
            fault.what,
            "the tag rotakey-audit-7 is there with another message"
        );
    }

    #[test]
    fn a_tag_signed_with_an_ssh_key_is_verified_by_git_itself() {
        let (home, mut repository) = repository();
        repository.signing = Signing::Signed;
        let key = home.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return;
        }
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let signers = home.path().join("signers");
        std::fs::write(&signers, format!("ada@example.com {public}")).unwrap();
        let set = |name: &str, value: &str| {
            let words = ["config", name, value];
            assert!(matches!(repository.git(&words, b""), Effect::Done(_)));
        };
        set("gpg.format", "ssh");
        set("user.signingkey", &key.display().to_string());
        set("gpg.ssh.allowedSignersFile", &signers.display().to_string());
        assert!(matches!(repository.set(&checkpoint(3)), Effect::Done(())));
        let verified = repository.git(&["verify-tag", "rotakey-audit-3"], b"");
        assert!(matches!(verified, Effect::Done(_)));
    }

    #[test]
    fn a_directory_that_is_no_repository_is_said() {
        let home = tempfile::tempdir().unwrap();
        let repository = Repository {
            path: home.path().to_owned(),
            signing: Signing::Unsigned,
            push: None,
        };
        let Effect::NotDone(fault) = repository.set(&checkpoint(1)) else {
            panic!("it was set");
        };
        assert!(
            fault
                .what
                .ends_with("is no git repository that can be read"),
            "{}",
            fault.what
        );
    }
}
