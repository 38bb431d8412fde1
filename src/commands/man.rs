//! `rotakey man`: the manual pages, made from the same definition as `--help`.

use std::path::PathBuf;

use anyhow::Context;
use clap_mangen::Man;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::run::Run;

/// Print the manual page, or write one for each verb
///
/// `rotakey man | man -l -` reads it at once; `rotakey man /usr/local/share/man/man1` installs them all.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Write `rotakey.1` and a page for each verb into this directory
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// Prints the main page, or writes all of them.
pub fn man(run: &mut Run, args: &Args, definition: clap::Command) -> Result<Exit> {
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        let rendered = Man::new(definition).render(&mut page);
        rendered.map_err(|error| Error::new(Exit::Failed, error).context("write the page"))?;
        run.ui.data(&String::from_utf8_lossy(&page));
        return Ok(Exit::Done);
    };
    let directory = run.path(directory);
    clap_mangen::generate_to(definition, &directory)
        .with_context(|| format!("write into {}", directory.display()))
        .map_err(|error| {
            Error::new(Exit::Usage, error).hint("name a directory that is there and can be written")
        })?;
    Ok(Exit::Done)
}
