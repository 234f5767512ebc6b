//! AKS: what its answers lead to.
