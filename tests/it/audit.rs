//! The auditor's visit: what is handed out, and that nobody can change any of it unnoticed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::TimeDelta;
use rotakey::exit::Exit;
use rotakey::ledger::{Digest, EntryRef, LedgerId};
use serde_json::Value;

use crate::support::sandbox::Sandbox;
use crate::support::shop;

/// February with two rotations, one of them with a ticket; seen from the first of March.
fn month() -> Sandbox {
    let (sandbox, _) = shop::both();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    sandbox
        .run("rotate session --reason '=cmd|calc' --ticket CHG-7 --approved-by eve")
        .exits(Exit::Done);
    sandbox.advance(TimeDelta::days(12));
    sandbox
}

fn installed(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    started.is_ok_and(|status| status.success())
}

fn python(directory: &Path) -> Output {
    let script = directory.join("verify.py");
    Command::new("python3")
        .arg(script)
        .output()
        .expect("python3")
}

#[test]
fn a_month_leaves_as_a_bundle_that_is_checked_with_and_without_rotakey() {
    let sandbox = month();
    let ran = sandbox
        .run("audit export --bundle february --month 2024-02")
        .exits(Exit::Done);
    assert_eq!((ran.commits, ran.requests), (0, 0));
    let directory = sandbox.path("february");
    let sums = Command::new("sha256sum")
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(&directory)
        .status();
    assert!(sums.expect("sha256sum").success());
    let checked = python(&directory);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && said.starts_with("OK: "),
        "{checked:?}"
    );
    assert!(said.contains("population 0 + 2 - 0 = 2"), "{said}");
    let ran = sandbox.run("audit verify february").exits(Exit::Done);
    assert!(
        ran.stdout
            .contains("rows and all events as the log has them"),
        "{ran:?}"
    );

    // The same again a year later, and without configuration, ledger and identity.
    sandbox
        .run("audit export --bundle again --month 2024-02")
        .exits(Exit::Done);
    for name in ["manifest.json", "SHA256SUMS", "report.html", "events.jsonl"] {
        assert_eq!(
            sandbox.read(&format!("february/{name}")),
            sandbox.read(&format!("again/{name}")),
            "{name}"
        );
    }
    fs::remove_file(sandbox.path("rotations.yaml")).expect("the configuration");
    fs::remove_file(sandbox.path("identity.txt")).expect("the identity");
    sandbox
        .run("audit verify --alone february")
        .exits(Exit::Done);
    sandbox.run("audit verify february").exits(Exit::Usage);
}

#[test]
fn what_is_handed_out_tells_every_date_and_who() {
    let sandbox = month();
    let csv = sandbox
        .run("audit export --csv --month 2024-02 --out -")
        .exits(Exit::Done)
        .stdout;
    let mut table = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    let heads = table.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = table.records().map(|row| row.expect("a row")).collect();
    let cell = |row: &csv::StringRecord, name: &str| {
        let at = heads
            .iter()
            .position(|head| head == name)
            .expect("a column");
        row[at].to_owned()
    };
    assert_eq!(rows.len(), 5, "{csv}");
    let row = rows
        .iter()
        .find(|row| &row[1] == "openai" && cell(row, "status") == "completed")
        .expect("the rotation");
    assert_eq!(cell(row, "due_at"), "2024-02-18T00:00:00Z");
    for (earlier, later) in [
        ("due_at", "issued_at"),
        ("issued_at", "delivered_at"),
        ("delivered_at", "confirmed_at"),
        ("confirmed_at", "promoted_at"),
        ("promoted_at", "old_key_refused_at"),
    ] {
        assert!(
            cell(row, earlier) <= cell(row, later) && !cell(row, later).is_empty(),
            "{earlier} {later}"
        );
    }
    assert_eq!(cell(row, "sites").split(" | ").count(), 5);
    let row = rows
        .iter()
        .find(|row| !cell(row, "ticket").is_empty())
        .expect("the ticket");
    assert_eq!(cell(row, "approved_by"), "eve");
    assert_eq!(cell(row, "reason"), "'=cmd|calc");
    assert_eq!(cell(row, "status"), "open, in grace");

    let lines = sandbox
        .run("audit export --json --month 2024-02")
        .exits(Exit::Done)
        .stdout;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let count = |record: &str| lines.iter().filter(|line| line["record"] == record).count();
    assert_eq!(
        (count("rotation"), count("secret"), count("export")),
        (5, 2, 1)
    );
    assert_eq!(lines.last().expect("lines")["population"]["closing"], 2);
}

#[test]
fn nobody_approves_their_own_request() {
    let (sandbox, _) = shop::both();
    let ran = sandbox
        .run("rotate session --approved-by cron")
        .exits(Exit::Usage);
    assert_eq!(
        ran.stderr,
        "error: who asks for a rotation cannot approve it\n  hint: name somebody else with `--approved-by`, or leave it out\n"
    );
}

