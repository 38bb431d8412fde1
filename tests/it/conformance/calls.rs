//! The kinds that start a program, and the road to it: a script that counts its calls and lets one of them go wrong.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::mortal::Life;
use crate::support::sandbox::Sandbox;
use crate::support::trouble::Trouble;

use super::scene::{Conforms, Road, Scene, due, due_as};
use super::vendors;

/// A program and its arguments follow it; what it is to do, and when, stands in files beside it.
const SCRIPT: &str = r#"#!/bin/sh
here=${0%/*}
read -r n <"$here/count"
n=$((n + 1))
echo $n >"$here/count"
read -r at how <"$here/plan"
[ "$n" = "$at" ] || exec "$@"
case $how in
RequestLost) kill -9 $$ ;;
KilledBefore) : >"$here/over" && kill -9 $$ ;;
ReplyLost) "$@" >"$here/lost"; kill -9 $$ ;;
KilledAfter) "$@" >"$here/lost"; : >"$here/over" && kill -9 $$ ;;
ActsTwice) cat >"$here/asked"; "$@" <"$here/asked" >"$here/lost"; exec "$@" <"$here/asked" ;;
Forbidden) exit 77 ;;
ErrorAfter) "$@" >"$here/lost"; exit 1 ;;
esac
"#;

/// The road to the programs of one sandbox.
pub(super) struct Calls(PathBuf);

impl Calls {
    /// Lays the road.
    pub(super) fn of(sandbox: &Sandbox) -> Self {
        let place = sandbox.path("calls");
        fs::create_dir(&place).expect("a folder in the sandbox");
        for (name, text) in [("count", "0\n"), ("plan", "0 nothing\n")] {
            fs::write(place.join(name), text).expect("a file in the sandbox");
        }
        install(&place.join("run"), SCRIPT);
        Self(place)
    }

    /// How a configuration starts a program on this road: `[script, program, arguments]`.
    pub(super) fn argv(&self, program: &[String]) -> String {
        let run = self.0.join("run").display().to_string();
        let words: Vec<String> = std::iter::once(run).chain(program.to_vec()).collect();
        json!(words).to_string()
    }

    /// A program on this road that is called by its path alone and gives its arguments to the other one.
    pub(super) fn command(&self, name: &str, program: &[String]) -> String {
        let text = format!(
            "#!/bin/sh\nexec '{}/run' '{}' \"$@\"\n",
            self.0.display(),
            program.join("' '")
        );
        let path = self.0.join(name);
        install(&path, &text);
        path.display().to_string()
    }
}

/// Makes a program. Another process writes it: if this one did, a child that another test is just starting could hold the
/// file open for writing, and a file that is open for writing cannot be started.
fn install(path: &Path, text: &str) {
    let mut install = Command::new("install")
        .args(["-m", "755", "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("install is there");
    let mut stdin = install.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("the text");
    drop(stdin);
    assert!(install.wait().expect("an end").success());
}

impl Road for Calls {
    fn sent(&self, _: &Sandbox) -> u64 {
        let count = fs::read_to_string(self.0.join("count")).expect("the count");
        count.trim().parse().expect("a number")
    }

    fn troubles(&self, _: &Sandbox, _: u64) -> Vec<Trouble> {
        use Trouble::*;
        vec![
            KilledBefore,
            KilledAfter,
            RequestLost,
            ReplyLost,
            ActsTwice,
            Forbidden,
            ErrorAfter,
        ]
    }

    fn spoil(&self, sandbox: &Sandbox, n: u64, trouble: Trouble, life: &Life) {
        let at = self.sent(sandbox) + n;
        fs::write(self.0.join("plan"), format!("{at} {trouble:?}\n")).expect("the plan");
        life.fear(self.0.join("over"));
    }
}

/// How a script in Python is started: without the shims in between and the site packages, which cost more than the script.
pub(super) fn python(script: &str) -> [String; 4] {
    static PYTHON: OnceLock<String> = OnceLock::new();
    let program = PYTHON.get_or_init(|| {
        let mut ask = Command::new("python3");
        let said = ask
            .args(["-c", "import sys; print(sys.executable)"])
            .output();
        let said = said.expect("python3 is installed").stdout;
        String::from_utf8_lossy(&said).trim().to_owned()
    });
    [program, "-I", "-S", script].map(str::to_owned)
}

fn example(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    examples.join(name).display().to_string()
}

fn json_at(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).expect("JSON")
}

/// `examples/issuer.py`.
pub(super) fn issuer(suite: &mut dyn Conforms) {
    const LIVE: &str = "the-first-key-of-the-partner-made-by-hand";
    suite.all(&|| {
        let sandbox = vendors::with_file(LIVE);
        let road = Calls::of(&sandbox);
        let store = sandbox.path("keys.json");
        let first = json!({"value": LIVE, "tag": "", "created_at": "2023-01-01T00:00:00Z", "last_used": null});
        sandbox.write("keys.json", &json!({"key_first": first}).to_string());
        let issuer = format!(
            "{{ kind: command, run: {}, overlap: many, find: true, settings: {{ store: {} }} }}",
            road.argv(&python(&example("issuer.py"))),
            store.display()
        );
        let target = "{ kind: dotenv, path: shop.env, variable: KEY }";
        let config = vendors::config("  {}", &issuer, target).replace("accounts:\n  {}\n", "");
        due_as(&sandbox, &config, LIVE, "--key-id key_first");
        let keys = move || json_at(&store);
        let values = keys.clone();
        Scene {
            roads: vec![Box::new(road)],
            used: Box::new(vendors::in_file),
            works: Box::new(move |_, value| {
                let keys = values();
                let mut keys = keys.as_object().into_iter().flat_map(|all| all.values());
                keys.any(|key| key["value"] == value)
            }),
            live: Box::new(move |_| {
                let keys = keys();
                let ids = keys.as_object().into_iter().flat_map(|all| all.keys());
                ids.cloned().collect()
            }),
            ..Scene::new(sandbox)
        }
    });
}

/// `examples/target.py`, with an OpenAI key.
pub(super) fn target(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let sandbox = Sandbox::new();
        let key = sandbox
            .world
            .seed_key("by hand", "2023-01-01T00:00:00Z")
            .value;
        let road = Calls::of(&sandbox);
        let gateway = sandbox.path("gateway");
        fs::create_dir(&gateway).expect("a folder in the sandbox");
        for name in ["stored.json", "running.json"] {
            fs::write(gateway.join(name), json!({"KEY": key}).to_string()).expect("its settings");
        }
        let (accounts, issuer) = vendors::of_openai(&sandbox);
        let target = format!(
            "{{ kind: command, name: gateway, run: {}, settings: {{ dir: {}, variable: KEY }} }}",
            road.argv(&python(&example("target.py"))),
            gateway.display()
        );
        due(
            &sandbox,
            &vendors::config(&accounts, &issuer, &target),
            &key,
        );
        Scene {
            roads: vec![Box::new(road)],
            used: Box::new(move |_| {
                let both = ["stored.json", "running.json"].map(|name| json_at(&gateway.join(name)));
                both.iter()
                    .filter_map(|one| Some(one["KEY"].as_str()?.to_owned()))
                    .collect()
            }),
            works: Box::new(vendors::openai_works),
            live: Box::new(vendors::values_of_openai),
            ..Scene::new(sandbox)
        }
    });
}
