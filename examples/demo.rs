//! Two months in the life of an API key, in some fifteen seconds: `cargo run --example demo`.
//!
//! OpenAI, Vercel and Render are simulated on this machine, and so are the services that run there and call OpenAI all
//! the time with the key they were deployed with. Everything else is the real thing: the shipped `rotations.yaml`, the
//! commands, the ledger, the audit log. Nothing leaves the machine, and nothing stays on it.
//!
//! It fails if a single call of a service was refused.

#[path = "../tests/support/world/mod.rs"]
mod world;

#[path = "demo/theatre.rs"]
mod theatre;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use rotakey::exit::Exit;

use theatre::Theatre;
use world::{Calendar, Kind, Project, Row, Sick, World};

/// The schedule that rotakey ships with.
const SHIPPED: &str = include_str!("../rotations.yaml");

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

fn play() -> io::Result<ExitCode> {
    let directory = tempfile::tempdir()?;
    let calendar = Calendar::at("2024-01-22T09:00:00Z");
    let world = World::new(&calendar);
    let live = populate(&world);
    let theatre = Theatre::open(directory.path(), &world)?;
    prologue(&theatre)?;
    adopt(&theatre, directory.path(), &world, &live)?;
    ordinary_rotation(&theatre)?;
    evidence(&theatre, directory.path())?;
    failed_rotation(&theatre, directory.path(), &world)?;
    leak(&theatre)?;
    quiet_night(&theatre)?;
    let clean = epilogue(&theatre, &world)?;
    Ok(ExitCode::from(u8::from(!clean)))
}

/// A customer: one key, made by hand three days ago, in four services.
fn populate(world: &World) -> String {
    let key = world.seed_key("made by hand", "2024-01-19T09:00:00Z").value;
    let sensitive = Row::new("OPENAI_API_KEY", &key).kind(Kind::Sensitive);
    world.add_projects(["web"], &[("OPENAI_API_KEY", &key)]);
    world.add_project(Project::named("shop").row(sensitive));
    world.add_projects(["docs"], &[("THEME", "dark")]);
    world.add_services(["api", "worker"], &[("OPENAI_API_KEY", &key)]);
    world.set(|settings| settings.latency = std::time::Duration::from_millis(15));
    key
}

fn prologue(theatre: &Theatre) -> io::Result<()> {
    theatre.say(&theatre.bold("rotakey: two months in the life of an API key"))?;
    theatre.say(
        "\
Simulated: OpenAI, Vercel (web, shop, docs) and Render (api, worker), and the
calendar. Four of these services call OpenAI all the time, with the key they
were deployed with. Real: rotakey, its ledger, its audit log, and the shipped
rotations.yaml. Nothing leaves this machine.
",
    )
}

fn adopt(theatre: &Theatre, directory: &Path, world: &World, live: &str) -> io::Result<()> {
    theatre.act("Day one: take over the key that is live")?;
    theatre.run("rotakey init --quiet", &["init", "--quiet"], "")?;
    let config = patched(world);
    std::fs::write(directory.join("rotations.yaml"), config)?;
    expect(
        theatre.run(
            "pass show openai | rotakey adopt openai",
            &["adopt", "openai"],
            live,
        )?,
        Exit::Done,
    )?;
    expect(theatre.run("rotakey check", &["check"], "")?, Exit::Done)?;
    expect(
        theatre.run(
            "rotakey plan --at 2024-02-18",
            &["plan", "--at", "2024-02-18"],
            "",
        )?,
        Exit::Done,
    )
}

fn ordinary_rotation(theatre: &Theatre) -> io::Result<()> {
    theatre.until("2024-02-11T09:00:00Z")?;
    theatre.act("Seven days before")?;
    expect(
        theatre.run("rotakey plan --warn", &["plan", "--warn"], "")?,
        Exit::Done,
    )?;
    theatre.until("2024-02-18T09:00:00Z")?;
    theatre.act("The day")?;
    expect(theatre.run("rotakey rotate", &["rotate"], "")?, Exit::Done)?;
    theatre.until("2024-02-19T09:30:00Z")?;
    theatre.act("A day later: the grace is over")?;
    expect(theatre.run("rotakey revoke", &["revoke"], "")?, Exit::Done)
}

fn evidence(theatre: &Theatre, directory: &Path) -> io::Result<()> {
    theatre.until("2024-03-01T07:00:00Z")?;
    theatre.act("What the auditor gets")?;
    let words = ["audit", "export", "--csv", "--last-month", "--quiet"];
    expect(
        theatre.run(
            "rotakey audit export --csv --last-month --quiet",
            &words,
            "",
        )?,
        Exit::Done,
    )?;
    theatre.say("One row, here a line for each of its columns:\n")?;
    let mut table = csv::Reader::from_path(directory.join("rotakey-rotations-2024-02.csv"))?;
    let columns = table.headers()?.clone();
    for row in table.records() {
        for (column, cell) in columns
            .iter()
            .zip(&row?)
            .filter(|(_, cell)| !cell.is_empty())
        {
            theatre.say(&theatre.fit(&format!("  {column:<19} {cell}")))?;
        }
    }
    theatre.say("")?;
    expect(
        theatre.run("rotakey audit verify", &["audit", "verify"], "")?,
        Exit::Done,
    )
}

