//! The program. Everything is in the library, where tests and the demo can call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    rotakey::main().into()
}
