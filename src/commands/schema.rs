//! `rotakey schema`: what may stand in `rotations.yaml`, for editors.

use crate::exit::Exit;
use crate::run::Run;

/// The schema that is published with rotakey. A test makes it again from what the parser knows.
pub(super) const TEXT: &str = include_str!("../../rotations.schema.json");

/// Print the JSON Schema of `rotations.yaml`, for editors
///
/// `rotakey init` writes it beside `rotations.yaml`, whose first line names it. After an update of rotakey: `rotakey schema > rotations.schema.json`.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}

/// Prints the schema.
pub fn schema(run: &mut Run, _: &Args) -> Exit {
    run.ui.data(TEXT);
    Exit::Done
}
