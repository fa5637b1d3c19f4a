//! The report's plots.

mod chart;
mod reconciling;
mod trees;

use std::path::Path;

use plotters::style::RGBColor;

use crate::report::Report;
use chart::Chart;

/// Colours that most people can tell apart, also those who see fewer (Okabe and Ito).
mod palette {
    use super::RGBColor;

    pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
    pub(super) const SKY: RGBColor = RGBColor(86, 180, 233);
    pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
    pub(super) const ORANGE: RGBColor = RGBColor(230, 159, 0);
    pub(super) const RED: RGBColor = RGBColor(213, 94, 0);
    pub(super) const PURPLE: RGBColor = RGBColor(160, 70, 140);
    pub(super) const GREY: RGBColor = RGBColor(110, 110, 110);
}

/// A plot, and where it stands in the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plot {
    /// CPU against differences.
    CpuByDifferences,
    /// Bytes against differences.
    BytesByDifferences,
    /// Round trips against differences.
    RoundsByDifferences,
    /// CPU against items.
    CpuByItems,
    /// Work on the tree against items.
    TreeByItems,
}

impl Plot {
    const ALL: [Self; 5] = [
        Self::CpuByDifferences,
        Self::BytesByDifferences,
        Self::RoundsByDifferences,
        Self::CpuByItems,
        Self::TreeByItems,
    ];

    /// Its file in the report's directory.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::CpuByDifferences => "cpu-by-differences.svg",
            Self::BytesByDifferences => "bytes-by-differences.svg",
            Self::RoundsByDifferences => "rounds-by-differences.svg",
            Self::CpuByItems => "cpu-by-items.svg",
            Self::TreeByItems => "tree-by-items.svg",
        }
    }

    /// What it shows, for those who don't see it.
    pub(crate) const fn alt(self) -> &'static str {
        match self {
            Self::CpuByDifferences => "CPU of a reconciliation against the number of differences",
            Self::BytesByDifferences => {
                "Bytes of a reconciliation against the number of differences"
            }
            Self::RoundsByDifferences => "Round trips against the number of differences",
            Self::CpuByItems => "CPU of a reconciliation against the number of items",
            Self::TreeByItems => "Summaries and inserts against the number of items",
        }
    }

    fn chart(self, report: &Report) -> Chart {
        match self {
            Self::CpuByDifferences => reconciling::cpu_by_differences(report),
            Self::BytesByDifferences => reconciling::bytes_by_differences(report),
            Self::RoundsByDifferences => reconciling::rounds_by_differences(report),
            Self::CpuByItems => reconciling::cpu_by_items(report),
            Self::TreeByItems => trees::by_items(report),
        }
    }
}

/// Draws all of them into `directory`.
///
/// # Errors
/// When one can't be written.
pub(crate) fn draw(report: &Report, directory: &Path) -> anyhow::Result<()> {
    for plot in Plot::ALL {
        plot.chart(report).draw(&directory.join(plot.file()))?;
    }
    Ok(())
}
