//! Two months of the schedule that rotakey ships with, in some twenty seconds: `cargo run --example demo`.
//!
//! OpenAI, Stripe, GitHub, Vercel, Render and a 1Password Connect server are simulated on this machine, and so are the
//! services that run there and call OpenAI, Stripe, GitHub and the database all the time, with what they were deployed
//! with. Everything else is the real thing: the shipped `rotations.yaml`, the commands, the ledger, the audit log, and
//! the database, where a PostgreSQL is installed. Nothing leaves the machine, and nothing stays on it.
//!
//! It fails if a single call of a service was refused.

#[path = "../tests/support/world/mod.rs"]
mod world;

#[cfg(feature = "postgres")]
#[path = "demo/database.rs"]
mod database;
#[cfg(not(feature = "postgres"))]
#[path = "demo/no_database.rs"]
mod database;
#[cfg(feature = "postgres")]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests, which do more with it"
)]
#[path = "../tests/databases/postgres_server.rs"]
mod postgres_server;
#[cfg(feature = "postgres")]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests, which do more with it"
)]
#[path = "../tests/databases/server.rs"]
mod server;
#[path = "demo/shop.rs"]
mod shop;
#[path = "demo/theatre.rs"]
mod theatre;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rotakey::exit::Exit;

use database::Database;
use shop::{Live, populate, schedule};
use theatre::Theatre;
use world::{Calendar, Sick, World};

fn main() -> ExitCode {
    match play() {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => ExitCode::from(130),
        // Whoever closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            drop(io::Write::write_all(
                &mut io::stderr(),
                format!("error: the demo: {error}\n").as_bytes(),
            ));
            ExitCode::FAILURE
        }
    }
}

/// The stage, the world on it, and the database beside it.
struct Demo<'a> {
    theatre: Theatre,
    world: &'a World,
    directory: &'a Path,
    database: Option<&'a Database>,
}

fn play() -> io::Result<ExitCode> {
    let directory = tempfile::tempdir()?;
    let calendar = Calendar::at("2024-01-22T09:00:00Z");
    let world = World::new(&calendar);
    let database = Database::start().map(Arc::new);
    let live = populate(&world, database.as_deref());
    let demo = Demo {
        theatre: Theatre::open(directory.path(), &world, database.clone())?,
        world: &world,
        directory: directory.path(),
        database: database.as_deref(),
    };
    demo.prologue()?;
    demo.adopt(&live)?;
    demo.warned()?;
    demo.the_day()?;
    demo.two_people()?;
    demo.grace_is_over(&live)?;
    demo.evidence()?;
    demo.failed_rotation()?;
    demo.leak()?;
    demo.quiet_night()?;
    let clean = demo.epilogue()?;
    Ok(ExitCode::from(u8::from(!clean)))
}

