//! `wakustore export`: an archive's messages as JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use store_adapter::line::export_line;

use super::shown;
use crate::cli::{ExportArgs, is_standard_stream};
use crate::exit::Failure;
use crate::store::Store;
use crate::sync::report::grouped;

pub(super) async fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let url = args
        .archive
        .url()
        .map_err(|error| Failure::Usage(anyhow::anyhow!(error)))?;
    let archive = Store::open_existing(&url).await?;
    let name = shown(&args.file, "standard output");
    let mut output: Box<dyn Write + Send> = if is_standard_stream(&args.file) {
        Box::new(BufWriter::new(io::stdout()))
    } else {
        let file = File::create(&args.file).with_context(|| format!("{name} can't be written"))?;
        Box::new(BufWriter::new(file))
    };
    let mut count = 0u64;
    let mut pages = archive.pages();
    while let Some(records) = pages.next().await? {
        for record in records {
            let written = writeln!(output, "{}", export_line(&record));
            written.with_context(|| format!("{name} can't be written further"))?;
            count += 1;
        }
    }
    output
        .flush()
        .with_context(|| format!("{name} can't be written further"))?;
    eprintln!("{} messages written to {name}", grouped(count));
    Ok(ExitCode::SUCCESS)
}
