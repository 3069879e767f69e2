use super::*;

fn decode(data: &[u8], max_bytes: usize) -> Result<&'static str, String> {
    let text = BASE64.encode(data);
    Screenshot::decode(&text, max_bytes)
        .map(|shot| shot.format.mime())
        .map_err(|refusal| refusal.message)
}

#[test]
fn kinds_are_told_by_their_signature() {
    assert_eq!(decode(b"\x89PNG\r\n\x1a\n....", 100), Ok("image/png"));
    assert_eq!(decode(b"\xff\xd8\xff\xe0....", 100), Ok("image/jpeg"));
    assert_eq!(decode(b"RIFF\x10\0\0\0WEBPVP8 ", 100), Ok("image/webp"));
    assert!(decode(b"GIF89a", 100).unwrap_err().contains("WebP, PNG or JPEG"));
    assert!(decode(b"", 100).is_err());
}

#[test]
fn the_limit_is_on_the_decoded_size_and_named() {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.resize(1000, 0);
    assert_eq!(decode(&png, 1000), Ok("image/png"));
    for max in [999, 10] {
        assert!(decode(&png, max).unwrap_err().contains(&max.to_string()));
    }
}

#[test]
fn what_is_not_base64_is_refused() {
    let refused = Screenshot::decode("not base64!", 100).err().unwrap();
    assert!(refused.message.contains("base64"));
}
