//! Channels, heartbeat and metrics.

use std::path::Path;

use crate::config::Names;
use crate::notify::Event;

use super::{DOTENV, read, refused};

/// A file that is fine but for these lines at its end.
fn with(lines: &str) -> String {
    format!(
        "secrets: {{ app: {{ every: 30d, issuer: {{ kind: generated }}, targets: [ {DOTENV} ] }} }}\n{lines}\n"
    )
}

#[test]
fn a_channel_says_what_it_hears_of_what_and_how_loudly() {
    let config = read(&with(
        "notify:\n\
         \x20 ops: { kind: slack, token: { env: SLACK }, channel: C1, approvers: [T1/U1] }\n\
         \x20 mail: { kind: email, server: \"smtps://mail.example\", from: a@b.example, to: [c@d.example],\n\
         \x20   events: [rolled_back], secrets: [app], loud: [], redact_names: true }\n\
         heartbeat: { url: { file: beat } }\n\
         metrics: out/rotakey.prom\n\
         audit_log: https://audit.example/log\n",
    ));
    let hearing = config.hearing;
    let ops = &hearing.channels["ops"];
    assert_eq!(ops.events.len(), Event::ALL.len());
    assert_eq!(ops.loud, Event::LOUD.into());
    assert_eq!((ops.secrets.as_ref(), ops.names), (None, Names::Shown));
    assert_eq!(ops.sources["token"].source(), "env SLACK");
    assert_eq!(ops.config.approvers(), ["T1/U1"]);
    let mail = &hearing.channels["mail"];
    assert_eq!(mail.events, [Event::RolledBack].into());
    assert_eq!(mail.secrets, Some(["app".into()].into()));
    assert!(mail.loud.is_empty() && mail.sources.is_empty());
    assert_eq!(mail.names, Names::Hidden);
    assert_eq!(
        hearing.heartbeat.expect("it is given").source(),
        "file beat"
    );
    assert_eq!(
        hearing.metrics.as_deref(),
        Some(Path::new("/etc/rotakey/out/rotakey.prom"))
    );
    assert_eq!(
        hearing.audit_log.as_deref(),
        Some("https://audit.example/log")
    );
}

#[test]
fn what_is_wrong_with_a_channel_is_said_with_its_place_and_what_was_meant() {
    for (lines, said) in [
        (
            "notify: { ops: { kind: slak, channel: C1 } }",
            "error: rotations.yaml:2:24: channel `ops`: unknown kind `slak`\n  hint: did you mean `slack`?\n",
        ),
        (
            "notify: { ops: { kind: slack, channel: C1 } }",
            "error: rotations.yaml:2:11: channel `ops`: `token` is missing\n  \
             hint: write `token: { env: SLACK_TOKEN }`\n",
        ),
        (
            "notify: { ops: { kind: slack-webhook, url: \"https://hooks.slack.com/services/T/B/canary\" } }",
            "error: rotations.yaml:2:44: channel `ops`: `url`: a value stands here; this file never holds a secret\n  \
             hint: write `url: { env: SLACK_WEBHOOK_URL }`, and replace the key if others have seen the file\n",
        ),
        (
            "notify: { ops: { kind: slack, token: { env: A }, channel: C1, events: [complet] } }",
            "error: rotations.yaml:2:72: channel `ops`: `events`: unknown event `complet`\n  \
             hint: did you mean `complete`?\n",
        ),
        (
            "notify: { ops: { kind: slack, token: { env: A }, channel: C1, secrets: [ap] } }",
            "error: rotations.yaml:2:73: channel `ops`: unknown secret `ap`\n  hint: did you mean `app`?\n",
        ),
        (
            "notify: { ops: { kind: slack, token: { env: A }, chanel: C1 } }",
            "error: rotations.yaml:2:50: channel `ops`: unknown key `chanel`\n  hint: did you mean `channel`?\n",
        ),
        (
            "notify: [slack]",
            "error: rotations.yaml:2:9: `notify`: expected a map, found a list\n  \
             hint: name each channel: `notify: { ops: { kind: slack, … } }`\n",
        ),
        (
            "heartbeat: { uri: { env: A } }",
            "error: rotations.yaml:2:14: `heartbeat`: unknown key `uri`\n  hint: did you mean `url`?\n",
        ),
        (
            "audit_log: http://audit.example",
            "error: rotations.yaml:2:12: the file: `audit_log`: expected an address that begins with https://\n",
        ),
    ] {
        assert_eq!(refused(&with(lines)), said, "{lines}");
    }
}
