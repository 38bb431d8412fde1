//! Loading a credential from its source, and refusing one that others could have read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::{Source, Surroundings};
use crate::exec::Program;
use crate::model::{Credential, Effect, Fault, SecretValue};

/// The largest file a credential is read from. Keys and service account files are far smaller.
const LARGEST: u64 = 64 * 1024;

/// What the source holds now.
pub(super) fn value(source: &Source, around: &Surroundings) -> Result<SecretValue, Fault> {
    match source {
        Source::Env(name) => of_env(name, around),
        Source::File(path) => of_file(&around.dir.join(path)),
        Source::Command(argv) => of_command(argv, &around.dir),
        Source::Secret(name) => (around.secret)(name),
    }
}

/// A credential in a file that only we can read.
pub fn private_file(path: PathBuf) -> Credential {
    let source = format!("file {}", path.display());
    Credential::new(source.clone(), move || {
        of_file(&path).map_err(|fault| fault.at(&source))
    })
}

fn of_env(name: &str, around: &Surroundings) -> Result<SecretValue, Fault> {
    let value = (around.env)(name).map(Zeroizing::new);
    let value = value.ok_or_else(|| {
        Fault::refused("is not set").hint(format!(
            "export {name}, also where cron or CI starts rotakey"
        ))
    })?;
    kept(&value)
}

/// Opened first and looked at afterwards, so that what is checked is what is read.
fn of_file(path: &Path) -> Result<SecretValue, Fault> {
    let unreadable = |error: std::io::Error| {
        let fault = Fault::refused(format!("cannot be read: {}", error.kind()));
        match error.kind() {
            ErrorKind::PermissionDenied => fault.hint(format!("ls -ld {}", path.display())),
            _ => fault,
        }
    };
    // A pipe that nobody writes to would block the open for ever.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Fault::refused("is not a file"));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        let why = format!("can be read or written by others (mode {mode:03o})");
        return Err(Fault::refused(why).hint(format!("chmod 600 {}", path.display())));
    }
    let (owner, us) = (metadata.uid(), geteuid().as_raw());
    if owner != us && owner != 0 {
        let why = format!("belongs to user {owner}, not to us");
        return Err(Fault::refused(why).hint(format!("chown {us} {}", path.display())));
    }
    let mut text = Zeroizing::new(String::with_capacity(LARGEST as usize + 1));
    let mut file = file.take(LARGEST + 1);
    file.read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(Fault::refused("is longer than 64 KiB"));
    }
    kept(&text)
}

fn of_command(argv: &[String], dir: &Path) -> Result<SecretValue, Fault> {
    let mut program = Program::new(argv.to_vec());
    program.cwd = Some(dir.to_owned());
    let name = program.name().to_owned();
    match program.run(&[]).effect(&name) {
        Effect::Done(output) => kept(output.text()?),
        Effect::NotDone(fault) | Effect::Uncertain(fault) => Err(fault),
    }
}

/// The value without the line break that editors and `echo` put at the end.
fn kept(text: &str) -> Result<SecretValue, Fault> {
    let value = text.strip_suffix('\n').unwrap_or(text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(Fault::refused("is empty"));
    }
    Ok(SecretValue::new(value))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use super::*;
    use crate::model::SecretName;

    fn around(dir: &Path) -> Surroundings {
        Surroundings {
            dir: dir.to_owned(),
            env: Arc::new(|name| (name == "VERCEL_TOKEN").then(|| "from-env\n".to_owned())),
            secret: Arc::new(|name| match name.as_str() {
                "vercel" => Ok(SecretValue::new("from-ledger")),
                _ => Err(Fault::refused("is not in the ledger")),
            }),
        }
    }

    fn loaded(source: Source, dir: &Path) -> Result<String, String> {
        let credential = source.credential(&around(dir));
        match credential.value() {
            Ok(value) => Ok(value.expose().to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (dir, Source::File("token".into()))
    }

    #[test]
    fn a_variable_is_read_when_it_is_needed() {
        let dir = Path::new("/");
        let load = |name: &str| loaded(Source::Env(name.to_owned()), dir);
        assert_eq!(load("VERCEL_TOKEN"), Ok("from-env".to_owned()));
        assert_eq!(load("GONE"), Err("env GONE: is not set".to_owned()));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (dir, source) = file("from-file\r\n", 0o600);
        assert_eq!(loaded(source, dir.path()), Ok("from-file".to_owned()));
        for mode in [0o640, 0o604, 0o620, 0o666] {
            let (dir, source) = file("from-file", mode);
            let why = format!("file token: can be read or written by others (mode {mode:03o})");
            assert_eq!(loaded(source, dir.path()), Err(why));
        }
    }

    #[test]
    fn what_is_no_file_of_a_credential_is_refused() {
        let (dir, source) = file("\n", 0o400);
        let empty = Err("file token: is empty".to_owned());
        assert_eq!(loaded(source, dir.path()), empty);
        let (dir, source) = file(&"x".repeat(64 * 1024 + 1), 0o600);
        let long = Err("file token: is longer than 64 KiB".to_owned());
        assert_eq!(loaded(source, dir.path()), long);
        let gone = loaded(Source::File("gone".into()), dir.path());
        assert_eq!(
            gone,
            Err("file gone: cannot be read: entity not found".to_owned())
        );
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        let pipe = loaded(Source::File("pipe".into()), dir.path());
        assert_eq!(pipe, Err("file pipe: is not a file".to_owned()));
    }

    #[test]
    fn a_command_answers_on_its_standard_output() {
        let run = |argv: &[&str]| {
            let argv = argv.iter().map(ToString::to_string).collect();
            loaded(Source::Command(argv), Path::new("/"))
        };
        assert_eq!(
            run(&["echo", "from-command"]),
            Ok("from-command".to_owned())
        );
        assert_eq!(run(&["pwd"]), Ok("/".to_owned()));
        assert_eq!(
            run(&["false"]),
            Err("command false: `false` failed (exit 1)".to_owned())
        );
    }

    #[test]
    fn a_secret_comes_from_whoever_holds_the_ledger() {
        let load = |name: &str| loaded(Source::Secret(SecretName::new(name)), Path::new("/"));
        assert_eq!(load("vercel"), Ok("from-ledger".to_owned()));
        assert_eq!(
            load("gone"),
            Err("secret gone: is not in the ledger".to_owned())
        );
    }

    #[test]
    fn nothing_is_loaded_before_it_is_asked_for() {
        let mut around = around(Path::new("/"));
        around.env = Arc::new(|name| panic!("{name} was asked for"));
        let credential = Source::Env("VERCEL_TOKEN".to_owned()).credential(&around);
        assert_eq!(credential.source(), "env VERCEL_TOKEN");
    }
}
