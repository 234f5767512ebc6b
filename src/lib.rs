//! `kubectl logaudit` tells a Kubernetes operator what the API servers of the cluster in front of them record, keep and
//! lose, and what cannot be told.
//!
//! The flow is one way: a [`source`] reads a cluster, a saved snapshot or manifests into a [`snapshot`]; from there
//! on everything is a pure function of it. [`analyze`] turns the snapshot into typed facts, [`check`] judges the facts
//! with the expressions in `checks/`, [`score`] and [`framework`] weigh the verdicts, [`report`] prints them, and [`remedy`] writes what would
//! turn failures green.

pub mod analyze;
pub mod audit;
pub mod baseline;
pub mod check;
pub mod cli;
pub mod config;
pub mod document;
pub mod framework;
pub mod pattern;
pub mod remedy;
pub mod report;
pub mod score;
pub mod snapshot;
pub mod source;
pub mod suggest;
pub mod verdict;
pub mod waiver;