#[test]
fn an_empty_month_is_evidence_and_continues_the_one_before() {
    let sandbox = month();
    sandbox.advance(TimeDelta::days(40));
    sandbox
        .run("audit export --bundle february --month 2024-02")
        .exits(Exit::Done);
    sandbox
        .run("audit export --bundle march --month 2024-03")
        .exits(Exit::Done);
    assert_eq!(
        sandbox.read("march/rotations.csv").matches("\r\n").count(),
        2,
        "the open rotation"
    );
    assert_eq!(sandbox.read("march/events.jsonl"), "");
    assert!(python(&sandbox.path("march")).status.success());
    let ran = sandbox
        .run("audit verify --alone march february")
        .exits(Exit::Done);
    assert!(ran.stdout.contains("march: goes on from event"), "{ran:?}");
}

fn changed<'a>(lines: &[&'a str], change: impl FnOnce(&mut Vec<&'a str>)) -> String {
    let mut lines = lines.to_vec();
    change(&mut lines);
    lines.concat()
}

/// What somebody could do to the lines of `events.jsonl`, and what is said of it.
#[test]
fn whatever_is_done_to_an_event_is_named_by_rotakey_and_by_python() {
    let sandbox = month();
    sandbox
        .run("audit export --bundle february --month 2024-02")
        .exits(Exit::Done);
    let whole = sandbox.read("february/events.jsonl");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let last = lines.len();
    // The first line is event 1: the ledger was made in this month.
    let kind = serde_json::from_str::<Value>(lines[9]).expect("an event")["kind"]
        .as_str()
        .expect("a kind")
        .to_owned();
    let edited = lines[9].replace(&kind, "deliver.xxxx");
    assert_ne!(edited, lines[9]);
    let cases = [
        (
            "edited",
            changed(&lines, |lines| lines[9] = &edited),
            "event 10 ".to_owned(),
        ),
        (
            "removed",
            changed(&lines, |lines| {
                lines.remove(9);
            }),
            "event 11 stands where event 10 belongs".to_owned(),
        ),
        (
            "inserted",
            changed(&lines, |lines| lines.insert(9, lines[3])),
            "event 4 stands where event 10 belongs".to_owned(),
        ),
        (
            "reordered",
            changed(&lines, |lines| lines.swap(9, 10)),
            "event 11 stands where event 10 belongs".to_owned(),
        ),
        (
            "cut off",
            changed(&lines, |lines| lines.truncate(last - 1)),
            format!("event {last} is missing"),
        ),
    ];
    for (name, text, said) in cases {
        sandbox.write("february/events.jsonl", &text);
        let ran = sandbox
            .run("audit verify --alone february")
            .exits(Exit::Failed);
        assert!(ran.stderr.contains(&said), "{name}: {ran:?}");
        let checked = python(&sandbox.path("february"));
        let stderr = String::from_utf8_lossy(&checked.stderr);
        assert!(
            !checked.status.success() && stderr.starts_with("NOT OK: "),
            "{name}: {stderr}"
        );
        if name != "cut off" {
            assert!(stderr.contains(&said), "{name}: {stderr}");
        }
    }
    sandbox.write("february/events.jsonl", &whole);
    let table = sandbox.read("february/rotations.csv");
    sandbox.write(
        "february/rotations.csv",
        &table.replace("completed", "abandoned"),
    );
    sandbox
        .run("audit verify --alone february")
        .exits(Exit::Failed)
        .says("rotations.csv is not the file that was written");
    assert!(!python(&sandbox.path("february")).status.success());
}

/// Links all events anew, as somebody would who can write the ledger; the manifest is made to fit.
fn rebuild(sandbox: &Sandbox, bundle: &str, change: impl Fn(&str) -> String) {
    let mut manifest: Value =
        serde_json::from_str(&sandbox.read(&format!("{bundle}/manifest.json")))
            .expect("a manifest");
    let ledger: LedgerId = serde_json::from_value(manifest["ledger"].clone()).expect("an id");
    let before: Digest =
        serde_json::from_value(manifest["events"]["before_hash"].clone()).expect("a hash");
    let (mut head, mut text) = (before, String::new());
    for line in sandbox.read(&format!("{bundle}/events.jsonl")).lines() {
        let line = change(line);
        let mut entry: EntryRef<'_> = serde_json::from_str(&line).expect("an event");
        head = entry.expected_hash(ledger, head);
        entry.hash = Some(head);
        text += &(serde_json::to_string(&entry).expect("JSON") + "\n");
    }
    sandbox.write(&format!("{bundle}/events.jsonl"), &text);
    manifest["events"]["head"] = head.to_string().into();
    manifest["files"] = serde_json::json!({"rotations.csv": manifest["files"]["rotations.csv"]});
    sandbox.write(&format!("{bundle}/manifest.json"), &manifest.to_string());
}

