//! A chart of lines on logarithmic axes, with its legend below so that it hides nothing.

use std::ops::Range;
use std::path::Path;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::coord::combinators::WithKeyPoints;
use plotters::prelude::*;

/// Twice the size at which everything must be legible.
const SIZE: (u32, u32) = (1_000, 740);

const FONT: &str = "sans-serif";
const TITLE: u32 = 32;
const LABEL: u32 = 25;
const TICK: u32 = 23;
const LEGEND: u32 = 22;

const LEGEND_COLUMNS: usize = 2;
const LEGEND_ROW: i32 = 30;

/// Length of the strokes of a dashed line and of the gaps between them.
const DASH: (u32, u32) = (9, 6);

/// Where zero stands on an axis that has it: a logarithm doesn't.
pub(super) const ZERO: f64 = 0.1;

/// What marks a line's points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// A disc.
    Disc,
    /// A ring, which shows what lies below it.
    Ring,
    /// A triangle.
    Triangle,
    /// Nothing: the line is a reference.
    None,
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What the legend says.
    pub(super) name: String,
    /// Its colour.
    pub(super) color: RGBColor,
    /// What marks its points.
    pub(super) mark: Mark,
    /// Whether it is dashed.
    pub(super) dashed: bool,
    /// Its points in order; all above 0.
    pub(super) points: Vec<(f64, f64)>,
}

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What it shows, with the unit.
    pub(super) label: String,
    /// How it says a tick.
    pub(super) show: fn(f64) -> String,
    /// Whether [`ZERO`] is on it.
    pub(super) zero: bool,
}

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// The title.
    pub(super) title: String,
    /// The horizontal axis.
    pub(super) x: Axis,
    /// The vertical axis.
    pub(super) y: Axis,
    /// The lines; those without points are left out.
    pub(super) lines: Vec<Line>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

type DrawError = DrawingAreaErrorKind<std::io::Error>;

impl Chart {
    /// Draws it into an SVG file.
    ///
    /// # Errors
    /// When there is nothing to draw, or the file can't be written.
    pub(super) fn draw(&self, file: &Path) -> anyhow::Result<()> {
        let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", file.display());
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| !line.points.is_empty())
            .collect();
        let root = SVGBackend::new(file, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|error| failed(&error))?;
        let rows = lines.len().div_ceil(LEGEND_COLUMNS) as i32;
        let (plot, legend) = root.split_vertically(SIZE.1 as i32 - LEGEND_ROW * rows - 14);
        self.draw_plot(&plot, &lines)
            .map_err(|error| failed(&error))?;
        draw_legend(&legend, &lines).map_err(|error| failed(&error))?;
        root.present().map_err(|error| failed(&error))
    }

    fn draw_plot(
        &self,
        area: &Area<'_>,
        lines: &[&Line],
    ) -> Result<(), Box<dyn std::error::Error>> {
        let points = || lines.iter().flat_map(|line| &line.points);
        let x = decades(points().map(|(x, _)| *x))?;
        let y = decades(points().map(|(_, y)| *y))?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, TITLE))
            .margin(14)
            .margin_right(36)
            .x_label_area_size(72)
            .y_label_area_size(116)
            .build_cartesian_2d(self.x.scale(&x), self.y.scale(&y))?;
        chart
            .configure_mesh()
            .bold_line_style(RGBColor(205, 205, 205))
            .light_line_style(RGBColor(236, 236, 236))
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .axis_desc_style((FONT, LABEL))
            .label_style((FONT, TICK))
            .x_label_formatter(&|tick| self.x.tick(*tick))
            .y_label_formatter(&|tick| self.y.tick(*tick))
            .draw()?;
        for line in lines {
            let style = stroke(line);
            let points = line.points.iter().copied();
            if line.dashed {
                chart.draw_series(DashedLineSeries::new(points.clone(), DASH.0, DASH.1, style))?;
            } else {
                chart.draw_series(LineSeries::new(points.clone(), style))?;
            }
            // The plot begins where the picture does, so that both count pixels alike.
            for point in points {
                draw_mark(area, line, chart.plotting_area().map_coordinate(&point))?;
            }
        }
        Ok(())
    }
}

