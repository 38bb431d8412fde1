//! The exact words.

use super::*;
use crate::model::{Making, SecretValue};

fn at(text: &str) -> Instant {
    text.parse().expect("an instant in a test")
}

fn key(end: &str) -> Hint {
    let value = SecretValue::new(format!("sk-{}{end}", "x".repeat(40)));
    Hint::of(&value, Making::Machine)
}

fn title() -> String {
    "OpenAI API".to_owned()
}

fn upcoming(due: &str, action: Action, postpone: Option<Postpone>) -> String {
    Message::Upcoming {
        title: title(),
        current: Some(key("x7K2")),
        due: at(due),
        now: at("2024-02-11T09:00:00Z"),
        action,
        postpone,
    }
    .to_string()
}

fn complete(
    old: Option<Hint>,
    services: (usize, usize),
    grace: Span,
    link: Option<&str>,
) -> String {
    Message::Complete {
        title: title(),
        new: key("j9M1"),
        old,
        services,
        grace,
        now: at("2024-02-18T09:05:00Z"),
        audit_log: link.map(str::to_owned),
    }
    .to_string()
}

#[test]
fn a_rotation_is_coming() {
    assert_eq!(
        upcoming(
            "2024-02-18T09:00:00Z",
            Action::None,
            Some(Postpone::Reply(Span::days(30)))
        ),
        "⚠️ Upcoming Key Rotation\n\
         Service: OpenAI API\n\
         Current key: sk-...x7K2 (expires in 7 days)\n\
         Next rotation: Feb 18, 2024\n\
         Action required: None (auto-rotation enabled)\n\
         Reply SKIP to postpone by 30 days."
    );
}

#[test]
fn where_nobody_reads_answers_a_command_is_named() {
    let postpone = Postpone::Command(SecretName::from("openai"), Span::days(30));
    let said = upcoming("2024-02-12T00:30:00Z", Action::None, Some(postpone));
    assert_eq!(
        said.lines().skip(2).collect::<Vec<_>>(),
        [
            "Current key: sk-...x7K2 (expires tomorrow)",
            "Next rotation: Feb 12, 2024",
            "Action required: None (auto-rotation enabled)",
            "Run `rotakey skip openai --reason …` to postpone by 30 days.",
        ]
    );
}

#[test]
fn a_person_is_told_the_steps_and_that_it_is_late() {
    let steps = [
        "open https://dashboard.stripe.com/apikeys",
        "roll the key",
        "run `rotakey rotate stripe`",
    ];
    let action = Action::Person(steps.map(str::to_owned).to_vec());
    let said = upcoming("2024-02-08T00:00:00Z", action, None);
    assert_eq!(
        said.lines().skip(2).collect::<Vec<_>>(),
        [
            "Current key: sk-...x7K2 (was due 3 days ago)",
            "Next rotation: Feb 8, 2024",
            "Action required:",
            "1. open https://dashboard.stripe.com/apikeys",
            "2. roll the key",
            "3. run `rotakey rotate stripe`",
        ]
    );
}

#[test]
fn a_rotation_began() {
    let message = Message::Started {
        title: title(),
        old: Some(key("x7K2")),
        new: Some(key("j9M1")),
        progress: Vec::new(),
    };
    assert_eq!(
        message.to_string(),
        "🔄 Key Rotation Started\n\
         Service: OpenAI API\n\
         Old key: sk-...x7K2\n\
         New key: sk-...j9M1"
    );
}

#[test]
fn a_rotation_is_complete() {
    let link = Some("https://audit.example/openai");
    assert_eq!(
        complete(Some(key("x7K2")), (4, 4), Span::hours(24), link),
        "✅ Key Rotation Complete\n\
         Service: OpenAI API\n\
         New key: sk-...j9M1\n\
         All services updated: 4/4\n\
         🕐 Grace period: 24 hours\n\
         Old key (sk-...x7K2) will be revoked tomorrow.\n\
         View audit log: https://audit.example/openai"
    );
}

#[test]
fn a_completion_without_services_grace_or_old_key_says_so() {
    let tail = |text: String| text.lines().skip(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        tail(complete(Some(key("x7K2")), (0, 0), Span::ZERO, None)),
        [
            "Services to redeploy: none",
            "🕐 Grace period: none",
            "Old key (sk-...x7K2) will be revoked by the next step.",
        ]
    );
    assert_eq!(
        tail(complete(Some(key("x7K2")), (3, 4), Span::days(7), None)),
        [
            "Services updated: 3/4",
            "🕐 Grace period: 7 days",
            "Old key (sk-...x7K2) will be revoked on Feb 25, 2024.",
        ]
    );
    assert_eq!(
        tail(complete(None, (1, 1), Span::hours(24), None)),
        ["All services updated: 1/1", "There was no old key."]
    );
}

