//! E-mail through a real server.

use std::fs;

use chrono::TimeDelta;
use rotakey::exit::Exit;
use serde_json::{Value, json};

use crate::support::mail::{MailServer, PASSWORD};
use crate::support::mortal::Life;
use crate::support::sandbox::Sandbox;
use crate::support::shop;
use crate::support::world::Moment;

fn scene(server: &MailServer) -> Sandbox {
    let mut sandbox = Sandbox::at("2024-02-11T09:00:00Z");
    sandbox
        .environment
        .insert("SMTP_PASSWORD".to_owned(), PASSWORD.to_owned());
    shop::hasten(&sandbox);
    let key = shop::scene(&sandbox);
    fs::copy(server.authority(), sandbox.path("ca.pem")).expect("a certificate");
    let section = format!(
        "notify:\n  mail: {{ kind: email, server: \"smtp://localhost:{}\", ca_file: ca.pem, user: rotakey, \
         password: {{ env: SMTP_PASSWORD }}, from: \"rotakey <rotakey@example.com>\", to: [ops@example.com, \
         \"Ada <ada@example.com>\"] }}\n",
        server.port
    );
    let secrets = shop::secrets(&sandbox, shop::SECRETS);
    sandbox.configure(&format!("{section}{secrets}"));
    shop::adopt_openai(&sandbox, &key);
    sandbox
}

fn text<'a>(mail: &'a Value, key: &str) -> &'a str {
    mail[key].as_str().expect("text")
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail["headers"][name].as_str().unwrap_or_default()
}

#[test]
fn a_real_server_takes_mails_that_read_well_as_text_and_as_html() {
    let Some(server) = MailServer::start() else {
        return;
    };
    let sandbox = scene(&server);
    let checked = sandbox.run("check").exits(Exit::Done);
    assert!(
        checked
            .stdout
            .contains("localhost takes mail of rotakey@example.com"),
        "{checked:?}"
    );
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(7));
    sandbox.run("rotate").exits(Exit::Done);
    let mails = server.mails();
    let mail = &mails[0];
    assert_eq!(
        mail["kinds"],
        json!(["multipart/alternative", "text/plain", "text/html"])
    );
    assert_eq!(mail["defects"], json!([]));
    assert!(mail["longest_line"].as_u64() < Some(998), "RFC 5322, 2.1.1");
    assert_eq!(
        header(mail, "subject"),
        "⚠️ Upcoming Key Rotation: OpenAI API"
    );
    assert_eq!(header(mail, "from"), "rotakey <rotakey@example.com>");
    assert_eq!(header(mail, "to"), "ops@example.com, Ada <ada@example.com>");
    assert_eq!(header(mail, "auto-submitted"), "auto-generated");
    assert_eq!(header(mail, "date"), "Sun, 11 Feb 2024 09:00:00 +0000");
    let plain = text(mail, "text");
    assert!(
        plain.starts_with(
            "⚠️ Upcoming Key Rotation\nService: OpenAI API\nCurrent key: sk-...q9ZP (expires in 7 days)\n\
             Next rotation: Feb 18, 2024\nAction required: None (auto-rotation enabled)\n\
             Run `rotakey skip openai --reason …` to postpone by 30 days.\nAudit head: #"
        ),
        "{plain}"
    );
    let html = text(mail, "html");
    for piece in [
        "<h2 style=\"font-size: 18px; margin: 0 0 8px\">⚠️ Upcoming Key Rotation</h2>",
        "<div><b>Current key:</b> sk-...q9ZP (expires in 7 days)</div>",
        "<div>Run `rotakey skip openai --reason …` to postpone by 30 days.</div>",
    ] {
        assert!(html.contains(piece), "{piece} is missing in {html}");
    }
    for forbidden in ["<script", "src=", "href=", "http:", "url("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    // The mails of one rotation are one conversation.
    assert_eq!(
        header(&mails[1], "subject"),
        "🔄 Key Rotation Started: OpenAI API"
    );
    assert_eq!(header(&mails[1], "in-reply-to"), "");
    assert_eq!(
        header(&mails[2], "subject"),
        "✅ Key Rotation Complete: OpenAI API"
    );
    assert_eq!(
        header(&mails[2], "in-reply-to"),
        header(&mails[1], "message-id")
    );
    for value in sandbox.world.all_secret_values() {
        assert!(!mails.iter().any(|mail| mail.to_string().contains(&value)));
    }
}

#[test]
fn killed_between_sent_and_recorded_the_second_mail_has_the_same_message_id() {
    let Some(server) = MailServer::start() else {
        return;
    };
    let sandbox = scene(&server);
    let life = Life::until(Some((2, Moment::Before)));
    assert_eq!(sandbox.live("plan --warn", "", &life).exit, None);
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert!(header(&mails[0], "message-id").ends_with("@example.com>"));
    assert_eq!(
        header(&mails[0], "message-id"),
        header(&mails[1], "message-id")
    );
}

#[test]
fn without_a_trusted_certificate_or_the_right_password_nothing_is_sent_and_the_password_is_not_shown()
 {
    let Some(server) = MailServer::start() else {
        return;
    };
    let mut sandbox = scene(&server);
    let config = sandbox.read("rotations.yaml");
    sandbox
        .environment
        .insert("SMTP_PASSWORD".to_owned(), "canary-wrong".to_owned());
    sandbox
        .run("plan --warn")
        .exits(Exit::Done)
        .says("warning: channel `mail`: the mail server refuses it (SMTP 535)");
    sandbox
        .environment
        .insert("SMTP_PASSWORD".to_owned(), PASSWORD.to_owned());
    // Another authority: the key of this machine's own.
    fs::write(sandbox.path("ca.pem"), OTHER).expect("a file");
    sandbox
        .run("plan --warn")
        .exits(Exit::Done)
        .says("warning: channel `mail`: ");
    sandbox.write("rotations.yaml", &config.replace("smtp://", "smtps://"));
    sandbox
        .run("plan --warn")
        .exits(Exit::Done)
        .says("warning: channel `mail`: ");
    assert_eq!(server.mails().len(), 0);
    for ran in sandbox.transcripts() {
        assert!(!ran.stderr.contains("canary"), "{ran:?}");
    }
    fs::copy(server.authority(), sandbox.path("ca.pem")).expect("a certificate");
    sandbox.write("rotations.yaml", &config);
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    assert_eq!(server.mails().len(), 1);
}

const OTHER: &str = "no certificate at all\n";
