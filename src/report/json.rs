//! The report as JSON. Its schema is `docs/report.schema.json`.

use schemars::generate::SchemaSettings;

use super::Report;

/// The report, indented, with a newline at its end.
///
/// # Errors
/// It does not serialise; nothing in a report can cause that.
pub fn render(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// The JSON Schema of the report as it is written: fields that are left out are not required.
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("title".into(), "Report of kubectl logaudit".into());
    schema.to_value()
}