#[test]
fn a_chain_that_was_built_anew_is_caught_by_the_ledger_and_by_another_export() {
    let sandbox = month();
    sandbox.advance(TimeDelta::days(1));
    sandbox.run("rotate session").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(40));
    sandbox
        .run("audit export --bundle february --month 2024-02")
        .exits(Exit::Done);
    sandbox
        .run("audit export --bundle march --month 2024-03")
        .exits(Exit::Done);
    rebuild(&sandbox, "february", |line| line.replace("CHG-7", "CHG-8"));
    // In itself it is a chain: that is why a head has to be kept elsewhere.
    sandbox
        .run("audit verify --alone february")
        .exits(Exit::Done);
    let ran = sandbox.run("audit verify february").exits(Exit::Failed);
    assert!(
        ran.stderr
            .contains(" of the ledger is not the one in the export"),
        "{ran:?}"
    );
    let ran = sandbox
        .run("audit verify --alone february march")
        .exits(Exit::Failed);
    assert!(
        ran.stderr
            .contains("is another one than in the export before: the log was written anew"),
        "{ran:?}"
    );
}

#[test]
fn the_page_holds_no_script_and_loads_nothing() {
    let sandbox = month();
    sandbox
        .run("audit export --html --month 2024-02")
        .exits(Exit::Done);
    let page = sandbox.read("rotakey-report-2024-02.html");
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""));
    for never in [
        "<script", "<img", "<link", "<iframe", "http://", "https://", " src=", " href=", "url(",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    for shown in [
        "CC6.1",
        "CC6.6",
        "CC7.1",
        "CC8.1",
        "A.5.17",
        "A.8.24",
        "8.6.3",
        "it adds up",
        "CHG-7",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    if !installed("chromium") {
        return;
    }
    let directory = sandbox.directory.path();
    let printed = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--no-pdf-header-footer",
        ])
        .arg(format!(
            "--user-data-dir={}",
            directory.join("browser").display()
        ))
        .arg(format!(
            "--print-to-pdf={}",
            directory.join("report.pdf").display()
        ))
        .arg(directory.join("rotakey-report-2024-02.html"))
        .output();
    assert!(printed.expect("chromium").status.success());
    let pdf = fs::read(directory.join("report.pdf")).expect("a PDF");
    assert!(
        pdf.starts_with(b"%PDF-") && pdf.len() > 20_000,
        "{} bytes",
        pdf.len()
    );
}

#[test]
fn a_spreadsheet_takes_every_cell_for_text() {
    if !installed("soffice") {
        return;
    }
    let sandbox = month();
    sandbox
        .run("audit export --bundle february --month 2024-02")
        .exits(Exit::Done);
    for name in ["rotations", "population", "exceptions", "changes"] {
        let converted = Command::new("soffice")
            .arg(format!(
                "-env:UserInstallation=file://{}",
                sandbox.path("office").display()
            ))
            .args(["--headless", "--convert-to", "fods", "--outdir"])
            .arg(sandbox.directory.path())
            .arg(sandbox.path(&format!("february/{name}.csv")))
            .output();
        assert!(converted.expect("soffice").status.success());
        let sheet = sandbox.read(&format!("{name}.fods"));
        let types: Vec<&str> = sheet
            .split("office:value-type=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let body = sheet.split("<table:table ").nth(1).expect("a table");
        assert!(!body.contains("table:formula="), "{name}");
        let cells = body.matches("office:value-type=\"").count();
        assert_eq!(
            cells,
            body.matches("office:value-type=\"string\"").count(),
            "{name}: {types:?}"
        );
    }
}

#[test]
fn keys_that_nobody_manages_are_listed() {
    let (sandbox, _) = shop::both();
    let stranger = sandbox
        .world
        .seed_key("left by a contractor", "2023-05-01T09:00:00Z");
    let ran = sandbox.run("audit reconcile").exits(Exit::PersonNeeded);
    assert!(
        ran.stdout.contains(&stranger.id) && ran.stdout.contains("nobody manages it"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains(": lists 2 keys") && ran.stderr.contains(": cannot list its keys"),
        "{ran:?}"
    );
    assert_eq!(ran.commits, 0);
    let lines = sandbox
        .run("audit reconcile --json")
        .exits(Exit::PersonNeeded)
        .stdout;
    let unmanaged: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &Value| line["record"] == "unmanaged")
        .collect();
    assert_eq!(unmanaged.len(), 1, "{lines}");
    assert_eq!(unmanaged[0]["key"], stranger.id.as_str());
}

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
