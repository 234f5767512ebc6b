//! EKS: what its answers lead to.
