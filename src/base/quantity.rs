//! Kubernetes quantities (`250m`, `1.5Gi`) as plain numbers.
//!
//! Owns the grammar of k8s.io/apimachinery `resource.Quantity`, as far as CPU, memory and counts need it.

/// Thousandths: `250m` -> 250, `2` -> 2000, `1500u` -> 2 (rounded up, as kubectl's `MilliValue`). `None` when malformed.
pub fn milli(text: &str) -> Option<i64> {
    value(text, 1000.0)
}

/// Whole units: `128Mi` -> `134_217_728`, `1e3` -> 1000. `None` when malformed.
pub fn whole(text: &str) -> Option<i64> {
    value(text, 1.0)
}

fn value(text: &str, times: f64) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
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
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        e if e.starts_with(['e', 'E']) => 10f64.powi(e[1..].parse().ok()?),
        _ => return None,
    };
    Some((number * factor * times - 1e-9).ceil() as i64)
}

/// Bytes in the shortest binary form with at most one decimal: `512Mi`, `1.5Gi`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    for (unit, size) in UNITS {
        if n >= size {
            let value = n as f64 / size as f64;
            return if value >= 10.0 || n.is_multiple_of(size) { format!("{}{unit}", value.floor()) } else { format!("{value:.1}{unit}") };
        }
    }
    n.to_string()
}

#[cfg(test)]
mod tests {
    use super::{bytes, milli, whole};

    #[test]
    fn quantities_read_as_kubernetes_reads_them() {
        assert_eq!(milli("250m"), Some(250));
        assert_eq!(milli("2"), Some(2000));
        assert_eq!(milli("0.1"), Some(100));
        assert_eq!(milli("1500u"), Some(2));
        assert_eq!(milli("12345678n"), Some(13));
        assert_eq!(whole("128Mi"), Some(134_217_728));
        assert_eq!(whole("1e3"), Some(1000));
        assert_eq!(whole("1G"), Some(1_000_000_000));
        assert_eq!(whole("much"), None);
        assert_eq!(milli(""), None);
    }

    #[test]
    fn bytes_are_short() {
        assert_eq!(bytes(512 << 20), "512Mi");
        assert_eq!(bytes(1536 << 20), "1.5Gi");
        assert_eq!(bytes(900), "900");
    }
}
