//! Whole runs against the recorded cluster, through real kubeconfig files and TLS.

mod connection;
mod identities;
mod instances;
mod kubeconfig;
mod kubectl;
mod reading;
