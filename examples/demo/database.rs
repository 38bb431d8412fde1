//! The customer's database: a real PostgreSQL, started for the demo where it is installed, thrown away afterwards.
//!
//! The customer's services keep a connection open, as applications do, and log in anew when it breaks.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use postgres::{Client, NoTls};

use crate::postgres_server::{Postgres, programs};
pub(crate) use crate::server::ACCOUNT_PASSWORD;
use crate::server::Home;

/// What is live on day one, in the form that `rotakey adopt` reads from stdin.
pub(crate) const LIVE: &str = r#"{ "user": "app", "password": "made up by a person" }"#;

/// `None`: it is not here, or cannot run here.
pub(crate) struct Database(Postgres);

impl Database {
    /// Starts one, if there is one to be started.
    pub(crate) fn start() -> Option<Self> {
        let programs = programs()?;
        // What keeps it from starting is not of interest here: the demo says that it goes on without it.
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let started = std::thread::spawn(move || {
            let server = Postgres::of(&programs, Home::new(), &[]);
            server.with_calendar();
            server
        });
        let started = started.join();
        std::panic::set_hook(loud);
        started.ok().map(Self)
    }

    /// What the calendar shows.
    pub(crate) fn tell_time(&self, now: DateTime<Utc>) {
        self.0.tell_time(&now.to_rfc3339());
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    /// Where the services find it, once a user and a password stand in the template.
    pub(crate) fn template(&self) -> String {
        format!(
            "postgres://{{user}}:{{password}}@127.0.0.1:{}/app",
            self.port()
        )
    }

    /// What the services have in their environment on day one.
    pub(crate) fn live_url(&self) -> String {
        let template = self.template();
        let url = template.replace("{user}", "app");
        url.replace("{password}", "made%20up%20by%20a%20person")
    }

    /// How many of the application's roles may log in.
    pub(crate) fn roles_that_log_in(&self) -> String {
        self.0.text(
            "SELECT count(*)::text FROM pg_roles WHERE rolname IN ('app', 'app_a', 'app_b') AND rolcanlogin",
        )
    }

    /// What a service does with the address that it runs with.
    pub(crate) fn client() -> impl Fn(&str) -> bool + Send + 'static {
        let pool = Mutex::new(Pool::default());
        move |url| pool.lock().is_ok_and(|mut pool| pool.works(url))
    }
}

/// Open connections by address, each with the number of the call that used it last.
#[derive(Default)]
struct Pool {
    calls: u64,
    open: BTreeMap<String, (u64, Client)>,
}

/// After so many calls of others its service is gone, and its connections with it.
const IDLE: u64 = 30;

impl Pool {
    fn works(&mut self, url: &str) -> bool {
        self.calls += 1;
        let calls = self.calls;
        self.open.retain(|_, (used, _)| calls - *used < IDLE);
        if let Some((used, client)) = self.open.get_mut(url)
            && client.simple_query("SELECT 1").is_ok()
        {
            *used = calls;
            return true;
        }
        let Ok(mut client) = Client::connect(url, NoTls) else {
            return false;
        };
        let works = client.simple_query("SELECT 1").is_ok();
        drop(self.open.insert(url.to_owned(), (calls, client)));
        works
    }
}
