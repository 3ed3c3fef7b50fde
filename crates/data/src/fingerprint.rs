use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// One fingerprint for several parts: the SHA-256 of their SHA-256s, in order.
pub(crate) fn of_parts(hashes: &[String]) -> String {
    sha256(hashes.concat().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
