//! `wakustore export`: an archive's messages as JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use store_adapter::ArchiveUrl;
use store_adapter::line::export_line;

use super::shown;
use crate::cli::{ExportArgs, is_standard_stream};
use crate::exit::Failure;
use crate::output::tell;
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
        refuse_to_overwrite(&url, &args.file)?;
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
    tell(format_args!(
        "{} messages written to {name}",
        grouped(count)
    ));
    let missing = pages.missing();
    if missing > 0 {
        tell(format_args!(
            "{missing} messages are missing: the archive has lost them; `wakustore check` names them"
        ));
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses the archive itself, and files in it, as the one to write, by whatever name they go.
fn refuse_to_overwrite(url: &ArchiveUrl, output: &Path) -> Result<(), Failure> {
    let ArchiveUrl::Redb(archive) = url else {
        return Ok(());
    };
    let file = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let itself = file(archive);
    let target = std::fs::canonicalize(output);
    let within = target.iter().flat_map(|target| target.ancestors());
    if itself.is_some() && within.map(file).any(|written| written == itself) {
        return Err(Failure::Usage(anyhow::anyhow!(
            "{} is the archive itself: name another file to export it to",
            output.display()
        )));
    }
    Ok(())
}
