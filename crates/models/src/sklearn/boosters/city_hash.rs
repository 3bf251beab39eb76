//! CityHash64, with which CatBoost numbers categories.
//!
//! Source: Pike and Alakuijala, CityHash 1.0 (Google 2011, MIT), the version CatBoost keeps (`util/digest/city.cpp`).

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;

fn eight(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

fn four(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u64::from(u32::from_le_bytes(word))
}

fn mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

fn pair(low: u64, high: u64) -> u64 {
    const MULTIPLIER: u64 = 0x9ddf_ea08_eb38_2d69;
    let first = (low ^ high).wrapping_mul(MULTIPLIER);
    let first = first ^ (first >> 47);
    let second = (high ^ first).wrapping_mul(MULTIPLIER);
    (second ^ (second >> 47)).wrapping_mul(MULTIPLIER)
}

fn up_to_16(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    match length {
        9.. => {
            let (a, b) = (eight(bytes, 0), eight(bytes, length - 8));
            pair(a, b.wrapping_add(length as u64).rotate_right(length as u32)) ^ b
        }
        4..=8 => pair((length as u64).wrapping_add(four(bytes, 0) << 3), four(bytes, length - 4)),
        1..=3 => {
            let (a, b, c) = (bytes[0], bytes[length >> 1], bytes[length - 1]);
            let y = u32::from(a).wrapping_add(u32::from(b) << 8);
            let z = (length as u32).wrapping_add(u32::from(c) << 2);
            mix(u64::from(y).wrapping_mul(K2) ^ u64::from(z).wrapping_mul(K3)).wrapping_mul(K2)
        }
        0 => K2,
    }
}

fn up_to_32(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let a = eight(bytes, 0).wrapping_mul(K1);
    let b = eight(bytes, 8);
    let c = eight(bytes, length - 8).wrapping_mul(K2);
    let d = eight(bytes, length - 16).wrapping_mul(K0);
    pair(
        a.wrapping_sub(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d),
        a.wrapping_add((b ^ K3).rotate_right(20)).wrapping_sub(c).wrapping_add(length as u64),
    )
}

fn up_to_64(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let half = |start: usize, mut a: u64, mut z: u64, first: usize| {
        let mut b = a.wrapping_add(z).rotate_right(52);
        let mut c = a.rotate_right(37);
        a = a.wrapping_add(eight(bytes, start + first));
        c = c.wrapping_add(a.rotate_right(7));
        a = a.wrapping_add(eight(bytes, start + first + 8));
        let f = a.wrapping_add(z);
        let s = b.wrapping_add(a.rotate_right(31)).wrapping_add(c);
        b = f;
        z = s;
        (b, z)
    };
    let z = eight(bytes, 24);
    let a = eight(bytes, 0).wrapping_add((length as u64).wrapping_add(eight(bytes, length - 16)).wrapping_mul(K0));
    let (vf, vs) = half(0, a, z, 8);
    let a = eight(bytes, 16).wrapping_add(eight(bytes, length - 32));
    let (wf, ws) = half(length - 32, a, eight(bytes, length - 8), 8);
    let r = mix(vf.wrapping_add(ws).wrapping_mul(K2).wrapping_add(wf.wrapping_add(vs).wrapping_mul(K0)));
    mix(r.wrapping_mul(K0).wrapping_add(vs)).wrapping_mul(K2)
}

/// Two hashes of 32 bytes.
fn weak(bytes: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let (w, x, y, z) = (eight(bytes, at), eight(bytes, at + 8), eight(bytes, at + 16), eight(bytes, at + 24));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    let b = b.wrapping_add(a.rotate_right(44));
    (a.wrapping_add(z), b.wrapping_add(c))
}

pub(super) fn hash(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    match length {
        0..=16 => return up_to_16(bytes),
        17..=32 => return up_to_32(bytes),
        33..=64 => return up_to_64(bytes),
        _ => {}
    }
    let mut x = eight(bytes, 0);
    let mut y = eight(bytes, length - 16) ^ K1;
    let mut z = eight(bytes, length - 56) ^ K0;
    let mut v = weak(bytes, length - 64, length as u64, y);
    let mut w = weak(bytes, length - 32, (length as u64).wrapping_mul(K1), K0);
    z = z.wrapping_add(mix(v.1).wrapping_mul(K1));
    x = z.wrapping_add(x).rotate_right(39).wrapping_mul(K1);
    y = y.rotate_right(33).wrapping_mul(K1);
    for at in (0..(length - 1) & !63).step_by(64) {
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(eight(bytes, at + 16)).rotate_right(37).wrapping_mul(K1);
        y = y.wrapping_add(v.1).wrapping_add(eight(bytes, at + 48)).rotate_right(42).wrapping_mul(K1);
        x ^= w.1;
        y ^= v.0;
        z = (z ^ w.0).rotate_right(33);
        v = weak(bytes, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(bytes, at + 32, z.wrapping_add(w.1), y);
        std::mem::swap(&mut z, &mut x);
    }
    pair(pair(v.0, w.0).wrapping_add(mix(y).wrapping_mul(K1)).wrapping_add(z), pair(v.1, w.1).wrapping_add(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_every_length_are_those_of_catboost() {
        // The low halves, as a model with one-hot categories stores them.
        let cases = [
            ("", 797_982_799),
            ("A", 1_343_633_897),
            ("abc", 978_243_121),
            ("abcd", 345_588_365),
            ("0123456789", 2_060_700_213),
            ("01234567890123456789", -1_555_837_523),
            ("Self-emp-not-inc-and-a-much-longer-one-beyond-32", 575_337_381),
        ];
        for (text, low) in cases {
            assert_eq!(hash(text.as_bytes()) as u32 as i32, low, "{text}");
        }
        assert_eq!(hash("x".repeat(70).as_bytes()) as u32 as i32, -142_278_071);
        assert_eq!(hash("x".repeat(140).as_bytes()) as u32 as i32, 653_535_954);
    }
}
