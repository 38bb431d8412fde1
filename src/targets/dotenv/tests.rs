use super::*;
use std::fs;
use tempfile::{TempDir, tempdir};

fn target(config: serde_json::Value) -> Dotenv {
    Dotenv::new(serde_json::from_value(config).unwrap(), Path::new("")).unwrap()
}

fn env(text: &str) -> (TempDir, PathBuf, Dotenv) {
    let dir = tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join(".env");
    fs::write(&path, text).unwrap();
    let target = target(serde_json::json!({"path": path, "variable": "KEY"}));
    (dir, path, target)
}

fn only(target: &Dotenv) -> Site {
    let mut sites = target.sites(Pass(1)).unwrap();
    assert_eq!(sites.len(), 1);
    sites.remove(0)
}

fn secret(text: &str) -> SecretValue {
    SecretValue::new(text)
}

#[test]
fn a_write_is_read_back_and_undone_by_a_write() {
    let text = "# ours\r\nKEY=old\r\nB='x'";
    let (_dir, path, target) = env(text);
    let site = only(&target);
    assert_eq!(site.stored, Stored::Value(secret("old")));
    assert_eq!(site.id.as_str(), format!("dotenv:{}#KEY", path.display()));
    assert_eq!(site.label, format!("dotenv/{} KEY", path.display()));
    assert_eq!(site.services, []);
    let Effect::Done(written) = target.write(&site, &secret("n#w")) else {
        panic!("not written");
    };
    assert!(written.at.is_some() && written.marker.is_none());
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# ours\r\nKEY='n#w'\r\nB='x'"
    );
    assert_eq!(only(&target).stored, Stored::Value(secret("n#w")));
    assert!(matches!(
        target.write(&site, &secret("old")),
        Effect::Done(_)
    ));
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# ours\r\nKEY='old'\r\nB='x'"
    );
}

#[test]
fn writing_what_is_there_already_touches_nothing() {
    use std::os::unix::fs::MetadataExt;
    let (_dir, path, target) = env("KEY=old\n");
    let before = fs::metadata(&path).unwrap().ino();
    assert!(matches!(
        target.write(&only(&target), &secret("old")),
        Effect::Done(_)
    ));
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
}

#[test]
fn a_value_that_is_not_read_alike_everywhere_is_not_written() {
    let (_dir, path, target) = env("KEY=old\n");
    let effect = target.write(&only(&target), &secret("a\nB=evil"));
    let Effect::NotDone(fault) = effect else {
        panic!("{effect:?}");
    };
    assert_eq!(
        fault.what,
        format!(
            "`{}`: a value with a line break is not read the same way by all who read such files",
            path.display()
        )
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "KEY=old\n");
}

#[test]
fn a_missing_variable_is_a_fault_unless_it_may_be_created() {
    let (_dir, path, target) = env("A=1\n");
    let fault = target.sites(Pass(1)).unwrap_err();
    assert_eq!(
        fault.what,
        format!("`{}`: has no variable `KEY`", path.display())
    );
    for (at, after) in [
        (path.clone(), "A=1\nKEY=new\n"),
        (path.with_extension("two"), "KEY=new\n"),
    ] {
        let config = serde_json::json!({"path": at, "variable": "KEY", "create": true});
        let target = self::target(config);
        let site = only(&target);
        assert_eq!(site.stored, Stored::Absent);
        assert!(matches!(
            target.write(&site, &secret("new")),
            Effect::Done(_)
        ));
        assert_eq!(fs::read_to_string(&at).unwrap(), after);
    }
}

