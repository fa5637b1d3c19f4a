//! Ports to listen on, which no other program may have.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// A port that can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address} ({flag}): {reason}", reason = reason(source, address))]
pub struct PortError {
    /// The flag that names the port.
    flag: String,
    /// Where to listen.
    address: SocketAddr,
    /// What the system said.
    source: io::Error,
}

fn reason(error: &io::Error, address: &SocketAddr) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is in use: end the program that has it, or name another port")
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {port} is for privileged programs: name one from 1024 on")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{} is no address of this machine", address.ip())
        }
        _ => error.to_string(),
    }
}

/// Listens for TCP; `flag` names the port to the user, as `--rest-port`.
///
/// # Errors
/// When it can't be done: another program listens there.
pub fn listen(flag: &str, address: SocketAddr) -> Result<TcpListener, PortError> {
    TcpListener::bind(address).map_err(|source| PortError {
        flag: flag.to_owned(),
        address,
        source,
    })
}

/// Refuses addresses of which another program, or another one of them, has the port. libp2p would share
/// it silently, and each of the two get some of the connections.
///
/// # Errors
/// Of the first one that can't be listened on.
pub(crate) fn check(addresses: &[Multiaddr]) -> Result<(), PortError> {
    let all: Result<Vec<TcpListener>, PortError> = addresses
        .iter()
        .filter_map(of_multiaddr)
        .map(|(flag, address)| listen(flag, address))
        .collect();
    all.map(drop)
}

/// The flag and the socket's address of a multiaddress; none if the port is any free one.
fn of_multiaddr(address: &Multiaddr) -> Option<(&'static str, SocketAddr)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::from(ip),
        Protocol::Ip6(ip) => IpAddr::from(ip),
        _ => return None,
    };
    let port = match parts.next()? {
        Protocol::Tcp(port) if port != 0 => port,
        _ => return None,
    };
    let flag = match parts.next() {
        Some(Protocol::Ws(_) | Protocol::Wss(_)) => "--websocket-port",
        _ => "--tcp-port",
    };
    Some((flag, (ip, port).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16, rest: &str) -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}{rest}").parse().unwrap()
    }

    #[test]
    fn a_port_that_another_program_has_is_named_with_its_flag() {
        let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = other.local_addr().unwrap();
        let error = listen("--rest-port", taken).unwrap_err().to_string();
        let port = format!("port {} is in use", taken.port());
        assert!(
            error.contains("--rest-port") && error.contains(&port),
            "{error}"
        );
        let error = check(&[address(0, ""), address(taken.port(), "/ws")]);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("--websocket-port") && error.contains(&port),
            "{error}"
        );
        drop(other);
        check(&[address(taken.port(), "")]).unwrap();
    }

    #[test]
    fn two_addresses_of_one_node_cannot_have_one_port() {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let error = check(&[address(port, ""), address(port, "/ws")]);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("in use") && error.contains(&port.to_string()),
            "{error}"
        );
        check(&[address(0, ""), address(0, "/ws")]).unwrap();
    }
}
