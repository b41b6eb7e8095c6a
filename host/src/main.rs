//! The `millrace` program: everything is in [`millrace::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace::cli::main()
}
