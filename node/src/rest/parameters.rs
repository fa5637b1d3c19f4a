//! The parameters of a query: everything is optional, and an empty value is none.

/// The parameters that have a value.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of these names, each of which may be given once; others are passed over, as nwaku does.
    pub(super) fn once(mut given: Vec<(String, String)>, names: &[&str]) -> Result<Self, String> {
        given.retain(|(name, _)| names.contains(&name.as_str()));
        for name in names {
            let times = given.iter().filter(|(other, _)| other == name).count();
            if times > 1 {
                return Err(format!("expected `{name}` once, got it {times} times"));
            }
        }
        given.retain(|(_, value)| !value.is_empty());
        Ok(Self(given))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut given = self.0.iter();
        let found = given.find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}
