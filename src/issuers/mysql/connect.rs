//! Connections: as the account, to change passwords, and as a version, to prove it. Failures in words of our own, for
//! what a server says may repeat what it was sent.

use std::collections::HashMap;
use std::error::Error as _;
use std::net::{Ipv4Addr, ToSocketAddrs};
use std::time::Duration;

use mysql::prelude::{FromRow, Queryable};
use mysql::{Conn, DriverError, Error, FromRowError, OptsBuilder, Params, SslOpts};

use super::codes;
use crate::issuers::database::{Closed, Place, Wire};
use crate::issuers::patience::within;
use crate::model::{Account, Credential, Fault, SecretValue};

const PORT: u16 = 3306;
/// For a connection to stand, with TLS and log-in.
const OPEN: Duration = Duration::from_secs(20);
/// For an answer. A statement waits for a lock for less than that, and much less than the ten minutes after which an
/// unanswered request is taken for dead.
const ANSWER: Duration = Duration::from_secs(30);
/// How a statement is read must not depend on how the server was set up.
const SESSION: &str =
    "SET SESSION sql_mode = '', SESSION autocommit = 1, SESSION lock_wait_timeout = 10";

/// One server.
pub(super) struct Server {
    pub(super) place: Place,
    user: String,
    password: Option<Credential>,
}

/// Whose server it is: they let two passwords in by different statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    MySql,
    MariaDb,
}

/// A connection that somebody has logged in on.
pub(super) struct Session {
    conn: Conn,
    pub(super) engine: Engine,
    /// As people know it: `MariaDB 10.11.19`.
    pub(super) version: String,
}

impl Session {
    fn new(conn: Conn) -> Result<Self, Fault> {
        let mut session = Self {
            conn,
            engine: Engine::MySql,
            version: String::new(),
        };
        let told: Option<String> = session.row("SELECT VERSION()", ())?;
        (session.engine, session.version) = engine(&told.unwrap_or_default())?;
        Ok(session)
    }

    /// Every row of an answer. The driver's shorter calls panic at a column of another kind, with what it holds.
    pub(super) fn rows<T: FromRow>(
        &mut self,
        question: &str,
        about: impl Into<Params>,
    ) -> Result<Vec<T>, Fault> {
        let rows = self.conn.exec_opt(question, about);
        let rows: Vec<Result<T, FromRowError>> = rows.map_err(|error| fault(&error))?;
        rows.into_iter()
            .map(|row| {
                row.map_err(|_| Fault::refused("the server answers in a form that is not known"))
            })
            .collect()
    }

    /// The first row of an answer.
    pub(super) fn row<T: FromRow>(
        &mut self,
        question: &str,
        about: impl Into<Params>,
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(question, about)?.into_iter().next())
    }

    /// Does something.
    pub(super) fn run(&mut self, statement: &str) -> Result<(), Error> {
        self.conn.query_drop(statement)
    }
}

impl Server {
    pub(super) fn new(account: &Account) -> Result<Self, Fault> {
        let place = Place::of(account, PORT)?;
        if place.is_socket() && place.wire() == Wire::Verified {
            let fault = Fault::refused("there is no TLS on a Unix socket");
            return Err(fault.hint("leave `ca` out of the account, or name a `host`"));
        }
        Ok(Self {
            place,
            user: account.setting("user").unwrap_or("root").to_owned(),
            password: account.credential("password").cloned(),
        })
    }

    /// The user that rotakey itself logs in as.
    pub(super) fn account_user(&self) -> &str {
        &self.user
    }

    /// Logs in as the account.
    pub(super) fn admin(&self) -> Result<Session, Fault> {
        let password = self.password.as_ref().map(Credential::value).transpose()?;
        let mut session = self
            .open(&self.user, password)
            .map_err(|closed| closed.account(&self.user, "1045"))?;
        session.run(SESSION).map_err(|error| fault(&error))?;
        Ok(session)
    }

    /// Logs in as anybody.
    pub(super) fn open(
        &self,
        user: &str,
        password: Option<&SecretValue>,
    ) -> Result<Session, Closed> {
        let options = self.options().map_err(Closed::Unreachable)?;
        let options = options
            .user(Some(user))
            .pass(password.map(SecretValue::expose));
        let place = self.place.clone();
        // What a strange server sends may be more than the driver can take, so that it may panic there.
        let conn = within(OPEN, move || Conn::new(of_one_family(options, &place)))?;
        let conn = conn.map_err(|error| closed(&error))?;
        Session::new(conn).map_err(Closed::Unreachable)
    }

    fn options(&self) -> Result<OptsBuilder, Fault> {
        let place = &self.place;
        let options = OptsBuilder::new()
            // On loopback the driver would change over to the server's socket without a word, and drop TLS.
            .prefer_socket(false)
            .tcp_connect_timeout(Some(Duration::from_secs(10)))
            .read_timeout(Some(ANSWER))
            .write_timeout(Some(ANSWER))
            .connect_attrs(Some(HashMap::from([("program_name", "rotakey")])));
        if place.is_socket() {
            return Ok(options.socket(Some(&place.host)));
        }
        let host = match place.host.contains(':') {
            true => format!("[{}]", place.host),
            false => place.host.clone(),
        };
        let options = options.ip_or_hostname(Some(host)).tcp_port(place.port);
        match place.wire() {
            Wire::Plain => Ok(options),
            Wire::Verified => {
                // Somebody else in the process may have chosen a provider already; then theirs stays.
                drop(rustls::crypto::ring::default_provider().install_default());
                // Read here, for a file without certificates is no error to the driver.
                drop(place.authorities()?);
                let tls = SslOpts::default().with_root_cert_path(place.ca.clone());
                Ok(options.ssl_opts(Some(tls)))
            }
        }
    }
}

