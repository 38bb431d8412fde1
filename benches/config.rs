//! Reading `rotations.yaml`: the usual handful of secrets, and ten thousand.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use divan::{Bencher, counter::BytesCount};
use rotakey::config::{Surroundings, resolve};
use rotakey::model::Fault;

fn main() {
    divan::main();
}

/// A file with so many secrets, each of seven lines and with two targets.
fn file(secrets: usize, every: &str) -> String {
    let mut text =
        String::from("accounts:\n  vercel: { token: { env: VERCEL_TOKEN } }\nsecrets:\n");
    for number in 0..secrets {
        write!(
            text,
            "  service-{number}:\n    \
             title: Service {number}\n    \
             every: {every}\n    \
             issuer: {{ kind: generated, length: 40 }}\n    \
             targets:\n      \
             - {{ kind: vercel, projects: all, variable: SERVICE_{number}_KEY }}\n      \
             - {{ kind: dotenv, path: /srv/app/.env, variable: SERVICE_{number}_KEY }}\n"
        )
        .expect("a string takes everything");
    }
    text
}

#[divan::bench(args = [4, 1_000, 10_000])]
fn every_month(bencher: Bencher<'_, '_>, secrets: usize) {
    read(bencher, &file(secrets, "30d"));
}

#[divan::bench(args = [4, 1_000, 10_000])]
fn by_cron(bencher: Bencher<'_, '_>, secrets: usize) {
    read(bencher, &file(secrets, "\"0 3 1 * *\""));
}

fn read(bencher: Bencher<'_, '_>, text: &str) {
    let around = Surroundings {
        dir: PathBuf::from("/"),
        env: Arc::new(|_| None),
        secret: Arc::new(|_| Err(Fault::refused("no ledger"))),
    };
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| resolve(text, "rotations.yaml", &around));
}
