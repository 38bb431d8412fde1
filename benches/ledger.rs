//! What a ledger costs: opening it and a durable commit, when it is young and when it holds a million events, and
//! walking through those events. The bars stand in `measures`.

mod support;

use std::sync::{LazyLock, Mutex};

use divan::Bencher;
use divan::counter::ItemsCount;

use rotakey::audit::verify;
use rotakey::ledger::Ledger;
use support::kept::{EVENTS, Kept, event, five_years, start};

static YOUNG: LazyLock<Mutex<Kept>> = LazyLock::new(|| Mutex::new(Kept::new("young", 0)));
static OLD: LazyLock<Mutex<Kept>> = LazyLock::new(|| Mutex::new(Kept::new("old", EVENTS)));

const AGES: [&str; 2] = ["young", "five years"];

fn main() {
    divan::main();
    // What is static is never dropped, and would stay on the disk.
    for kept in [&YOUNG, &OLD] {
        if let Ok(kept) = kept.lock() {
            std::fs::remove_dir_all(kept.home.path()).expect("a directory of ours");
        }
    }
}

fn aged(age: &str) -> &'static Mutex<Kept> {
    if age == "young" { &YOUNG } else { &OLD }
}

fn opened(kept: &Kept) -> Ledger {
    Ledger::open(&kept.opening()).expect("the ledger")
}

#[divan::bench(args = AGES, sample_count = 50)]
fn commit(bencher: Bencher<'_, '_>, age: &str) {
    let kept = aged(age).lock().expect("no benchmark panicked");
    let mut locked = kept.lock();
    bencher.bench_local(|| {
        locked.note(start() + five_years(), event(1, 4));
        locked.commit().expect("a commit");
    });
}

#[divan::bench(args = AGES, sample_count = 20)]
fn open(bencher: Bencher<'_, '_>, age: &str) {
    let kept = aged(age).lock().expect("no benchmark panicked");
    bencher.bench_local(|| opened(&kept));
}

#[divan::bench(sample_count = 3)]
fn audit_verify(bencher: Bencher<'_, '_>) {
    let kept = OLD.lock().expect("no benchmark panicked");
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let ledger = opened(&kept);
        verify::chain(ledger.events()).expect("a whole log")
    });
}
