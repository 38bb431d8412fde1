//! The mail server: where it is, and how the line to it is kept private.

use std::path::PathBuf;

use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};

use crate::model::Fault;

/// Where mail is handed in.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    safety: Safety,
    ca_file: Option<PathBuf>,
}

/// How the line is kept private.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Safety {
    Tls,
    StartTls,
    /// The line does not leave this machine.
    Loopback,
}

impl Server {
    pub(super) fn parse(text: &str, ca_file: Option<PathBuf>) -> Result<Self, Fault> {
        let wrong = || {
            Fault::refused("`server` is not the address of a mail server")
                .hint("write smtps://HOST, or smtp://HOST for STARTTLS; a port may follow")
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (rest, None),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if host.is_empty() || !host.chars().all(plain) {
            return Err(wrong());
        }
        let here = matches!(host, "localhost" | "127.0.0.1");
        let (safety, usual) = match scheme {
            "smtps" => (Safety::Tls, 465),
            "smtp" if here && ca_file.is_none() => (Safety::Loopback, 25),
            "smtp" => (Safety::StartTls, 587),
            _ => return Err(wrong()),
        };
        Ok(Self {
            host: host.to_owned(),
            port: port.unwrap_or(usual),
            safety,
            ca_file,
        })
    }

    pub(super) fn tls(&self) -> Result<Tls, Fault> {
        if self.safety == Safety::Loopback {
            return Ok(Tls::None);
        }
        // Somebody else in the process may have chosen a provider already; then theirs stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.ca_file {
            let unusable = || Fault::refused(format!("{} holds no certificate", path.display()));
            let pem = std::fs::read(path).map_err(|_| unusable())?;
            let certificate = Certificate::from_pem(&pem).map_err(|_| unusable())?;
            builder = builder.add_root_certificate(certificate);
        }
        let parameters = builder
            .build()
            .map_err(|_| Fault::refused("TLS cannot be set up on this machine"))?;
        Ok(match self.safety {
            Safety::Tls => Tls::Wrapper(parameters),
            Safety::StartTls | Safety::Loopback => Tls::Required(parameters),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(text: &str, ca_file: Option<&str>) -> Option<(u16, bool)> {
        let server = Server::parse(text, ca_file.map(PathBuf::from)).ok()?;
        Some((server.port, server.safety == Safety::Loopback))
    }

    #[test]
    fn only_a_server_on_this_machine_may_go_without_tls() {
        assert_eq!(port("smtps://smtp.example.com", None), Some((465, false)));
        assert_eq!(port("smtp://smtp.example.com", None), Some((587, false)));
        assert_eq!(port("smtp://smtp.example.com:25", None), Some((25, false)));
        assert_eq!(port("smtp://localhost", None), Some((25, true)));
        assert_eq!(
            port("smtp://localhost:2525", Some("ca.pem")),
            Some((2525, false))
        );
        for wrong in [
            "smtp.example.com",
            "http://x",
            "smtp://",
            "smtp://a:b@c",
            "smtp://x:99999",
        ] {
            assert_eq!(port(wrong, None), None, "{wrong}");
        }
    }
}
