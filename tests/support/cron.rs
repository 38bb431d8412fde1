//! A real cron daemon that sees nothing of this machine: in a mount namespace of its own, with one crontab, a sendmail
//! that keeps what it is given, and a clock that runs ten times as fast. The commands it starts have the real clock.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A minute of the crontab takes so long.
pub(crate) const MINUTE: Duration = Duration::from_secs(6);

/// Hides the machine's crontabs and its sendmail, and becomes cron. What faketime shares is named after its process, which
/// is the first of its namespace each time: an earlier one that was killed has left its own.
const ENTER: &str = "set -e
cp -a /usr/sbin/cron sbin/cron
mount --bind cron.d /etc/cron.d
mount --bind crontab /etc/crontab
mount --bind spool /var/spool/cron
mount --bind run /run
mount --bind sbin /usr/sbin
rm -f /dev/shm/sem.faketime_sem_$$ /dev/shm/faketime_shm_$$
exec faketime -f '+0 x10' /usr/sbin/cron -f";

/// A view of the disk and of the processes of its own, which ends when `unshare` does.
const OWN: [&str; 4] = ["--mount", "--pid", "--fork", "--kill-child"];

/// A daemon that runs until it is dropped.
pub(crate) struct Cron {
    daemon: Child,
    mails: PathBuf,
}

impl Cron {
    /// Starts one with these lines as its only crontab. `None`, with a note on stderr, where that cannot be; with
    /// `ROTAKEY_SERVERS=required` a missing program fails the test.
    pub(crate) fn start(place: &Path, lines: &str) -> Option<Self> {
        let required = std::env::var("ROTAKEY_SERVERS").is_ok_and(|value| value == "required");
        for (program, package) in [
            ("/usr/sbin/cron", "cron"),
            ("/usr/bin/faketime", "faketime"),
        ] {
            if !Path::new(program).exists() {
                assert!(
                    !required,
                    "{program} is not there: apt-get install {package}"
                );
                note(&format!(
                    "skipped: no {program} (apt-get install {package})"
                ));
                return None;
            }
        }
        let own = Command::new("unshare").args(OWN).arg("true").output();
        if !own.is_ok_and(|out| out.status.success()) {
            note("skipped: only root may start cron beside the machine's own");
            return None;
        }
        for folder in ["cron.d", "spool/crontabs", "run", "sbin", "mails"] {
            fs::create_dir_all(place.join(folder)).expect("a folder");
        }
        write(&place.join("crontab"), "", 0o644);
        write(&place.join("cron.d/rotakey"), lines, 0o644);
        let mails = place.join("mails");
        let keep = format!(
            "#!/bin/sh\nt=$(mktemp {dir}/XXXXXX.half) && cat > \"$t\" && mv \"$t\" {dir}/$(date +%s%N)\n",
            dir = mails.display()
        );
        write(&place.join("sbin/sendmail"), &keep, 0o755);
        let daemon = Command::new("unshare")
            .args(OWN)
            .args(["sh", "-c", ENTER])
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("unshare starts");
        Some(Self { daemon, mails })
    }

    /// Waits for the n-th mail, as a person would read it: without its headers.
    #[track_caller]
    pub(crate) fn mail(&self, number: usize) -> (String, String) {
        let patience = Instant::now() + 10 * MINUTE;
        loop {
            let mails = self.mails();
            if let Some(mail) = mails.get(number - 1) {
                let (head, body) = mail.split_once("\n\n").expect("headers and a body");
                return (head.to_owned(), body.to_owned());
            }
            assert!(Instant::now() < patience, "only these came: {mails:#?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every mail so far, in their order.
    pub(crate) fn mails(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.mails).expect("a folder");
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_none())
            .collect();
        files.sort();
        let read = |path: &PathBuf| fs::read_to_string(path).expect("a mail");
        files.iter().map(read).collect()
    }
}

impl Drop for Cron {
    fn drop(&mut self) {
        // With the first of its processes the whole namespace ends: faketime, cron, and what cron has started.
        drop(self.daemon.kill());
        drop(self.daemon.wait());
    }
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

fn note(what: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "note: {what}"));
}
