use super::*;

#[test]
fn values_of_telling_keys_go_in_every_language() {
    for (line, expected) in [
        ("    HTTP_Passwd   hunter2", "    HTTP_Passwd   REDACTED"),
        ("    HTTP_Passwd   ${ES_PASSWORD}", "    HTTP_Passwd   ${ES_PASSWORD}"),
        ("    password: ${ES_PASSWORD}", "    password: ${ES_PASSWORD}"),
        ("    password: ${ES_PASSWORD:-hunter2}", "    password: REDACTED"),
        ("  password \"#{ENV['X']}\"", "  password \"#{ENV['X']}\""),
        ("      default_token: \"hunter2\"", "      default_token: \"REDACTED\""),
        ("api_key = \"hunter2\"", "api_key = \"REDACTED\""),
        ("    password => \"hunter2\"", "    password => \"REDACTED\""),
        ("  \"apiKey\": \"hunter2\",", "  \"apiKey\": \"REDACTED\","),
        ("    Header X-Key hunter2", "    Header X-Key REDACTED"),
        ("    splunk_token hunter2", "    splunk_token REDACTED"),
        ("    tls.key_file /certs/key.pem", "    tls.key_file /certs/key.pem"),
        ("# password hunter2", "#"),
        ("    Match kube.*", "    Match kube.*"),
        ("    K8S-Logging.Exclude On", "    K8S-Logging.Exclude On"),
        ("    key: splunk.com/exclude", "    key: splunk.com/exclude"),
        ("    key: hunter2.com/Zm9v1YmFy", "    key: REDACTED"),
        ("    api_key: splunk.com/exclude", "    api_key: REDACTED"),
        ("    Kube_Token_File /var/run/secrets/token", "    Kube_Token_File /var/run/secrets/token"),
        ("    url: https://u:hunter2@host/x", "    url: https://XXXXXXXXX@host/x"),
    ] {
        assert_eq!(blank_config(line), expected);
        assert_eq!(blank_config(expected), expected, "twice");
    }
    let text = "a: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2\n  -----END PRIVATE KEY-----\nb: 1\n";
    let blanked = blank_config(text);
    assert!(!blanked.contains("hunter2"));
    assert_eq!(blanked.lines().count(), 5);
}

/// Every style in which configurations write credentials. `hunter2` may stay nowhere.
const STYLES: &str = r##"[OUTPUT]
    HTTP_Passwd hunter2
    Header X-Anything hunter2
    Cloud_Auth elastic:hunter2
    rdkafka.sasl.password hunter2
    URI /v1/logs?api_key=hunter2&x=1
<match **>
  password "hunter2"
  headers {"X-Anything":"hunter2"}
  <auth>
    password hunter2
  </auth>
  shared_key "#{ENV['KEY'] || 'hunter2'}"
</match>
exporters:
  otlp:
    headers:
      X-Anything: hunter2
      x-scope-orgid: tenant
    endpoint: x # the password is hunter2
  datadog: {api: {key: hunter2, site: x}}
  basic:
    htpasswd:
      inline: |
        user:hunter2
    token: |
      hunter2
    api_keys:
    - hunter2
    password:
      value: hunter2
  env:
  - name: API_KEY
    value: hunter2
[sinks.x]
auth = { strategy = "basic", user = "u", password = "hunter2" }
api_key = "hunter2"
token = '''
hunter2
'''
[sinks.x.request.headers]
X-Anything = "hunter2"
[sinks.y]
loki.write "x" {
  headers = {
    "X-Anything" = "hunter2",
  }
  headers = { "X-Anything" = "hunter2" }
  bearer_token = sys.env("X") + "hunter2"
}
output { elasticsearch { password => "hunter2" headers => { "X-Anything" => "hunter2" } } }
    headers => ["Authorization", "hunter2"]
destination d { http(user("u") password("hunter2") headers("X-Token: hunter2")); };
action(type="omelasticsearch" uid="u" pwd="hunter2")
{"outputs":[{"apiKey":"hunter2","nested":"{\"password\":\"hunter2\"}"}]}
"##;

#[test]
fn no_style_lets_a_credential_through() {
    let blanked = blank_config(STYLES);
    let left: Vec<&str> = blanked.lines().filter(|line| line.contains("hunter2")).collect();
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(blanked.lines().count(), STYLES.lines().count());
    assert_eq!(blank_config(&blanked), blanked, "twice");
    for kept in ["x-scope-orgid: tenant", "site: x", "strategy = \"basic\"", "user(\"u\")", "uid=\"u\""] {
        assert!(blanked.contains(kept), "{kept}: {blanked}");
    }
}

#[test]
fn names_of_fields_and_settings_stay() {
    for line in [
        "    Merge_Log_Key log_processed",
        "    key kubernetes.namespace_name",
        "  key $.kubernetes.namespace_name",
        "    - key: k8s.namespace.name",
        "    - key: \"kubernetes.labels.app\"",
        "    Kube_Tag_Prefix kube.var.log.containers.",
        "      insecure_skip_verify: true",
        "    headers: {}",
        "    secretName: ${X}",
    ] {
        assert_eq!(blank_config(line), line);
    }
    for line in ["api_key log", "    secret_key kubernetes", "key: 0123456789abcdef"] {
        assert!(blank_config(line).ends_with("REDACTED"), "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn lines_stay_whatever_the_text(text in "[ \\-a-z:=\"'`{}\\[\\]|>#\n]{0,200}") {
        let blanked = blank_config(&text);
        proptest::prop_assert_eq!(blanked.lines().count(), text.lines().count());
    }
}
