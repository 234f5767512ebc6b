//! Kubernetes versions, as far as defaults depend on them.

use std::fmt;

/// Major and minor version of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1.
    pub major: u32,
    /// 36 in `v1.36.2`.
    pub minor: u32,
}

impl Version {
    /// A version.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads `v1.36.2+k3s1`, `1.28`, `v1.27.4-eks-2d98532`; none for anything else, such as `latest`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('v').unwrap_or(text.trim());
        let mut numbers = text.split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor: String = numbers.next()?.chars().take_while(char::is_ascii_digit).collect();
        let minor = minor.parse().ok()?;
        // Kubernetes has been at major version 1 since 2015; a tag such as 3.9 is another program's.
        (major == 1).then_some(Self { major, minor })
    }

    /// The version in the tag of an image reference.
    pub fn of_image(image: &str) -> Option<Self> {
        let image = image.split('@').next().unwrap_or(image);
        let (_, tag) = image.rsplit_once('/').unwrap_or(("", image)).1.split_once(':')?;
        tag.starts_with(['v', '1']).then(|| Self::parse(tag)).flatten()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_are_read() {
        for (text, minor) in
            [("v1.36.2", 36), ("1.28", 28), ("v1.27.4-eks-2d98532", 27), ("v1.30.1+k3s1", 30), ("1.29+", 29)]
        {
            assert_eq!(Version::parse(text), Some(Version::new(1, minor)), "{text}");
        }
        for text in ["", "latest", "v2", "v1", "3.9.1", "v1.x"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version::of_image("h:5000/kube-apiserver:v1.19.3@sha256:0"), Some(Version::new(1, 19)));
        assert_eq!(Version::of_image("h:5000/kube-apiserver"), None);
    }
}
