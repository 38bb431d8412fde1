//! An Ed25519 key pair in the form of OpenSSH (PROTOCOL.key): what `ssh-keygen -t ed25519 -N ''` writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::model::{Fault, SecretValue};

const KIND: &[u8] = b"ssh-ed25519";
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// How wide OpenSSH writes its lines.
const WIDTH: usize = 70;
/// The most bytes of a pair: reserved at once, because a vector that grows leaves copies behind that nobody wipes.
const ROOM: usize = 512;

/// The private half and the public half.
pub(super) fn make() -> Result<(SecretValue, String), Fault> {
    let random = SystemRandom::new();
    let mut seed = Zeroizing::new([0_u8; 32]);
    let mut check = [0_u8; 4];
    let filled = random
        .fill(&mut *seed)
        .and_then(|()| random.fill(&mut check));
    filled.map_err(|_| Fault::passing("this machine has no randomness"))?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed)
        .map_err(|_| Fault::refused("no key pair can be made"))?;
    let point = pair.public_key().as_ref();
    let public = format!("ssh-ed25519 {}", STANDARD.encode(blob(point)));
    Ok((private(&seed, point, check), public))
}

/// Whether two public halves are one key; the comment at the end is no part of it.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let key = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.next()?))
    };
    key(one).is_some_and(|one| key(other) == Some(one))
}

fn blob(point: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    put(&mut blob, KIND);
    put(&mut blob, point);
    blob
}

fn private(seed: &[u8; 32], point: &[u8], check: [u8; 4]) -> SecretValue {
    let mut inner = Zeroizing::new(Vec::with_capacity(ROOM));
    inner.extend_from_slice(&check);
    inner.extend_from_slice(&check);
    put(&mut inner, KIND);
    put(&mut inner, point);
    let mut both = Zeroizing::new(Vec::with_capacity(ROOM));
    both.extend_from_slice(seed);
    both.extend_from_slice(point);
    put(&mut inner, &both);
    // No comment: what stands there would be the same for every key.
    put(&mut inner, b"");
    for pad in 1.. {
        if inner.len().is_multiple_of(8) {
            break;
        }
        inner.push(pad);
    }
    let mut whole = Zeroizing::new(Vec::with_capacity(ROOM));
    whole.extend_from_slice(MAGIC);
    // Neither cipher nor key derivation, with no options; one key.
    put(&mut whole, b"none");
    put(&mut whole, b"none");
    put(&mut whole, b"");
    whole.extend_from_slice(&1_u32.to_be_bytes());
    put(&mut whole, &blob(point));
    put(&mut whole, &inner);
    armoured(&whole)
}

fn armoured(bytes: &[u8]) -> SecretValue {
    let text = Zeroizing::new(STANDARD.encode(bytes));
    let mut armoured = String::with_capacity(2 * ROOM);
    armoured.push_str("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(WIDTH));
        armoured.push_str(line);
        armoured.push('\n');
        rest = more;
    }
    armoured.push_str("-----END OPENSSH PRIVATE KEY-----\n");
    SecretValue::new(armoured)
}

/// A string of SSH: its length, then its bytes (RFC 4251, section 5).
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn stock_ssh_keygen_reads_the_private_half_and_finds_the_public_one() {
        let (private, public) = make().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(private.expose().as_bytes()).unwrap();
        let mode = PermissionsExt::from_mode(0o600);
        file.as_file().set_permissions(mode).unwrap();
        let said = Command::new("ssh-keygen")
            .args(["-y", "-P", "", "-f"])
            .arg(file.path())
            .stderr(Stdio::null())
            .output();
        let Ok(said) = said else {
            writeln!(std::io::stderr(), "SKIPPED: ssh-keygen is not installed").unwrap();
            return;
        };
        assert_eq!(String::from_utf8(said.stdout).unwrap().trim(), public);
    }

    #[test]
    fn the_form_is_the_one_openssh_writes() {
        let (private, public) = make().unwrap();
        let lines: Vec<&str> = private.expose().lines().collect();
        assert_eq!(lines[0], "-----BEGIN OPENSSH PRIVATE KEY-----");
        assert_eq!(lines[1].len(), 70);
        assert_eq!(lines.last(), Some(&"-----END OPENSSH PRIVATE KEY-----"));
        assert!(public.starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
        assert_ne!(make().unwrap().1, public);
    }

    #[test]
    fn a_comment_is_no_part_of_a_key() {
        assert!(is_same("ssh-ed25519 AAAA", "ssh-ed25519 AAAA me@here"));
        assert!(!is_same("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"));
        assert!(!is_same("ssh-rsa AAAA", "ssh-ed25519 AAAA"));
        assert!(!is_same("", ""));
    }
}
