//! What peers speak, by the names that people have for it: pages are told these, and not the lists that peers
//! make themselves, which may be long.

/// How the protocols' ids start, and what people call them, in the order in which they are shown.
const NAMES: [(&str, &str); 9] = [
    ("/vac/waku/relay/", "relay"),
    ("/vac/waku/store-query/", "store"),
    ("/waku-store-sync/reconcile/", "own sync"),
    ("/vac/waku/reconciliation/", "Waku sync"),
    ("/vac/waku/transfer/", "transfer"),
    ("/vac/waku/metadata/", "metadata"),
    ("/vac/waku/filter", "filter"),
    ("/vac/waku/lightpush", "light push"),
    ("/vac/waku/peer-exchange", "peer exchange"),
];

/// The names of `protocols`, of those that have one; `None` if there are no protocols.
pub(super) fn of(protocols: &[String]) -> Option<Vec<&'static str>> {
    let spoken = |start: &str| protocols.iter().any(|id| id.starts_with(start));
    let named = NAMES.iter().filter(|(start, _)| spoken(start));
    (!protocols.is_empty()).then(|| named.map(|(_, name)| *name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_protocols_a_peer_tells_each_name_comes_once() {
        let made_up = (0..500).map(|n| format!("/vac/waku/relay/{n}"));
        let others = ["/x", "/vac/waku/store-query/3.0.0"].map(String::from);
        let protocols: Vec<String> = others.into_iter().chain(made_up).collect();
        assert_eq!(of(&protocols), Some(vec!["relay", "store"]));
        assert_eq!(of(&["/x".to_owned()]), Some(Vec::new()));
        assert_eq!(of(&[]), None);
    }
}
