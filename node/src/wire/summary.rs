//! What a frame amounts to, in labelled lines below its parts.

use std::fmt::Write;

/// The width of a terminal that all have.
pub(super) const COLUMNS: usize = 80;

/// Lines with a label each; a line without one goes on with what the one before began.
#[derive(Debug, Default)]
pub(super) struct Summary(Vec<(&'static str, String)>);

impl Summary {
    pub(super) fn line(&mut self, label: &'static str, text: String) {
        self.0.push((label, text));
    }

    pub(super) fn render(&self) -> String {
        let width = self.0.iter().map(|(label, _)| label.len()).max();
        let width = width.unwrap_or_default();
        let mut out = String::new();
        for (label, text) in &self.0 {
            let mut label = *label;
            for line in wrapped(text, COLUMNS.saturating_sub(width + 2)) {
                let _ = writeln!(out, "{label:width$}  {line}");
                label = "";
            }
        }
        out
    }
}

/// `text` in lines of at most `columns` characters, broken between words; a longer word gets a line
/// of its own.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut len = 0;
    for word in text.split(' ') {
        let word_len = word.chars().count();
        if len > 0 && len + 1 + word_len > columns {
            lines.push(String::new());
            len = 0;
        }
        if let Some(line) = lines.last_mut() {
            if len > 0 {
                line.push(' ');
                len += 1;
            }
            line.push_str(word);
            len += word_len;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_all_of_them() {
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("a longer b c", 3), ["a", "longer", "b c"]);
    }

    #[test]
    fn labels_stand_in_front_of_the_first_line_only() {
        let mut summary = Summary::default();
        summary.line("hash", "x".into());
        summary.line("topics", "y ".repeat(40).trim_end().into());
        let text = summary.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "hash    x");
        assert!(lines[1].starts_with("topics  y ") && lines[2].starts_with("        y"));
        assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{text}");
    }
}
