//! Compares counts of instructions, as the bench `instructions` prints them in JSON, with those that
//! were accepted: `instructions check|accept FILE < JSON`.

mod comparison;
mod counts;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use comparison::Comparison;
use counts::{Counts, Tools};

fn main() -> Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let (act, path) = (args.next(), args.next().map(PathBuf::from));
    let (Some(act), Some(path)) = (act, path) else {
        bail!("expected `check` or `accept` and the file of the accepted counts");
    };
    let now = Counts::from_bench(io::stdin().lock(), Tools::in_use()?)?;
    let accepted = || Counts::read(&path).with_context(|| path.display().to_string());
    match act.as_str() {
        "check" => {
            let comparison = Comparison::new(accepted()?, now);
            print!("{comparison}");
            Ok(if comparison.is_good() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        "accept" => {
            if path.exists() {
                print!("{}", Comparison::new(accepted()?, now.clone()).table());
            }
            now.write(&path)?;
            println!("accepted {} counts: {}", now.counts.len(), path.display());
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("expected `check` or `accept`, got {other:?}"),
    }
}
