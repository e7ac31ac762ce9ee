//! The name of a model as OpenClaw reads it: `provider/model`, and behind it maybe a profile, which is one of the user's keys.

use crate::excerpt::trimmed;

/// `provider/model@profile` as two. A date or a quantization behind an `@` is part of the model's name.
pub fn split_profile(name: &str) -> (&str, Option<&str>) {
    let name = trimmed(name);
    let from = name.rfind('/').map_or(0, |slash| slash + 1);
    let at = |from: usize| name.get(from..).and_then(|rest| rest.find('@')).map(|at| at + from);
    let Some(mut sign) = at(from).filter(|&sign| sign > 0) else { return (name, None) };
    for is_version in [is_date, is_quantization] {
        let suffix = name.get(sign + 1..).unwrap_or_default();
        if is_version(suffix.split('@').next().unwrap_or_default()) {
            match at(sign + 1) {
                Some(next) => sign = next,
                None => return (name, None),
            }
        }
    }
    let [model, profile] = [name.get(..sign), name.get(sign + 1..)].map(|part| trimmed(part.unwrap_or_default()));
    if model.is_empty() || profile.is_empty() { (name, None) } else { (model, Some(profile)) }
}

fn is_date(suffix: &str) -> bool {
    suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_digit())
}

/// `q4_k_m`, `iq3_xxs`, `8bit`.
fn is_quantization(suffix: &str) -> bool {
    let suffix = suffix.to_ascii_lowercase();
    if let Some(bits) = suffix.strip_suffix("bit") {
        return !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(rest) = suffix.strip_prefix('i').unwrap_or(&suffix).strip_prefix('q') else { return false };
    let mut parts = rest.split('_');
    parts.next().is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
