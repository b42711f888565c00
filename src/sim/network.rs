//! Addresses of the simulated cluster.
//!
//! Owns which pod, service and node has which address. Must not know who asks.

/// What was given out so far.
#[derive(Debug, Default)]
pub(crate) struct Network {
    services: u32,
    node_ports: u32,
}

impl Network {
    /// The next ClusterIP of 10.96.0.0/12.
    pub(crate) fn service(&mut self) -> String {
        self.services += 1;
        let n = self.services.wrapping_mul(7_919) % 0xF_FFF0 + 2;
        format!("10.{}.{}.{}", 96 + (n >> 16), (n >> 8) & 0xff, n & 0xff)
    }

    /// The next node port of 30000-32767.
    pub(crate) fn node_port(&mut self) -> u32 {
        self.node_ports += 1;
        30_000 + self.node_ports.wrapping_mul(157) % 2_768
    }
}

/// The address of the `n`th pod on the `node`th node: 10.244.0.0/16 in slices of one /24 a node, wider where a node has more.
pub(crate) fn pod(node: usize, n: usize) -> String {
    let n = n % 65_000 + 2;
    format!("10.{}.{}.{}", 128 + (node + n / 65_000) % 100, n / 254, n % 254 + 1)
}

/// The address of the `n`th node.
pub(crate) fn node(n: usize) -> String {
    format!("192.168.{}.{}", 16 + n / 250, n % 250 + 10)
}
