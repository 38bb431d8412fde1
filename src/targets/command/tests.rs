use super::*;
use serde_json::json;
use std::fs;
use tempfile::{TempDir, tempdir};

fn target(config: serde_json::Value) -> Command {
    Command::new(serde_json::from_value(config).unwrap()).unwrap()
}

fn scripted(answer: &str) -> (Command, TempDir) {
    let dir = tempdir().unwrap();
    let script = format!("cat > question; {answer}");
    let run = json!(["sh", "-c", script]);
    (
        target(json!({"name": "gw", "run": run, "cwd": dir.path()})),
        dir,
    )
}

fn asked(dir: &TempDir) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(dir.path().join("question")).unwrap()).unwrap()
}

fn service(id: &str) -> Service {
    Service {
        id: id.into(),
        label: "s".into(),
    }
}

const NOTHING: Since<'_> = Since {
    written_at: None,
    activation: None,
};

#[test]
fn the_example_program_delivers_activates_and_confirms() {
    let dir = tempdir().unwrap();
    let store = dir.path().join("stored.json");
    fs::write(&store, r#"{"RADIUS": "old", "OTHER": "x"}"#).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/target.py");
    let settings = json!({"dir": dir.path(), "variable": "RADIUS"});
    let target = target(json!({"name": "gw", "run": ["python3", program], "settings": settings}));
    let sites = target.sites(Pass(1)).unwrap();
    assert_eq!(sites.len(), 1);
    assert_eq!(sites[0].stored, Stored::Value(SecretValue::new("old")));
    assert_eq!(sites[0].label, "command/gw RADIUS");
    let written = target.write(&sites[0], &SecretValue::new("it's \"new\"\n"));
    assert!(matches!(written, Effect::Done(_)), "{written:?}");
    let stored = target.sites(Pass(2)).unwrap()[0].stored.clone();
    assert_eq!(stored, Stored::Value(SecretValue::new("it's \"new\"\n")));
    let service = &sites[0].services[0];
    let stale = Confirmation::Stale {
        what: "runs an older value".into(),
    };
    assert_eq!(target.confirm(service, NOTHING), Ok(stale));
    assert_eq!(
        target.activate(service),
        Effect::Done(Activation { deployment: None })
    );
    assert_eq!(
        target.confirm(service, NOTHING),
        Ok(Confirmation::Serving { deployment: None })
    );
    assert!(
        fs::read_to_string(&store)
            .unwrap()
            .contains("\"OTHER\": \"x\"")
    );
}

#[test]
fn sites_come_sorted_with_ids_of_their_own() {
    let (target, dir) = scripted(concat!(
        r#"printf '{"sites":[{"id":"b","marker":"m1"},{"id":"a","label":"A\\u001b[0m","#,
        r#""value":"v","services":[{"id":"s"}]},{"id":"c"}]}'"#
    ));
    let sites = target.sites(Pass(1)).unwrap();
    let seen: Vec<(&str, &str, &Stored)> = sites
        .iter()
        .map(|site| (site.id.as_str(), site.label.as_str(), &site.stored))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "command:gw#a",
                "command/gw A",
                &Stored::Value(SecretValue::new("v"))
            ),
            (
                "command:gw#b",
                "command/gw b",
                &Stored::Opaque(Marker("m1".into()))
            ),
            ("command:gw#c", "command/gw c", &Stored::Absent),
        ]
    );
    assert_eq!(sites[0].services[0].id.as_str(), "command:gw#s");
    let question = json!({"protocol": 1, "operation": "sites", "settings": {}});
    assert_eq!(asked(&dir), question);
}

#[test]
fn a_site_that_is_named_twice_is_refused() {
    let (target, _dir) = scripted(r#"printf '{"sites":[{"id":"a"},{"id":"a"}]}'"#);
    let fault = target.sites(Pass(1)).unwrap_err();
    assert_eq!(fault.what, "the answer names one site twice");
}

#[test]
fn the_programs_own_ids_go_back_to_it() {
    let answer = r#"printf '{"state":"waiting","what":"building","again":9}'"#;
    let (target, dir) = scripted(answer);
    let activation = Activation {
        deployment: Some("d1".into()),
    };
    let since = Since {
        written_at: chrono::DateTime::from_timestamp(1_795_424_400, 0),
        activation: Some(&activation),
    };
    let observed = target.confirm(&service("command:gw#web/1"), since);
    let waiting = Confirmation::Waiting {
        doing: "building".into(),
        again: TimeDelta::seconds(9),
    };
    assert_eq!(observed, Ok(waiting));
    assert_eq!(
        asked(&dir),
        json!({
            "protocol": 1,
            "operation": "confirm",
            "settings": {},
            "service": "web/1",
            "written_at": "2026-11-23T09:00:00Z",
            "activated": true,
            "deployment": "d1",
        })
    );
    let other = target.activate(&service("command:other#web/1"));
    let what = "this place belongs to another target";
    assert_eq!(other, Effect::NotDone(Fault::refused(what)));
}
