//! Resident memory of processes.

use anyhow::Context;

/// The resident memory of a process, in bytes, as `/proc` has it.
///
/// # Errors
/// When the process has ended, or the system has no `/proc`.
pub(crate) fn resident_bytes(process: u32) -> anyhow::Result<u64> {
    let file = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&file).with_context(|| file.clone())?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|number| number.parse::<u64>().ok())
        .with_context(|| format!("{file} has no VmRSS in kB"))?;
    Ok(kibibytes << 10)
}
