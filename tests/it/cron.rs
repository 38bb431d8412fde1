//! Under a real cron daemon, with the real program and the real clock: warned once, skipped by a reply, rotated,
//! revoked; the mail that cron sends can be read, and a quiet night sends none.

use std::path::Path;
use std::thread;

use chrono::{SecondsFormat, TimeDelta, Utc};
use rotakey::exit::Exit;

use crate::support::cron::{Cron, MINUTE};
use crate::support::people::People;
use crate::support::sandbox::Sandbox;

/// The line of `examples/crontab` that runs every day, on every minute, and its PATH.
fn every_minute(sandbox: &Sandbox, people: &People) -> String {
    let text = include_str!("../../examples/crontab");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("0 9 * * *   "))
        .expect("the line for every day");
    let program = Path::new(env!("CARGO_BIN_EXE_rotakey"));
    let folder = program.parent().expect("a folder").display();
    let directory = sandbox.directory.path().display().to_string();
    let mut lines = format!(
        "MAILTO=ops@example.com\nPATH={folder}:/usr/local/bin:/usr/bin:/bin\nHOME={directory}/home\n"
    );
    for (name, value) in people.environment() {
        lines += &format!("{name}={value}\n");
    }
    lines
        + &format!(
            "* * * * *  root  {}\n",
            line.replace("/srv/rotakey", &directory)
        )
}

#[test]
fn under_cron_it_warns_once_is_skipped_by_a_reply_rotates_revokes_and_is_quiet() {
    let now = Utc::now();
    let sandbox = Sandbox::at(&now.to_rfc3339_opts(SecondsFormat::Secs, true));
    let people = People::new(&sandbox.calendar);
    sandbox.write("a.env", "SOON=made-up-by-hand-0001\n");
    sandbox.write("b.env", "DUE=made-up-by-hand-0002\n");
    let mut config = format!("notify:\n{}secrets:\n", people.slack(", secrets: [soon]"));
    for (name, file) in [("soon", "a.env"), ("due", "b.env")] {
        let variable = name.to_uppercase();
        config += &format!(
            "  {name}:\n    title: The {name} one\n    every: 30d\n    issuer: {{ kind: generated }}\n    targets:\n      \
             - {{ kind: dotenv, path: {file}, variable: {variable} }}\n"
        );
    }
    sandbox.write("rotations.yaml", &config);
    for (name, file, days) in [("soon", "a.env", 27), ("due", "b.env", 31)] {
        let created = (now - TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true);
        let line = format!("adopt {name} --from-site dotenv/{file} --created {created}");
        sandbox.run(&line).exits(Exit::Done);
    }

    let place = crate::support::sandbox::directory();
    let Some(cron) = Cron::start(place.path(), &every_minute(&sandbox, &people)) else {
        return;
    };
    let (head, body) = cron.mail(1);
    assert!(head.contains("\nTo: ops@example.com\n"), "{head}");
    let due = (now + TimeDelta::days(3)).format("%b %-d, %Y");
    let expected = [
        "⚠️ Upcoming Key Rotation\n\
         Service: The soon one\n\
         Current key: [hidden] (expires in 3 days)\n",
        &format!("Next rotation: {due}\n"),
        "due: rotation started",
        "due: new key generated",
        "due: added to b.env",
        "revoked",
    ];
    let mut rest = body.as_str();
    for words in expected {
        let at = rest.find(words);
        let at = at.unwrap_or_else(|| panic!("{words:?} is missing, or too early, in\n{body}"));
        rest = &rest[at + words.len()..];
    }
    assert!(!body.contains('\u{1b}'), "{body}");
    assert!(!sandbox.read("b.env").contains("made-up-by-hand"));

    // Warned once, and nothing is due: nights without a mail.
    thread::sleep(2 * MINUTE);
    assert_eq!(cron.mails().len(), 1, "{:#?}", cron.mails());

    let root = people.on_slack()[0]["ts"]
        .as_str()
        .expect("a post")
        .to_owned();
    sandbox.advance(Utc::now() - sandbox.calendar.now());
    people.slack_reply(&root, "T1/U1", "SKIP 14d", |_| ());
    let (_, body) = cron.mail(2);
    let until = (now + TimeDelta::days(17)).format("%b %-d, %Y");
    assert!(body.contains(&format!("postponed to {until}")), "{body}");

    thread::sleep(2 * MINUTE);
    assert_eq!(cron.mails().len(), 2, "{:#?}", cron.mails());
    assert!(sandbox.read("a.env").contains("made-up-by-hand"));
}
