//! A recorded cluster and the kubeconfig that leads to it.

use super::cluster::NOW;
use super::kubeconfig::{Context, Kubeconfig};
use super::report::Report;
use super::routes::{Identity, Routes};
use super::server::RecordedServer;
use super::tool::{Output, Tool};

/// A server with a kubeconfig. Its contexts are `admin`, the current one, `viewer`, `nobody` and `anonymous`, which log
/// in with tokens, and `certificate`, the admin with a client certificate.
pub struct Stage {
    pub server: RecordedServer,
    pub kubeconfig: Kubeconfig,
}

impl Stage {
    /// A server with these routes.
    pub fn with(routes: Routes) -> Self {
        Self::on(RecordedServer::start(routes))
    }

    /// A server that is there already.
    pub fn on(server: RecordedServer) -> Self {
        let at = |name: &str| Context::for_server(name, &server);
        let certificate = server.client_certificate(Identity::Admin);
        let contexts = [
            at("admin").token("admin"),
            at("viewer").token("viewer"),
            at("nobody").token("nobody"),
            at("anonymous"),
            at("certificate").client_certificate(&certificate),
        ];
        let kubeconfig = Kubeconfig::several(Some("admin"), &contexts);
        Self { server, kubeconfig }
    }

    /// The tool with this kubeconfig.
    pub fn tool(&self) -> Tool {
        pinned().kubeconfig(self.kubeconfig.path())
    }

    /// `run -o json` with further arguments, to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.tool().args(["run", "-o", "json"]).args(args).run()
    }

    /// The report of such a run.
    pub fn report(&self, args: &[&str]) -> Report {
        self.run(args).report()
    }
}

/// The tool with its clock pinned to the time at which the recorded cluster is read, and no kubeconfig.
pub fn pinned() -> Tool {
    Tool::new().env("SOURCE_DATE_EPOCH", NOW.to_string())
}
