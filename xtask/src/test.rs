//! `cargo xtask test`: everything that must pass, and at the end one line `N passed, N failed`.

use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::postgres::{Durability, Postgres};
use crate::run::{captured, cargo, collected, command, debug_binary, linted_tests, root, say, shown};
use crate::{console, openapi, python, tidy, tools};

/// What the stages counted.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    failures: Vec<String>,
}

impl Tally {
    fn one(&mut self, stage: &str, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(message) => self.fail(stage, 1, &message),
        }
    }

    fn fail(&mut self, stage: &str, count: u64, message: &str) {
        println!("{stage}: {message}");
        self.failed += count;
        self.failures.push(stage.to_owned());
    }

    /// Adds a runner's own count; a runner that fails without a count is one failure.
    fn runner(&mut self, stage: &str, outcome: Result<(bool, String), String>, count: fn(&str) -> (u64, u64)) {
        match outcome {
            Ok((ok, output)) => {
                let (passed, failed) = count(&output);
                self.passed += passed;
                if failed > 0 || !ok || passed == 0 {
                    self.fail(stage, failed.max(1), "failed, see above");
                }
            }
            Err(message) => self.fail(stage, 1, &message),
        }
    }
}

type Stage = (&'static str, fn(&mut Tally));

const STAGES: &[Stage] = &[
    ("format", format),
    ("tidy", |tally| tally.one("tidy", tidy::run())),
    ("compile", compile),
    ("rust", rust),
    ("console", console_units),
    ("sdk", sdk),
    ("browser", browser),
];

/// What runs beside the Rust tests once everything is compiled, and is shown after them: both wait much of their time, on disks, clocks and
/// pages, and fill each other's gaps.
const BESIDE: [&str; 3] = ["console", "sdk", "browser"];

/// Runs all stages, or those named with `--only`.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let only: Option<Vec<&str>> = match arguments {
        [] => None,
        [flag, names] if flag == "--only" => Some(names.split(',').collect()),
        _ => return Err("usage: cargo xtask test [--only NAME[,NAME]]".into()),
    };
    tools::ensure(tools::FOR_TESTS)?;
    // First, because the binary embeds it: built in between, it would change under the tests' feet.
    console::build()?;
    let mut tally = Tally::default();
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| only.contains(&name));
    let mut beside = None;
    for (name, stage) in STAGES.iter().filter(|(name, _)| is_wanted(name)) {
        if only.is_none() && BESIDE.contains(name) {
            continue;
        }
        say(name);
        let start = Instant::now();
        stage(&mut tally);
        println!("== {name}: {} s", start.elapsed().as_secs());
        if only.is_none() && *name == "compile" && tally.failed == 0 {
            beside =
                Some(thread::spawn(|| collected(command(&cargo(), &["xtask", "test", "--only", &BESIDE.join(",")]))));
        }
    }
    if let Some(beside) = beside {
        let outcome = beside.join().unwrap_or_else(|_| Err("its thread ended".into()));
        if let Ok((_, output)) = &outcome {
            println!("{output}");
        }
        tally.runner(&BESIDE.join(", "), outcome, count_plain);
    }
    if !tally.failures.is_empty() {
        println!("\nfailed: {}", tally.failures.join(", "));
    }
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

fn format(tally: &mut Tally) {
    tally.one("format", succeeded(command(&cargo(), &["fmt", "--all", "--check"])));
}

fn succeeded(command: Command) -> Result<(), String> {
    if captured(command)?.0 { Ok(()) } else { Err("failed, see above".into()) }
}

/// Compiles everything that is tested, with Clippy's lints.
fn compile(tally: &mut Tally) {
    tally.one("compile", shown(linted_tests(&["--no-run"])));
}

/// All Rust tests, on SQLite and on a PostgreSQL started for them, with a Python that checks what we sign and encrypt.
fn rust(tally: &mut Tally) {
    let postgres = match Postgres::start(Durability::Off) {
        Ok(postgres) => postgres,
        Err(message) => return tally.fail("rust", 1, &message),
    };
    let python = match python::with("test-python", "crates/channels/tests/requirements.txt") {
        Ok(python) => python,
        Err(message) => return tally.fail("rust", 1, &message),
    };
    let mut tests = linted_tests(&["--no-fail-fast"]);
    tests.env("RAPPORT_TEST_POSTGRES", &postgres.url).env("RAPPORT_REQUIRE_POSTGRES", "1");
    tests.env("RAPPORT_TEST_PYTHON", python).env("RAPPORT_REQUIRE_PYTHON", "1").env("RAPPORT_REQUIRE_DOVECOT", "1");
    tally.runner("rust", captured(tests), count_cargo);
}

/// Adds up cargo's lines `test result: ok. 12 passed; 0 failed; ...`.
fn count_cargo(output: &str) -> (u64, u64) {
    let mut counts = (0, 0);
    for line in output.lines().filter(|line| line.starts_with("test result:")) {
        counts.0 += number_before(line, " passed");
        counts.1 += number_before(line, " failed");
    }
    counts
}

/// Reads the last line of the form `N passed, N failed`.
fn count_plain(output: &str) -> (u64, u64) {
    let line = output.lines().rev().find(|line| line.contains(" passed, ") && line.contains(" failed"));
    line.map_or((0, 0), |line| (number_before(line, " passed"), number_before(line, " failed")))
}

fn number_before(line: &str, word: &str) -> u64 {
    let digits = |text: &str| text.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
    line.split_once(word).and_then(|(before, _)| digits(before)).unwrap_or(0)
}

/// Types, unit tests, and whether the generated client is the code's.
fn console_units(tally: &mut Tally) {
    if let Err(message) = console::install() {
        return tally.fail("console", 1, &message);
    }
    tally.one("console types", succeeded(console::npm(&["run", "--silent", "check"])));
    tally.runner("console units", captured(console::npm(&["run", "--silent", "test"])), count_plain);
    tally.one("console client", client_is_current());
}

fn client_is_current() -> Result<(), String> {
    let stored = std::fs::read_to_string(root().join("web/openapi.json")).unwrap_or_default();
    if openapi::current(&debug_binary(linted_tests)?)? == stored {
        return Ok(());
    }
    Err("web/openapi.json is not what the code says; run `cargo xtask openapi`".into())
}

/// The unchanged SDKs of Segment and RudderStack post to a real server.
fn sdk(tally: &mut Tally) {
    let binary = match debug_binary(linted_tests) {
        Ok(binary) => binary,
        Err(message) => return tally.fail("sdk", 1, &message),
    };
    let mut sdk = command("node", &["tests/sdk/run.mjs"]);
    sdk.env("RAPPORT_BINARY", binary);
    tally.runner("sdk", captured(sdk), count_plain);
}

/// Chromium walks every page of a sample shop.
fn browser(tally: &mut Tally) {
    let binary = match debug_binary(linted_tests) {
        Ok(binary) => binary,
        Err(message) => return tally.fail("browser", 1, &message),
    };
    let mut browser = command("node", &["web/tests/browser/run.mjs"]);
    browser.env("RAPPORT_BINARY", binary).env("SHOTS", "failed");
    tally.runner("browser", captured(browser), count_plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_runners_print() {
        let cargo = "test result: ok. 12 passed; 0 failed; 1 ignored\nx\ntest result: FAILED. 3 passed; 2 failed;";
        assert_eq!(count_cargo(cargo), (15, 2));
        assert_eq!(count_plain("1 passed, 9 failed\nnoise\n40 passed, 2 failed\n"), (40, 2));
        assert_eq!(count_plain("nothing"), (0, 0));
    }
}