impl Axis {
    /// A tick at each power of ten, and finer lines between.
    fn scale(&self, range: &Range<f64>) -> WithKeyPoints<LogCoord<f64>> {
        let powers = || {
            let first = range.start.log10().ceil() as i32;
            (first..=range.end.log10().floor() as i32).map(|power| 10f64.powi(power))
        };
        let between = powers().flat_map(|power| (2..10).map(move |step| power * f64::from(step)));
        let least = if self.zero { 1.0 } else { range.start };
        range
            .clone()
            .log_scale()
            .with_key_points(powers().collect())
            .with_light_points(between.filter(|tick| (least..range.end).contains(tick)))
    }

    fn tick(&self, tick: f64) -> String {
        if self.zero && tick < 0.5 {
            "0".to_owned()
        } else {
            (self.show)(tick)
        }
    }
}

/// The least range that has all of `values` within, to the next power of ten or its half.
fn decades(values: impl Iterator<Item = f64>) -> Result<Range<f64>, &'static str> {
    let (least, most) = values.fold((f64::INFINITY, 0f64), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    if least > most || least <= 0.0 {
        return Err("nothing to draw on logarithmic axes");
    }
    let half = |power: f64| power / 2.0;
    let start = half((2.0 * (least / 1.15).log10()).floor());
    let end = half((2.0 * (most * 1.15).log10()).ceil());
    Ok(10f64.powf(start)..10f64.powf(end.max(start + 1.0)))
}

fn stroke(line: &Line) -> ShapeStyle {
    line.color
        .stroke_width(if line.mark == Mark::None { 2 } else { 3 })
}

/// Marks a point of `line`, given in pixels.
fn draw_mark(area: &Area<'_>, line: &Line, at: (i32, i32)) -> Result<(), DrawError> {
    let filled = line.color.filled();
    let thick = line.color.stroke_width(3);
    match line.mark {
        Mark::Disc => area.draw(&Circle::new(at, 6, filled)),
        Mark::Ring => area.draw(&Circle::new(at, 10, thick)),
        Mark::Triangle => area.draw(&TriangleMarker::new(at, 9, filled)),
        Mark::None => Ok(()),
    }
}

/// A sample of each line and its name, in columns.
fn draw_legend(area: &Area<'_>, lines: &[&Line]) -> Result<(), DrawError> {
    let rows = lines.len().div_ceil(LEGEND_COLUMNS);
    let column = SIZE.0 as i32 / LEGEND_COLUMNS as i32;
    for (number, line) in lines.iter().enumerate() {
        let x = 30 + column * (number / rows) as i32;
        let y = LEGEND_ROW / 2 + LEGEND_ROW * (number % rows) as i32;
        let sample = [(x, y), (x + 52, y)];
        if line.dashed {
            let [(from, _), (to, _)] = sample;
            let step = (DASH.0 + DASH.1) as usize;
            for start in (from..to).step_by(step) {
                let end = (start + DASH.0 as i32).min(to);
                area.draw(&PathElement::new([(start, y), (end, y)], stroke(line)))?;
            }
        } else {
            area.draw(&PathElement::new(sample, stroke(line)))?;
        }
        draw_mark(area, line, (x + 26, y))?;
        let style = (FONT, LEGEND).into_font().color(&BLACK);
        area.draw_text(&line.name, &style, (x + 64, y - LEGEND as i32 / 2))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_all_values_and_end_near_them() {
        let range = decades([20.0, 900.0, 45.0].into_iter()).unwrap();
        assert!(range.start <= 20.0 && range.start >= 5.0, "{range:?}");
        assert!(range.end >= 900.0 && range.end <= 4_000.0, "{range:?}");
        let one = decades([5.0].into_iter()).unwrap();
        assert!(one.start < 5.0 && one.end > 9.9 * one.start);
        assert!(decades([].into_iter()).is_err());
        assert!(decades([0.0, 1.0].into_iter()).is_err());
    }

    #[test]
    fn a_chart_says_what_it_shows() {
        let axis = |label: &str| Axis {
            label: label.into(),
            show: |tick| format!("{tick} u"),
            zero: true,
        };
        let line = |name: &str, points| Line {
            name: name.into(),
            color: BLUE,
            mark: Mark::Disc,
            dashed: true,
            points,
        };
        let chart = Chart {
            title: "the title".into(),
            x: axis("the x"),
            y: axis("the y"),
            lines: vec![
                line("the line", vec![(ZERO, 1.0), (10.0, 100.0)]),
                line("nothing", vec![]),
            ],
        };
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("chart.svg");
        chart.draw(&file).unwrap();
        let svg = std::fs::read_to_string(file).unwrap();
        for text in ["the title", "the x", "the y", "the line", "0", "10 u"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
        assert!(!svg.contains("nothing"));
    }
}
