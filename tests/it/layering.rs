//! The rule of imports: a file imports from its own folder and from storeys strictly below, nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The storeys from the ground up. The words of the ground floor may use each other.
const STOREYS: [&[&str]; 8] = [
    &["model", "error", "exit"],
    &["http", "exec"],
    &["issuers", "targets", "notify", "ledger"],
    &["rotation"],
    &["config", "ui", "audit"],
    &["run"],
    &["commands"],
    &["main", "lib", "cli"],
];

/// Every source file by its path within `src`, without comments and without its tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the source") {
            let path: PathBuf = entry.expect("an entry").path();
            let name = path
                .strip_prefix(&root)
                .expect("below src")
                .display()
                .to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["tests", "testing"].iter().any(|test| name.contains(test)) {
                let text = fs::read_to_string(path).expect("a source file");
                let code = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap_or_default();
                let lines = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                files.insert(name, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    assert!(files.len() > 100, "the source is there");
    files
}

/// The part of the house a file belongs to: its folder, or itself.
fn part(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

fn storey(part: &str) -> usize {
    let found = STOREYS.iter().position(|parts| parts.contains(&part));
    found.unwrap_or_else(|| panic!("`{part}` has no storey"))
}

/// The parts that a file imports: `crate::NAME`, also within braces.
fn imports(code: &str) -> Vec<&str> {
    let names = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if rest.starts_with('{') {
            panic!("`use crate::{{` hides what is imported; write one line for each part");
        }
        found.push(&rest[..names(rest).unwrap_or(rest.len())]);
    }
    found
}

#[test]
fn a_file_imports_only_from_its_own_folder_and_from_below() {
    let mut wrong = Vec::new();
    for (file, code) in &sources() {
        let own = part(file);
        for import in imports(code) {
            let same_floor = storey(own) == 0 || STOREYS[7].contains(&own);
            let fine = import == own
                || storey(import) < storey(own)
                || (same_floor && storey(import) == storey(own));
            if !fine {
                wrong.push(format!("{file} imports crate::{import}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn outside_things_have_one_owner_each() {
    let owners: [(&str, &[&str]); 9] = [
        ("reqwest::", &["http"]),
        ("age::", &["ledger/seal"]),
        ("lettre::", &["notify/email"]),
        ("serde_yaml::", &["config/file"]),
        ("use csv::", &["audit"]),
        ("indicatif::", &["ui/progress"]),
        ("std::process::Command", &["exec"]),
        ("std::env::", &["run", "lib", "exec", "http/client"]),
        ("Utc::now", &["run/clock"]),
    ];
    let mut wrong = Vec::new();
    for (file, code) in &sources() {
        for (thing, owned_by) in owners {
            let uses = code.match_indices(thing).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
            });
            if uses && !owned_by.iter().any(|owner| file.starts_with(owner)) {
                wrong.push(format!("{file} uses {thing}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The words of a source file, in lower case; a name with underscores is one word.
fn words(code: &str) -> impl Iterator<Item = String> {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map(str::to_lowercase)
}

/// A new kind touches its own file and the table beside it, so no other file may know it by name.
#[test]
fn a_kind_is_known_by_its_own_file_and_its_table_alone() {
    let targets = rotakey::targets::KINDS
        .iter()
        .map(|kind| ("targets", kind.name));
    let issuers = rotakey::issuers::KINDS
        .iter()
        .map(|kind| ("issuers", kind.name));
    let mut wrong = Vec::new();
    for (folder, kind) in targets.chain(issuers) {
        for (file, code) in &sources() {
            let own = format!("{folder}/{}", kind.replace('-', "_"));
            // `command` is a kind of both; a vault is 1Password's own word; `github` is also the account of the kinds
            // that are named after it.
            let other = kind == "command"
                || (kind == "vault" && file.starts_with("targets/onepassword"))
                || (kind == "github" && file.contains("/github_"));
            if file.starts_with(&own) || file == &format!("{folder}/mod.rs") || other {
                continue;
            }
            let typed = format!("\"{kind}\"");
            // Names that are no English words may not appear at all.
            let known = ["vercel", "openai", "dotenv"].contains(&kind)
                && words(code).any(|word| word == kind);
            if known || code.contains(&typed) {
                wrong.push(format!("{file} knows `{kind}`"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
