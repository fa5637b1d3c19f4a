//! A frame as lines for people: where a part stands, how long it is, what it says.

use std::fmt::Write;

/// Lines in the order of the frame, each a part at some depth.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<Row>);

#[derive(Debug)]
struct Row {
    /// Offset and length; none for what sums up.
    place: Option<(usize, usize)>,
    depth: usize,
    text: String,
}

impl Rows {
    /// The part of `bytes` bytes at `offset`.
    pub(super) fn part(&mut self, depth: usize, offset: usize, bytes: usize, text: String) {
        self.0.push(Row {
            place: Some((offset, bytes)),
            depth,
            text,
        });
    }

    /// A line that belongs to the parts before it.
    pub(super) fn remark(&mut self, depth: usize, text: String) {
        self.0.push(Row {
            place: None,
            depth,
            text,
        });
    }

    /// The lines, with a header if there are any.
    pub(super) fn render(&self) -> String {
        let mut out = String::new();
        if self.0.is_empty() {
            return out;
        }
        let widest = |value: fn(&(usize, usize)) -> usize, title: &str| {
            let values = self.0.iter().filter_map(|row| row.place.as_ref());
            let digits = values.map(|place| value(place).to_string().len()).max();
            digits.unwrap_or_default().max(title.len())
        };
        let (at, bytes) = (
            widest(|place| place.0, "at"),
            widest(|place| place.1, "bytes"),
        );
        let _ = writeln!(out, "{:>at$} {:>bytes$}", "at", "bytes");
        for (row, lines) in self.0.iter().zip(self.lines()) {
            let text = &row.text;
            let _ = match row.place {
                Some((offset, len)) => writeln!(out, "{offset:>at$} {len:>bytes$}  {lines}{text}"),
                None => writeln!(out, "{:at$} {:bytes$}  {lines}{text}", "", ""),
            };
        }
        out
    }

    /// What is drawn before each row: a line down wherever a sibling of it, or of one of its
    /// ancestors, follows.
    fn lines(&self) -> Vec<String> {
        // Seen from the end: the depths at which a row follows before one that is less deep.
        let mut follows: Vec<bool> = Vec::new();
        let mut drawn: Vec<String> = self
            .0
            .iter()
            .rev()
            .map(|row| {
                follows.resize(row.depth + 1, false);
                let mut line = String::new();
                for (depth, follows) in follows.iter().enumerate().skip(1) {
                    line.push_str(match (*follows, depth == row.depth) {
                        (true, true) => "├─ ",
                        (false, true) => "└─ ",
                        (true, false) => "│  ",
                        (false, false) => "   ",
                    });
                }
                follows[row.depth] = true;
                line
            })
            .collect();
        drawn.reverse();
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join_siblings_and_columns_are_as_wide_as_needed() {
        let mut rows = Rows::default();
        rows.part(0, 0, 1, "a".into());
        rows.part(1, 1, 123_456, "b".into());
        rows.part(2, 999, 1, "c".into());
        rows.remark(2, "d".into());
        rows.part(1, 1_000, 1, "e".into());
        rows.part(2, 1_001, 1, "f".into());
        rows.part(0, 1_002, 0, "g".into());
        let expected = "  at  bytes\n   \
                           0      1  a\n   \
                           1 123456  ├─ b\n \
                           999      1  │  ├─ c\n             \
                                       │  └─ d\n\
                        1000      1  └─ e\n\
                        1001      1     └─ f\n\
                        1002      0  g\n";
        assert_eq!(rows.render(), expected);
    }

    #[test]
    fn no_rows_are_no_text() {
        assert_eq!(Rows::default().render(), "");
    }
}
