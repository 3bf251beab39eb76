//! Functions of one float32, rounded as the C library rounds them.

/// `expf` of the GNU C library (2.27 and later) and of ARM's optimized routines, whose result is not always the nearest
/// float32: 2^(k/32) from a table times a polynomial, in double precision.
pub(super) fn exp(value: f32) -> f32 {
    const STEPS: f64 = 32.0;
    const POLYNOMIAL: [f64; 3] = [
        f64::from_bits(0x3fac_6af8_4b91_2394) / STEPS / STEPS / STEPS,
        f64::from_bits(0x3fce_bfce_50fa_c4f3) / STEPS / STEPS,
        f64::from_bits(0x3fe6_2e42_ff0c_52d6) / STEPS,
    ];
    if value.is_nan() {
        return value;
    }
    if value > 88.722_84 {
        return f32::INFINITY;
    }
    if value < -103.972_08 {
        return 0.0;
    }
    let scaled = std::f64::consts::LOG2_E * STEPS * f64::from(value);
    let whole = scaled.round_ties_even();
    let rest = scaled - whole;
    let power = libm::exp2(whole / STEPS);
    let [c0, c1, c2] = POLYNOMIAL;
    let high = c0 * rest + c1;
    let low = c2 * rest + 1.0;
    ((high * (rest * rest) + low) * power) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_near_those_of_double_precision() {
        for step in -4000..4000 {
            let value = step as f32 / 50.0;
            let nearest = f64::exp(f64::from(value)) as f32;
            let off = (i64::from(exp(value).to_bits()) - i64::from(nearest.to_bits())).abs();
            assert!(off <= 1, "{value}: {off} units in the last place");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(200.0), f32::INFINITY);
        assert_eq!(exp(-200.0), 0.0);
    }
}
