//! Free ports and a free network for one bed, so that two beds on one machine do not meet.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

/// One port for each component.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) etcd_peer: u16,
    pub(crate) api: u16,
    pub(crate) controllers: u16,
    pub(crate) scheduler: u16,
    pub(crate) kubelet: u16,
    pub(crate) metrics: u16,
    pub(crate) kwok: u16,
}

impl Ports {
    /// Ports that nobody listens on now. All are held while they are chosen, so that no two are the same.
    pub(crate) fn free() -> Result<Self, String> {
        let mut held = Vec::new();
        let mut next = || -> Result<u16, String> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no free port: {error}"))?;
            let port = listener.local_addr().map_err(|error| error.to_string())?.port();
            held.push(listener);
            Ok(port)
        };
        Ok(Self {
            etcd: next()?,
            etcd_peer: next()?,
            api: next()?,
            controllers: next()?,
            scheduler: next()?,
            kubelet: next()?,
            metrics: next()?,
            kwok: next()?,
        })
    }
}

/// The first three numbers of a network `10.N.0.0/24` that this machine has no route to.
pub(crate) fn free_network() -> Result<[u8; 3], String> {
    let routes = fs::read_to_string("/proc/net/route").map_err(|error| format!("/proc/net/route: {error}"))?;
    let first_two = |line: &str| -> Option<[u8; 2]> {
        let number = u32::from_str_radix(line.split_whitespace().nth(1)?, 16).ok()?;
        let [first, second, ..] = number.to_le_bytes();
        Some([first, second])
    };
    let taken: Vec<[u8; 2]> = routes.lines().skip(1).filter_map(first_two).collect();
    // Start at a place that depends on the process, so that two beds that start together do not choose the same.
    let start = std::process::id() % 100;
    let candidates = (0..100).map(|step| 100 + u8::try_from((start + step) % 100).unwrap_or(0));
    let free = candidates.into_iter().find(|second| !taken.contains(&[10, *second]));
    free.map(|second| [10, second, 0]).ok_or_else(|| "no free network below 10.100.0.0".to_owned())
}
