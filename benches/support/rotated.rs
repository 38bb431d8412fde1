//! Secrets as they are after years: taken over once, and rotated so often that no rotation adds anything any more.

use chrono::TimeDelta;

use rotakey::ledger::{
    Begun, Change, Declaration, Facts, LockedLedger, NewVersion, Progress, Running,
    ServiceProgress, SiteProgress, SiteWrite, Trigger, Way, What,
};
use rotakey::model::{
    Fields, Hint, Instant, Key, KeyId, Making, RotationId, RunId, SecretName, SecretValue,
    ServiceId, SiteId, Tag,
};

use super::support::kept::{five_years, start};

/// More than a ledger remembers dead versions of a secret.
const ROTATIONS: u32 = 10;

/// All of these, each with a variable of a Vercel project and a line of a file, rotated for the last time ten days ago.
pub(crate) fn rotated(locked: &mut LockedLedger, names: &[String]) {
    let last = start() + five_years() - TimeDelta::days(10);
    let first = last - TimeDelta::days(30) * i32::try_from(ROTATIONS).expect("a few");
    locked.declare(declaration(names));
    for name in names {
        let taken_over = What::Adopted(version(name, 0, first));
        change(locked, name, first, taken_over);
    }
    for number in 1..=ROTATIONS {
        let at = first + TimeDelta::days(30) * i32::try_from(number).expect("a few");
        for name in names {
            rotate(locked, name, number, at);
        }
        // What is told of all of them at once would have to be held in memory.
        locked.commit().expect("a commit");
    }
}

/// What a run that has taken a minute records, and the one after the grace.
fn rotate(locked: &mut LockedLedger, name: &str, number: u32, at: Instant) {
    let run = RunId::new(format!("run_{number:016x}"));
    let [row, line] = sites(name);
    let service = ServiceId::new("vercel/prj_0123456789abcdefghijklmnop/production");
    let written = |site: &SiteId| {
        let site = site.clone();
        What::Progress(Progress::Written {
            site,
            write: SiteWrite {
                way: Way::Forward,
                at: None,
                marker: None,
            },
        })
    };
    let turned = Progress::Turned {
        way: Way::Forward,
        sites: vec![row.0.clone(), line.0.clone()],
        services: [(service.clone(), serves())].into(),
    };
    let during = [
        What::Begun(Begun {
            rotation: RotationId::new(format!("rot_{number:012x}")),
            trigger: Trigger::Scheduled,
            reason: None,
            alarm: None,
            tag: Tag::new(format!("rotakey-{name}-{number:012x}")),
            proposal: None,
            run: run.clone(),
            facts: Facts::new(),
        }),
        What::Issued(version(name, number, at)),
        What::Verified {
            how: "GET /v1/models answered with HTTP 200".to_owned(),
        },
        What::Progress(Progress::SitesFound([row.clone(), line.clone()].into())),
        What::Progress(turned),
        written(&row.0),
        written(&line.0),
        What::Progress(Progress::Activated {
            service: service.clone(),
            deployment: Some("dpl_0123456789abcdef".to_owned()),
        }),
        What::Progress(Progress::Confirmed {
            service,
            how: "deployment dpl_0123456789abcdef serves and is healthy".to_owned(),
        }),
    ];
    let (promoted, over) = (at + TimeDelta::seconds(61), at + TimeDelta::days(1));
    for what in during {
        change(locked, name, at, what);
    }
    change(locked, name, promoted, What::Promoted { issuer_date: None });
    change(locked, name, over, What::RevokeIntended { run });
    change(locked, name, over, What::Progress(Progress::Settled));
    let observed = Some("refused with HTTP 401".to_owned());
    change(locked, name, over, What::Finished { observed });
}

fn change(locked: &mut LockedLedger, name: &str, at: Instant, what: What) {
    let secret = SecretName::new(name);
    let change = Change { secret, what };
    locked.record(at, change).expect("what can follow");
}

fn version(name: &str, number: u32, created_at: Instant) -> NewVersion {
    let value = SecretValue::new(format!("sk-{name}-0123456789-0123456789-{number:04}"));
    NewVersion {
        hint: Hint::of(&value, Making::Machine),
        key: Key {
            id: Some(KeyId::new(format!("key_{number:016x}"))),
            ..Key::of(Fields::single(value))
        },
        fingerprint: format!("fp1_{number:020x}"),
        created_at,
    }
}

/// As the targets name them.
fn sites(name: &str) -> [(SiteId, SiteProgress); 2] {
    let variable = name.to_uppercase().replace('-', "_");
    let row = (
        format!("vercel/prj_0123456789abcdefghijklmnop/{variable}/production+preview"),
        "vercel".to_owned(),
        format!("vercel/storefront production+preview {variable}"),
        vec![ServiceId::new(
            "vercel/prj_0123456789abcdefghijklmnop/production",
        )],
    );
    let line = (
        format!("dotenv:/srv/storefront/.env#{variable}"),
        "dotenv/.env".to_owned(),
        format!("dotenv/.env {variable}"),
        Vec::new(),
    );
    [row, line].map(|(id, target, label, services)| {
        let progress = SiteProgress {
            target,
            label,
            services,
            stage: None,
            before: None,
            heading: None,
            write: None,
        };
        (SiteId::new(id), progress)
    })
}

fn serves() -> ServiceProgress {
    ServiceProgress {
        label: "vercel/storefront".to_owned(),
        target: "vercel".to_owned(),
        way: Way::Forward,
        asked: None,
        confirmed: false,
    }
}

fn declaration(names: &[String]) -> Declaration {
    let facts = [("every", "30d"), ("grace", "24h")];
    let facts: Facts = facts
        .map(|(name, fact)| (name.to_owned(), fact.to_owned()))
        .into();
    let declared = |name: &String| (SecretName::new(name), facts.clone());
    Declaration {
        running: Running {
            config: format!("sha256:{:064x}", 0),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        },
        secrets: names.iter().map(declared).collect(),
    }
}
