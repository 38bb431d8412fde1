//! Files as they are on real machines: links, mounts, other writers, leftovers.

use super::*;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use std::os::unix::fs::symlink;
use tempfile::{TempDir, tempdir};

fn env(text: &str) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let path = resolved(&dir.path().join("x.env")).unwrap();
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn names(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn snapshot(path: &Path) -> Snapshot {
    read(path).unwrap().unwrap()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_new_file_takes_the_place_of_the_old_one_with_its_mode() {
    let (dir, path) = env("A=1\n");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let before = inode(&path);
    assert_eq!(
        snapshot(&path).replace(b"A=2\n", Way::Rename),
        Effect::Done(())
    );
    assert_eq!(fs::read(&path).unwrap(), b"A=2\n");
    assert_ne!(inode(&path), before);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(names(&dir), ["x.env"]);
}

#[test]
fn a_hard_link_keeps_its_inode() {
    let (dir, path) = env("A=1\nB=22\n");
    fs::hard_link(&path, dir.path().join("other")).unwrap();
    let before = inode(&path);
    assert_eq!(
        snapshot(&path).replace(b"A=1\nB=3\n", Way::Rename),
        Effect::Done(())
    );
    assert_eq!(fs::read(dir.path().join("other")).unwrap(), b"A=1\nB=3\n");
    assert_eq!(inode(&path), before);
}

#[test]
fn a_mount_point_is_written_in_place() {
    for kind in [ErrorKind::ResourceBusy, ErrorKind::CrossesDevices] {
        let (dir, path) = env("A=1\n");
        let before = inode(&path);
        let busy = |_: &Path, _: &Path| Err(io::Error::from(kind));
        let effect = snapshot(&path).replace_by(b"A=longer\n", Way::Rename, busy);
        assert_eq!(effect, Effect::Done(()));
        assert_eq!(fs::read(&path).unwrap(), b"A=longer\n");
        assert_eq!(inode(&path), before);
        assert_eq!(names(&dir), ["x.env"]);
    }
}

#[test]
fn a_failed_rename_leaves_the_old_text_and_no_trace_of_the_new() {
    let (dir, path) = env("A=1\n");
    let full = |_: &Path, _: &Path| Err(io::Error::from(ErrorKind::StorageFull));
    let effect = snapshot(&path).replace_by(b"A=2\n", Way::Rename, full);
    let what = "cannot be replaced: no storage space";
    let full = Fault::passing(what).hint("make room on that disk");
    assert_eq!(effect, Effect::NotDone(full));
    assert_eq!(fs::read(&path).unwrap(), b"A=1\n");
    assert_eq!(names(&dir), ["x.env"]);
}

#[test]
fn a_change_by_somebody_else_is_not_overwritten() {
    for way in [Way::Rename, Way::InPlace] {
        let (dir, path) = env("A=1\n");
        let old = snapshot(&path);
        fs::write(&path, "A=theirs\n").unwrap();
        let what = "was changed by somebody else at the same time";
        assert_eq!(
            old.replace(b"A=2\n", way),
            Effect::NotDone(Fault::passing(what))
        );
        assert_eq!(fs::read(&path).unwrap(), b"A=theirs\n");
        assert_eq!(names(&dir), ["x.env"]);
    }
}

#[test]
fn only_our_own_leftovers_are_swept() {
    let (dir, path) = env("A=1\n");
    let leftover = dir.path().join(".x.env.rotakey-0123456789abcdef.tmp");
    for name in [
        ".x.env.rotakey-0.tmp",
        ".y.env.rotakey-0123456789abcdef.tmp",
    ] {
        fs::write(dir.path().join(name), "theirs").unwrap();
    }
    fs::write(&leftover, "A=secret\n").unwrap();
    let link = dir.path().join(".x.env.rotakey-fedcba9876543210.tmp");
    symlink(&path, &link).unwrap();
    assert_eq!(
        snapshot(&path).replace(b"A=2\n", Way::Rename),
        Effect::Done(())
    );
    assert!(!leftover.exists());
    assert!(link.is_symlink());
    assert_eq!(names(&dir).len(), 4);
}

#[test]
fn a_symbolic_link_stays_and_its_file_changes() {
    let (dir, path) = env("A=1\n");
    let link = dir.path().join("link");
    symlink("x.env", &link).unwrap();
    let real = resolved(&link).unwrap();
    assert_eq!(real, path);
    assert_eq!(
        snapshot(&real).replace(b"A=2\n", Way::Rename),
        Effect::Done(())
    );
    assert!(link.is_symlink());
    assert_eq!(fs::read(&link).unwrap(), b"A=2\n");
}

#[test]
fn extended_attributes_come_along() {
    // Not below /tmp, which may be a file system that knows none.
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let path = dir.path().canonicalize().unwrap().join("x.env");
    fs::write(&path, "A=1\n").unwrap();
    let set = |file: &File| fsetxattr(file, "user.note", b"kept", XattrFlags::empty());
    set(&File::open(&path).unwrap()).unwrap();
    assert_eq!(
        snapshot(&path).replace(b"A=2\n", Way::Rename),
        Effect::Done(())
    );
    let mut value = [0; 16];
    let length = fgetxattr(File::open(&path).unwrap(), "user.note", &mut value).unwrap();
    assert_eq!(&value[..length], b"kept");
}

#[test]
fn a_file_is_created_for_its_owner_only_and_never_over_another() {
    let dir = tempdir().unwrap();
    let path = resolved(&dir.path().join("new.env")).unwrap();
    assert!(read(&path).unwrap().is_none());
    assert_eq!(create(&path, b"A=1\n"), Effect::Done(()));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let what = "cannot be created: entity already exists";
    assert_eq!(
        create(&path, b"A=2\n"),
        Effect::NotDone(Fault::refused(what))
    );
    assert_eq!(names(&dir), ["new.env"]);
}

#[test]
fn what_is_no_file_is_refused() {
    let dir = tempdir().unwrap();
    let of = |path: &Path| read(path).map(|_| ()).unwrap_err().what;
    assert_eq!(of(dir.path()), "is not a regular file");
    let pipe = dir.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    assert_eq!(of(&pipe), "is not a regular file");
    let dangling = dir.path().join("link");
    symlink("nowhere", &dangling).unwrap();
    let what = resolved(&dangling).unwrap_err().what;
    assert_eq!(what, "cannot be found: entity not found");
    assert!(of(&dangling).starts_with("cannot be opened: "));
}