/// Of several addresses the driver tries the first only, unless it is told which one to come from. `localhost` is two
/// on most machines, and servers listen on the older one.
fn of_one_family(options: OptsBuilder, place: &Place) -> OptsBuilder {
    let addresses = (place.host.as_str(), place.port).to_socket_addrs();
    match addresses.is_ok_and(|mut all| all.any(|address| address.is_ipv4())) {
        true => options.bind_address(Some((Ipv4Addr::UNSPECIFIED, 0))),
        false => options,
    }
}

/// Tells the servers apart by what `VERSION()` says: `8.0.36`, `10.11.19-MariaDB-log`.
fn engine(told: &str) -> Result<(Engine, String), Fault> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let plain = told.split(['-', '+', '~']).next().unwrap_or_default();
    let mut parts = plain.split('.');
    let (Some(major), Some(minor)) = (number(parts.next()), number(parts.next())) else {
        return Err(Fault::refused("the server names no version that is known"));
    };
    let (engine, name, first) = match told.contains("MariaDB") {
        true => (Engine::MariaDb, "MariaDB", (10, 4)),
        false => (Engine::MySql, "MySQL", (8, 0)),
    };
    let patch = number(parts.next()).unwrap_or_default();
    let version = format!("{name} {major}.{minor}.{patch}");
    if (major, minor) < first {
        let (major, minor) = first;
        return Err(Fault::refused(format!(
            "{version} lets one password in; two need {name} {major}.{minor}"
        )));
    }
    Ok((engine, version))
}

/// Why somebody could not log in.
fn closed(error: &Error) -> Closed {
    match error {
        Error::MySqlError(said) if codes::DENIED.contains(&said.code) => Closed::WrongPassword,
        _ => Closed::Unreachable(fault(error)),
    }
}

/// The failure in words of our own, with the server's code.
pub(super) fn fault(error: &Error) -> Fault {
    match error {
        Error::MySqlError(said) => codes::fault(said.code),
        error if is_tls(error) => Fault::refused(
            "the server cannot prove who it is, or has no TLS",
        )
        .hint("give the server a certificate; if your own authority signed it, name that as `ca`"),
        Error::DriverError(
            DriverError::UnexpectedPacket
            | DriverError::UnknownAuthPlugin(_)
            | DriverError::OldMysqlPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => Fault::refused("the server asks for a kind of log-in that cannot be given"),
        _ => Fault::passing("cannot be reached, or the connection broke"),
    }
}

/// Whether it was TLS that failed. The handshake runs inside the first read, and the driver wraps what comes of it.
fn is_tls(error: &Error) -> bool {
    let refused = |error: &std::io::Error| {
        let inner = error.get_ref();
        inner.is_some_and(|inner| inner.is::<rustls::Error>())
    };
    match error {
        Error::TlsError(_) | Error::DriverError(DriverError::TlsNotSupported) => true,
        Error::IoError(error) => refused(error),
        Error::CodecError(error) => error
            .source()
            .and_then(|inner| inner.downcast_ref())
            .is_some_and(refused),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart_by_their_version() {
        let read = |told: &str| engine(told).map_err(|fault| fault.what);
        let mysql = |version: &str| Ok((Engine::MySql, format!("MySQL {version}")));
        let mariadb = |version: &str| Ok((Engine::MariaDb, format!("MariaDB {version}")));
        assert_eq!(read("8.0.36"), mysql("8.0.36"));
        assert_eq!(read("8.4.3-0ubuntu0.24.04.1"), mysql("8.4.3"));
        assert_eq!(read("8.0.mysql_aurora.3.04.0"), mysql("8.0.0"));
        assert_eq!(read("9.7.4-2"), mysql("9.7.4"));
        assert_eq!(read("10.11.19-MariaDB-0+deb12u1-log"), mariadb("10.11.19"));
        assert_eq!(read("11.4.2-MariaDB"), mariadb("11.4.2"));
        assert_eq!(
            read("5.7.44-log"),
            Err("MySQL 5.7.44 lets one password in; two need MySQL 8.0".to_owned())
        );
        assert_eq!(
            read("10.3.39-MariaDB"),
            Err("MariaDB 10.3.39 lets one password in; two need MariaDB 10.4".to_owned())
        );
        assert_eq!(
            read(""),
            Err("the server names no version that is known".to_owned())
        );
    }

    #[test]
    fn a_socket_with_an_authority_is_a_mistake() {
        let account = Account::new("db".into(), "mysql")
            .set("host", "/run/mysqld/mysqld.sock")
            .set("ca", "/etc/ca.pem");
        let fault = Server::new(&account).err().unwrap();
        assert_eq!(fault.what, "there is no TLS on a Unix socket");
    }
}