fn failed_rotation(theatre: &Theatre, directory: &Path, world: &World) -> io::Result<()> {
    theatre.until("2024-03-19T09:00:00Z")?;
    theatre.act("The next rotation goes wrong")?;
    let health = format!("health: \"{}\"", world.health_url("render/api"));
    theatre
        .say("Since then, `api` on Render has got a target with a health check of its own:\n")?;
    theatre.say(&theatre.fit(&format!(
        "  - {{ kind: render, services: api, …, {health} }}"
    )))?;
    theatre.say("\nIt will be deployed with the new key, start, and not work.\n")?;
    let all = "- { kind: render, services: all, variable: OPENAI_API_KEY }";
    let each = format!(
        "{}\n      {}",
        all.replace("all", "worker"),
        all.replace("all", "api")
            .replace(" }", &format!(", {health} }}"))
    );
    std::fs::write(
        directory.join("rotations.yaml"),
        patched(world).replace(all, &each),
    )?;
    world.make_unhealthy("render/api", Sick::OnlyWithNewKey);
    expect(
        theatre.run("rotakey rotate", &["rotate"], "")?,
        Exit::Failed,
    )?;
    world.heal("render/api");
    Ok(())
}

fn leak(theatre: &Theatre) -> io::Result<()> {
    theatre.until("2024-03-19T16:40:00Z")?;
    theatre.act("The live key turns up in a public repository")?;
    let reason = "seen on GitHub";
    expect(
        theatre.run(
            &format!("rotakey rotate openai --emergency --reason \"{reason}\""),
            &["rotate", "openai", "--emergency", "--reason", reason],
            "",
        )?,
        Exit::Done,
    )
}

fn quiet_night(theatre: &Theatre) -> io::Result<()> {
    theatre.until("2024-03-20T09:00:00Z")?;
    theatre.act("The next morning: cron has nothing to say")?;
    for (line, words) in [
        ("rotakey plan --warn", &["plan", "--warn"] as &[&str]),
        ("rotakey rotate", &["rotate"]),
        ("rotakey revoke", &["revoke"]),
        ("rotakey plan", &["plan"]),
    ] {
        expect(theatre.run(line, words, "")?, Exit::Done)?;
    }
    Ok(())
}

/// Counts, as the vendors counted. Whether all is well.
fn epilogue(theatre: &Theatre, world: &World) -> io::Result<bool> {
    theatre.act("What the simulated vendors counted")?;
    let tallies = world.tallies();
    let served: u64 = tallies.values().map(|tally| tally.served).sum();
    let failed: u64 = tallies.values().map(|tally| tally.failed).sum();
    let (keys, alive) = (world.all_keys().len(), world.live_keys().len());
    let violations = world.violations();
    for line in [
        format!("{served:>6} calls of the customer's services were served"),
        format!("{failed:>6} were refused"),
        format!("{:>6} requests by rotakey", world.requests().len()),
        format!(
            "{:>6} of them a careful client would not send",
            violations.len()
        ),
        format!("{keys:>6} keys were made, of which {alive} lives"),
        format!("{:>6} places hold a dead key", world.uses_dead_key().len()),
    ] {
        theatre.say(&line)?;
    }
    for failure in world.failures() {
        theatre.say(&format!("refused: {failure:?}"))?;
    }
    for violation in &violations {
        theatre.say(&format!("careless: {violation:?}"))?;
    }
    let clean =
        failed == 0 && violations.is_empty() && alive == 1 && world.uses_dead_key().is_empty();
    Ok(clean)
}

/// The shipped schedule, with the addresses and the names of the simulated vendors.
fn patched(world: &World) -> String {
    let address = |kind: &str, url: &str| {
        (
            format!("{kind}: {{ "),
            format!("{kind}: {{ base_url: \"{url}\", "),
        )
    };
    let vercel = format!("{}\", team: \"{}", world.vercel_url(), world.vercel_team());
    let mut text = SHIPPED.replace("proj_123", &world.openai_project());
    for (from, to) in [
        address("  openai", &world.openai_url()),
        address("  vercel", &vercel),
        address("  render", &world.render_url()),
    ] {
        text = text.replacen(&from, &to, 1);
    }
    text
}

fn expect(found: Exit, wanted: Exit) -> io::Result<()> {
    match found == wanted {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "expected {wanted:?}, and it was {found:?}"
        ))),
    }
}