#[test]
fn the_old_key_is_dead() {
    let message = Message::Revoked {
        services: 4,
        title: title(),
        old: Some(key("x7K2")),
        next: Some(at("2024-03-20T09:00:00Z")),
    };
    assert_eq!(
        message.to_string(),
        "🗑️ Old Key Revoked\n\
         Service: OpenAI API\n\
         Revoked key: sk-...x7K2\n\
         All services confirmed working with new key.\n\
         Rotation complete. Next rotation: Mar 20, 2024."
    );
}

#[test]
fn where_nothing_is_redeployed_no_service_is_said_to_be_confirmed() {
    let message = Message::Revoked {
        services: 0,
        title: title(),
        old: Some(key("x7K2")),
        next: None,
    };
    let said = message.to_string();
    assert_eq!(said.lines().nth(3), Some("All places hold the new key."));
}

#[test]
fn a_rotation_was_taken_back() {
    let message = Message::RolledBack {
        title: title(),
        why: "confirm vercel/web: build failed".to_owned(),
        live: Some(key("x7K2")),
        hint: Some("mend the build, then run `rotakey rotate openai`".to_owned()),
    };
    assert_eq!(
        message.to_string(),
        "⏪ Key Rotation Rolled Back\n\
         Service: OpenAI API\n\
         What failed: confirm vercel/web: build failed\n\
         Live key: sk-...x7K2\n\
         The old key is back everywhere, and the new one is revoked.\n\
         Action required: mend the build, then run `rotakey rotate openai`"
    );
}

#[test]
fn a_person_is_needed() {
    let message = Message::PersonNeeded {
        title: title(),
        why: "the old key is refused at the issuer".to_owned(),
        live: "sk-...j9M1 everywhere".to_owned(),
        steps: vec!["run `rotakey adopt openai`".to_owned()],
    };
    assert_eq!(
        message.to_string(),
        "🙋 A Person Is Needed\n\
         Service: OpenAI API\n\
         Why: the old key is refused at the issuer\n\
         Live: sk-...j9M1 everywhere\n\
         Action required: run `rotakey adopt openai`"
    );
}

#[test]
fn a_key_leaked() {
    let message = Message::Emergency {
        title: title(),
        old: Some(key("x7K2")),
        reason: "pushed to a public repository".to_owned(),
    };
    assert_eq!(
        message.to_string(),
        "🚨 Emergency Key Rotation\n\
         Service: OpenAI API\n\
         Leaked key: sk-...x7K2\n\
         Reason: pushed to a public repository\n\
         No grace period: the old key is revoked in this run, and then proven dead."
    );
}

#[test]
fn text_from_outside_cannot_add_a_line_or_hide_one() {
    let message = Message::RolledBack {
        title: "API\n✅ Key Rotation Complete".to_owned(),
        why: "\u{1b}[2Kgone\u{202e}".to_owned(),
        live: None,
        hint: None,
    };
    assert_eq!(
        message.to_string(),
        "⏪ Key Rotation Rolled Back\n\
         Service: API ✅ Key Rotation Complete\n\
         What failed: gone\n\
         The old key is back everywhere, and the new one is revoked.\n\
         Action required: None (the next run tries again)"
    );
}

#[test]
fn how_far_it_has_come_stands_under_what_began() {
    let message = Message::Started {
        title: title(),
        old: Some(key("x7K2")),
        new: Some(key("j9M1")),
        progress: vec![
            "✅ New key generated".to_owned(),
            "⏳ Redeploying services (2/4)...".to_owned(),
        ],
    };
    assert_eq!(
        message.to_string(),
        "🔄 Key Rotation Started\n\
         Service: OpenAI API\n\
         Old key: sk-...x7K2\n\
         New key: sk-...j9M1\n\
         Progress:\n\
         ✅ New key generated\n\
         ⏳ Redeploying services (2/4)..."
    );
}

#[test]
fn a_skip_is_answered() {
    let taken = Message::Postponed {
        title: title(),
        until: at("2024-03-19T00:00:00Z"),
        capped: true,
    };
    assert_eq!(
        taken.to_string(),
        "⏸️ Key Rotation Postponed\n\
         Service: OpenAI API\n\
         Next rotation: Mar 19, 2024\n\
         That is as far as the policy allows."
    );
}

#[test]
fn without_names_a_message_names_nothing() {
    let message = Message::PersonNeeded {
        title: title(),
        why: "openai project proj_1 refuses".to_owned(),
        live: "key sk-...x7K2 is current everywhere".to_owned(),
        steps: vec!["rotakey rotate openai".to_owned()],
    };
    assert_eq!(
        message.redacted().to_string(),
        "🙋 A Person Is Needed\n\
         Service: [hidden]\n\
         Why: [hidden]\n\
         Live: [hidden]\n\
         Action required: run `rotakey plan`"
    );
}
