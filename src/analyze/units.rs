//! Durations as Go writes them and quantities as Kubernetes writes them.

/// Seconds of a Go duration such as `1h30m`, `10s`, `1.5h`, `0` (`time.ParseDuration`); none if it is not one.
pub fn go_duration_seconds(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0.0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        seconds += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" | "μs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = tail;
    }
    seconds.is_finite().then_some(sign * seconds)
}

/// Whole value of a Kubernetes quantity such as `10Mi`, `1e3`, `500k` (`resource.Quantity`), rounded up; none if it is not one.
pub fn quantity(text: &str) -> Option<i64> {
    let digits =
        text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '+' && c != '-').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        exponent => {
            let exponent: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            10.0_f64.powi(exponent)
        }
    };
    whole((number * factor).ceil())
}

/// A float as a whole number, if it is finite and fits.
pub fn whole(value: f64) -> Option<i64> {
    // 2^53: beyond it a float no longer holds every whole number.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be finite and within the exact range")]
    (value.is_finite() && value.abs() <= LIMIT).then(|| value.trunc() as i64)
}

/// A count as facts have it.
pub fn whole_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("1h0m0s", Some(3600.0)),
            ("1.5h", Some(5400.0)),
            ("300ms", Some(0.3)),
            ("0", Some(0.0)),
            ("-1s", Some(-1.0)),
            ("30", None),
            ("1d", None),
            ("", None),
            ("h", None),
        ] {
            assert_eq!(go_duration_seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, expected) in [
            ("10Mi", Some(10 * 1024 * 1024)),
            ("1e3", Some(1000)),
            ("1.5Ki", Some(1536)),
            ("100M", Some(100_000_000)),
            ("1E", None),
            ("1G", Some(1_000_000_000)),
            ("10MB", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }
}
