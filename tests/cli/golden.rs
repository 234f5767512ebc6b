//! The reports on the example clusters as people see them. `INSTA_UPDATE=always` writes them anew.

use super::over;

macro_rules! golden {
    ($($test:ident: $name:literal;)*) => {
        $(#[test]
        fn $test() {
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path("../golden");
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| {
                for form in ["table", "wide"] {
                    let report = over($name).args(["-o", form]).run();
                    insta::assert_snapshot!(format!("{}.{form}", $name), report.report_text());
                }
            });
        })*
    };
}

golden! {
    the_report_on_ha_with_drift_stays: "ha-drift";
    the_report_on_a_default_kubeadm_cluster_stays: "kubeadm-default";
    the_report_on_a_hardened_kubeadm_cluster_stays: "kubeadm-hardened";
    the_report_on_a_cluster_that_looks_audited_stays: "looks-audited";
    the_report_on_a_cluster_that_ships_nothing_stays: "ships-nothing";
    the_report_on_a_managed_cluster_without_access_stays: "managed-no-access";
}
