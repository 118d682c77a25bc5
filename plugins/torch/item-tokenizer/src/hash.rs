//! A hash of ids.

/// The hash FNV-1a of an id, the same on every machine.
pub fn fnv1a(id: &str) -> u64 {
    id.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
