//! Fused CPU operations for Burn tensors, given to Burn as a backend extension.
