//! Progress bars on standard error, where somebody looks at that.

use std::borrow::Cow;
use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Room for several bars; they are hidden where standard error is no terminal.
pub(super) fn bars() -> MultiProgress {
    let bars = MultiProgress::new();
    if !std::io::stderr().is_terminal() {
        bars.set_draw_target(ProgressDrawTarget::hidden());
    }
    bars
}

/// One more bar.
pub(super) fn bar(
    bars: &MultiProgress,
    name: impl Into<Cow<'static, str>>,
    length: u64,
) -> ProgressBar {
    let bar = bars.add(ProgressBar::new(length));
    if let Ok(style) =
        ProgressStyle::with_template("{prefix:>9} {wide_bar} {human_pos}/{human_len}")
    {
        bar.set_style(style);
    }
    bar.set_prefix(name);
    bar
}
