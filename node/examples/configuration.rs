//! Puts the table of flags into the documentation: `configuration docs/configuration.md` rewrites what
//! stands between the marks in that file.

use std::error::Error;

use wakustore::config::reference;

const BEGIN: &str = "<!-- flags: written by `make configuration` -->\n";
const END: &str = "<!-- end of flags -->";

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("expected the file to rewrite")?;
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("the file has no mark for flags")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("the flags have no end in the file")?;
    let flags = reference::markdown();
    std::fs::write(&path, format!("{before}{BEGIN}\n{flags}\n{END}{after}"))?;
    Ok(())
}
