//! Passwords as MySQL's native authentication keeps and checks them.
//!
//! The hash is SHA-1 twice; it guards a stand-in on a laptop and nothing else.

/// SHA-1 of some bytes.
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    for block in message.chunks_exact(64) {
        absorb(&mut state, block);
    }
    let mut digest = [0; 20];
    for (place, word) in digest.chunks_exact_mut(4).zip(state) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn absorb(state: &mut [u32; 5], block: &[u8]) {
    let mut words = [0_u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    for at in 16..80 {
        words[at] =
            (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (round, word) in words.iter().enumerate() {
        let (mix, constant) = match round {
            0..20 => ((b & c) | (!b & d), 0x5A82_7999),
            20..40 => (b ^ c ^ d, 0x6ED9_EBA1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC_u32),
            _ => (b ^ c ^ d, 0xCA62_C1D6),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(mix)
            .wrapping_add(e)
            .wrapping_add(constant)
            .wrapping_add(*word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(word);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// `*` and the forty digits under which a password is kept; empty for an empty password.
pub(super) fn hash(password: &str) -> String {
    if password.is_empty() {
        return String::new();
    }
    format!("*{}", hex(&sha1(&sha1(password.as_bytes()))))
}

/// Whether this answer to a salt was made with the password of this hash.
pub(super) fn answer_fits(hash: &str, salt: &[u8], answer: &[u8]) -> bool {
    let Some(digits) = hash.strip_prefix('*') else { return answer.is_empty() };
    let kept: Vec<u8> = (0..digits.len() / 2)
        .filter_map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect();
    if answer.len() != 20 || kept.len() != 20 {
        return false;
    }
    let mut salted = salt.to_vec();
    salted.extend_from_slice(&kept);
    let once: Vec<u8> =
        sha1(&salted).iter().zip(answer).map(|(left, right)| left ^ right).collect();
    sha1(&once)[..] == kept[..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(hex(&sha1(b"abc")), "A9993E364706816ABA3E25717850C26C9CD0D89D");
        assert_eq!(hex(&sha1(b"")), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
        assert_eq!(hex(&sha1(&[b'a'; 1000])), "291E9A6C66994949B57BA5E650361E98FC36B1BA");
        assert_eq!(hash("password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    }

    #[test]
    fn an_answer_needs_the_password() {
        let salt = b"01234567890123456789";
        let answer = |password: &str| -> Vec<u8> {
            let once = sha1(password.as_bytes());
            let mut salted = salt.to_vec();
            salted.extend_from_slice(&sha1(&once));
            sha1(&salted).iter().zip(once).map(|(left, right)| left ^ right).collect()
        };
        assert!(answer_fits(&hash("secret"), salt, &answer("secret")));
        assert!(!answer_fits(&hash("secret"), salt, &answer("other")));
        assert!(!answer_fits(&hash("secret"), salt, b""));
        assert!(answer_fits("", salt, b"") && !answer_fits("", salt, &answer("")));
    }
}
