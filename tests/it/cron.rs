//! Under a real cron daemon, with the real program and the real clock: warned once, skipped by a reply, rotated,
//! revoked; the mail that cron sends can be read, and a quiet night sends none.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Instant;

use chrono::{SecondsFormat, TimeDelta, Utc};
use rotakey::exit::Exit;

use crate::support::cron::{Cron, MINUTE};
use crate::support::people::{People, SLACK_TOKEN};
use crate::support::sandbox::Sandbox;

/// The line of `examples/crontab` that runs every day, on every minute, and its PATH.
fn every_minute(sandbox: &Sandbox) -> String {
    let text = include_str!("../../examples/crontab");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("0 9 * * *   "))
        .expect("the line for every day");
    let program = Path::new(env!("CARGO_BIN_EXE_rotakey"));
    let folder = program.parent().expect("a folder").display();
    let directory = sandbox.directory.path().display().to_string();
    // No token here: cron writes every variable of a crontab into the headers of the mail.
    format!(
        "MAILTO=ops@example.com\nPATH={folder}:/usr/local/bin:/usr/bin:/bin\nHOME={directory}/home\n* * * * *  root  {}\n",
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
    let slack = people
        .slack(", secrets: [soon]")
        .replace("{ env: SLACK_TOKEN }", "{ file: slack-token }");
    sandbox.write("slack-token", SLACK_TOKEN);
    fs::set_permissions(sandbox.path("slack-token"), Permissions::from_mode(0o600))
        .expect("a mode");
    let mut config = format!("notify:\n{slack}secrets:\n");
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
    let Some(cron) = Cron::start(place.path(), &every_minute(&sandbox)) else {
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
    assert!(!format!("{head}{body}").contains("canary"), "{head}");
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
    let patience = Instant::now() + 10 * MINUTE;
    let skip = loop {
        let skip = sandbox.ledger()["state"]["secrets"]["soon"]["skip"].take();
        if !skip.is_null() {
            break skip;
        }
        assert!(Instant::now() < patience, "nobody read the reply");
        thread::sleep(MINUTE / 10);
    };
    assert_eq!(skip["reason"], "SKIP by T1/U1 on ops");

    // Whoever replied was answered where they replied. That is no reason for a mail.
    thread::sleep(2 * MINUTE);
    assert_eq!(cron.mails().len(), 1, "{:#?}", cron.mails());
    let answered = people
        .on_slack()
        .iter()
        .filter(|post| post["thread_ts"] == root.as_str() && post.get("bot_id").is_some())
        .count();
    assert_eq!(answered, 1);
    assert!(sandbox.read("a.env").contains("made-up-by-hand"));
}
