//! Connections: as the account, to change roles, and as a version, to prove it. Failures in words of our own, for what
//! a server says may repeat what it was sent.

use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls, Transaction};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::issuers::database::{Closed, Place, Wire};
use crate::issuers::patience::within;
use crate::model::{Account, Credential, Effect, Fault, SecretValue};

const PORT: u16 = 5432;
/// For a connection to stand, with TLS and log-in.
const OPEN: Duration = Duration::from_secs(20);
/// How long data may go unacknowledged, so that a vanished server is noticed while rotakey waits for an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// A statement that waits longer fails before the ten minutes after which an unanswered request is taken for dead. The
/// path is pinned so that nobody who may create functions somewhere can slip one in for the account to run.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET search_path = pg_catalog; \
    SET idle_in_transaction_session_timeout = '60s'";

/// One database of one server.
pub(super) struct Server {
    pub(super) place: Place,
    pub(super) database: String,
    user: String,
    password: Option<Credential>,
}

impl Server {
    pub(super) fn new(account: &Account, database: &str) -> Result<Self, Fault> {
        let user = account.setting("user").unwrap_or("postgres");
        Ok(Self {
            place: Place::of(account, PORT)?,
            database: database.to_owned(),
            user: user.to_owned(),
            password: account.credential("password").cloned(),
        })
    }

    /// The role that rotakey itself logs in as.
    pub(super) fn account_role(&self) -> &str {
        &self.user
    }

    /// Logs in as the account.
    pub(super) fn admin(&self) -> Result<Client, Fault> {
        let password = self.password.as_ref().map(Credential::value).transpose()?;
        let mut client = self
            .open(&self.user, password)
            .map_err(|closed| closed.account(&self.user, "28P01"))?;
        client
            .batch_execute(SESSION)
            .map_err(|error| fault(&error))?;
        Ok(client)
    }

    /// Logs in as anybody.
    pub(super) fn open(
        &self,
        user: &str,
        password: Option<&SecretValue>,
    ) -> Result<Client, Closed> {
        let mut config = Config::new();
        config
            .host(&self.place.host)
            .port(self.place.port)
            .dbname(&self.database)
            .user(user)
            .application_name("rotakey")
            .connect_timeout(Duration::from_secs(10))
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE);
        if let Some(password) = password {
            config.password(password.expose());
        }
        let tls = match self.place.wire() {
            Wire::Plain => {
                config.ssl_mode(SslMode::Disable);
                None
            }
            Wire::Verified => {
                config.ssl_mode(SslMode::Require);
                Some(self.tls().map_err(Closed::Unreachable)?)
            }
        };
        let client = within(OPEN, move || match tls {
            Some(tls) => config.connect(tls),
            None => config.connect(NoTls),
        })?;
        client.map_err(|error| closed(&error))
    }

    fn tls(&self) -> Result<MakeRustlsConnect, Fault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let unusable = || {
            Fault::refused("TLS cannot be set up on this machine")
                .hint("install the package `ca-certificates`, or name the server's own as `ca`")
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| unusable())?;
        let config = match self.place.authorities()? {
            None => builder.with_platform_verifier().map_err(|_| unusable())?,
            Some(roots) => builder.with_root_certificates(roots),
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }

    /// Does the work in one transaction: all of it, or nothing.
    ///
    /// Only the answer to the commit can get lost in a way that matters. A connection that breaks earlier takes the
    /// transaction with it.
    pub(super) fn transact<T>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Fault>,
    ) -> Effect<T> {
        let mut client = match self.admin() {
            Ok(client) => client,
            Err(fault) => return Effect::NotDone(fault),
        };
        let mut transaction = match client.transaction() {
            Ok(transaction) => transaction,
            Err(error) => return Effect::NotDone(fault(&error)),
        };
        let made = match work(&mut transaction) {
            Ok(made) => made,
            Err(fault) => return Effect::NotDone(fault),
        };
        match transaction.commit() {
            Ok(()) => Effect::Done(made),
            // An ordinary error is the server's no. A fatal one ends the session, and may do so after the commit.
            Err(error) => match error.as_db_error().map(|said| said.severity()) {
                Some("ERROR") => Effect::NotDone(fault(&error)),
                _ => Effect::Uncertain(fault(&error)),
            },
        }
    }
}

/// Why somebody could not log in. A password that has expired is as wrong as any.
fn closed(error: &postgres::Error) -> Closed {
    match error.code() {
        Some(&SqlState::INVALID_PASSWORD) => Closed::WrongPassword,
        _ => Closed::Unreachable(fault(error)),
    }
}

/// The failure in words of our own, with the server's code (PostgreSQL, appendix A).
pub(super) fn fault(error: &postgres::Error) -> Fault {
    let Some(code) = error.code() else {
        return unanswered(error);
    };
    let text = code.code();
    let said = |what: &str| format!("{what} ({text})");
    match (code, &text[..2]) {
        (&SqlState::INSUFFICIENT_PRIVILEGE, _) => Fault::refused(said("permission denied")),
        (&SqlState::INVALID_AUTHORIZATION_SPECIFICATION, _) => {
            Fault::refused(said("not let in")).hint("look at pg_hba.conf and at the server's log")
        }
        (&SqlState::INVALID_CATALOG_NAME, _) => Fault::refused(said("there is no such database")),
        (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => {
            Fault::refused(said("this server is read-only")).hint("name the primary as `host`")
        }
        (_, "08" | "53" | "57") => Fault::passing(said("the server has no time now")),
        (_, "40" | "55") => Fault::passing(said("somebody else is changing the same")),
        // Roles that are changed by two at once: `tuple concurrently updated`.
        (&SqlState::INTERNAL_ERROR, _) => Fault::passing(said("the server could not do it")),
        _ => Fault::refused(said("the server refuses")),
    }
}

/// No code: the failure is on this side of the server.
fn unanswered(error: &postgres::Error) -> Fault {
    let text = error.to_string();
    // The driver's kinds are private; these words are its own and hold nothing from outside.
    if text.starts_with("error performing TLS handshake") {
        return Fault::refused("the server cannot prove who it is, or has no TLS")
            .hint("turn `ssl` on at the server; if its certificate is signed by your own authority, name that as `ca`");
    }
    if text.starts_with("invalid configuration") {
        return Fault::refused("the server asks for a password, and there is none")
            .hint("give the account a `password`");
    }
    if text.starts_with("authentication error") {
        return Fault::refused("the server asks for a kind of log-in that cannot be given")
            .hint("let pg_hba.conf say `scram-sha-256`");
    }
    Fault::passing("cannot be reached, or the connection broke")
}
