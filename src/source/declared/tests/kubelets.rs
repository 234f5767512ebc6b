use super::*;
use crate::snapshot::KubeletConfig;
use crate::source::kubelet;

fn configs(text: &str) -> Vec<KubeletConfig> {
    read("k.yaml", text).kubelet_configs.value().cloned().unwrap_or_default()
}

#[test]
fn configurations_in_every_form_are_read() {
    let whole = &configs(
        "kind: KubeletConfiguration\ncontainerLogMaxSize: 10Mi\ncontainerLogMaxFiles: 5\neventRecordQPS: 0\neventBurst: \
         9\nenableDebuggingHandlers: no\n",
    )[0];
    let value = |located: &Option<crate::snapshot::Located<String>>| located.as_ref().unwrap().value.clone();
    assert_eq!(value(&whole.container_log_max_size), "10Mi");
    assert_eq!(value(&whole.container_log_max_files), "5");
    assert_eq!(value(&whole.event_record_qps), "0");
    assert_eq!(value(&whole.event_burst), "9");
    assert_eq!(value(&whole.enable_debugging_handlers), "false");
    assert_eq!(whole.event_burst.as_ref().unwrap().at, "k.yaml:5:1");
    // One without settings is read too: the defaults hold.
    assert_eq!(configs("kind: KubeletConfiguration\n").len(), 1);

    for text in [
        "kind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: {enable-debugging-handlers: 'false'}}\n",
        "kind: JoinConfiguration\nnodeRegistration: {kubeletExtraArgs: [{name: enable-debugging-handlers, value: \
         'false'}]}\n",
        "apiVersion: machineconfiguration.openshift.io/v1\nkind: KubeletConfig\nspec: {kubeletConfig: \
         {enableDebuggingHandlers: false}}\n",
        "tls-san: x\nkubelet-arg: enable-debugging-handlers=false\n",
    ] {
        assert_eq!(value(&configs(text)[0].enable_debugging_handlers), "false", "{text}");
    }
    assert!(
        configs("kind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: {node-ip: x}}\n").is_empty()
    );
}

#[test]
fn the_config_map_is_named_in_its_evidence() {
    let place = Place::of("ConfigMap kube-system/kubelet-config");
    let object = json!({"data": {"kubelet": "kind: KubeletConfiguration\ncontainerLogMaxFiles: 3\n"}});
    let config = kubelet::from_config_map(&object, &place).unwrap().unwrap();
    assert_eq!(config.name, "kubelet-config");
    assert_eq!(
        config.container_log_max_files.unwrap().at,
        "ConfigMap kube-system/kubelet-config data.kubelet:2:1"
    );
    assert_eq!(kubelet::from_config_map(&json!({}), &place), Ok(None));
    assert!(kubelet::from_config_map(&json!({"data": {"kubelet": "["}}), &place).is_err());
    let older = "kind: ConfigMap\nmetadata: {name: kubelet-config-1.23}\ndata: {kubelet: 'eventBurst: 1'}\n";
    assert_eq!(configs(older).len(), 1);
}
