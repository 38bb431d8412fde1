//! What a person does after `init`.

use std::path::Path;

/// The last words of `init`.
pub(super) fn next_steps(config: &Path, identity: &Path, names: &[&str]) -> String {
    let directory = config.parent().unwrap_or(Path::new("/"));
    let directory = in_a_crontab(&directory.display().to_string());
    let (config, identity) = (config.display(), identity.display());
    let mut adopt: Vec<String> = names
        .iter()
        .map(|name| format!("     rotakey adopt {name}"))
        .collect();
    if adopt.is_empty() {
        adopt.push("     rotakey adopt NAME".to_owned());
    }
    let adopt = adopt.join("\n");
    format!(
        "
Keep a copy of {identity} somewhere safe and out of version control:
without it nothing opens the ledger.

Next:
  1. put your names into {config}
  2. will it work, and what will it touch?
     rotakey check
  3. take over each key that is live today
{adopt}
  4. what would the next run do?
     rotakey plan

Then, in a crontab:
  0 9 * * *  cd {directory} && {{ rotakey plan --warn; rotakey rotate; rotakey revoke; }}
  0 7 1 * *  cd {directory} && rotakey audit export --csv --last-month"
    )
}

/// A path as a crontab takes it: quoted for the shell, and without a bare `%`, which cron reads as a line break.
fn in_a_crontab(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if path.chars().all(plain) {
        return path.to_owned();
    }
    let quoted = path.replace('\'', "'\\''");
    format!("'{quoted}'").replace('%', "\\%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_a_strange_name_is_quoted_for_cron() {
        assert_eq!(in_a_crontab("/srv/rotakey"), "/srv/rotakey");
        assert_eq!(in_a_crontab("/srv/50% o'clock"), "'/srv/50\\% o'\\''clock'");
    }
}
