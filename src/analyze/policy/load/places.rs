//! Where the fields of a policy stand.

use std::collections::BTreeMap;

use super::tree::At;

/// Where the fields of a policy stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The policy itself.
    pub policy: ValuePlace,
}

/// Where a value stands: the policy, a rule, an item of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuePlace {
    /// Where it begins. What an alias brings in stands where it was written.
    pub at: At,
    /// Its fields, if it is a mapping.
    pub fields: BTreeMap<&'static str, FieldPlace>,
}

/// Where a field stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldPlace {
    /// Its key.
    pub key: At,
    /// Its value.
    pub value: At,
    /// The items of the value, if it is a list.
    pub items: Vec<ValuePlace>,
}

impl Places {
    /// Where the rules begin, in order.
    pub fn rules(&self) -> &[ValuePlace] {
        self.policy.items("rules")
    }

    /// The place of a field or of an item, such as `rules[2].resources[0].group`: a field stands where its key is, an
    /// item where it begins.
    pub fn get(&self, path: &str) -> Option<At> {
        self.find(path, |field| field.key)
    }

    /// As [`Self::get`], but a field stands where its value begins.
    pub fn value(&self, path: &str) -> Option<At> {
        self.find(path, |field| field.value)
    }

    /// The place of the nearest thing around a path that the text has, at worst that of the policy.
    pub fn nearest(&self, path: &str) -> At {
        let mut path = path;
        loop {
            if let Some(at) = self.value(path) {
                return at;
            }
            path = match path.rfind(['.', '[']) {
                Some(cut) => path.get(..cut).unwrap_or_default(),
                None => return self.policy.at,
            };
        }
    }

    fn find(&self, path: &str, of_field: impl Fn(&FieldPlace) -> At) -> Option<At> {
        let mut value = &self.policy;
        let mut place = value.at;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
                Some((name, index)) => (name, Some(index.parse::<usize>().ok()?)),
                None => (step, None),
            };
            let field = value.fields.get(name)?;
            if let Some(index) = index {
                value = field.items.get(index)?;
                place = value.at;
            } else {
                place = of_field(field);
            }
        }
        Some(place)
    }
}

impl ValuePlace {
    /// The items of a field.
    pub fn items(&self, field: &str) -> &[ValuePlace] {
        self.fields.get(field).map_or(&[], |field| &field.items)
    }
}
