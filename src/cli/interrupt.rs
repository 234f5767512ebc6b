//! Ctrl-C while a cluster is being read: exit code 130, with nothing half-written.

/// Ends the program with 130 when it is interrupted.
pub(crate) fn watch() {
    let watcher = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            #[expect(clippy::exit, reason = "the reading thread may be blocked in a credential plugin")]
            std::process::exit(130);
        }
    };
    // Without the thread the default action of the signal ends the program, which shells report as 130 too.
    let _ = std::thread::Builder::new().name("interrupt".into()).spawn(watcher);
}
