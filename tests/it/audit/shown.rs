//! What programs make of the report and the tables: a browser, and a spreadsheet.

use std::fs;
use std::process::{Command, Stdio};

use rotakey::exit::Exit;

use super::{bundle, month};

fn installed(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    started.is_ok_and(|status| status.success())
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
    bundle(&sandbox, "february", "2024-02");
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