#[test]
fn two_secrets_in_one_file_do_not_lose_each_others_write() {
    let (dir, path, _) = env(&(0..8).map(|n| format!("K{n}=old\n")).collect::<String>());
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::thread::scope(|threads| {
        for n in 0..8 {
            let at = if n % 2 == 0 { &path } else { &link };
            let config = serde_json::json!({"path": at, "variable": format!("K{n}")});
            threads.spawn(move || {
                let target = target(config);
                let site = only(&target);
                for round in 0..10 {
                    let value = secret(&format!("new{n}.{round}"));
                    assert!(matches!(target.write(&site, &value), Effect::Done(_)));
                }
            });
        }
    });
    let expected: String = (0..8).map(|n| format!("K{n}=new{n}.9\n")).collect();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn a_link_that_was_turned_elsewhere_is_not_followed_blindly() {
    let (dir, path, _) = env("KEY=old\n");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let target = target(serde_json::json!({"path": link, "variable": "KEY"}));
    let site = only(&target);
    let other = dir.path().join("other");
    fs::write(&other, "KEY=other\n").unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    assert!(matches!(
        target.write(&site, &secret("new")),
        Effect::NotDone(_)
    ));
    assert_eq!(fs::read_to_string(&other).unwrap(), "KEY=other\n");
}

#[test]
fn a_reload_is_one_service_for_all_variables_of_a_file() {
    let (_dir, path, _) = env("KEY=old\nB=1\n");
    let of = |variable: &str| {
        let config = serde_json::json!({"path": path, "variable": variable, "reload": ["true"]});
        only(&target(config)).services
    };
    assert_eq!(of("KEY"), of("B"));
    assert_eq!(
        of("KEY")[0].id.as_str(),
        format!("dotenv:{}![\"true\"]", path.display())
    );
}

#[test]
fn a_reload_that_fails_was_not_done_and_one_that_hangs_is_uncertain() {
    let (_dir, path, _) = env("KEY=old\n");
    let activate = |reload: &[&str]| {
        let config = serde_json::json!(
            {"path": path, "variable": "KEY", "reload": reload, "reload_timeout": "1s"}
        );
        let target = target(config);
        target.activate(&only(&target).services[0])
    };
    assert_eq!(
        activate(&["true"]),
        Effect::Done(Activation { deployment: None })
    );
    assert!(matches!(activate(&["sleep", "30"]), Effect::Uncertain(_)));
    let failed = Fault::refused("the reload command failed (exit 1)");
    assert_eq!(
        activate(&["false"]),
        Effect::NotDone(failed.hint("run it by hand: false"))
    );
}

#[test]
fn what_a_reload_leaves_running_lives_on_and_may_print() {
    let (dir, path, _) = env("KEY=old\n");
    let alive = dir.path().join("alive");
    let activate = |script: &str| {
        let config = serde_json::json!(
            {"path": path, "variable": "KEY", "reload": ["sh", "-c", script]}
        );
        let target = target(config);
        target.activate(&only(&target).services[0])
    };
    let done = Effect::Done(Activation { deployment: None });
    let service = "sleep 0.3; echo serving; echo serving >&2";
    let started = format!("({service}; echo yes > {}) &", alive.display());
    assert_eq!(activate(&started), done);
    assert!(!alive.exists());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while fs::read_to_string(&alive).unwrap_or_default() != "yes\n" {
        assert!(
            std::time::Instant::now() < deadline,
            "it died of its first line"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(activate("head -c 2097152 /dev/zero"), done);
}

#[test]
fn a_service_serves_once_it_was_reloaded_after_the_write() {
    let (_dir, path, _) = env("KEY=old\n");
    let config = serde_json::json!({"path": path, "variable": "KEY", "reload": ["true"]});
    let target = target(config);
    let service = &only(&target).services[0];
    let activation = Activation { deployment: None };
    let since = |activation| Since {
        written_at: None,
        activation,
    };
    assert_eq!(
        target.confirm(service, since(Some(&activation))),
        Ok(Confirmation::Serving { deployment: None })
    );
    assert_eq!(
        target.confirm(service, since(None)),
        Ok(Confirmation::Stale {
            what: "was not reloaded since the write".into()
        })
    );
}

#[test]
fn a_name_that_is_no_variable_is_refused_when_it_is_read() {
    let config = serde_json::json!({"path": "x", "variable": "A=B"});
    let error = serde_json::from_value::<Config>(config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a variable is named with letters, digits and `_`"
    );
}
