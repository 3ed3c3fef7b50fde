//! Hand-derived mathematics against autodiff, and gradcheck for any Burn module.
