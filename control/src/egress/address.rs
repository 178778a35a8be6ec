//! Which addresses are somebody's on the public network, and which lead into a private one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// IPv4 blocks that the public network does not route to one host of somebody's (IANA's special-purpose registry). The
/// metadata services of the clouds lie in `169.254.0.0/16` and `100.64.0.0/10`.
const SPECIAL_V4: [([u8; 4], u8); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IPv6 blocks within `2000::/3` that are not somebody's, or carry an IPv4 address that we would not see: protocol
/// assignments with Teredo, documentation, 6to4.
const SPECIAL_V6: [([u16; 8], u8); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Whether `address` is one on the public network: not loopback, private, link-local, shared, reserved or multicast.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !SPECIAL_V4.iter().any(|&(block, prefix)| Network::v4(block.into(), prefix).contains_v4(address))
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public(mapped.into()),
            // Only this eighth is given out; loopback, local, mapped and translated addresses lie outside.
            None => {
                address.segments()[0] & 0xe000 == 0x2000
                    && !SPECIAL_V6.iter().any(|&(block, prefix)| Network::v6(block.into(), prefix).contains_v6(address))
            }
        },
    }
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many bits.
    prefix: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a network, such as 10.1.0.0/16 or fd00::/8", self.0)
    }
}

impl std::error::Error for InvalidNetwork {}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// Reads `ADDRESS/BITS`, or an address for it alone.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| invalid()))?;
        if prefix > longest { Err(invalid()) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    const fn v4(address: Ipv4Addr, prefix: u8) -> Self {
        Self { address: IpAddr::V4(address), prefix }
    }

    const fn v6(address: Ipv6Addr, prefix: u8) -> Self {
        Self { address: IpAddr::V6(address), prefix }
    }

    /// Whether `address` is one of the network's. An IPv4 address is so in its IPv6 form too.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.contains_v4(address),
            IpAddr::V6(address) => self.contains_v6(address),
        }
    }

    fn contains_v4(&self, other: Ipv4Addr) -> bool {
        let IpAddr::V4(own) = self.address else { return false };
        let rest = 32_u32.saturating_sub(self.prefix.into());
        (own.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
    }

    fn contains_v6(&self, other: Ipv6Addr) -> bool {
        let IpAddr::V6(own) = self.address else { return false };
        let rest = 128_u32.saturating_sub(self.prefix.into());
        (own.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
    }
}
