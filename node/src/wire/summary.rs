//! What a frame amounts to, in labelled lines below its parts.

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
        let lines = self.0.iter();
        lines
            .map(|(label, text)| format!("{label:width$}  {text}\n"))
            .collect()
    }
}
