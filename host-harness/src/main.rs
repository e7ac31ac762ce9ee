//! The command line of the harness. All that it does, the library does.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