impl Demo<'_> {
    fn prologue(&self) -> io::Result<()> {
        let stage = &self.theatre;
        stage.say(&stage.bold("rotakey: two months of the schedule it ships with"))?;
        stage.say(
            "\
Simulated: OpenAI, Stripe, GitHub, Vercel (web, shop, docs), Render (api, worker),
a 1Password Connect server, and the calendar. Four of the services call the
vendors all the time, with what they were deployed with. Real: rotakey, its
ledger, its audit log, and the shipped rotations.yaml. Nothing leaves this machine.",
        )?;
        stage.say(match self.database {
            Some(_) => "The database is real, too: a PostgreSQL with that calendar for a clock.\n",
            None => {
                "No PostgreSQL could be started here (`initdb` and `postgres` were looked for), so\n\
                 the database password of the schedule is left out.\n"
            }
        })
    }

    /// Runs a command line as it is shown, with something on stdin.
    fn run(&self, line: &str, stdin: &str, wanted: Exit) -> io::Result<()> {
        let shown = match stdin {
            "" => format!("rotakey {line}"),
            _ => format!("pass show infra | rotakey {line}"),
        };
        let mut words = Vec::new();
        // Words with spaces stand in quotes.
        for (at, part) in line.split('"').enumerate() {
            match at % 2 {
                0 => words.extend(part.split_whitespace()),
                _ => words.push(part),
            }
        }
        expect(self.theatre.run(&shown, &words, stdin)?, wanted)
    }

    fn adopt(&self, live: &Live) -> io::Result<()> {
        self.theatre.act("Day one: take over what is live")?;
        self.run("init --quiet", "", Exit::Done)?;
        let config = schedule(self.world, self.database);
        std::fs::write(self.directory.join("rotations.yaml"), config)?;
        self.run("adopt openai", &live.openai, Exit::Done)?;
        if self.database.is_some() {
            self.run(
                "adopt database --created 2023-11-20",
                database::LIVE,
                Exit::Done,
            )?;
        }
        self.run(
            "adopt stripe --created 2023-12-20",
            &live.stripe,
            Exit::Done,
        )?;
        self.run(
            "adopt github --created 2023-08-22",
            &live.github,
            Exit::Done,
        )?;
        self.run("plan", "", Exit::Done)
    }

    fn warned(&self) -> io::Result<()> {
        self.theatre.until("2024-02-11T09:00:00Z")?;
        self.theatre.act("Seven days before: who has to do what")?;
        self.run("plan --warn", "", Exit::Done)
    }

    fn the_day(&self) -> io::Result<()> {
        self.theatre.until("2024-02-18T09:00:00Z")?;
        self.theatre
            .act("The day: cron rotates what needs nobody")?;
        self.run("rotate", "", Exit::PersonNeeded)
    }

    fn two_people(&self) -> io::Result<()> {
        self.theatre.until("2024-02-18T14:00:00Z")?;
        self.theatre
            .act("In the afternoon, somebody has made the two keys")?;
        let stripe = self.world.stripe_create("rk_live_").value;
        self.run("rotate stripe", &stripe, Exit::Done)?;
        let github = self.world.github_create(&shop::SCOPES, None).value;
        self.run("rotate github", &github, Exit::Done)
    }

    fn grace_is_over(&self, live: &Live) -> io::Result<()> {
        self.theatre.until("2024-02-19T16:00:00Z")?;
        self.theatre.act("A day later: the grace is over")?;
        self.run("revoke", "", Exit::PersonNeeded)?;
        self.theatre.say(
            "Somebody expires the old key in Stripe's dashboard. Stripe takes some minutes.\n",
        )?;
        self.world.stripe_expire(&live.stripe);
        self.theatre.until("2024-02-19T17:00:00Z")?;
        self.run("revoke", "", Exit::Done)
    }

    fn evidence(&self) -> io::Result<()> {
        let stage = &self.theatre;
        stage.until("2024-03-01T07:00:00Z")?;
        stage.act("What the auditor gets")?;
        self.run("audit export --csv --last-month --quiet", "", Exit::Done)?;
        let path = self.directory.join("rotakey-rotations-2024-02.csv");
        let mut table = csv::Reader::from_path(path)?;
        let columns = table.headers()?.clone();
        let rows = table.records().collect::<Result<Vec<_>, _>>()?;
        let cell = |row: &csv::StringRecord, name: &str| {
            let at = columns.iter().position(|column| column == name);
            at.and_then(|at| row.get(at)).unwrap_or_default().to_owned()
        };
        for row in &rows {
            let [service, old, new, status, refused] = [
                "service",
                "old_key",
                "new_key",
                "status",
                "old_key_refused_at",
            ]
            .map(|name| cell(row, name));
            stage.say(&stage.fit(&format!(
                "  {service:<10}{old:<18}{new:<18}{status:<11}{refused}"
            )))?;
        }
        stage.say("\nEvery column of the first row:\n")?;
        for (column, cell) in columns.iter().zip(rows.first().into_iter().flatten()) {
            if !cell.is_empty() {
                stage.say(&stage.fit(&format!("  {column:<19} {cell}")))?;
            }
        }
        stage.say("")?;
        self.run("audit verify", "", Exit::Done)
    }

    fn failed_rotation(&self) -> io::Result<()> {
        let stage = &self.theatre;
        stage.until("2024-03-19T09:00:00Z")?;
        stage.act("The next rotation goes wrong")?;
        let health = format!("health: \"{}\"", self.world.health_url("render/api"));
        stage.say(
            "Since then, `api` on Render has got a target with a health check of its own:\n",
        )?;
        stage.say(&stage.fit(&format!(
            "  - {{ kind: render, services: api, …, {health} }}"
        )))?;
        stage.say("\nIt will be deployed with the new key, start, and not work.\n")?;
        let all = "- { kind: render, services: all, variable: OPENAI_API_KEY }";
        let api = all
            .replace("all", "api")
            .replace(" }", &format!(", {health} }}"));
        let each = format!("{}\n      {api}", all.replace("all", "worker"));
        let config = schedule(self.world, self.database).replace(all, &each);
        std::fs::write(self.directory.join("rotations.yaml"), config)?;
        self.world
            .make_unhealthy("render/api", Sick::OnlyWithNewKey);
        self.run("rotate", "", Exit::Failed)?;
        self.world.heal("render/api");
        Ok(())
    }

    fn leak(&self) -> io::Result<()> {
        self.theatre.until("2024-03-19T16:40:00Z")?;
        self.theatre
            .act("The live key turns up in a public repository")?;
        let line = "rotate openai --emergency --reason \"seen on GitHub\"";
        self.run(line, "", Exit::Done)
    }

    fn quiet_night(&self) -> io::Result<()> {
        self.theatre.until("2024-03-20T09:00:00Z")?;
        self.theatre
            .act("The next morning: cron has nothing to say")?;
        for line in ["plan --warn", "rotate", "revoke", "plan"] {
            self.run(line, "", Exit::Done)?;
        }
        Ok(())
    }

    /// Counts, as the vendors counted. Whether all is well.
    fn epilogue(&self) -> io::Result<bool> {
        let (stage, world) = (&self.theatre, self.world);
        stage.act("What the vendors and the services counted")?;
        let tallies = world.tallies();
        let served: u64 = tallies.values().map(|tally| tally.served).sum();
        let failed: u64 = tallies.values().map(|tally| tally.failed).sum();
        let (violations, dead) = (world.violations(), world.uses_dead_key());
        for (count, what) in [
            (served, "calls of the customer's services were served"),
            (failed, "were refused"),
            (world.requests().len() as u64, "requests by rotakey"),
            (
                violations.len() as u64,
                "of them a careful client would not send",
            ),
            (dead.len() as u64, "places hold a dead key"),
        ] {
            stage.say(&format!("{count:>6} {what}"))?;
        }
        let mut alive = vec![
            ("OpenAI keys", world.live_keys().len().to_string()),
            ("Stripe keys", world.stripe_live().len().to_string()),
            ("GitHub tokens", world.github_live().len().to_string()),
        ];
        alive.extend(
            self.database
                .map(|it| ("database roles", it.roles_that_log_in())),
        );
        let each: Vec<String> = alive
            .iter()
            .map(|(what, count)| format!("{what}: {count}"))
            .collect();
        stage.say(&format!("\nAlive: {}", each.join(" · ")))?;
        for failure in world.failures() {
            stage.say(&format!("refused: {failure:?}"))?;
        }
        for violation in &violations {
            stage.say(&format!("careless: {violation:?}"))?;
        }
        let one_each = alive.iter().all(|(_, count)| count == "1");
        Ok(failed == 0 && violations.is_empty() && dead.is_empty() && one_each)
    }
}

fn expect(found: Exit, wanted: Exit) -> io::Result<()> {
    match found == wanted {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "expected {wanted:?}, and it was {found:?}"
        ))),
    }
}
