//! An assisted secret through the whole program: told once, exit 3 until a person has been there, then like any other.

use std::io::Cursor;
use std::path::Path;

use serde_json::json;

use crate::exit::Exit;
use crate::http::testing::{Answer, Server};
use crate::run::Input;
use crate::run::testing::Bench;

const OLD: &str = "rk_live_51OldOldOldOldOldOld0001";
const NEW: &str = "rk_live_51NewNewNewNewNewNew0002";

/// Runs the program; gives its exit code and what it said on both channels.
fn run(at: &Path, words: &[&str], typed: &str) -> (Exit, String) {
    let bench = Bench::new(at);
    let mut host = bench.host();
    host.input = Input::piped(Cursor::new(typed.as_bytes().to_vec()));
    let words = ["rotakey"].iter().chain(words).map(Into::into);
    let exit = crate::invoke(host, words);
    (exit, bench.out.text() + &bench.talk.text())
}

#[test]
fn cron_tells_a_person_once_and_says_by_its_exit_code_that_it_is_still_to_be_done() {
    let balance = || Answer::Json(200, json!({"object": "balance"}));
    let server = Server::start((0..20).map(|_| balance()).collect());
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    assert_eq!(run(at, &["init"], "").0, Exit::Done);
    let config = format!(
        "accounts:\n  stripe: {{ base_url: \"{}\" }}\nsecrets:\n  stripe:\n    title: Stripe API\n    every: 60d\n    \
         issuer: {{ kind: stripe }}\n    targets:\n      - {{ kind: dotenv, path: {}/.env, variable: STRIPE_KEY }}\n",
        server.base,
        at.display()
    );
    std::fs::write(at.join("rotations.yaml"), config).expect("a configuration");
    std::fs::write(at.join(".env"), format!("STRIPE_KEY={OLD}\n")).expect("a site");
    let adopt = ["adopt", "stripe", "--created", "2023-12-01"];
    let (exit, said) = run(at, &adopt, "sk_test_51OldOldOldOldOldOld0001");
    assert_eq!(exit, Exit::Failed);
    assert!(said.contains("this is a test mode key"), "{said}");
    assert_eq!(run(at, &adopt, OLD).0, Exit::Done);

    let (exit, said) = run(at, &["plan", "--warn"], "");
    assert_eq!(exit, Exit::Done);
    assert!(
        said.contains("https://dashboard.stripe.com/apikeys"),
        "{said}"
    );
    assert!(said.contains("rotakey rotate stripe"), "{said}");
    for words in [["plan", "--warn"].as_slice(), &["revoke"]] {
        assert_eq!(run(at, words, ""), (Exit::Done, String::new()), "{words:?}");
    }
    assert_eq!(
        run(at, &["rotate"], ""),
        (Exit::PersonNeeded, String::new())
    );

    let (exit, said) = run(at, &["rotate", "stripe"], "pk_live_51New");
    assert_eq!(exit, Exit::Failed);
    assert!(
        said.contains("this is a publishable key, which is no secret"),
        "{said}"
    );
    let env = || std::fs::read_to_string(at.join(".env")).expect("the site");
    assert_eq!(env(), format!("STRIPE_KEY={OLD}\n"));
    assert_eq!(run(at, &["rotate", "stripe"], NEW).0, Exit::Done);
    assert_eq!(env(), format!("STRIPE_KEY={NEW}\n"));
    assert_eq!(run(at, &["rotate"], ""), (Exit::Done, String::new()));
}
