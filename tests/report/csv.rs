//! Rows, as strict readers read them.

use logaudit::report::style::{visible, visible_lines};
use serde_json::Value;

use super::hostile;
use super::readers::Readers;

/// What a spreadsheet takes for a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

#[test]
fn nothing_is_lost_on_a_hostile_cluster_and_no_cell_is_a_formula() {
    let (report, text) = hostile::rendered("csv");
    let mut rows: Vec<Vec<String>> = ::csv::ReaderBuilder::new()
        .flexible(false)
        .from_reader(text.as_bytes())
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let headings: Vec<String> = text.lines().next().unwrap().split(',').map(str::to_owned).collect();
    let column = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    assert_eq!(rows.len(), report.findings().count());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let guarded = |text: &str| if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    for (row, finding) in rows.iter().zip(report.findings()) {
        assert!(!row.iter().any(|cell| cell.starts_with(FORMULA)), "{row:?}");
        for field in ["check", "status", "severity", "category"] {
            assert_eq!(row[column(field)], word(&finding[field]));
        }
        for field in ["subject", "reason", "fingerprint"] {
            // Line breaks stay line breaks: a cell may have them.
            assert_eq!(row[column(field)], guarded(&visible_lines(&word(&finding[field]))));
        }
        assert!(
            !row.iter().any(|cell| visible(&cell.replace('\n', "")) != cell.replace('\n', "")),
            "{row:?}"
        );
    }
    let Some(readers) = Readers::find() else { return };
    let Some(read) = readers.python("csv", &text) else { return };
    rows.insert(0, headings);
    assert!(serde_json::from_value::<Vec<Vec<String>>>(read).unwrap() == rows, "Python reads other rows");
}
