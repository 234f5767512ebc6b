//! Values that a template has yet to fill in.

use crate::snapshot::{Note, Snapshot};

/// Notes values that a template has yet to fill in. After redaction, so that only flags in use are spoken of.
pub fn note_placeholders(snapshot: &mut Snapshot) {
    const TEXT: &str = "a placeholder stands for the value; give the file that the template makes";
    let is_template = |text: &str| text.contains("{{") || text.contains("{%");
    let mut at = Vec::new();
    let kubeadm_config = snapshot.kubeadm_config.value().and_then(Option::as_ref);
    for argument in snapshot.declared.iter().chain(kubeadm_config).flat_map(|declared| &declared.arguments) {
        if argument.value.as_deref().is_some_and(|value| is_template(value) || value.contains("${")) {
            at.push(argument.at.clone());
        }
    }
    for pod in snapshot.pods.value().into_iter().flatten() {
        for container in &pod.containers {
            for (field, elements) in [("command", &container.command), ("args", &container.args)] {
                for (index, _) in elements.iter().enumerate().filter(|(_, element)| is_template(element)) {
                    let path = format!("spec.containers[{}].{field}[{index}]", container.index);
                    let mark = pod.marks.iter().find(|(marked, _)| marked.ends_with(&path));
                    at.push(mark.map_or_else(|| format!("{} {path}", pod.at), |(_, mark)| mark.clone()));
                }
            }
        }
    }
    snapshot.notes.extend(at.into_iter().map(|at| Note { at, text: TEXT.into() }));
}
