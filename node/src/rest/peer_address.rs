//! Peers that requests name by their multiaddresses.

use libp2p::Multiaddr;
use libp2p::multiaddr::Error;

use crate::net::peer_of;

/// Reads the multiaddress of a peer; the reason why it is none is in nwaku's words, as far as it has some.
pub(super) fn parse(text: &str) -> Result<Multiaddr, String> {
    if !text.starts_with('/') {
        return Err(
            "MultiAddress.init [multiaddress: Invalid MultiAddress, must start with `/`]".into(),
        );
    }
    let address: Multiaddr = text.parse().map_err(|error| match error {
        Error::UnknownProtocolString(protocol) => {
            format!("MultiAddress.init [multiaddress: Unsupported protocol '{protocol}']")
        }
        error => format!(
            "MultiAddress.init [multiaddress: {error}]; expected one like \
             /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm..."
        ),
    })?;
    match peer_of(&address) {
        Some(_) => Ok(address),
        None => Err(format!(
            "`{address}` has no peer id: expected /p2p/<peer id> at the end, like \
             /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm..."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_peer_is_said_in_words_that_clients_match_on() {
        let peer = libp2p::PeerId::random();
        let good = format!("/ip4/127.0.0.1/tcp/60000/p2p/{peer}");
        assert_eq!(parse(&good).unwrap().to_string(), good);
        let cases = [
            (
                good[1..].to_owned(),
                "Invalid MultiAddress, must start with `/`",
            ),
            (good.replace("/tcp", ""), "Unsupported protocol '60000'"),
            (good[..good.len() - 1].to_owned(), "MultiAddress.init"),
            ("/ip4/127.0.0.1/tcp/60000".to_owned(), "has no peer id"),
            ("/".to_owned(), ""),
            (String::new(), "Invalid MultiAddress"),
        ];
        for (text, words) in cases {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
