//! Writes the generated vectors: `cargo run -p wakustore --example vectors -- spec/vectors/generated`.

mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use wakustore::output::tell;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        tell("error: expected the directory to write to: spec/vectors/generated");
        return ExitCode::from(2);
    };
    match write(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)?;
    for file in files::all() {
        std::fs::write(directory.join(file.name), file.render()?)?;
    }
    Ok(())
}
