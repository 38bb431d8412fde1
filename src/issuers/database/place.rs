//! Where a server is, and when a connection must be encrypted.
//!
//! A server on another machine is spoken to over TLS, with its certificate and its name verified, and not at all
//! otherwise. This machine's loopback and Unix sockets may be plain; a `ca` asks for TLS there too. There is no setting
//! that turns verification off and no fallback: PostgreSQL's own `sslmode=prefer`, the default of its clients, lets
//! anyone on the way answer "no TLS here".

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::model::{Account, Fault};

/// What an account may say of its server, and of who rotakey itself is there.
pub(in crate::issuers) const SETTINGS: &[&str] = &["host", "port", "user", "ca"];

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::issuers) struct Place {
    /// A name, an address, or the directory or file of a Unix socket.
    pub(in crate::issuers) host: String,
    pub(in crate::issuers) port: u16,
    /// Whose signature its certificate bears; the machine's authorities unless said.
    pub(in crate::issuers) ca: Option<PathBuf>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::issuers) enum Wire {
    /// It does not leave this machine.
    Plain,
    /// TLS, certificate and name verified.
    Verified,
}

impl Place {
    /// As the account says it: `host`, `port`, `ca`.
    pub(in crate::issuers) fn of(account: &Account, usual_port: u16) -> Result<Self, Fault> {
        let host = account.setting("host").unwrap_or("localhost");
        Self::parse(account, host, usual_port)
    }

    /// One server of several: `host` or `host:port`, the rest as the account says it.
    pub(in crate::issuers) fn parse(
        account: &Account,
        text: &str,
        usual_port: u16,
    ) -> Result<Self, Fault> {
        let wrong = |what: &str| {
            Err(Fault::refused(format!(
                "account `{}`: {what}",
                account.name()
            )))
        };
        if account.base_url().is_some() {
            return wrong("a database has a `host` and no `base_url`");
        }
        let (host, own_port) = split(text);
        let port = own_port.or(account.setting("port"));
        let Ok(port) = port.map_or(Ok(usual_port), str::parse) else {
            return wrong("`port` is a number up to 65535");
        };
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | ',');
        if host.is_empty() || !host.chars().all(plain) {
            return wrong("`host` is the name or the address of a server, or the path of a socket");
        }
        let ca = account.setting("ca").map(PathBuf::from);
        if ca.as_deref().is_some_and(Path::is_relative) {
            // Cron runs in a directory that nobody thinks of.
            return wrong("`ca` is the whole path of a file, from `/` on");
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            ca,
        })
    }

    pub(in crate::issuers) fn wire(&self) -> Wire {
        match self.ca {
            None if self.is_socket() || self.is_loopback() => Wire::Plain,
            _ => Wire::Verified,
        }
    }

    pub(in crate::issuers) fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    fn is_loopback(&self) -> bool {
        let ip = self.host.parse::<IpAddr>().ok();
        self.host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback())
    }

    /// The certificates of the file, as they stand there (PEM).
    pub(in crate::issuers) fn bundle(&self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(path) = &self.ca else {
            return Ok(None);
        };
        std::fs::read(path)
            .map(Some)
            .map_err(|error| Fault::refused(format!("`ca` {}: {}", path.display(), error.kind())))
    }

    /// The authorities of the file.
    pub(in crate::issuers) fn authorities(&self) -> Result<Option<rustls::RootCertStore>, Fault> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;

        let wrong = || Fault::refused("`ca` holds no certificate that can be read (PEM)");
        let Some(pem) = self.bundle()? else {
            return Ok(None);
        };
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots
                .add(certificate.map_err(|_| wrong())?)
                .map_err(|_| wrong())?;
        }
        match roots.is_empty() {
            true => Err(wrong()),
            false => Ok(Some(roots)),
        }
    }
}

/// Takes a port off the end. An IPv6 address has one only in brackets: `[::1]:6379`.
fn split(text: &str) -> (&str, Option<&str>) {
    if text.starts_with('/') {
        return (text, None);
    }
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(settings: &[(&str, &str)]) -> Result<Place, Fault> {
        let mut account = Account::new("db".into(), "postgres");
        for (name, text) in settings {
            account = account.set(*name, *text);
        }
        Place::of(&account, 5432)
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        let wire = |host| place(&[("host", host)]).unwrap().wire();
        for host in [
            "localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "[::1]:5433",
            "/run/postgresql",
        ] {
            assert_eq!(wire(host), Wire::Plain, "{host}");
        }
        for host in [
            "db",
            "localhost.example",
            "10.0.0.1",
            "0.0.0.0",
            "::ffff:10.0.0.1",
            "127.0.0.1.nip.io",
        ] {
            assert_eq!(wire(host), Wire::Verified, "{host}");
        }
        let asked = place(&[("host", "127.0.0.1"), ("ca", "/etc/ca.pem")]).unwrap();
        assert_eq!(asked.wire(), Wire::Verified);
    }

    #[test]
    fn a_port_stands_at_the_end_or_apart() {
        let read = |settings: &[(&str, &str)]| place(settings).map(|it| (it.host, it.port));
        assert_eq!(read(&[]), Ok(("localhost".into(), 5432)));
        assert_eq!(read(&[("host", "db:6000")]), Ok(("db".into(), 6000)));
        assert_eq!(
            read(&[("host", "[fe80::1]:6000")]),
            Ok(("fe80::1".into(), 6000))
        );
        assert_eq!(
            read(&[("host", "fe80::1"), ("port", "7")]),
            Ok(("fe80::1".into(), 7))
        );
        let refused = |settings: &[(&str, &str)]| place(settings).unwrap_err().what;
        assert_eq!(
            refused(&[("port", "65536")]),
            "account `db`: `port` is a number up to 65535"
        );
        let host =
            "account `db`: `host` is the name or the address of a server, or the path of a socket";
        assert_eq!(
            refused(&[("host", "a:b@c")]),
            "account `db`: `port` is a number up to 65535"
        );
        assert_eq!(refused(&[("host", "a b")]), host);
        assert_eq!(refused(&[("host", "a,b")]), host);
        assert_eq!(
            refused(&[("ca", "ca.pem")]),
            "account `db`: `ca` is the whole path of a file, from `/` on"
        );
    }
}
