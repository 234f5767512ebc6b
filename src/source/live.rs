//! A cluster through its API.
