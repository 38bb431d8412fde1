//! `rotakey completions`: what a shell has to know to complete the command line.

use clap_complete::Shell;

use crate::exit::Exit;
use crate::run::Run;

/// Print what a shell needs to complete the command line
///
/// For bash: `rotakey completions bash > /etc/bash_completion.d/rotakey`; for zsh: `rotakey completions zsh > ~/.zfunc/_rotakey`; for fish: `rotakey completions fish > ~/.config/fish/completions/rotakey.fish`.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Which shell
    pub shell: Shell,
}

/// Prints the completions for a shell.
pub fn completions(run: &mut Run, args: &Args, mut definition: clap::Command) -> Exit {
    let name = definition.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, name, &mut script);
    run.ui.data(&String::from_utf8_lossy(&script));
    Exit::Done
}
