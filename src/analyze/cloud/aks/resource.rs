//! Ids of Azure's resources: `/subscriptions/S/resourceGroups/G/providers/TYPE/NAME`. Their case means nothing.

/// What an id says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceId<'a> {
    /// The subscription.
    pub subscription: &'a str,
    /// The resource group.
    pub group: &'a str,
    /// The name of the resource, without those of parts of it.
    pub name: &'a str,
    /// Kind and name of what it is a part of itself: `tables`, `AKSAudit`.
    pub part: Option<(&'a str, &'a str)>,
}

impl<'a> ResourceId<'a> {
    /// Takes an id apart; none if it is not the id of a resource in a group. Some answers begin without a slash.
    pub fn parse(id: &'a str) -> Option<Self> {
        let mut parts = id.split('/').filter(|part| !part.is_empty());
        let mut after = |key: &str| {
            let found = parts.next().filter(|part| part.eq_ignore_ascii_case(key))?;
            let value = parts.next().filter(|value| is_name(value))?;
            Some((found, value))
        };
        let (_, subscription) = after("subscriptions")?;
        let (_, group) = after("resourceGroups")?;
        after("providers")?;
        parts.next()?;
        let name = parts.next().filter(|name| is_name(name))?;
        let part = parts.next().zip(parts.next());
        Some(Self { subscription, group, name, part })
    }
}

/// The subscription of any id; none if it begins with something else.
pub fn subscription(id: &str) -> Option<&str> {
    let mut parts = id.split('/').filter(|part| !part.is_empty());
    parts.next().filter(|part| part.eq_ignore_ascii_case("subscriptions"))?;
    parts.next().filter(|name| is_name(name))
}

/// The type of the resource with an id, in lower case: `microsoft.operationalinsights/workspaces/tables`.
pub fn kind(id: &str) -> Option<String> {
    let lower = id.to_ascii_lowercase();
    let (_, last) = lower.rsplit_once("/providers/")?;
    let mut parts = last.split('/').filter(|part| !part.is_empty());
    let provider = parts.next()?;
    let types: Vec<&str> = parts.step_by(2).collect();
    (!types.is_empty()).then(|| format!("{provider}/{}", types.join("/")))
}

/// What an extension resource, such as a diagnostic setting, belongs to: the part before its own `/providers/`.
pub fn extended(id: &str) -> Option<&str> {
    let end = id.to_ascii_lowercase().rfind("/providers/")?;
    id.get(..end).filter(|outer| !outer.is_empty())
}

/// Whether one id is that of a thing itself, or of a group or subscription that holds it.
pub fn holds(outer: &str, inner: &str) -> bool {
    let mut inner = inner.split('/').filter(|part| !part.is_empty());
    let mut outer = outer.split('/').filter(|part| !part.is_empty()).peekable();
    outer.peek().is_some()
        && outer.all(|part| inner.next().is_some_and(|other| other.eq_ignore_ascii_case(part)))
}

/// Whether it can be put after an option of a command: it is nothing that could be an option itself.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    !text.starts_with('-') && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "/subscriptions/a1/resourcegroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/law/tables/AKSAudit";

    #[test]
    fn ids_are_taken_apart() {
        let id = ResourceId::parse(TABLE).unwrap();
        assert_eq!((id.subscription, id.group, id.name), ("a1", "rg-logs", "law"));
        assert_eq!(id.part, Some(("tables", "AKSAudit")));
        assert_eq!(kind(TABLE).as_deref(), Some("microsoft.operationalinsights/workspaces/tables"));
        let setting = "/subscriptions/a1/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/demo/providers/microsoft.insights/diagnosticSettings/x";
        assert_eq!(kind(setting).as_deref(), Some("microsoft.insights/diagnosticsettings"));
        assert_eq!(subscription("subscriptions/a1/providers/microsoft.insights/x/y"), Some("a1"));
    }

    #[test]
    fn what_is_no_id_or_could_be_an_option_is_refused() {
        for id in [
            "",
            "/",
            "/subscriptions",
            "/subscriptions/a1",
            "/subscriptions/a1/providers/x/y/z",
            "/subscriptions/--debug/resourceGroups/g/providers/x/y/z",
            "/subscriptions/a1/resourceGroups/g/providers/x/y/-z",
            "/subscriptions/a1/resourceGroups/g/providers/x/y/z?a=b",
        ] {
            assert_eq!(ResourceId::parse(id), None, "{id}");
        }
        assert_eq!(kind("/providers/x"), None);
        assert_eq!(subscription("/tenants/a1"), None);
    }

    #[test]
    fn a_scope_holds_what_lies_in_it() {
        assert!(holds("/subscriptions/A1", TABLE));
        assert!(holds("/subscriptions/a1/resourceGroups/RG-LOGS", TABLE));
        assert!(holds(TABLE, TABLE));
        assert!(!holds("/subscriptions/a1/resourceGroups/rg", TABLE));
        assert!(!holds("", TABLE));
    }
}
