//! The project's own commands: `cargo xtask demo | test | bench | tidy | console | openapi`.
//!
//! Always holds: needs nothing but the standard library, so that it is built in a second on a fresh machine.

use std::process::ExitCode;

mod bench;
mod console;
mod demo;
mod openapi;
mod postgres;
mod python;
mod run;
mod test;
mod tidy;
mod tools;

const HELP: &str = "\
cargo xtask <command>

  demo      build console and binary, create a sample shop in ./rapport-demo, start it on http://127.0.0.1:8480
  test      everything that must pass: format, tidy, lints and tests on SQLite and PostgreSQL, console, SDKs, browser
              --only NAME[,NAME]   some of: format tidy rust console sdk browser
  bench     us and the peers in one run; writes docs/benchmarks.md
              NAME[,NAME]          some of its parts, by the names there: loyalty, tills, models, ...
              --quick              small, and writes nothing
  tidy      the rules of the house (CONTRIBUTING.md)
  console   build the console into web/dist
  openapi   write web/openapi.json and the console's generated client from the code
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match arguments.first().map(String::as_str) {
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("bench") => bench::run(rest),
        Some("tidy") => tidy::run(),
        Some("console") => console::build(),
        Some("openapi") => openapi::write(),
        _ => {
            print!("{HELP}");
            return ExitCode::from(u8::from(!arguments.is_empty()) * 2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\n{message}");
            ExitCode::FAILURE
        }
    }
}
