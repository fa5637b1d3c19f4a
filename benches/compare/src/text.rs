//! Numbers and tables as people read them.

/// A time with its unit: `1.23 ms`.
pub(crate) fn seconds(seconds: f64) -> String {
    scaled(seconds * 1e9, &["ns", "µs", "ms", "s"])
}

/// A size with its unit: `1.23 MB`.
pub(crate) fn bytes(bytes: f64) -> String {
    scaled(bytes, &["B", "kB", "MB", "GB"])
}

/// How much more or less than another: `1/13.2` or `1.4×`.
pub(crate) fn ratio(ratio: f64) -> String {
    if ratio < 1.0 {
        format!("1/{}", digits(1.0 / ratio))
    } else {
        format!("{}×", digits(ratio))
    }
}

/// A number with its thousands set apart: `20,000`.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits that count, thousands set apart; no zeros behind the point that say nothing.
pub(crate) fn digits(number: f64) -> String {
    if number >= 999.5 {
        let unit = 10usize.pow(number.log10() as u32 - 2);
        return count((number / unit as f64).round() as usize * unit);
    }
    let decimals = match number {
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    let text = format!("{number:.decimals$}");
    match text.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}

fn scaled(number: f64, units: &[&str]) -> String {
    let mut number = number;
    let mut units = units.iter();
    let mut unit = units.next().expect("a unit");
    // What would be rounded to a thousand is one of the next unit.
    while number >= 999.5 {
        let Some(next) = units.next() else { break };
        number /= 1_000.0;
        unit = next;
    }
    format!("{} {unit}", digits(number))
}

/// A Markdown table with columns of even width, so that it reads as plain text too.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns whose name begins with `>` stand to the right.
    pub(crate) fn new(header: &[&str]) -> Self {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Self { rows: vec![header] }
    }

    /// Adds a row, of as many cells as the header has.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.rows[0].len());
        self.rows.push(cells.into());
    }

    /// The lines of the table.
    pub(crate) fn text(&self) -> String {
        let names: Vec<&str> = self.rows[0]
            .iter()
            .map(|name| name.trim_start_matches('>'))
            .collect();
        let right: Vec<bool> = self.rows[0]
            .iter()
            .map(|name| name.starts_with('>'))
            .collect();
        let width = |column: usize| {
            let cells = self.rows[1..].iter().map(|row| row[column].as_str());
            let longest = cells
                .chain([names[column]])
                .map(|cell| cell.chars().count());
            longest.max().unwrap_or_default().max(3)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let line = |cells: &[&str]| {
            let mut line = String::from("|");
            for ((cell, width), right) in cells.iter().zip(&widths).zip(&right) {
                let pad = " ".repeat(width - cell.chars().count());
                let (before, behind) = if *right { (&*pad, "") } else { ("", &*pad) };
                line += &format!(" {before}{cell}{behind} |");
            }
            line + "\n"
        };
        let rules: Vec<String> = widths
            .iter()
            .zip(&right)
            .map(|(width, right)| match right {
                true => "-".repeat(width - 1) + ":",
                false => "-".repeat(*width),
            })
            .collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let mut text = line(&names) + &line(&rules);
        for row in &self.rows[1..] {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            text += &line(&cells);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        assert_eq!(seconds(8.1e-6), "8.10 µs");
        assert_eq!(seconds(0.000_123_4), "123 µs");
        assert_eq!(seconds(9.999e-7), "1 µs");
        assert_eq!(seconds(35e-9), "35 ns");
        assert_eq!(seconds(86.2), "86.2 s");
        assert_eq!(seconds(2_000.0), "2,000 s");
        assert_eq!(bytes(398.0), "398 B");
        assert_eq!(bytes(1_449_462.0), "1.45 MB");
        assert_eq!(ratio(0.25), "1/4");
        assert_eq!(ratio(0.002), "1/500");
        assert_eq!(ratio(1.0 / 166_799.0), "1/167,000");
        assert_eq!(ratio(1.0 / 1_246.0), "1/1,250");
        assert_eq!(digits(999.6), "1,000");
        assert_eq!(digits(99.97), "100");
        assert_eq!(digits(9.999), "10");
        assert_eq!(digits(0.123_4), "0.12");
        assert_eq!(digits(0.0), "0");
        assert_eq!(ratio(0.4), "1/2.50");
        assert_eq!(ratio(1.5), "1.50×");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
    }

    #[test]
    fn tables_have_even_columns() {
        let mut table = Table::new(&["work", ">time"]);
        table.row(["sum".into(), "1 µs".into()]);
        assert_eq!(
            table.text(),
            "| work | time |\n| ---- | ---: |\n| sum  | 1 µs |\n"
        );
    }
}
