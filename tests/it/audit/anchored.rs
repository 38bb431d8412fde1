//! The head of the log, stamped by an authority that rotakey does not run.

use std::fs;
use std::process::Command;

use rotakey::exit::Exit;
use serde_json::Value;

use super::month;

/// A time-stamping authority made of openssl: a key, a certificate, and `openssl ts -reply` behind a socket.
struct Authority {
    home: tempfile::TempDir,
    url: String,
}

impl Authority {
    fn start() -> Option<Self> {
        let home = tempfile::tempdir().expect("a directory");
        let config = "[ req ]\ndistinguished_name = name\nx509_extensions = ext\nprompt = no\n[ name ]\nCN = Test authority\n\
             [ ext ]\nextendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\nbasicConstraints = CA:FALSE\n\
             [ tsa ]\ndefault_tsa = here\n[ here ]\nserial = serial\nsigner_cert = cert.pem\nsigner_key = key.pem\ncerts = cert.pem\n\
             signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\nordering = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";
        fs::write(home.path().join("tsa.cnf"), config).expect("a file");
        fs::write(home.path().join("serial"), "01\n").expect("a file");
        let words = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -config tsa.cnf";
        let made = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(home.path())
            .output();
        if !made.is_ok_and(|made| made.status.success()) {
            return None;
        }
        let server = tiny_http::Server::http("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/tsr", server.server_addr());
        let path = home.path().to_owned();
        std::thread::spawn(move || {
            for mut request in server.incoming_requests() {
                let mut query = Vec::new();
                request
                    .as_reader()
                    .read_to_end(&mut query)
                    .expect("a query");
                fs::write(path.join("query"), query).expect("a file");
                let words = "ts -reply -config tsa.cnf -queryfile query -out reply";
                let made = Command::new("openssl")
                    .args(words.split(' '))
                    .current_dir(&path)
                    .output();
                assert!(made.expect("openssl").status.success());
                let reply = fs::read(path.join("reply")).expect("a reply");
                let kind = "Content-Type: application/timestamp-reply".parse::<tiny_http::Header>();
                let response =
                    tiny_http::Response::from_data(reply).with_header(kind.expect("a header"));
                drop(request.respond(response));
            }
        });
        Some(Self { home, url })
    }
}

#[test]
fn the_head_is_stamped_by_an_authority_and_openssl_accepts_the_token() {
    let Some(authority) = Authority::start() else {
        return;
    };
    let sandbox = month();
    let config = sandbox.read("rotations.yaml");
    sandbox.write(
        "rotations.yaml",
        &format!(
            "anchors:\n  timestamp: {{ url: \"{}\" }}\n{config}",
            authority.url
        ),
    );
    let ran = sandbox.run("audit anchor").exits(Exit::Done);
    assert!(ran.stderr.contains("events anchored, head "), "{ran:?}");
    // Nothing new: nothing is asked and nothing is written.
    let before = sandbox.standing("ledger.json.age");
    assert_eq!(sandbox.run("audit anchor").exits(Exit::Done).commits, 0);
    assert_eq!(sandbox.standing("ledger.json.age"), before);

    let lines = sandbox.run("audit export --json").exits(Exit::Done).stdout;
    let export: Value = serde_json::from_str(lines.lines().last().expect("lines")).expect("JSON");
    let facts = &export["anchors"][0]["facts"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let checkpoint = format!(
        "rotakey/{}\n{}\n{}\n",
        text(&export["ledger"]),
        text(&facts["size"]),
        text(&facts["head"])
    );
    sandbox.write("checkpoint", &checkpoint);
    let verified = Command::new("openssl")
        .args([
            "ts",
            "-verify",
            "-data",
            "checkpoint",
            "-in",
            &text(&facts["token"]),
            "-CAfile",
        ])
        .arg(authority.home.path().join("cert.pem"))
        .current_dir(sandbox.directory.path())
        .output()
        .expect("openssl");
    assert!(verified.status.success(), "{verified:?}");
    let ran = sandbox.run("audit verify").exits(Exit::Done);
    assert!(
        ran.stdout.contains(&format!(
            "events 1 to {} are anchored",
            text(&facts["size"])
        )),
        "{ran:?}"
    );
}
