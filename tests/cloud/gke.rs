//! GKE: what its answers lead to.
